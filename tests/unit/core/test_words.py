"""Integers out of bytes."""

import pytest

from correlator.core.words import half, long_word, net_half, net_long_word, net_word, piece, word

DATA = bytes(range(1, 9)) + b"\xff" * 8


def test_orders_and_widths() -> None:
    """Little-endian but for the network's; high bits are no signs."""
    assert half(DATA, 0) == 0x0201
    assert word(DATA, 1) == 0x05040302
    assert long_word(DATA, 0) == 0x0807060504030201
    assert net_word(DATA, 0) == 0x01020304
    assert (half(DATA, 8), word(DATA, 8), long_word(DATA, 8), net_word(DATA, 8)) == (
        0xFFFF,
        0xFFFFFFFF,
        0xFFFFFFFFFFFFFFFF,
        0xFFFFFFFF,
    )


def test_pieces() -> None:
    """So many bytes."""
    assert (piece(DATA, 1, 3), piece(DATA, 16, 0)) == (DATA[1:4], b"")


@pytest.mark.parametrize("at", [-1, 15, 16, 17, 1 << 62])
def test_nothing_is_read_beyond_the_end(at: int) -> None:
    """Nor before the beginning, whatever a stranger's length says."""
    for read in (half, word, long_word, net_half, net_word, net_long_word):
        with pytest.raises(IndexError):
            read(DATA, at)
    for length in (2, 17, -1, (1 << 63) - 1):
        with pytest.raises(IndexError):
            piece(DATA, at, length)
