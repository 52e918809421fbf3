"""What was decoded of a frame: one TCP header and the IP header that carried it."""

from dataclasses import dataclass, field

from correlator.core.address import IPV4_LENGTH, IPV6_LENGTH

NO_TIME = -1  # pcapng's Simple Packet Block carries no timestamp
MAX_TIME = 1 << 62  # the year 2116: what is later, or before 1970, is no time that a packet was captured at
_SPREAD, _WORD = 0x9E3779B1, 0xFFFFFFFF  # Knuth's multiplicative hash


@dataclass
class Segment:
    """A segment, and the frame that it came in. `Frames` has one for each frame, which others fill anew.

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
    is_decoded: bool = field(default=False, compare=False)  # whether a segment was found in the frame
    is_odd: bool = field(default=False, compare=False)  # whether it is still to be decoded, with care
    is_elsewhere: bool = field(default=False, compare=False)  # whether another tracker has its connection
    moment: int = field(default=0, compare=False)  # which of its capture, where others do not come this way
    hash: int = field(default=0, compare=False)  # of both ends, once the table of connections has reckoned it
    # The frame: the interface that captured it, the kind of its link header (LINKTYPE_ of pcap's registry), where it
    # begins in its buffer, how many bytes there are, and how many there were on the wire.
    captured_on: int = field(default=0, compare=False)
    link_type: int = field(default=0, compare=False)
    begin: int = field(default=0, compare=False)
    captured: int = field(default=0, compare=False)
    wire_length: int = field(default=0, compare=False)

    def take(self, other: "Segment") -> None:
        """Become another segment, in this one's frame."""
        self.at, self.interface, self.is_ipv6 = other.at, other.interface, other.is_ipv6
        self.source_high, self.source_low, self.source_port = other.source_high, other.source_low, other.source_port
        self.destination_high, self.destination_low = other.destination_high, other.destination_low
        self.destination_port = other.destination_port
        self.seq, self.ack, self.flags, self.length = other.seq, other.ack, other.flags, other.length
        self.continuation = other.continuation

    def share(self, shares: int) -> int:
        """Which of so many shares its connection belongs to: the same for both directions, in every process."""
        ends = self.source_low + self.destination_low + self.source_port + self.destination_port
        return (ends * _SPREAD & _WORD) * shares >> 32

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
