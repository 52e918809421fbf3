"""What comes in from the wire: captured frames, and what was decoded of them."""

from dataclasses import dataclass

NO_TIME = -1  # pcapng's Simple Packet Block carries no timestamp
MAX_TIME = 1 << 62  # the year 2116: what is later, or before 1970, is no time that a packet was captured at


@dataclass(frozen=True)
class Packet:
    """A captured frame."""

    at: int
    link_type: int  # LINKTYPE_ value of pcap's registry
    interface: int  # index into the run's interface names
    data: bytes
    wire_length: int  # before the snaplen cut it


@dataclass(frozen=True)
class Segment:
    """What was decoded of a packet: one TCP header and the IP header that carried it."""

    at: int
    interface: int
    ends: bytes  # as on the wire: source and destination address, source and destination port
    seq: int
    ack: int
    flags: int
    length: int  # TCP payload in bytes, from the IP length, not from what was captured
    continuation: bool = False  # a later IP fragment: bytes of a segment that was already counted

    @property
    def source(self) -> bytes:
        """The sender's address."""
        return self.ends[: len(self.ends) // 2 - 2]

    @property
    def destination(self) -> bytes:
        """The receiver's address."""
        return self.ends[len(self.ends) // 2 - 2 : -4]

    @property
    def source_port(self) -> int:
        """The sender's port."""
        return self.ends[-4] << 8 | self.ends[-3]

    @property
    def destination_port(self) -> int:
        """The receiver's port."""
        return self.ends[-2] << 8 | self.ends[-1]
