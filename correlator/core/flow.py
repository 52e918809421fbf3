"""What the tracker keeps of one connection while it lasts; `snapshot` gives the immutable value."""

from dataclasses import dataclass, replace

from correlator.core.handshake import (
    ACK,
    CLOSE_TOKEN,
    CLOSED,
    FIN,
    HANDSHAKE_TOKEN,
    MIRRORED,
    RST,
    SYN,
    Closing,
    State,
)
from correlator.core.model import Connection, End, Segment

SEQUENCE_MASK = 0xFFFFFFFF
HALF = 0x80000000


def after(a: int, b: int) -> bool:
    """Whether sequence number a is later than b, modulo 2**32 (RFC 9293 §3.4)."""
    return 0 < (a - b) & SEQUENCE_MASK < HALF


@dataclass(slots=True)
class FlowEnd:
    """One end's side of a connection, as its own segments show it."""

    address: bytes
    port: int
    isn: int | None = None  # from its SYN or SYN-ACK
    base: int | None = None  # the ISN as far as other segments imply it: tells a reused four-tuple
    reached: int | None = None  # the highest sequence number that it has used up
    acked: int | None = None  # the highest acknowledgement that it sent
    interface: int = -1
    reset: bool = False
    packets: int = 0
    payload: int = 0

    def is_copy(self, segment: Segment) -> bool:
        """Whether a segment of this end that came by another interface says nothing new.

        A packet that passes a bridge, a veth pair or `any` is seen once an interface, first on the interface
        where it came in. What repeats there is a copy; what is new there means that the path moved.
        """
        if segment.interface == self.interface or self.reached is None:
            return False
        if segment.flags & RST and not self.reset:
            return False
        if segment.flags & ACK and (self.acked is None or after(segment.ack, self.acked)):
            return False
        return not after(sequence_end(segment), self.reached)

    def note(self, segment: Segment) -> None:
        """Count a segment that this end sent."""
        self.interface = segment.interface
        self.packets += 1
        self.payload += segment.length
        end = sequence_end(segment)
        if self.reached is None or after(end, self.reached):
            self.reached = end
        if segment.flags & ACK and (self.acked is None or after(segment.ack, self.acked)):
            self.acked = segment.ack
        if segment.flags & RST:
            self.reset = True


def sequence_end(segment: Segment) -> int:
    """The sequence number after a segment: SYN and FIN take one each."""
    taken = segment.length + bool(segment.flags & SYN) + bool(segment.flags & FIN)
    return (segment.seq + taken) & SEQUENCE_MASK


@dataclass(slots=True)
class Flow:
    """A connection in the tracker's table. `client` is provisional until `oriented`."""

    number: int
    client: FlowEnd
    server: FlowEnd
    opened_at: int
    last_at: int
    state: State = State.NEW
    closing: Closing = Closing.OPEN
    oriented: bool = False
    closed_at: int | None = None
    syn_at: int | None = None
    syn_ack_at: int | None = None
    syn_rtt: int | None = None
    ack_rtt: int | None = None
    syn_count: int = 0
    syn_ack_count: int = 0
    interface: int = -1
    simultaneous: bool = False
    superseded_at: int | None = None
    reported: bool = False
    watched: bool = False  # the engine looks at it from time to time
    gone: bool = False  # out of the table

    @property
    def is_closed(self) -> bool:
        """Whether both FINs or an RST were seen."""
        return self.closing in CLOSED

    def is_from_client(self, segment: Segment) -> bool:
        """Whether the end that is the client, as far as known, sent a segment."""
        return segment.source_port == self.client.port and segment.source == self.client.address

    def turn_round(self) -> None:
        """Swap the roles of the two ends."""
        self.client, self.server = self.server, self.client
        self.closing = MIRRORED[self.closing]

    def snapshot(self, interface: str, *, counted: bool) -> Connection:
        """The connection as an immutable value; packets and bytes only where every packet was seen."""
        server = _end(self.server, counted=counted)
        if self.server is self.client and not self.syn_ack_count:
            server = replace(server, isn=None)  # connected to itself: its SYN was the client's
        return Connection(
            number=self.number,
            client=_end(self.client, counted=counted),
            server=server,
            handshake=HANDSHAKE_TOKEN[self.state],
            close=CLOSE_TOKEN[self.closing],
            opened_at=self.opened_at,
            closed_at=self.closed_at,
            syn_rtt=self.syn_rtt,
            ack_rtt=self.ack_rtt,
            syn_count=self.syn_count,
            syn_ack_count=self.syn_ack_count,
            interface=interface,
            oriented=self.oriented,
            simultaneous=self.simultaneous,
            superseded_at=self.superseded_at,
        )


def _end(end: FlowEnd, *, counted: bool) -> End:
    if counted:
        return End(end.address, end.port, end.isn, end.packets, end.payload)
    return End(end.address, end.port, end.isn)
