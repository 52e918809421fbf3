"""IP fragments."""

from correlator.wire import fragments
from correlator.wire.fragments import Fragments
from tests.play import Play

KEY = (b"a", b"b", 1)


def test_in_order() -> None:
    """The first is the segment, the rest are its bytes."""
    datagrams, segment = Fragments(), Play().segment("c", "PA", data=100)
    assert datagrams.first(KEY, segment) == segment
    later = datagrams.later(KEY, 99, 50)
    assert later
    assert (later.length, later.continuation, later.at, later.seq) == (50, True, 99, segment.seq)


def test_out_of_order() -> None:
    """Bytes that came before the first fragment count with it."""
    datagrams, segment = Fragments(), Play().segment("c", "PA", data=100)
    assert datagrams.later(KEY, 99, 50) is None
    assert datagrams.later(KEY, 99, 7) is None
    assert datagrams.first(KEY, segment).length == 157


def test_bounded() -> None:
    """The oldest datagram is forgotten."""
    datagrams, segment = Fragments(), Play().segment("c", "PA", data=1)
    datagrams.first(KEY, segment)
    for number in range(fragments.MAX_DATAGRAMS):
        datagrams.later((b"x", b"y", number), 0, 1)
    assert datagrams.later(KEY, 0, 1) is None
