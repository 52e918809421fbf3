"""What was decoded of a frame: one TCP header and the IP header that carried it."""

from dataclasses import dataclass

from correlator.core.address import IPV4_LENGTH, IPV6_LENGTH
from correlator.core.frames import NO_TIME


@dataclass
class Segment:
    """A segment; a decoder has one, which each frame fills anew.

    An address is two words in network order: of IPv6 the first and the last 64 bits, of IPv4 zero and its 32.
    """

    at: int = NO_TIME
    interface: int = 0
    is_ipv6: bool = False
    source_high: int = 0
    source_low: int = 0
    source_port: int = 0
    destination_high: int = 0
    destination_low: int = 0
    destination_port: int = 0
    seq: int = 0
    ack: int = 0
    flags: int = 0
    length: int = 0  # TCP payload in bytes, from the IP length, not from what was captured
    continuation: bool = False  # a later IP fragment: bytes of a segment that was already counted

    @property
    def source(self) -> bytes:
        """The sender's address."""
        return packed(self.source_high, self.source_low, self.is_ipv6)

    @property
    def destination(self) -> bytes:
        """The receiver's address."""
        return packed(self.destination_high, self.destination_low, self.is_ipv6)


def packed(high: int, low: int, is_ipv6: bool) -> bytes:  # noqa: FBT001  compiled: takes no keywords
    """The bytes of an address of two words."""
    if is_ipv6:
        return high.to_bytes(IPV6_LENGTH // 2, "big") + low.to_bytes(IPV6_LENGTH // 2, "big")
    return low.to_bytes(IPV4_LENGTH, "big")
