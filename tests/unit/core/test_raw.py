"""Integers out of bytes, without a look at their end."""

from correlator.core import raw

DATA = bytes(range(1, 9)) + b"\xff" * 8


def test_orders_and_widths() -> None:
    """High bits are no signs."""
    assert raw.word(DATA, 1) == 0x05040302
    assert raw.net_half(DATA, 1) == 0x0203
    assert raw.net_word(DATA, 0) == 0x01020304
    assert raw.net_long_word(DATA, 0) == 0x0102030405060708
    assert (raw.word(DATA, 8), raw.net_word(DATA, 8)) == (0xFFFFFFFF, 0xFFFFFFFF)
    assert raw.net_long_word(DATA, 8) == 0xFFFFFFFFFFFFFFFF
