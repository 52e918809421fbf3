# cython: boundscheck=False, wraparound=False
"""Community ID v1 (https://github.com/corelight/community-id-spec): a connection's name, the same in every tool.

SHA-1 (FIPS 180-4) by hand: it stands in every row, its message fits one block, and a call of hashlib takes as long as
all other cells together. A test holds it against the communityid package.
"""

from correlator.core import raw
from correlator.core.connection import Connection

_WORD, _HALF = 0xFFFFFFFF, 0xFFFF
_SHORT, _LONG = 16, 40  # bytes of a message of IPv4 and of IPv6
_TCP = 6 << 8  # and a byte of padding
_END = 0x80000000  # the bit behind the message
_LENGTH = 20
_A, _B, _C, _D, _E = 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0
_K1, _K2, _K3, _K4 = 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6


class CommunityHash:
    """Hashes connections."""

    def __init__(self) -> None:
        """Room for one block."""
        self._words = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        self._digest = bytearray(_LENGTH)

    def of(self, connection: Connection) -> bytearray:
        """The hash, 20 bytes until the next, the same for both directions: seed 0, the lower end first."""
        near, far = connection.client_place, connection.server_place
        if _is_lower(connection, far, near):
            near, far = far, near
        words = self._words
        one, other = connection.low[near], connection.low[far]
        ports = connection.port[near] << 16 | connection.port[far]
        for place in range(16):
            words[place] = 0
        if connection.is_ipv6:
            high, other_high = connection.high[near], connection.high[far]
            words[0], words[1], words[2] = high >> 48, high >> 16 & _WORD, (high & _HALF) << 16 | one >> 48
            words[3], words[4] = one >> 16 & _WORD, (one & _HALF) << 16 | other_high >> 48
            words[5], words[6] = other_high >> 16 & _WORD, (other_high & _HALF) << 16 | other >> 48
            words[7], words[8] = other >> 16 & _WORD, (other & _HALF) << 16 | _TCP
            words[9], words[10], words[15] = ports, _END, _LONG * 8
        else:
            words[0], words[1] = one >> 16, (one & _HALF) << 16 | other >> 16
            words[2], words[3] = (other & _HALF) << 16 | _TCP, ports
            words[4], words[15] = _END, _SHORT * 8
        self._hash()
        return self._digest

    def _hash(self) -> None:
        """SHA-1 of the block."""
        words = self._words
        a, b, c, d, e = _A, _B, _C, _D, _E
        for step in range(80):
            place = step & 15
            if step >= 16:
                mixed = words[step - 3 & 15] ^ words[step - 8 & 15] ^ words[step - 14 & 15] ^ words[place]
                words[place] = raw.rotated(mixed, 1)
            if step < 20:
                mixed = (d ^ b & (c ^ d)) + _K1
            elif step < 40:
                mixed = (b ^ c ^ d) + _K2
            elif step < 60:
                mixed = (b & c | d & (b | c)) + _K3
            else:
                mixed = (b ^ c ^ d) + _K4
            mixed = raw.low_word(mixed + raw.rotated(a, 5) + e + words[place])
            e, d, c, b, a = d, c, raw.rotated(b, 30), a, mixed
        self._put(0, raw.low_word(_A + a))
        self._put(4, raw.low_word(_B + b))
        self._put(8, raw.low_word(_C + c))
        self._put(12, raw.low_word(_D + d))
        self._put(16, raw.low_word(_E + e))

    def _put(self, at: int, word: int) -> None:
        digest = self._digest
        digest[at], digest[at + 1] = word >> 24, word >> 16 & 0xFF
        digest[at + 2], digest[at + 3] = word >> 8 & 0xFF, word & 0xFF


def _is_lower(connection: Connection, one: int, other: int) -> bool:
    """Whether an end comes before another: by address, then by port."""
    if connection.high[one] != connection.high[other]:
        return connection.high[one] < connection.high[other]
    if connection.low[one] != connection.low[other]:
        return connection.low[one] < connection.low[other]
    return connection.port[one] < connection.port[other]
