"""Sequence numbers (RFC 9293 §3.4), modulo 2**32.

Compiled, they are written into their callers (`sequence.pxd`); so this module is imported as a whole, and never
compiled.
"""

_MASK, _HALF = 0xFFFFFFFF, 0x80000000


def after(a: int, b: int) -> bool:
    """Whether sequence number a is later than b."""
    return 0 < (a - b) & _MASK < _HALF
