"""Events of one socket put together: who opened or closed it, and what it was when it ended.

`connect()` and `close()` run in their caller's context, so that the kernel names the thread; what a packet causes runs
in an interrupt, in whoever's time. The kernel's address of the socket ties the events to one another while it lives,
the cookie of its end to its destroy event (tcp_destroy_sock comes first: net/ipv4/tcp_ipv4.c, then sk_destruct).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from correlator.core.bounded import drop_oldest
from correlator.core.model import TcpState
from correlator.kernel.trace_pages import DESTROY, Event

_FAMILIES = frozenset({2, 10})  # AF_INET, AF_INET6
_SYN_SENT, _SYN_RECV, _LISTEN = int(TcpState.SYN_SENT), int(TcpState.SYN_RECV), int(TcpState.LISTEN)
_CLOSE = int(TcpState.CLOSE)
_MAX_OPEN = 131_072


@dataclass(frozen=True)
class Ending:
    """A socket's end."""

    at: int
    cookie: int  # 0: not known
    family: int
    local: bytes
    local_port: int
    remote: bytes
    remote_port: int
    thread: int  # 0: nobody's system call was seen
    born: int  # when connect() or its handshake made it; 0 for before the events began
    was: int  # its family before IPV6_ADDRFORM changed it, else 0


@dataclass(frozen=True)
class Listening:
    """A socket that began to listen."""

    at: int
    family: int
    address: bytes
    port: int
    thread: int


@dataclass
class _Use:
    """What is known of a socket that is open."""

    thread: int
    family: int
    local: bytes
    local_port: int
    remote: bytes
    remote_port: int
    born: int


class Endings:
    """Folds events into ends."""

    def __init__(self, most: int = _MAX_OPEN) -> None:
        """Nothing has happened yet. `most`: open sockets to remember."""
        self._most = most
        self._uses: dict[int, _Use] = {}

    def fold(self, events: Iterable[Event]) -> tuple[list[Ending], list[Listening]]:
        """Take in events in order of time: the sockets that ended, and those that began to listen.

        A socket that the other end has reset ends twice: without a cookie, and once more when its process closes it.
        Where both have come and its birth is known, the second says all.
        """
        ended: list[Ending | None] = []
        listening: list[Listening] = []
        resets: dict[int, int] = {}  # places in `ended`, by the kernel's address of the socket
        for event in events:
            if event.kind == DESTROY:
                found = self._end(event)
                if found is not None:
                    place = resets.pop(event.socket, None) if resets else None
                    if place is not None and found.born:
                        ended[place] = None
                    ended.append(found)
            elif event.new == _LISTEN and event.family in _FAMILIES:
                listening.append(Listening(event.at, event.family, event.local, event.local_port, event.thread))
            elif event.new == _SYN_SENT:
                self._note(event, event.thread, event.at)
            elif event.old == _SYN_RECV:
                self._accept(event)
            else:
                self._change(event)
                if event.new == _CLOSE and not event.thread:
                    resets[event.socket] = len(ended)
                    ended.append(self._reset(event))
        return [ending for ending in ended if ending is not None], listening

    def _accept(self, event: Event) -> None:
        """A handshake has made a server's socket, or connected one that crossed with another's SYN."""
        use = self._uses.get(event.socket)
        if use is None or not _agree(use, event):
            self._note(event, 0, event.at)

    def _change(self, event: Event) -> None:
        """The end of an attempt to connect, or a close: it has the whole four-tuple."""
        use = self._uses.get(event.socket)
        if use is not None and _agree(use, event):
            use.local, use.local_port = event.local, event.local_port
            use.thread = use.thread or event.thread  # who connected it holds it, whoever closes it
        else:
            self._note(event, 0 if event.old == _SYN_SENT else event.thread)

    def _reset(self, event: Event) -> Ending:
        """Who connected it is known, if anybody; the event has the whole four-tuple."""
        use = self._uses[event.socket]
        return Ending(
            event.at,
            0,
            event.family,
            event.local,
            event.local_port,
            event.remote,
            event.remote_port,
            use.thread,
            use.born,
            0,
        )

    def _end(self, event: Event) -> Ending | None:
        use = self._uses.pop(event.socket, None)
        if use is not None and (not event.remote_port or _agree(use, event)):
            thread, born = use.thread or event.thread, use.born
            if not event.remote_port:  # tcp_disconnect has cleared its remote end
                family, local, port, remote, remote_port = (
                    use.family,
                    use.local,
                    use.local_port,
                    use.remote,
                    use.remote_port,
                )
                return Ending(event.at, event.cookie, family, local, port, remote, remote_port, thread, born, 0)
            was = use.family if use.family != event.family else 0
        elif not (event.remote_port and event.local_port):
            return None  # a listener's, or never connected
        else:
            thread, born, was = event.thread, 0, 0
        return Ending(
            event.at,
            event.cookie,
            event.family,
            event.local,
            event.local_port,
            event.remote,
            event.remote_port,
            thread,
            born,
            was,
        )

    def _note(self, event: Event, thread: int, born: int = 0) -> None:
        self._uses[event.socket] = _Use(
            thread, event.family, event.local, event.local_port, event.remote, event.remote_port, born
        )
        if len(self._uses) > self._most:
            drop_oldest(self._uses, self._most)


def _agree(use: _Use, event: Event) -> bool:
    """Whether an event is of the connection that was noted: connect() comes before the source port is chosen."""
    return use.remote_port == event.remote_port and (not use.local_port or use.local_port == event.local_port)
