"""What is one instruction when it is compiled (`raw.pxd`); so this module is imported as a whole, and never compiled.

Of the integers out of bytes whoever calls has compared before where the bytes end.
"""

from typing import Any


def address(data: bytes) -> bytes:
    """Where bytes lie: compiled, a pointer, which is good for as long as they are held."""
    return data


def prefetch(raw: bytes, at: int) -> None:
    """Have bytes that are soon to be looked at brought near; they may lie anywhere."""


def words(numbers: memoryview) -> memoryview:
    """Where numbers of 64 bits lie: compiled, a pointer, which is good for as long as they are held."""
    return numbers


def times(numbers: memoryview) -> memoryview:
    """The same of numbers with a sign."""
    return numbers


def integers(numbers: memoryview) -> memoryview:
    """The same of C integers."""
    return numbers


def octets(numbers: memoryview) -> memoryview:
    """The same of bytes that can be written."""
    return numbers


def prefetch_word(words: memoryview, at: int) -> None:
    """Have a number, and those behind it, brought near."""


def prefetch_item(items: list[Any], at: int) -> None:
    """Have a place in a list brought near."""


def prefetch_object(items: list[Any], at: int) -> None:
    """Have what a segment needs of the connection at a place in a list brought near."""


def prefetch_large(found: object) -> None:
    """Have an object of some hundred bytes brought near."""


def copy(to: memoryview, at: int, source: bytes, begin: int, length: int) -> None:
    """Copy so many bytes to a place."""
    to[at : at + length] = source[begin : begin + length]


def line_end(raw: bytes, at: int, end: int) -> int:
    """Behind the first newline from `at` on and before `end`; 0 where there is none."""
    return raw.find(b"\n", at, end) + 1


def word(raw: bytes, at: int) -> int:
    """32 bits, the lowest first."""
    return raw[at + 3] << 24 | raw[at + 2] << 16 | raw[at + 1] << 8 | raw[at]


def net_half(raw: bytes, at: int) -> int:
    """16 bits in network byte order."""
    return raw[at] << 8 | raw[at + 1]


def net_word(raw: bytes, at: int) -> int:
    """32 bits in network byte order."""
    return raw[at] << 24 | raw[at + 1] << 16 | raw[at + 2] << 8 | raw[at + 3]


def net_long_word(raw: bytes, at: int) -> int:
    """64 bits in network byte order."""
    return net_word(raw, at) << 32 | net_word(raw, at + 4)


def ordered_word(raw: bytes, at: int, is_net: bool) -> int:  # noqa: FBT001  compiled: takes no keywords
    """32 bits in network byte order, or with the lowest first."""
    return net_word(raw, at) if is_net else word(raw, at)
