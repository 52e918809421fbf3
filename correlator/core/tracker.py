"""From segments to connections: the table of open connections and the step that each segment takes.

Bounds: the table holds `Limits.connections` entries. Past that what is closed and reported is forgotten first, then
the oldest half-open connection (a flood's are worth least), then the oldest connection, which is reported as it stands.
Both evictions are counted.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from correlator.core.flow import UNSEEN, Flow, FlowEnd, after, covers, interval, kind_of, reversed_ends
from correlator.core.handshake import ACK, FIN, RST, SYN, State, closed, half_open, next_closing, next_state
from correlator.core.model import Connection
from correlator.core.segment import Segment

SECOND = 1_000_000_000

# By number, for the compiled step.
_MASK, _UNSEEN = 0xFFFFFFFF, UNSEEN
_SYN, _FIN, _RST, _ACK = SYN, FIN, RST, ACK
_NEW = int(State.NEW)
_SYN_RECEIVED, _ESTABLISHED = int(State.SYN_RECEIVED), int(State.ESTABLISHED)
_BEGUN = frozenset(map(int, (State.ESTABLISHED, State.MIDSTREAM, State.SYN_ACK_SEEN)))


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


@dataclass(frozen=True)
class Event:
    """A change, and the connection that it happened to."""

    change: Change
    flow: Flow


@dataclass(frozen=True)
class Step:
    """What a segment was to the tracker."""

    flow: Flow
    from_client: bool
    notable: bool  # belongs to the handshake or the close, or is the first of its direction


class Tracker:
    """The table of connections."""

    def __init__(self, interfaces: Sequence[str], limits: Limits, first: int = 1) -> None:
        """`interfaces` names the interfaces by index; it may grow while the tracker runs.

        `first` numbers the first connection.
        """
        self.set_limits(limits)
        self.copies = 0
        self.evicted = 0
        self.seen = 0
        self._interfaces = interfaces
        self._flows: OrderedDict[bytes, Flow] = OrderedDict()  # by the ends of who sent the first segment
        self._answers: dict[bytes, Flow] = {}  # by those of the other
        # Those that wait for time to pass, each queue in the order of their last segments.
        self._half_open: OrderedDict[int, Flow] = OrderedDict()
        self._settling: OrderedDict[int, Flow] = OrderedDict()  # closed, to be reported
        self._lingering: OrderedDict[int, Flow] = OrderedDict()  # reported, to be forgotten
        self.events: list[Event] = []
        """What happened since the last `take`."""
        self._now = 0  # as far as time is known to have passed
        self._newest = 0  # of the segments: what is measured from segments must not depend on how often time is told
        self._due_at = 0
        self._first = first

    def set_limits(self, limits: Limits) -> None:
        """Go on with other limits."""
        self.limits = limits
        self._settle, self._linger = limits.settle, limits.linger

    def __len__(self) -> int:
        """How many connections are in the table."""
        return len(self._flows)

    def take(self) -> list[Event]:
        """The events since the last call."""
        events, self.events = self.events, []
        return events

    def snapshot(self, flow: Flow) -> Connection:
        """The connection as a value."""
        name = self._interfaces[flow.interface] if 0 <= flow.interface < len(self._interfaces) else ""
        return flow.snapshot(name, counted=self.limits.counted)

    def segment(self, segment: Segment) -> Step:
        """Take in one segment."""
        self._newest = max(self._newest, segment.at)
        former: Flow | None = None
        flow = self._flows.get(segment.ends) or self._answers.get(segment.ends)
        if flow is not None and flow.reported and flow.last_at + self._linger <= self._now:
            self._forget(flow)  # its time was up behind one that goes on
            flow = None
        if flow is not None and self._is_another(flow, segment):
            former, flow = flow, None
        if flow is not None:
            near = flow.client if flow.is_from_client(segment) else flow.server
            if near.is_copy(segment):
                self.copies += 1
                return Step(flow, near is flow.client, notable=False)
            flow.last_at = self._newest  # before time passes: a clock that leaps cuts no connection in two
            if flow.queue is not None:
                flow.queue.move_to_end(flow.number)
        if self._newest >= self._due_at:
            self.advance(self._newest)
        if former is not None:
            self._supersede(former, segment.at)
        if flow is None:
            flow = self._open(segment)
        from_client = flow.is_from_client(segment)
        near, far = (flow.client, flow.server) if from_client else (flow.server, flow.client)
        if segment.continuation:
            if segment.interface == near.interface:  # else it continues a copy
                near.payload += segment.length
            return Step(flow, from_client, notable=False)
        first = near.reached == _UNSEEN
        follows = first or not after(segment.seq, near.reached)
        near.note(segment)
        moved = self._step(flow, segment, near, far, follows)
        notable = first or moved or closed(flow.closing) or segment.flags & (_SYN | _FIN | _RST) != 0
        return Step(flow, flow.is_from_client(segment), notable)

    def _is_another(self, flow: Flow, segment: Segment) -> bool:
        """Whether a segment opens another connection: a SYN with another ISN (RFC 9293 §3.4.1), or after the report."""
        if segment.flags & (_SYN | _ACK) != _SYN:
            return False
        base = (flow.client if flow.is_from_client(segment) else flow.server).base
        return flow.reported or base not in {_UNSEEN, segment.seq}

    def advance(self, now: int) -> None:
        """Let time pass: report connections that have settled, forget those that have lingered.

        Reports come in the order in which they are due, whether time passes in small steps or in large ones.
        """
        self._now = max(self._now, now)
        while (flow := self._next_due()) is not None:
            self._report(flow)
            if closed(flow.closing):
                self._enqueue(flow, self._lingering, self._linger)
            else:
                self._forget(flow)
        while self._lingering:
            flow = _first(self._lingering)
            if flow.last_at + self._linger > self._now:
                break
            self._forget(flow)
        self._due_at = self._now + min(self._settle, self._linger)
        for queue, wait in self._waits():
            if queue:
                self._due_at = min(self._due_at, _first(queue).last_at + wait)

    def _waits(self) -> tuple[tuple[OrderedDict[int, Flow], int], ...]:
        """The queues, with how long a connection in them may be silent."""
        return (self._half_open, self._linger), (self._settling, self._settle), (self._lingering, self._linger)

    def _next_due(self) -> Flow | None:
        """The connection whose report is due, the one that has been due for longest first."""
        found, due_at = None, self._now + 1
        for queue, wait in self._waits()[:2]:
            while queue and self._now > 0 and not _first(queue).last_at:
                flow = _first(queue)  # no segment had a time so far
                flow.last_at = self._now
                queue.move_to_end(flow.number)
            if queue and _first(queue).last_at + wait < due_at:
                found = _first(queue)
                due_at = found.last_at + wait
        return found

    def _enqueue(self, flow: Flow, queue: OrderedDict[int, Flow] | None, wait: int) -> None:
        """Put a connection into the queue that it is to wait in, at the end."""
        if flow.queue is queue:
            return
        if flow.queue is not None:
            del flow.queue[flow.number]
        flow.queue = queue
        if queue is not None:
            queue[flow.number] = flow
            if queue is self._lingering:  # its last segment was some time ago: others may have come since
                return
            self._due_at = min(self._due_at, flow.last_at + wait)

    def unreported(self) -> list[Flow]:
        """The connections that are still to be reported."""
        return [flow for flow in self._flows.values() if not flow.reported]

    def finish(self) -> None:
        """Report all that is left, in the order in which time would have reported it; the input has ended."""
        for flow in (*self._settling.values(), *self._flows.values()):
            self._report(flow)
        self._flows.clear()
        self._answers.clear()
        for queue, _wait in self._waits():
            queue.clear()

    def _open(self, segment: Segment) -> Flow:
        if len(self._flows) >= self.limits.connections:
            self._evict()
        ends, answers = segment.ends, reversed_ends(segment.ends)
        client = FlowEnd(segment.source, segment.source_port, ends)
        # A socket connected to itself (simultaneous open with one socket) is both ends.
        server = client if ends == answers else FlowEnd(segment.destination, segment.destination_port, answers)
        flow = Flow(self._first + self.seen, ends, client, server, segment.at, self._newest)
        flow.interface = segment.interface
        self.seen += 1
        self._flows[ends] = self._answers[answers] = flow
        return flow

    def _step(self, flow: Flow, segment: Segment, near: FlowEnd, far: FlowEnd, follows: bool) -> bool:  # noqa: FBT001
        """Move the connection's states; tells whether they moved. `follows`: nothing before the segment is missing."""
        flags = segment.flags
        if flags & _SYN:
            self._note_syn(flow, segment, near)
        if near.base == _UNSEEN:
            near.base = (segment.seq if flags & _SYN else segment.seq - 1) & _MASK
        if far.base == _UNSEEN and flags & _ACK:
            far.base = (segment.ack - 1) & _MASK
        before, closing = flow.state, flow.closing
        from_client = flow.is_from_client(segment)
        kind = kind_of(flow, segment, from_client)
        flow.state = next_state(before, kind, from_client)
        if flow.state == _ESTABLISHED and before == _SYN_RECEIVED:
            # the ACK that came with data which were not captured is not this one
            is_the_ack = follows and flow.syn_ack_count == 1
            flow.ack_rtt = interval(flow.syn_ack_at, segment.at) if is_the_ack else _UNSEEN
        elif flow.state == _SYN_RECEIVED and covers(flow.client.acked, flow.server.base):
            flow.state = _ESTABLISHED  # the client's ACK came before what it acknowledges
        flow.closing = next_closing(closing, kind, from_client)
        if near is far:  # connected to itself: what one end sends, the other sends too
            flow.state = next_state(flow.state, kind, False)
            flow.closing = next_closing(flow.closing, kind, False)
        if flow.state != before:
            self._announce(flow, before)
        if flow.state == before and flow.closing == closing:
            return False
        if flow.closing != closing:
            flow.closed_at = segment.at if closed(flow.closing) else None
        if not flow.reported:
            if closed(flow.closing):
                self._enqueue(flow, self._settling, self._settle)
            else:
                self._enqueue(flow, self._half_open if half_open(flow.state) else None, self._linger)
        return True

    def _note_syn(self, flow: Flow, segment: Segment, near: FlowEnd) -> None:
        """Count a SYN or SYN-ACK, and let it say who is the client."""
        is_answer = segment.flags & _ACK != 0
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
        if near.isn == _UNSEEN:
            near.isn = segment.seq
        if flow.syn_ack_count == 1 and flow.syn_count == 1:
            flow.syn_rtt = interval(flow.syn_at, segment.at)
        flow.syn_ack_at = segment.at

    def _announce(self, flow: Flow, before: int) -> None:
        if before == _NEW:
            self.events.append(Event(Change.OPENED, flow))
        if flow.state == _SYN_RECEIVED:
            self.events.append(Event(Change.ANSWERED, flow))
        if flow.state in _BEGUN:
            self.events.append(Event(Change.ESTABLISHED, flow))

    def _supersede(self, flow: Flow, at: int) -> None:
        if not flow.gone:
            flow.superseded_at = at
            self._report(flow)
            self._forget(flow)

    def _evict(self) -> None:
        if self._lingering:
            self._forget(_first(self._lingering))  # it is reported: nothing is lost
            return
        self.evicted += 1
        if self._half_open:
            flow = _first(self._half_open)
            flow.reported = True  # a row for each SYN of a flood would be a flood
        else:
            flow = next(iter(self._flows.values()))
            self._report(flow)
        self._forget(flow)

    def _report(self, flow: Flow) -> None:
        if not flow.reported:
            flow.reported = True
            self.events.append(Event(Change.REPORT, flow))

    def _forget(self, flow: Flow) -> None:
        flow.gone = True
        self._enqueue(flow, None, 0)
        del self._flows[flow.ends], self._answers[reversed_ends(flow.ends)]


def _first(queue: OrderedDict[int, Flow]) -> Flow:
    return next(iter(queue.values()))
