"""What the tracker keeps of one connection while it lasts; `snapshot` gives the immutable value."""

from dataclasses import replace

from correlator.core.handshake import (
    ACK,
    CLOSE_TOKEN,
    FIN,
    HANDSHAKE_TOKEN,
    MIRRORED,
    RST,
    SYN,
    Closing,
    Kind,
    State,
    closed,
)
from correlator.core.model import Connection, End
from correlator.core.segment import Segment, packed

UNSEEN = -1
"""A sequence number, or a time, that no segment has shown."""

# Constants of a module's own can be C integers when it is compiled.
_MASK, _HALF, _UNSEEN = 0xFFFFFFFF, 0x80000000, UNSEEN
_SYN, _FIN, _RST, _ACK = SYN, FIN, RST, ACK
_KIND_SYN, _KIND_SYN_ACK, _KIND_ACK, _KIND_FIN, _KIND_RST, _KIND_BARE = (int(kind) for kind in Kind)
_NEW, _SYN_SENT, _OPEN = int(State.NEW), int(State.SYN_SENT), int(Closing.OPEN)


def after(a: int, b: int) -> bool:
    """Whether sequence number a is later than b, modulo 2**32 (RFC 9293 §3.4)."""
    return 0 < (a - b) & _MASK < _HALF


class FlowEnd:
    """One end's side of a connection, as its own segments show it."""

    def __init__(self, high: int, low: int, port: int) -> None:
        """`high` and `low`: its address, as a segment has it. Nothing has been seen of it."""
        self.high, self.low, self.port = high, low, port
        self.isn = _UNSEEN  # from its SYN or SYN-ACK
        self.base = _UNSEEN  # the ISN as far as other segments imply it: tells a reused four-tuple
        self.reached = _UNSEEN  # the highest sequence number that it has used up
        self.acked = _UNSEEN  # the highest acknowledgement that it sent
        self.interface = -1
        self.reset = False
        self.packets = self.payload = 0

    def is_end(self, high: int, low: int, port: int) -> bool:
        """Whether its address and port are these."""
        return self.port == port and self.low == low and self.high == high

    def is_copy(self, segment: Segment) -> bool:
        """Whether a segment of this end that came by another interface says nothing new.

        A packet that passes a bridge, a veth pair or `any` is seen once an interface, first on the interface
        where it came in. What repeats there is a copy; what is new there means that the path moved.
        """
        if segment.interface == self.interface or self.reached == _UNSEEN:
            return False
        if segment.flags & _RST and not self.reset:
            return False
        if segment.flags & _ACK and (self.acked == _UNSEEN or after(segment.ack, self.acked)):
            return False
        return not after(sequence_end(segment), self.reached)

    def note(self, segment: Segment) -> None:
        """Count a segment that this end sent."""
        self.interface = segment.interface
        self.packets += 1
        self.payload += segment.length
        end = sequence_end(segment)
        if self.reached == _UNSEEN or after(end, self.reached):
            self.reached = end
        if segment.flags & _ACK and (self.acked == _UNSEEN or after(segment.ack, self.acked)):
            self.acked = segment.ack
        if segment.flags & _RST:
            self.reset = True


def sequence_end(segment: Segment) -> int:
    """The sequence number after a segment: SYN and FIN take one each."""
    taken = segment.length + (segment.flags & _SYN != 0) + (segment.flags & _FIN != 0)
    return (segment.seq + taken) & _MASK


_HANDSHAKES = tuple(HANDSHAKE_TOKEN[state] for state in State)
_CLOSES = tuple(CLOSE_TOKEN[closing] for closing in Closing)
_MIRRORED = tuple(int(MIRRORED[closing]) for closing in Closing)


class Flow:
    """A connection in the tracker's table. `client` is provisional until `oriented`."""

    def __init__(self, number: int, client: FlowEnd, server: FlowEnd, segment: Segment, at: int) -> None:
        """Begins with a segment. `at`: the newest time."""
        self.number = number
        self.is_ipv6 = segment.is_ipv6
        self.client, self.server = client, server
        self.opened_at = segment.at
        self.last_at = at
        self.state, self.closing = _NEW, _OPEN  # by number: a compiled step takes no enumeration
        self.oriented = False
        self.closed_at: int | None = None
        self.syn_at = self.syn_ack_at = self.syn_rtt = self.ack_rtt = _UNSEEN
        self.syn_count = self.syn_ack_count = 0
        self.interface = segment.interface
        self.simultaneous = False
        self.superseded_at: int | None = None
        self.reported = False
        self.watched = False  # the engine looks at it from time to time
        self.gone = False  # out of the table
        # The table's own: the next in the chain of one hash, the queue in which it waits for time to pass, its
        # neighbours.
        self.hash = 0
        self.chained: Flow | None = None
        self.queue: Queue | None = None
        self.earlier: Flow | None = None
        self.later: Flow | None = None

    @property
    def is_closed(self) -> bool:
        """Whether both FINs or an RST were seen."""
        return closed(self.closing)

    def is_from_client(self, segment: Segment) -> bool:
        """Whether the end that is the client, as far as known, sent a segment."""
        return self.client.is_end(segment.source_high, segment.source_low, segment.source_port)

    def turn_round(self) -> None:
        """Swap the roles of the two ends."""
        self.client, self.server = self.server, self.client
        self.closing = _MIRRORED[self.closing]

    def snapshot(self, interface: str, counted: bool) -> Connection:  # noqa: FBT001  compiled: takes no keywords
        """The connection as an immutable value; packets and bytes only where every packet was seen."""
        server = _end(self.server, self.is_ipv6, counted)
        if self.server is self.client and not self.syn_ack_count:
            server = replace(server, isn=None)  # connected to itself: its SYN was the client's
        return Connection(
            self.number,
            _end(self.client, self.is_ipv6, counted),
            server,
            _HANDSHAKES[self.state],
            _CLOSES[self.closing],
            self.opened_at,
            self.closed_at,
            None if self.syn_rtt == _UNSEEN else self.syn_rtt,
            None if self.ack_rtt == _UNSEEN else self.ack_rtt,
            self.syn_count,
            self.syn_ack_count,
            interface,
            self.oriented,
            self.simultaneous,
            self.superseded_at,
        )


class Queue:
    """Connections that wait for time to pass, those that wait for longest first."""

    def __init__(self) -> None:
        """None wait."""
        self.wait = 0
        """For how long (ns) one may be silent in it."""
        self.first: Flow | None = None
        self.last: Flow | None = None
        self.count = 0

    def __len__(self) -> int:
        """How many wait."""
        return self.count

    def append(self, flow: Flow) -> None:
        """Let a connection wait, behind all others; it leaves the queue that it was in."""
        leave(flow)
        flow.queue = self
        flow.earlier = self.last
        if self.last is None:
            self.first = flow
        else:
            self.last.later = flow
        self.last = flow
        self.count += 1

    def remove(self, flow: Flow) -> None:
        """Take a connection out."""
        earlier, later = flow.earlier, flow.later
        if earlier is None:
            self.first = later
        else:
            earlier.later = later
        if later is None:
            self.last = earlier
        else:
            later.earlier = earlier
        flow.queue = flow.earlier = flow.later = None
        self.count -= 1


def leave(flow: Flow) -> None:
    """Take a connection out of the queue that it is in."""
    if flow.queue is not None:
        flow.queue.remove(flow)


def _end(end: FlowEnd, is_ipv6: bool, counted: bool) -> End:  # noqa: FBT001  compiled: takes no keywords
    address, isn = packed(end.high, end.low, is_ipv6), None if end.isn == _UNSEEN else end.isn
    if counted:
        return End(address, end.port, isn, end.packets, end.payload)
    return End(address, end.port, isn)


def covers(ack: int, isn: int) -> bool:
    """Whether an acknowledgement covers a SYN with an ISN; what is unseen is given the benefit of the doubt."""
    if ack == _UNSEEN:
        return False
    return isn == _UNSEEN or not after(isn + 1, ack)


def interval(start: int, end: int) -> int:
    """Nanoseconds from start to end, _UNSEEN where either time is unknown, or the clock stepped back between them."""
    if _UNSEEN in {start, end} or end < start:
        return _UNSEEN
    return end - start


def kind_of(flow: Flow, segment: Segment, from_client: bool) -> int:  # noqa: FBT001  compiled: takes no keywords
    """The number of what a segment means to the handshake, given the numbers that the connection has shown."""
    flags = segment.flags
    far = flow.server if from_client else flow.client
    # the base, not the ISN: a server that forgot its first SYN-ACK may have sent another
    acceptable = flags & _ACK != 0 and covers(segment.ack, _UNSEEN if far.isn == _UNSEEN else far.base)
    if flags & _SYN:
        if not flags & _ACK:
            return _KIND_SYN
        return _KIND_SYN_ACK if acceptable else _KIND_BARE
    if flags & _RST:
        # RFC 9293 §3.5.2: in SYN-SENT a reset that acknowledges something else is ignored; one without ACK refuses too,
        # as some firewalls send it.
        return _KIND_BARE if flow.state == _SYN_SENT and flags & _ACK and not acceptable else _KIND_RST
    if flags & _FIN:
        return _KIND_FIN
    return _KIND_ACK if acceptable else _KIND_BARE
