"""Events of one socket put together."""

from dataclasses import replace

from correlator.kernel.endings import Ending, Endings, Listening
from correlator.kernel.trace_pages import DESTROY, STATE, Event

CLOSE, ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT1, CLOSE_WAIT, LAST_ACK, LISTEN = 7, 1, 2, 3, 4, 8, 9, 10
HERE, THERE, NONE = b"\x0a\0\0\1", b"\x0a\0\0\2", bytes(4)
MAPPED_HERE, MAPPED_THERE = (bytes(10) + b"\xff\xff" + address for address in (HERE, THERE))


def state(at: int, old: int, new: int, *, thread: int = 0, port: int = 4000, socket: int = 1) -> Event:
    """A change of state."""
    return Event(at, STATE, socket, thread, old, new, 2, HERE, port, THERE, 80, 0)


def destroyed(at: int, *, thread: int = 0, cleared: bool = False, port: int = 4000, socket: int = 1) -> Event:
    """A socket's end; tcp_disconnect clears the remote port and an address that was not bound."""
    local, remote_port = (NONE, 0) if cleared else (HERE, 80)
    return Event(at, DESTROY, socket, thread, 0, 0, 2, local, port, THERE, remote_port, 99)


def ending(at: int, thread: int, *, born: int = 0, was: int = 0) -> Ending:
    """What comes of it."""
    return Ending(at, 99, 2, HERE, 4000, THERE, 80, thread, born, was)


def test_who_connects_owns_a_client() -> None:
    """connect() comes before the port is chosen; whoever closes it, in whatever context it ends."""
    events = [
        state(1, CLOSE, SYN_SENT, thread=5, port=0),
        state(2, SYN_SENT, ESTABLISHED),
        state(3, ESTABLISHED, FIN_WAIT1, thread=6),
        destroyed(4),
    ]
    assert Endings().fold(events) == ([ending(4, 5, born=1)], [])


def test_what_the_other_end_resets_has_ended_though_its_process_holds_it() -> None:
    """Its end is told at once, without a cookie, and again when it is closed, which may be much later."""
    endings = Endings()
    events = [state(1, CLOSE, SYN_SENT, thread=5, port=0), state(2, ESTABLISHED, CLOSE)]
    assert endings.fold(events) == ([replace(ending(2, 5, born=1), cookie=0)], [])
    assert endings.fold([destroyed(9, thread=5)]) == ([ending(9, 5, born=1)], [])
    assert Endings().fold([*events, destroyed(9, thread=5)])[0] == [
        ending(9, 5, born=1)
    ]  # both at once: once is enough
    unknown = [state(2, ESTABLISHED, CLOSE), destroyed(9, thread=5)]  # since when it was there no end tells
    assert [found.at for found in Endings().fold(unknown)[0]] == [2, 9]


def test_a_refused_and_an_aborted_client() -> None:
    """Its remote end is cleared by the time of its end: what was there before is told."""
    refused = [state(1, CLOSE, SYN_SENT, thread=5, port=0), state(2, SYN_SENT, CLOSE), destroyed(3, cleared=True)]
    assert Endings().fold(refused)[0] == [ending(3, 5, born=1)]
    aborted = [state(1, ESTABLISHED, CLOSE, thread=5), destroyed(2, thread=5, cleared=True)]
    assert Endings().fold(aborted)[0] == [ending(2, 5)]


def test_who_closes_owns_a_server() -> None:
    """Its birth is the handshake's end."""
    events = [state(1, SYN_RECV, ESTABLISHED), state(2, CLOSE_WAIT, LAST_ACK, thread=7), destroyed(3)]
    assert Endings().fold(events)[0] == [ending(3, 7, born=1)]
    reset = [state(1, SYN_RECV, ESTABLISHED), destroyed(3, thread=8)]
    assert Endings().fold(reset)[0] == [ending(3, 8, born=1)]


def test_clients_whose_syns_crossed() -> None:
    """Each goes from SYN-SENT through SYN-RECEIVED: who connected it still holds it, since then."""
    events = [
        state(1, CLOSE, SYN_SENT, thread=5),
        state(2, SYN_SENT, SYN_RECV),
        state(3, SYN_RECV, ESTABLISHED),
        destroyed(4),
    ]
    assert Endings().fold(events)[0] == [ending(4, 5, born=1)]


def test_a_socket_that_was_open_before_the_events_began() -> None:
    """Its closer is known, or nobody."""
    assert Endings().fold([state(1, ESTABLISHED, FIN_WAIT1, thread=4), destroyed(2)])[0] == [ending(2, 4)]
    assert Endings().fold([destroyed(2)])[0] == [ending(2, 0)]
    assert Endings().fold([state(1, SYN_SENT, ESTABLISHED, thread=4), destroyed(2)])[0] == [ending(2, 0)]


def test_an_address_that_is_used_again() -> None:
    """The kernel's memory of one socket is another's later: the ports tell."""
    endings = Endings()
    endings.fold([state(1, CLOSE, SYN_SENT, thread=5, port=0), state(2, SYN_SENT, ESTABLISHED)])
    later = [state(3, CLOSE_WAIT, LAST_ACK, thread=6, port=4001), destroyed(4, port=4001)]
    assert [found.thread for found in endings.fold(later)[0]] == [6]


def test_a_family_that_changed() -> None:
    """IPV6_ADDRFORM: what it was is told."""
    before = Event(1, STATE, 1, 5, SYN_SENT, ESTABLISHED, 10, MAPPED_HERE, 4000, MAPPED_THERE, 80, 0)
    assert Endings().fold([before, destroyed(2)])[0] == [ending(2, 0, was=10)]


def test_listeners() -> None:
    """Their beginning is told, their end is no connection's."""
    begun = Event(1, STATE, 1, 5, CLOSE, LISTEN, 2, HERE, 80, NONE, 0, 0)
    ended = Event(2, DESTROY, 1, 5, 0, 0, 2, HERE, 80, NONE, 0, 99)
    assert Endings().fold([begun, ended]) == ([], [Listening(1, 2, HERE, 80, 5)])


def test_open_sockets_are_bounded() -> None:
    """The oldest is forgotten."""
    endings = Endings(most=2)
    endings.fold([state(n, CLOSE, SYN_SENT, thread=n, socket=n) for n in (1, 2, 3)])
    found, _ = endings.fold([destroyed(9, socket=n) for n in (1, 2, 3)])
    assert [one.thread for one in found] == [0, 2, 3]
