"""What is known of sockets, by four-tuple and time."""

from dataclasses import replace
from typing import Any

import pytest

from correlator.core.evidence import Bounds, EvidenceIndex
from correlator.core.known import UNKNOWN, Known
from correlator.core.model import Clipped, Evidence, Gap, Owner, OwnerBy, Ownership, Socket, Source, TcpState
from tests.play import MS, SECOND, START, evidence, four, listener, packed, socket

SERVER_SIDE = four(("10.0.0.12", 80), ("10.0.0.20", 1000))


def mapped(**facts: Any) -> Socket:
    """An AF_INET6 socket of an IPv4 connection."""
    return socket("::ffff:10.0.0.12", 80, "::ffff:10.0.0.20", 1000, **facts)


def test_what_a_socket_says_of_itself() -> None:
    """Its ends as the kernel has them, and whether it listens."""
    assert (mapped().is_listener, listener("::", 80).is_listener) == (False, True)
    assert (mapped().local_text, mapped().remote_text) == ("[::ffff:10.0.0.12]:80", "[::ffff:10.0.0.20]:1000")


def test_mapped_and_native_forms_meet() -> None:
    """Both are found by the wire's four-tuple, each in its own form."""
    index = EvidenceIndex()
    index.add(evidence(mapped()))
    index.add(evidence(socket("10.0.0.12", 80, "10.0.0.20", 1000)))
    assert [str(known.socket.family) for known in index.sockets(SERVER_SIDE.key)] == ["AF_INET6", "AF_INET"]
    assert index.size == 1


def test_uses_are_counted_where_no_time_is_known() -> None:
    """A socket whose time is known is of one connection."""
    index = EvidenceIndex()
    index.add(evidence(mapped()))
    index.add(evidence(mapped(inode=7), None, Source.TABLE))
    key = SERVER_SIDE.key
    assert [index.count_uses(key, key), index.count_uses(key, key)] == [1, 1]
    assert [known.uses for known in index.sockets(key)] in ([0, 2], [2, 0])


def test_the_ends_of_a_loopback_connection_are_apart() -> None:
    """The client's socket is not the server's."""
    index = EvidenceIndex()
    index.add(evidence(mapped()))
    assert index.sockets(four(("10.0.0.20", 1000), ("10.0.0.12", 80)).key) == []


def test_owners_by_inode_and_by_the_table_itself() -> None:
    """A table's own word on the owner comes first; an inode belongs to its namespace."""
    index = EvidenceIndex()
    index.add(Ownership(START, 7, Owner(70), "a"))
    by_inode = Known(mapped(inode=7, netns="a"), Source.LOOKUP, START, START)
    elsewhere = Known(mapped(inode=7, netns="b"), Source.LOOKUP, START, START)
    named = Known(mapped(inode=7, netns="a"), Source.TABLE, UNKNOWN, UNKNOWN, Owner(71))
    assert index.owners([by_inode]) == (Owner(70), OwnerBy.INODE)
    assert index.owners([elsewhere]) == (None, OwnerBy.NONE)
    assert index.owners([named]) == (Owner(71), OwnerBy.INODE)
    assert index.owners([by_inode, named]) == (None, OwnerBy.NONE)


def test_who_holds_a_socket_counts_more_than_who_opened_or_closed_it() -> None:
    """A server hands it on to a child: state events name the one, the inode the other."""
    index = EvidenceIndex()
    index.add(Ownership(START, 7, Owner(70)))
    held = Known(mapped(inode=7), Source.LOOKUP, START, START)
    used, other = (Known(mapped(), Source.DESTROY, START, START, Owner(pid), OwnerBy.STATE_EVENT) for pid in (80, 81))
    assert index.owners([used, held, other]) == (Owner(70), OwnerBy.INODE)
    assert index.owners([used, used]) == (Owner(80), OwnerBy.STATE_EVENT)
    assert index.owners([used, other]) == (None, OwnerBy.NONE)


def test_listeners_and_answers() -> None:
    """A listener that answered a lookup is tied to the connection that was asked about."""
    index = EvidenceIndex()
    asked = four(("10.0.0.12", 80), ("10.0.0.20", 0))
    index.add(evidence(listener("::", 80, cookie=3)))
    index.add(evidence(listener("::", 80, cookie=3), source=Source.LOOKUP, asked=asked))
    assert len(index.listeners(80)) == 2
    assert len(index.answers(asked.key)) == 1
    assert index.listeners(81) == []


def test_gaps() -> None:
    """Those that meet are one; the latest are kept."""
    index = EvidenceIndex()
    assert EvidenceIndex().has_gaps is False
    for since, at in ((10, 20), (20, 30), (50, 60)):
        index.add(Gap(since, at))
    assert index.has_gaps
    spans = [(0, 10), (0, 11), (30, 50), (29, 30), (30, 51), (60, 99), (15, 55)]
    assert [index.has_gap(*span) for span in spans] == [False, True, False, True, True, False, True]
    for number in range(100):
        index.add(Gap(100 + 10 * number, 105 + 10 * number))
    assert not index.has_gap(10, 60)
    assert index.has_gap(1090, 1092)


def test_forgetting() -> None:
    """What a reported connection was told of goes; what came after stays."""
    index = EvidenceIndex()
    index.add(evidence(mapped(cookie=1), START))
    index.add(evidence(mapped(cookie=2), START + MS))
    index.add(evidence(mapped(), None, Source.TABLE))
    index.forget(SERVER_SIDE.key, START + MS)
    assert [known.socket.cookie for known in index.sockets(SERVER_SIDE.key)] == [2, None]
    index.forget(four(("1.1.1.1", 1), ("2.2.2.2", 2)).key, START)


def test_every_table_is_bounded() -> None:
    """The oldest goes, and is counted."""
    index = EvidenceIndex(Bounds(tuples=2, statements=2, listeners=2))
    for number in range(4):
        index.add(evidence(socket("10.0.0.1", 1, "10.0.0.2", 10 + number)))
    assert index.dropped == 2
    for number in range(3):
        index.add(evidence(socket("10.0.0.1", 1, "10.0.0.2", 13, cookie=number)))
    assert index.dropped == 4
    for number in range(3):
        index.add(evidence(listener(f"10.0.0.{number + 1}", 80)))
    assert index.dropped == 5
    assert len(index.listeners(80)) == 2
    for number in range(1, 4):
        index.add(Ownership(START, number, Owner(number)))
    assert index.dropped == 5  # who asked for nothing has lost nothing
    held = [Known(mapped(inode=number), Source.LOOKUP, START, START) for number in range(1, 4)]
    assert [index.owners([known])[0] for known in held] == [None, Owner(2), Owner(3)]
    cut = evidence(Socket(mapped().family, b"", 1, b"", 2, TcpState.ESTABLISHED), None, Source.TABLE)
    for _ in range(3):
        index.add(Clipped(cut, "::ffff:10.0.0.1", "::ffff:10"))
    assert index.dropped == 6


def test_new_listeners_take_the_place_of_old_ones() -> None:
    """Also of those on a port that nothing listens on any more."""
    index = EvidenceIndex(Bounds(listeners=1))
    asked = four(("10.0.0.1", 81), ("10.0.0.20", 0))
    index.add(evidence(listener("10.0.0.1", 80, cookie=1)))
    index.add(evidence(listener("10.0.0.1", 81, cookie=2), asked=asked))
    assert (index.listeners(80), len(index.listeners(81)), len(index.answers(asked.key))) == ([], 1, 1)


def test_a_port_is_contested_by_different_listeners_that_are_there() -> None:
    """One listener told of twice is one; one that is gone is none."""
    index = EvidenceIndex()
    assert not index.is_contested(80)
    index.add(evidence(listener("::", 80, cookie=1)))
    assert not index.is_contested(80)
    index.add(evidence(listener("::", 80, cookie=1), source=Source.LOOKUP))
    assert not index.is_contested(80)
    index.add(evidence(listener("10.0.0.1", 80, cookie=2)))
    assert index.is_contested(80)
    index.add(evidence(replace(listener("::", 80, cookie=1), state=TcpState.CLOSE), source=Source.DESTROY))
    assert not index.is_contested(80)


def test_a_server_that_restarts_often_leaves_few_listeners() -> None:
    """Of those that are gone the latest stay; who is there stays in any case."""
    index = EvidenceIndex()
    index.add(evidence(listener("10.0.0.1", 80, cookie=1)))
    for cookie in range(2, 60):
        index.add(evidence(listener("::", 80, cookie=cookie)))
        index.add(evidence(replace(listener("::", 80, cookie=cookie), state=TcpState.CLOSE), source=Source.DESTROY))
    cookies = [known.socket.cookie for known in index.listeners(80)]
    assert cookies[0] == 1
    assert cookies[1:] == list(range(59 - len(cookies) + 2, 60))
    assert len(cookies) <= 18


def test_answers_are_the_latest() -> None:
    """An old one is not missed: the kernel's choice is repeated without it."""
    index = EvidenceIndex(Bounds(answers=1))
    first, second = four(("10.0.0.1", 80), ("10.0.0.20", 0)), four(("10.0.0.1", 80), ("10.0.0.21", 0))
    assert not index.has_answers(80)
    for asked in (first, second):
        index.add(evidence(listener("::", 80, cookie=1), source=Source.LOOKUP, asked=asked))
    assert (index.answers(first.key), len(index.answers(second.key)), index.dropped) == ([], 1, 0)
    assert index.has_answers(80)


def test_what_is_old_is_no_loss() -> None:
    """Evidence that no connection can want any more goes uncounted."""
    index = EvidenceIndex(Bounds(tuples=1))
    for number, at in enumerate((START, START + 200 * SECOND, START + 201 * SECOND)):
        index.add(evidence(socket("10.0.0.1", 1, "10.0.0.2", 10 + number), at))
    assert index.dropped == 1


def test_an_owner_that_is_asked_for_is_kept() -> None:
    """A listener's, though thousands came after it."""
    index = EvidenceIndex(Bounds(tuples=2))
    wanted = Known(mapped(inode=1), Source.LOOKUP, START, START)
    for number in range(1, 9):
        index.add(Ownership(START, number, Owner(number)))
        assert index.owners([wanted])[0] == Owner(1)


def test_a_listener_that_is_gone() -> None:
    """Its destroy event has no remote end; it is no connection's."""
    index = EvidenceIndex()
    gone = listener("::", 80, cookie=5)
    index.add(evidence(replace(gone, state=TcpState.CLOSE), START, Source.DESTROY))
    index.add(evidence(replace(gone, state=TcpState.CLOSE, cookie=None), START, Source.DESTROY))
    index.add(evidence(replace(gone, state=TcpState.CLOSE, cookie=6), None, Source.DESTROY))
    known = Known(gone, Source.SNAPSHOT, START, START)
    assert index.is_gone(known, START + 1)
    assert not index.is_gone(known, START)
    assert not index.is_gone(Known(listener("::", 80), Source.SNAPSHOT, START, START), START + 1)
    assert index.sockets(four(("::", 80), ("::", 0)).key) == []


def clipped(local: str, remote: str) -> Clipped:
    """A netstat row whose addresses are cut."""
    cut = Socket(mapped().family, b"", 80, b"", 1000, TcpState.ESTABLISHED)
    return Clipped(Evidence(None, Source.TABLE, cut, owner=Owner(7)), local, remote)


@pytest.mark.parametrize(
    ("local", "remote", "fits"),
    [
        ("::ffff:10.0", "::ffff:10.0.0.2", True),
        ("10.0.0.12", "10.0.", True),
        ("::ffff:10.0", "::ffff:10.1", False),
        ("2001:", "2001:", False),
    ],
)
def test_cut_addresses_are_matched_by_what_is_left(local: str, remote: str, fits: bool) -> None:
    """An entry that fits the connection gets its addresses, mapped as the kernel has them."""
    index = EvidenceIndex()
    index.add(clipped(local, remote))
    found = index.sockets(SERVER_SIDE.key)
    assert [known.socket.local for known in found] == ([packed("::ffff:10.0.0.12")] if fits else [])
    assert index.sockets(SERVER_SIDE.key) == found
    other = four(("10.0.0.12", 80), ("10.0.0.21", 1000))
    assert index.sockets(other.key) == []  # an entry is one socket's: the first connection that fits has it


def test_cut_native_addresses() -> None:
    """An IPv6 address that was cut stays native."""
    index = EvidenceIndex()
    index.add(clipped("2001:db8:1", "2001:db8:2"))
    (known,) = index.sockets(four(("2001:db8:1::1", 80), ("2001:db8:2::2", 1000)).key)
    assert known.socket.remote == packed("2001:db8:2::2")


def test_statements_without_a_time() -> None:
    """The four-tuples that they are about, in the wire's form; and whether addresses were cut off."""
    index = EvidenceIndex()
    index.add(evidence(socket("10.0.0.12", 80, "10.0.0.20", 5)))
    assert index.timeless() == []
    index.add(replace(evidence(socket("::ffff:10.0.0.12", 80, "::ffff:10.0.0.20", 7)), at=None))
    assert index.timeless() == [four(("10.0.0.12", 80), ("10.0.0.20", 7)).key]
    assert not index.has_clipped
    index.add(clipped("2001:db8:1", "2001:db8:2"))
    assert index.has_clipped
