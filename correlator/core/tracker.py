"""From segments to connections: the table of open connections and the step that each segment takes.

Bounds: the table holds `Limits.connections` entries. Past that the oldest half-open connection goes first (a flood's
are worth least), then what is closed and reported, then the oldest connection; each eviction is counted and the
connection reported as it stands.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from correlator.core.flow import SEQUENCE_MASK, Flow, FlowEnd, after
from correlator.core.handshake import ACK, FIN, HALF_OPEN, RST, SYN, Kind, State, next_closing, next_state
from correlator.core.model import NO_TIME, Connection, Segment

SECOND = 1_000_000_000
_SLACK = 1024

# Twice RFC 9293's maximum segment lifetime would be 240 s; Linux keeps TIME_WAIT for 60 s and retransmits at
# intervals of up to 120 s (TCP_RTO_MAX). What comes later than this on a closed four-tuple is a connection of its own.
LINGER = 180 * SECOND


# Live, a finding is wanted soon: a closed connection's destroy event and its last ACKs are in by then.
LIVE_SETTLE = SECOND


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how many connections the tracker remembers."""

    connections: int = 1_000_000
    """Entries in the table, about 1.5 KB each."""
    settle: int = LINGER
    """Nanoseconds without a segment after which a closed connection is reported."""
    linger: int = LINGER
    """Nanoseconds without a segment after which a closed connection is forgotten; not less than `settle`."""
    counted: bool = True
    """Whether the input holds every packet, so that packet and byte counts mean something."""


class Change(IntEnum):
    """What happened to a connection."""

    OPENED = 0
    ANSWERED = 1
    ESTABLISHED = 2
    REPORT = 3  # nothing more is to come, or it must go: report it


class Event(NamedTuple):
    """A change, and the connection that it happened to."""

    change: Change
    flow: Flow


class Step(NamedTuple):
    """What a segment was to the tracker."""

    flow: Flow
    from_client: bool
    notable: bool  # belongs to the handshake or the close, or is the first of its direction


class _Due(NamedTuple):
    at: int
    number: int
    flow: Flow


class Tracker:
    """The table of connections."""

    def __init__(self, interfaces: Sequence[str], limits: Limits, first: int = 1) -> None:
        """`interfaces` names the interfaces by index; it may grow while the tracker runs.

        `first` numbers the first connection.
        """
        self.limits = limits
        self.copies = 0
        self.evicted = 0
        self.seen = 0
        self._interfaces = interfaces
        self._flows: OrderedDict[tuple[bytes, int, bytes, int], Flow] = OrderedDict()
        self._half_open: OrderedDict[int, Flow] = OrderedDict()
        self._settling: list[_Due] = []  # heaps
        self._lingering: list[_Due] = []
        self._events: list[Event] = []
        self._now = 0  # as far as time is known to have passed
        self._newest = 0  # of the segments: what is measured from segments must not depend on how often time is told
        self._due_at = 0
        self._first = first

    def __len__(self) -> int:
        """How many connections are in the table."""
        return len(self._flows)

    def take(self) -> list[Event]:
        """The events since the last call."""
        events, self._events = self._events, []
        return events

    def snapshot(self, flow: Flow) -> Connection:
        """The connection as a value."""
        name = self._interfaces[flow.interface] if 0 <= flow.interface < len(self._interfaces) else ""
        return flow.snapshot(name, counted=self.limits.counted)

    def segment(self, segment: Segment) -> Step:
        """Take in one segment."""
        self._newest = max(self._newest, segment.at)
        key = (segment.source, segment.source_port, segment.destination, segment.destination_port)
        flow = self._flows.get(key) or self._flows.get((key[2], key[3], key[0], key[1]))
        is_new = flow is not None and self._is_another(flow, segment)
        silent_since = self._newest if flow is None or is_new else flow.last_at
        if flow is not None and not is_new:
            flow.last_at = self._newest  # before time passes: a clock that leaps cuts no connection in two
        if self._newest >= self._due_at:
            self.advance(self._newest)
        if flow is not None and is_new:
            self._supersede(flow, segment.at)
        if flow is None or is_new:
            flow = self._open(key, segment)
        from_client = flow.is_from_client(segment)
        near, far = (flow.client, flow.server) if from_client else (flow.server, flow.client)
        if near.is_copy(segment):
            self.copies += 1
            flow.last_at = silent_since  # a replay has no copies, and must report when this run does
            return Step(flow, from_client, notable=False)
        if segment.continuation:
            if segment.interface == near.interface:  # else it continues a copy
                near.payload += segment.length
            return Step(flow, from_client, notable=False)
        first = near.reached is None
        follows = near.reached is None or not after(segment.seq, near.reached)
        near.note(segment)
        moved = self._step(flow, segment, near, far, follows=follows)
        notable = first or moved or flow.is_closed or bool(segment.flags & (SYN | FIN | RST))
        return Step(flow, flow.is_from_client(segment), notable)

    def _is_another(self, flow: Flow, segment: Segment) -> bool:
        """Whether a segment opens another connection: a SYN with another ISN (RFC 9293 §3.4.1), or after the report."""
        if segment.flags & (SYN | ACK) != SYN:
            return False
        base = (flow.client if flow.is_from_client(segment) else flow.server).base
        return flow.reported or (base is not None and base != segment.seq)

    def advance(self, now: int) -> None:
        """Let time pass: report connections that have settled, forget those that have lingered.

        Reports come in the order in which they are due, whether time passes in small steps or in large ones.
        """
        self._now = max(self._now, now)
        for flow in self._due(self._settling, self._patience):
            self._report(flow)
            if flow.is_closed:
                heappush(self._lingering, _Due(flow.last_at + self.limits.linger, flow.number, flow))
            else:
                self._forget(flow)
        for flow in self._due(self._lingering, lambda _: self.limits.linger):
            self._forget(flow)
        heads = [queue[0].at for queue in (self._settling, self._lingering) if queue]
        self._due_at = min(heads, default=self._now + min(self.limits.settle, self.limits.linger))

    def _patience(self, flow: Flow) -> int | None:
        """How long a connection may be silent before it is reported; None for one that is going on."""
        if flow.is_closed:
            return self.limits.settle
        return self.limits.linger if flow.state in HALF_OPEN else None

    def _due(self, queue: list[_Due], patience: Callable[[Flow], int | None]) -> Iterator[Flow]:
        """The flows of a queue whose time has come; those that had segments since are queued again."""
        while queue and queue[0].at <= self._now:
            at, _number, flow = heappop(queue)
            wait = None if flow.gone or (flow.reported and queue is self._settling) else patience(flow)
            if wait is None:
                continue
            flow.last_at = flow.last_at or self._now  # no segment had a time so far
            if flow.last_at + wait > at:
                heappush(queue, _Due(flow.last_at + wait, flow.number, flow))
            else:
                yield flow

    def finish(self) -> None:
        """Report all that is left, in the order in which time would have reported it; the input has ended."""
        closed = sorted(
            (flow for flow in self._flows.values() if flow.is_closed), key=lambda flow: (flow.last_at, flow.number)
        )
        for flow in (*closed, *self._flows.values()):
            self._report(flow)
        self._flows.clear()
        self._half_open.clear()

    def _open(self, key: tuple[bytes, int, bytes, int], segment: Segment) -> Flow:
        if len(self._flows) >= self.limits.connections:
            self._evict()
        client = FlowEnd(segment.source, segment.source_port)
        # A socket connected to itself (simultaneous open with one socket) is both ends.
        server = client if key[:2] == key[2:] else FlowEnd(segment.destination, segment.destination_port)
        flow = Flow(self._first + self.seen, client, server, segment.at, self._newest, interface=segment.interface)
        self.seen += 1
        self._flows[key] = flow
        return flow

    def _step(self, flow: Flow, segment: Segment, near: FlowEnd, far: FlowEnd, *, follows: bool) -> bool:
        """Move the connection's states; tells whether they moved. `follows`: nothing before the segment is missing."""
        flags = segment.flags
        if flags & SYN:
            self._note_syn(flow, segment, near)
        if near.base is None:
            near.base = (segment.seq if flags & SYN else segment.seq - 1) & SEQUENCE_MASK
        if far.base is None and flags & ACK:
            far.base = (segment.ack - 1) & SEQUENCE_MASK
        before, closing = flow.state, flow.closing
        from_client = flow.is_from_client(segment)
        kind = kind_of(flow, segment, from_client=from_client)
        flow.state = next_state(before, kind, from_client=from_client)
        if flow.state is State.ESTABLISHED and before is State.SYN_RECEIVED:
            # the ACK that came with data which were not captured is not this one
            is_the_ack = follows and flow.syn_ack_count == 1
            flow.ack_rtt = interval(flow.syn_ack_at, segment.at) if is_the_ack else None
        elif flow.state is State.SYN_RECEIVED and covers(flow.client.acked, flow.server.base):
            flow.state = State.ESTABLISHED  # the client's ACK came before what it acknowledges
        flow.closing = next_closing(closing, kind, from_client=from_client)
        if near is far:  # connected to itself: what one end sends, the other sends too
            flow.state = next_state(flow.state, kind, from_client=False)
            flow.closing = next_closing(flow.closing, kind, from_client=False)
        if flow.state is not before:
            self._announce(flow, before)
        if flow.state in HALF_OPEN:
            if flow.number not in self._half_open:
                self._queue(flow, self.limits.linger)
            self._half_open[flow.number] = flow
            self._half_open.move_to_end(flow.number)
        else:
            self._half_open.pop(flow.number, None)
        if flow.closing is not closing:
            self._note_close(flow, segment.at)
        return flow.state is not before or flow.closing is not closing

    def _note_syn(self, flow: Flow, segment: Segment, near: FlowEnd) -> None:
        """Count a SYN or SYN-ACK, and let it say who is the client."""
        is_answer = bool(segment.flags & ACK)
        if not flow.oriented:
            flow.oriented = True
            if (near is flow.client) == is_answer:
                flow.turn_round()
        if not is_answer:
            flow.syn_count += 1
            flow.syn_at = segment.at
            flow.simultaneous = flow.simultaneous or near is flow.server  # also a socket connected to itself
            near.isn = segment.seq
            return
        flow.syn_ack_count += 1
        near.base = segment.seq  # a server that forgot its first answer chooses another ISN
        if near.isn is None:
            near.isn = segment.seq
        if flow.syn_ack_count == 1 and flow.syn_count == 1:
            flow.syn_rtt = interval(flow.syn_at, segment.at)
        flow.syn_ack_at = segment.at

    def _announce(self, flow: Flow, before: State) -> None:
        if before is State.NEW:
            self._events.append(Event(Change.OPENED, flow))
        if flow.state is State.SYN_RECEIVED:
            self._events.append(Event(Change.ANSWERED, flow))
        if flow.state in {State.ESTABLISHED, State.MIDSTREAM, State.SYN_ACK_SEEN}:
            self._events.append(Event(Change.ESTABLISHED, flow))

    def _note_close(self, flow: Flow, at: int) -> None:
        flow.closed_at = at if flow.is_closed else None
        if flow.is_closed:
            self._queue(flow, self.limits.settle)

    def _queue(self, flow: Flow, wait: int) -> None:
        heappush(self._settling, _Due(flow.last_at + wait, flow.number, flow))
        self._due_at = min(self._due_at, self._settling[0].at)

    def _supersede(self, flow: Flow, at: int) -> None:
        if not flow.gone:
            flow.superseded_at = at
            self._report(flow)
            self._forget(flow)

    def _evict(self) -> None:
        self.evicted += 1
        if self._half_open:
            flow = next(iter(self._half_open.values()))
        else:
            lingering = (entry.flow for entry in self._lingering if not entry.flow.gone)
            flow = next(lingering, None) or next(iter(self._flows.values()))
        self._report(flow)
        self._forget(flow)

    def _report(self, flow: Flow) -> None:
        if not flow.reported:
            flow.reported = True
            self._events.append(Event(Change.REPORT, flow))

    def _forget(self, flow: Flow) -> None:
        flow.gone = True
        for queue in (self._settling, self._lingering):
            if len(queue) > 2 * len(self._flows) + _SLACK:  # mostly gone: they must not outnumber the table
                queue[:] = [entry for entry in queue if not entry.flow.gone]
                heapify(queue)
        self._half_open.pop(flow.number, None)
        one, other = flow.client, flow.server
        for key in (
            (one.address, one.port, other.address, other.port),
            (other.address, other.port, one.address, one.port),
        ):
            if self._flows.get(key) is flow:
                del self._flows[key]


def covers(ack: int | None, isn: int | None) -> bool:
    """Whether an acknowledgement covers a SYN with an ISN; what is unknown is given the benefit of the doubt."""
    if ack is None:
        return False
    return isn is None or not after(isn + 1, ack)


def interval(start: int | None, end: int) -> int | None:
    """Nanoseconds from start to end, None where either time is unknown, or the clock stepped back between them."""
    if start is None or NO_TIME in {start, end} or end < start:
        return None
    return end - start


def kind_of(flow: Flow, segment: Segment, *, from_client: bool) -> Kind:
    """What a segment means to the handshake, given the numbers that the connection has shown."""
    flags = segment.flags
    far = flow.server if from_client else flow.client
    # the base, not the ISN: a server that forgot its first SYN-ACK may have sent another
    acceptable = covers(segment.ack if flags & ACK else None, None if far.isn is None else far.base)
    if flags & SYN:
        if not flags & ACK:
            return Kind.SYN
        return Kind.SYN_ACK if acceptable else Kind.BARE
    if flags & RST:
        # RFC 9293 §3.5.2: in SYN-SENT a reset that acknowledges something else is ignored; one without ACK refuses too,
        # as some firewalls send it.
        return Kind.BARE if flow.state is State.SYN_SENT and flags & ACK and not acceptable else Kind.RST
    if flags & FIN:
        return Kind.FIN
    return Kind.ACK if acceptable else Kind.BARE
