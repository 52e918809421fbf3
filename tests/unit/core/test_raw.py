"""Integers out of bytes, without a look at their end."""

from array import array

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


def test_lines() -> None:
    """The first end of one, from a place on and before another."""
    text = b"ab\n\ncd"
    assert [raw.line_end(text, at, len(text)) for at in range(len(text))] == [3, 3, 3, 4, 0, 0]
    assert (raw.line_end(text, 0, 2), raw.line_end(text, 3, 4), raw.line_end(text, 6, 6)) == (0, 4, 0)


def test_where_numbers_lie() -> None:
    """As plain Python it is they themselves; what is brought near is not changed."""
    for kind, found in (("Q", raw.words), ("q", raw.times), ("i", raw.integers), ("B", raw.octets)):
        numbers = memoryview(array(kind, [1, 2]))
        assert found(numbers) is numbers
    raw.prefetch_word(numbers, 1)
    assert list(numbers) == [1, 2]
