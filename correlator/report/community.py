"""Community ID v1 (https://github.com/corelight/community-id-spec): a connection's name, the same in every tool.

It is SHA-1, and stands in every row. A test holds it against the communityid package.
"""

from correlator.core.connection import Connection
from correlator.report import sha1

_WORD, _HALF = 0xFFFFFFFF, 0xFFFF
_SHORT, _LONG = 16, 40  # bytes of a message of IPv4 and of IPv6
_TCP = 6 << 8  # and a byte of padding
_END = 0x80000000  # the bit behind the message
_LENGTH = 20


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
        sha1.put_digest(words, self._digest)
        return self._digest


def _is_lower(connection: Connection, one: int, other: int) -> bool:
    """Whether an end comes before another: by address, then by port."""
    if connection.high[one] != connection.high[other]:
        return connection.high[one] < connection.high[other]
    if connection.low[one] != connection.low[other]:
        return connection.low[one] < connection.low[other]
    return connection.port[one] < connection.port[other]
