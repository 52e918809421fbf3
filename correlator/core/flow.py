"""What the tracker keeps of a connection while it lasts, besides what it will report of it."""

from correlator.core import tcp
from correlator.core.connection import Connection
from correlator.core.handshake import Closing, Kind, State, closed, next_closing, next_state, steady
from correlator.core.segment import Segment

# Constants of a module's own can be C integers when it is compiled.
_SYN_RECEIVED, _ESTABLISHED = int(State.SYN_RECEIVED), int(State.ESTABLISHED)
_KIND_SYN, _KIND_SYN_ACK, _KIND_ACK, _KIND_FIN, _KIND_RST, _KIND_BARE = (int(kind) for kind in Kind)
_NEW, _SYN_SENT, _OPEN = int(State.NEW), int(State.SYN_SENT), int(Closing.OPEN)


def sequence_end(segment: Segment) -> int:
    """The sequence number after a segment: SYN and FIN take one each."""
    taken = segment.length + (segment.flags & tcp.SYN != 0) + (segment.flags & tcp.FIN != 0)
    return tcp.wrapped(segment.seq + taken)


class Flow(Connection):
    """A connection in the tracker's table. Who is the client is provisional until `oriented`."""

    # By place: what each end has shown.
    base: list[int]  # the ISN as far as other segments imply it: tells a reused four-tuple
    reached: list[int]  # the highest sequence number that it has used up
    acked: list[int]  # the highest acknowledgement that it sent
    seen_at: list[int]  # the interface of its last segment
    reset: list[int]  # whether it sent an RST
    last_at: int
    syn_at: int
    syn_ack_at: int
    is_steady: bool  # a segment without SYN, FIN and RST moves nothing
    reported: bool
    watched: bool  # the engine looks at it from time to time
    gone: bool  # out of the table
    # The table's own: the next in the chain of one hash, the queue in which it waits for time to pass, its neighbours.
    hash: int
    chained: "Flow | None"
    queue: "Queue | None"
    earlier: "Flow | None"
    later: "Flow | None"

    @property
    def is_closed(self) -> bool:
        """Whether both FINs or an RST were seen."""
        return closed(self.closing)

    def is_copy(self, segment: Segment, near: int) -> bool:
        """Whether a segment that came by another interface than the last one of its end says nothing new.

        A packet that passes a bridge, a veth pair or `any` is seen once an interface, first on the interface
        where it came in. What repeats there is a copy; what is new there means that the path moved.
        """
        if segment.interface == self.seen_at[near] or self.reached[near] == tcp.UNSEEN:
            return False
        if segment.flags & tcp.RST and not self.reset[near]:
            return False
        if segment.flags & tcp.ACK and (self.acked[near] == tcp.UNSEEN or tcp.after(segment.ack, self.acked[near])):
            return False
        return not tcp.after(sequence_end(segment), self.reached[near])

    def is_another(self, segment: Segment, near: int) -> bool:
        """Whether a SYN opens another connection: with another ISN (RFC 9293 §3.4.1), or after the report."""
        return self.reported or self.base[near] not in {tcp.UNSEEN, segment.seq}

    def note_syn(self, segment: Segment, near: int) -> None:
        """Count a SYN or SYN-ACK, and let it say who is the client."""
        is_answer = segment.flags & tcp.ACK != 0
        if not self.oriented:
            self.oriented = True
            if (near == self.client_place) == is_answer:
                self.turn_round()
        if not is_answer:
            self.syn_count += 1
            self.syn_at = segment.at
            self.simultaneous = self.simultaneous or near == self.server_place  # also a socket connected to itself
            self.isn[near] = segment.seq
            return
        self.syn_ack_count += 1
        self.base[near] = segment.seq  # a server that forgot its first answer chooses another ISN
        if self.isn[near] == tcp.UNSEEN:
            self.isn[near] = segment.seq
        if self.syn_ack_count == 1 and self.syn_count == 1:
            self.syn_rtt = interval(self.syn_at, segment.at)
        self.syn_ack_at = segment.at

    def note(self, segment: Segment, near: int) -> None:
        """Count a segment that an end sent."""
        self.seen_at[near] = segment.interface
        self.packets[near] += 1
        self.payload[near] += segment.length
        end = sequence_end(segment)
        if self.reached[near] == tcp.UNSEEN or tcp.after(end, self.reached[near]):
            self.reached[near] = end
        if segment.flags & tcp.ACK and (self.acked[near] == tcp.UNSEEN or tcp.after(segment.ack, self.acked[near])):
            self.acked[near] = segment.ack
        if segment.flags & tcp.RST:
            self.reset[near] = 1

    def go_on(self, segment: Segment, near: int) -> bool:
        """Count a segment that moves nothing and is no copy; False for any other, which is not counted."""
        if (
            not self.is_steady
            or segment.flags & tcp.SYN_FIN_RST
            or segment.continuation
            or segment.interface != self.seen_at[near]
        ):
            return False
        self.note(segment, near)
        return True

    def step(self, segment: Segment, near: int, follows: bool) -> bool:  # noqa: FBT001  compiled
        """Move the states; tells whether they moved. `follows`: nothing before the segment is missing."""
        flags = segment.flags
        far = self.client_place + self.server_place - near  # its own where it is connected to itself
        if flags & tcp.SYN:
            self.note_syn(segment, near)
        if self.base[near] == tcp.UNSEEN:
            self.base[near] = tcp.wrapped(segment.seq if flags & tcp.SYN else segment.seq - 1)
        if self.base[far] == tcp.UNSEEN and flags & tcp.ACK:
            self.base[far] = tcp.wrapped(segment.ack - 1)
        before, closing = self.state, self.closing
        from_client = near == self.client_place
        kind = self.kind(segment, near)
        self.state = next_state(before, kind, from_client)
        if self.state == _ESTABLISHED and before == _SYN_RECEIVED:
            # the ACK that came with data which were not captured is not this one
            is_the_ack = follows and self.syn_ack_count == 1
            self.ack_rtt = interval(self.syn_ack_at, segment.at) if is_the_ack else tcp.UNSEEN
        elif self.state == _SYN_RECEIVED and covers(self.acked[self.client_place], self.base[self.server_place]):
            self.state = _ESTABLISHED  # the client's ACK came before what it acknowledges
        self.closing = next_closing(closing, kind, from_client)
        if near == far:  # connected to itself: what one end sends, the other sends too
            self.state = next_state(self.state, kind, False)
            self.closing = next_closing(self.closing, kind, False)
        if self.closing != closing:
            self.closed_at = segment.at if self.is_closed else tcp.UNSEEN
        self.is_steady = steady(self.state) and self.base[near] != tcp.UNSEEN and self.base[far] != tcp.UNSEEN
        return self.state != before or self.closing != closing

    def kind(self, segment: Segment, near: int) -> int:
        """The number of what a segment means to the handshake, given the numbers that the connection has shown."""
        flags = segment.flags
        far = self.client_place + self.server_place - near
        # the base, not the ISN: a server that forgot its first SYN-ACK may have sent another
        shown = tcp.UNSEEN if self.isn[far] == tcp.UNSEEN else self.base[far]
        acceptable = flags & tcp.ACK != 0 and covers(segment.ack, shown)
        if flags & tcp.SYN:
            if not flags & tcp.ACK:
                return _KIND_SYN
            return _KIND_SYN_ACK if acceptable else _KIND_BARE
        if flags & tcp.RST:
            # RFC 9293 §3.5.2: in SYN-SENT a reset that acknowledges something else is ignored; one without ACK refuses
            # too, as some firewalls send it.
            return _KIND_BARE if self.state == _SYN_SENT and flags & tcp.ACK and not acceptable else _KIND_RST
        if flags & tcp.FIN:
            return _KIND_FIN
        return _KIND_ACK if acceptable else _KIND_BARE


def begun(number: int, segment: Segment, at: int, interface: str, counted: bool) -> Flow:  # noqa: FBT001  compiled
    """A connection that begins with a segment, whose sender is taken for the client. `at`: the newest time."""
    flow = Flow.__new__(Flow)
    flow.number, flow.is_ipv6 = number, segment.is_ipv6
    flow.high = [segment.source_high, segment.destination_high]
    flow.low = [segment.source_low, segment.destination_low]
    flow.port = [segment.source_port, segment.destination_port]
    is_itself = flow.port[0] == flow.port[1] and flow.low[0] == flow.low[1] and flow.high[0] == flow.high[1]
    flow.client_place, flow.server_place = 0, 0 if is_itself else 1
    flow.isn, flow.base = [tcp.UNSEEN, tcp.UNSEEN], [tcp.UNSEEN, tcp.UNSEEN]
    flow.reached, flow.acked = [tcp.UNSEEN, tcp.UNSEEN], [tcp.UNSEEN, tcp.UNSEEN]
    flow.seen_at, flow.reset = [tcp.UNSEEN, tcp.UNSEEN], [0, 0]
    flow.packets, flow.payload, flow.counted = [0, 0], [0, 0], counted
    flow.state, flow.closing = _NEW, _OPEN  # by number: a compiled step takes no enumeration
    flow.opened_at, flow.last_at = segment.at, at
    flow.closed_at = flow.superseded_at = tcp.UNSEEN
    flow.syn_at = flow.syn_ack_at = flow.syn_rtt = flow.ack_rtt = tcp.UNSEEN
    flow.syn_count = flow.syn_ack_count = 0
    flow.interface, flow.reported_in, flow.touched = interface, 0, 0
    flow.is_steady = flow.oriented = flow.simultaneous = flow.reported = flow.watched = flow.gone = False
    flow.hash = 0
    flow.chained = flow.queue = flow.earlier = flow.later = None
    return flow


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
        if flow is not self.last:
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


def covers(ack: int, isn: int) -> bool:
    """Whether an acknowledgement covers a SYN with an ISN; what is unseen is given the benefit of the doubt."""
    if ack == tcp.UNSEEN:
        return False
    return isn == tcp.UNSEEN or not tcp.after(isn + 1, ack)


def interval(start: int, end: int) -> int:
    """Nanoseconds from start to end, UNSEEN where either time is unknown, or the clock stepped back between them."""
    if tcp.UNSEEN in {start, end} or end < start:
        return tcp.UNSEEN
    return end - start


def next_due(queues: list[Queue], now: int) -> Flow | None:
    """Of the connections whose time in one of some queues is up, the one that has been due for longest."""
    found: Flow | None = None
    due_at = now + 1
    for queue in queues:
        flow = queue.first
        while flow is not None and now > 0 and not flow.last_at:
            flow.last_at = now  # no segment had a time so far
            queue.append(flow)
            flow = queue.first
        if flow is not None and (
            flow.last_at + queue.wait < due_at
            or (found is not None and flow.last_at + queue.wait == due_at and flow.touched < found.touched)
        ):
            found, due_at = flow, flow.last_at + queue.wait
    return found
