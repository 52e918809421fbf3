"""Integers out of bytes."""

from correlator.core.words import half, long_word, net_word, word

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
