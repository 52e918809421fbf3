"""Segments as rows of numbers."""

from array import array

import pytest

from correlator.core.packing import WORDS, Rows
from correlator.core.segment import MAX_TIME, NO_TIME, Segment
from tests.play import START

MOST, WORD = (1 << 64) - 1, (1 << 32) - 1
LARGEST = Segment(MAX_TIME, 1, True, MOST, MOST - 1, 65535, MOST - 2, 5, 65534, WORD, WORD - 1, 255, WORD, True, True)


def numbers(rows: int) -> memoryview:
    """Room for so many."""
    return memoryview(array("Q", bytes(rows * WORDS * 8)))


@pytest.mark.parametrize(
    "one",
    [
        LARGEST,
        Segment(is_decoded=True),
        Segment(START, flags=16, length=7, is_decoded=True),
        Segment(NO_TIME, seq=3, is_decoded=True),
    ],
)
def test_a_segment_comes_back_as_it_was(one: Segment) -> None:
    """Every field of it, with the largest numbers that there are; the interface has the number that it has here."""
    rows = Rows(numbers(2), [0, 1])
    rows.pack(one, WORDS)
    found = Segment(at=9, seq=9, continuation=True, source_high=9)
    rows.unpack(found, WORDS)
    assert found == one
    other = Rows(rows.kept, [70, 71])
    other.unpack(found, WORDS)
    assert found.interface == one.interface + 70
    assert list(rows.kept[:WORDS]) == [0] * WORDS


def test_a_row_that_is_none_of_ours() -> None:
    """An interface that was not described, a time that no packet has."""
    rows = Rows(numbers(1), [0])
    rows.pack(LARGEST, 0)
    with pytest.raises(ValueError, match="interface 1 of 1"):
        rows.unpack(Segment(), 0)
    rows.kept[0], rows.kept[7] = MAX_TIME + 1, 0
    with pytest.raises(ValueError, match=f"at {MAX_TIME + 1}"):
        rows.unpack(Segment(), 0)
