"""Integers out of bytes, in the machine's byte order and in the network's.

The kernel's messages have the machine's, which is little-endian on all machines that matter here.
"""


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


def net_half(data: bytes, at: int) -> int:
    """16 bits in network byte order."""
    return data[at] << 8 | data[at + 1]


def net_long_word(data: bytes, at: int) -> int:
    """64 bits in network byte order."""
    high, low = net_word(data, at), net_word(data, at + 4)
    return high << 32 | low


def net_word(data: bytes, at: int) -> int:
    """32 bits in network byte order."""
    high, low = data[at] << 8 | data[at + 1], data[at + 2] << 8 | data[at + 3]
    return high << 16 | low
