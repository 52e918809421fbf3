"""What is one instruction when it is compiled (`raw.pxd`); so this module is imported as a whole, and never compiled.

Of the integers out of bytes whoever calls has compared before where the bytes end.
"""

_WORD = 0xFFFFFFFF


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


def low_word(number: int) -> int:
    """The low 32 bits."""
    return number & _WORD


def rotated(word: int, bits: int) -> int:
    """A word of 32 bits, rotated to the left."""
    return (word << bits | word >> 32 - bits) & _WORD
