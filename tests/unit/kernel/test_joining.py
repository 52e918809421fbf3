"""Destroy events and state events, one statement."""

from correlator.core.model import Family, Owner, OwnerBy, Source, TcpState
from correlator.kernel.endings import Ending
from correlator.kernel.joining import PATIENCE, TRUSTED, Joining
from correlator.kernel.sock_diag import Entry
from tests.play import evidence, packed, socket

HERE, THERE = packed("10.0.0.1"), packed("10.0.0.2")
INFO = {"rtt_us": 5}


def joining() -> Joining:
    """Threads 1 to 9 are processes; 66 is the kernel's own."""
    return Joining(lambda thread: None if thread == 66 else Owner(thread))


def destroyed(cookie: int = 9, *, cleared: bool = False, at: int = 2000) -> Entry:
    """What the destroy event says."""
    far = ("0.0.0.0", 0) if cleared else ("10.0.0.2", 80)
    found = socket("10.0.0.1", 4000, *far, state=TcpState.CLOSE, uid=33, cookie=cookie, netns="n")
    return Entry(found, INFO, at, 1000, foreign=False)


def ending(cookie: int = 9, *, thread: int = 5, at: int = 1500, born: int = 0, was: int = 0, family: int = 2) -> Ending:
    """What the state events say."""
    return Ending(at, cookie, family, HERE, 4000, THERE, 80, thread, born, was)


def test_both_make_one_statement() -> None:
    """The exact time, the caller, the user, the kernel's numbers."""
    (said,) = joining().take([destroyed()], [ending(born=1200)], 3000)
    assert (said.at, said.since, said.born, said.source) == (1500, None, 1200, Source.DESTROY)
    assert (said.owner, said.owner_by, said.tcp_info) == (Owner(5), OwnerBy.STATE_EVENT, INFO)
    assert said.socket == destroyed().socket


def test_a_cleared_remote_end_is_filled_in() -> None:
    """A client that was refused."""
    (said,) = joining().take([destroyed(cleared=True)], [ending()], 3000)
    assert (said.socket.remote, said.socket.remote_port) == (THERE, 80)
    assert (said.socket.uid, said.socket.netns, said.socket.cookie) == (33, "n", 9)


def test_a_changed_family_is_two_statements() -> None:
    """What it was, then what it became, with one cookie."""
    before, after = joining().take([destroyed()], [ending(was=10)], 3000)
    assert (before.socket.family, after.socket.family) == (Family.INET6, Family.INET)
    assert before.socket.local_text == "[::ffff:10.0.0.1]:4000"
    assert before.socket.cookie == after.socket.cookie
    assert before.at is not None
    assert after.at is not None
    assert before.at < after.at


def test_either_waits_for_the_other() -> None:
    """They are read one after the other."""
    one = joining()
    assert one.take([destroyed()], [], 3000) == []
    assert [said.at for said in one.take([], [ending()], 4000)] == [1500]
    assert one.take([], [], 3000 + 2 * PATIENCE) == []
    other = joining()
    assert other.take([], [ending()], 3000) == []
    assert [said.at for said in other.take([destroyed()], [], 4000)] == [1500]


def test_either_alone_is_a_statement_in_the_end() -> None:
    """The other was lost, or is not to be had."""
    one = joining()
    one.take([destroyed()], [], 3000)
    assert one.take([], [], 3000 + PATIENCE) == [
        evidence(destroyed().socket, 2000, Source.DESTROY, since=1000, tcp_info=INFO)
    ]
    other = joining()
    other.take([], [ending(thread=0, born=1200)], 3000)
    (said,) = other.take([], [], 1500 + PATIENCE)
    assert (said.source, said.at, said.born, said.owner) == (Source.STATE_EVENT, 1500, 1200, None)
    assert other.take([], [ending(family=99)], 1500 + PATIENCE) == []


def test_what_was_read_too_late_is_not_told() -> None:
    """It may be about any connection that had the four-tuple in the meantime: that is counted."""
    one = joining()
    late = destroyed(at=1000 + TRUSTED + 1)
    one.take([late], [], 3000)
    assert one.take([], [], late.at + PATIENCE) == []
    assert one.late == 1
    assert [said.at for said in joining().take([late], [ending()], 3000)] == [1500]  # its time is known


def test_a_cookie_is_what_joins() -> None:
    """Ports come back, cookies do not."""
    one = joining()
    assert one.take([destroyed(8)], [ending(9)], 3000) == []
    assert [said.socket.cookie for said in one.take([], [], 3000 + PATIENCE)] == [8, 9]


def test_what_the_kernel_does_itself_is_nobodys() -> None:
    """A thread of its own closed it for somebody."""
    (said,) = joining().take([destroyed()], [ending(thread=66)], 3000)
    assert said.owner is None


def test_a_reset_is_told_at_once() -> None:
    """It has no cookie, and waits for nothing."""
    (said,) = joining().take([], [ending(cookie=0, born=1200)], 3000)
    assert (said.source, said.at, said.born, said.socket.cookie) == (Source.STATE_EVENT, 1500, 1200, None)


def test_what_waits_is_bounded() -> None:
    """The oldest goes as it is."""
    one = Joining(lambda _: None, most=2)
    found = one.take([], [ending(cookie) for cookie in (1, 2, 3)], 1600)
    assert [said.socket.cookie for said in found] == [1]
    found = one.take([destroyed(cookie) for cookie in (4, 5, 6)], [], 2100)
    assert [said.socket.cookie for said in found] == [4]
