"""IP fragments."""

from correlator.core.segment import Segment
from correlator.wire import fragments
from correlator.wire.fragments import Fragment, FragmentKey, Fragments
from tests.play import SECOND, Play

KEY = (bytes([10, 0, 0, 1, 10, 0, 0, 2]), 1, 0)


def segment() -> Segment:
    """The segment of a first fragment."""
    return Play().segment("c", "PA", data=100)


def part(
    offset: int, size: int, *, more: bool = True, at: int = 5, key: FragmentKey = KEY
) -> tuple[FragmentKey, Fragment]:
    """A fragment."""
    return key, Fragment(at, offset, size, more)


def test_in_order() -> None:
    """The first is the segment; the last brings the bytes of all."""
    datagrams, first = Fragments(), segment()
    found = datagrams.first(*part(0, 120), first, 20)
    assert found
    assert (found.length, found.continuation) == (0, False)
    assert datagrams.later(*part(120, 120)) is None
    later = datagrams.later(*part(240, 30, more=False, at=9))
    assert later
    assert (later.length, later.continuation, later.at, later.seq) == (250, True, 9, first.seq)


def test_out_of_order() -> None:
    """The first one comes last: it has all the bytes."""
    datagrams = Fragments()
    assert datagrams.later(*part(240, 30, more=False)) is None
    assert datagrams.later(*part(120, 120)) is None
    found = datagrams.first(*part(0, 120), segment(), 20)
    assert found
    assert (found.length, found.continuation) == (250, False)


def test_never_whole() -> None:
    """A datagram without its middle delivers nothing."""
    datagrams = Fragments()
    datagrams.first(*part(0, 120), segment(), 20)
    assert datagrams.later(*part(240, 30, more=False)) is None


def test_duplicates() -> None:
    """A fragment that came before adds nothing, also when all is there."""
    datagrams = Fragments()
    datagrams.first(*part(0, 120), segment(), 20)
    assert datagrams.first(*part(0, 120), segment(), 20) is None
    assert datagrams.later(*part(120, 30, more=False))
    assert datagrams.later(*part(120, 30, more=False)) is None


def test_an_identification_that_comes_round_again() -> None:
    """After a while it is another datagram."""
    datagrams = Fragments()
    datagrams.first(*part(0, 120), segment(), 20)
    assert datagrams.later(*part(120, 30, more=False, at=5 + 3 * SECOND)) is None
    found = datagrams.first(*part(0, 120, at=5 + 3 * SECOND), segment(), 20)
    assert found
    assert found.length == 130


def test_a_header_in_two_fragments() -> None:
    """What is left of the TCP header in the second fragment is no payload."""
    datagrams = Fragments()
    datagrams.first(*part(0, 16), segment(), 20)
    later = datagrams.later(*part(16, 10, more=False))
    assert later
    assert later.length == 6


def test_a_header_that_is_longer_than_all() -> None:
    """A lying data offset leaves no payload, not a negative one."""
    datagrams = Fragments()
    datagrams.first(*part(0, 16), segment(), 60)
    later = datagrams.later(*part(16, 8, more=False))
    assert later
    assert later.length == 0


def test_bounded() -> None:
    """The oldest datagram is forgotten."""
    datagrams = Fragments()
    datagrams.first(*part(0, 120), segment(), 20)
    for number in range(fragments.MAX_DATAGRAMS):
        datagrams.later(*part(8, 1, key=(b"xy", number, 0)))
    assert datagrams.later(*part(120, 30, more=False)) is None
