"""TCP's flags and sequence numbers (RFC 9293 §3.1, §3.4).

Compiled, they are written into their users (`tcp.pxd`); so this module is imported as a whole, and never compiled.
"""

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
SYN_FIN_RST = SYN | FIN | RST

UNSEEN = -1
"""In the place of a sequence number or a time that has not been seen."""

_MASK, _HALF = 0xFFFFFFFF, 0x80000000


def wrapped(number: int) -> int:
    """A sequence number, modulo 2**32."""
    return number & _MASK


def after(a: int, b: int) -> bool:
    """Whether sequence number a is later than b."""
    return 0 < (a - b) & _MASK < _HALF
