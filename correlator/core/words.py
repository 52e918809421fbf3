"""Integers and pieces out of bytes; the integers in the machine's byte order or in the network's.

The kernel's messages have the machine's, which is little-endian on all machines that matter here. Compiled, each
checks its bounds once and then reads by a pointer (`raw`): all raise IndexError where the bytes end before.
"""

_ENDS_BEFORE = "the bytes end before"


def half(data: bytes, at: int) -> int:
    """16 bits."""
    _check(data, at, 2)
    raw = data
    return raw[at] | raw[at + 1] << 8


def word(data: bytes, at: int) -> int:
    """32 bits."""
    _check(data, at, 4)
    raw = data
    low, high = raw[at] | raw[at + 1] << 8, raw[at + 2] | raw[at + 3] << 8
    return high << 16 | low


def long_word(data: bytes, at: int) -> int:
    """64 bits."""
    _check(data, at, 8)
    raw = data
    low, next_low = raw[at] | raw[at + 1] << 8, raw[at + 2] | raw[at + 3] << 8
    high, highest = raw[at + 4] | raw[at + 5] << 8, raw[at + 6] | raw[at + 7] << 8
    return highest << 48 | high << 32 | next_low << 16 | low


def net_half(data: bytes, at: int) -> int:
    """16 bits in network byte order."""
    _check(data, at, 2)
    raw = data
    return raw[at] << 8 | raw[at + 1]


def net_word(data: bytes, at: int) -> int:
    """32 bits in network byte order."""
    _check(data, at, 4)
    raw = data
    high, low = raw[at] << 8 | raw[at + 1], raw[at + 2] << 8 | raw[at + 3]
    return high << 16 | low


def net_long_word(data: bytes, at: int) -> int:
    """64 bits in network byte order."""
    _check(data, at, 8)
    raw = data
    highest, high = raw[at] << 8 | raw[at + 1], raw[at + 2] << 8 | raw[at + 3]
    next_low, low = raw[at + 4] << 8 | raw[at + 5], raw[at + 6] << 8 | raw[at + 7]
    return highest << 48 | high << 32 | next_low << 16 | low


def piece(data: bytes, at: int, length: int) -> bytes:
    """So many of the bytes, from a place on."""
    _check(data, at, length)
    raw = data
    return raw[at : at + length]


def _check(data: bytes, at: int, length: int) -> None:
    if at < 0 or length < 0 or at > len(data) - length:
        raise IndexError(_ENDS_BEFORE)
