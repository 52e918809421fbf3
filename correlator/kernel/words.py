"""Integers in the machine's byte order, as the kernel's messages have them: little-endian on all that matter here."""


def half(data: bytes, at: int) -> int:
    """16 bits."""
    return data[at] | data[at + 1] << 8


def word(data: bytes, at: int) -> int:
    """32 bits."""
    low, high = half(data, at), half(data, at + 2)
    return high << 16 | low


def long_word(data: bytes, at: int) -> int:
    """64 bits."""
    low, high = word(data, at), word(data, at + 4)
    return high << 32 | low
