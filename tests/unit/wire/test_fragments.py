"""IP fragments."""

from correlator.wire import fragments
from correlator.wire.fragments import Fragments
from tests.play import SECOND, Play

KEY = (b"a", b"b", 1, 0)


def test_in_order() -> None:
    """The first is the segment, the rest are its bytes."""
    datagrams, segment = Fragments(), Play().segment("c", "PA", data=100)
    assert datagrams.first(KEY, segment, 0) == segment
    later = datagrams.later(KEY, segment.at + 9, 15, 50)
    assert later
    assert (later.length, later.continuation, later.at, later.seq) == (50, True, segment.at + 9, segment.seq)


def test_out_of_order() -> None:
    """Bytes that came before the first fragment count with it."""
    datagrams, segment = Fragments(), Play().segment("c", "PA", data=100)
    assert datagrams.later(KEY, segment.at, 20, 50) is None
    assert datagrams.later(KEY, segment.at, 30, 7) is None
    first = datagrams.first(KEY, segment, 0)
    assert first
    assert first.length == 157


def test_duplicates() -> None:
    """A fragment that came before adds nothing."""
    datagrams, segment = Fragments(), Play().segment("c", "PA", data=100)
    datagrams.first(KEY, segment, 0)
    assert datagrams.first(KEY, segment, 0) is None
    assert datagrams.later(KEY, segment.at, 15, 50)
    assert datagrams.later(KEY, segment.at, 15, 50) is None


def test_an_identification_that_comes_round_again() -> None:
    """After a while it is another datagram."""
    datagrams, segment = Fragments(), Play().segment("c", "PA", data=100)
    datagrams.first(KEY, segment, 0)
    again = segment._replace(at=segment.at + 3 * SECOND)
    assert datagrams.later(KEY, again.at, 15, 50) is None
    first = datagrams.first(KEY, again, 0)
    assert first
    assert first.length == 150


def test_a_header_in_two_fragments() -> None:
    """What is left of the TCP header in the second fragment is no payload, whichever comes first."""
    for order in ("first", "later"):
        datagrams, segment = Fragments(), Play().segment("c", "S", data=0)
        if order == "first":
            datagrams.first(KEY, segment, 4)
            lengths = [datagrams.later(KEY, segment.at, at, 16) for at in (2, 4)]
            assert [found.length for found in lengths if found] == [12, 16]
        else:
            datagrams.later(KEY, segment.at, 2, 16)
            first = datagrams.first(KEY, segment, 4)
            assert first
            assert first.length == 12


def test_bounded() -> None:
    """The oldest datagram is forgotten."""
    datagrams, segment = Fragments(), Play().segment("c", "PA", data=1)
    datagrams.first(KEY, segment, 0)
    for number in range(fragments.MAX_DATAGRAMS):
        datagrams.later((b"x", b"y", number, 0), segment.at, 5, 1)
    assert datagrams.later(KEY, segment.at, 5, 1) is None
