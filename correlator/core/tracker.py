# cython: boundscheck=False, wraparound=False
"""From segments to connections: the table of open connections and the step that each segment takes.

Bounds: the tracker holds `Limits.connections`. Past that what is closed and reported is forgotten first, then the
oldest half-open connection (a flood's are worth least), then what is closed and waits for its report, then the oldest
of all; these two are reported as they stand. All but the first are counted. A closed connection waits for
`Limits.segments` segments of any connection at the most: what is reported when depends on no other connection.
(The directives above are for lists of segments: these are as long as their `count` says.)
"""

from collections.abc import Sequence

from correlator.core import tcp
from correlator.core.changes import Change, Event
from correlator.core.connection import Connection
from correlator.core.flow import Flow, Queue, begun, leave, next_due
from correlator.core.frames import Frames
from correlator.core.handshake import Closing, State, half_open
from correlator.core.limits import Limits
from correlator.core.segment import Segment
from correlator.core.table import GROUP, Table

# By number, for the compiled step.
_NEW, _SYN_RECEIVED = int(State.NEW), int(State.SYN_RECEIVED)
_FIN_BOTH = int(Closing.FIN_BOTH)  # the first of those that are closed
_EVERYTHING = 1 << 40
_GROUP = GROUP
# Behind the last moment: the stages in which `finish` reports what is left.
_SUPERSEDED_LEFT, _CLOSED_LEFT, _LEFT = 1 << 60, 2 << 60, 3 << 60
_BEGUN = frozenset(map(int, (State.ESTABLISHED, State.MIDSTREAM, State.SYN_ACK_SEEN)))


class Tracker:
    """The table of connections."""

    def __init__(self, interfaces: Sequence[str], limits: Limits, first: int = 1) -> None:
        """`interfaces` names the interfaces by index; it may grow while the tracker runs.

        `first` numbers the first connection.
        """
        self.reports_only = False
        """Whether no other event is wanted."""
        self.has_news = False
        """Whether something came since the last `take` that cannot wait: reports can where only they are wanted."""
        self.opened_only = False
        """Whether of the others only the first one of a connection is."""
        self.copies = self.evicted = self.seen = 0
        self._interfaces = interfaces
        self._table = Table()
        # Those that wait for time to pass, each queue in the order of their last segments.
        self._half_open = Queue()
        self._settling = Queue()  # closed, to be reported
        self._lingering = Queue()  # reported, to be forgotten
        self._superseded = Queue()  # out of the table, to be reported
        self._open = Queue()  # the others, in the order in which they came to be so: they wait for nothing
        self._reporting = [self._half_open, self._settling, self._superseded]
        self.set_limits(limits)
        self.from_client = False
        """Whether the last segment came from the client."""
        self.notable = False
        """Whether it belongs to the handshake or the close, or is the first of its direction."""
        self.events: list[Event] = []
        """What happened since the last `take`."""
        self.reports: list[Connection] = []
        """The connections of which nothing more is to come, or that had to go, since the last `take_reports`."""
        self._now = 0  # as far as time is known to have passed
        self._newest = 0  # of the segments: what is measured from segments must not depend on how often time is told
        self._due_at = 0
        self.moment = 0
        """Segments so far, also those that were for others."""
        self._due_moment = 0
        self._first = first
        self._stage = 0  # of the end; 0 before it
        self._last: list[Flow] = []  # what is open when the input has ended, the first one last

    def set_limits(self, limits: Limits) -> None:
        """Go on with other limits."""
        self.limits = limits
        self._settle, self._linger, self._most = limits.settle, limits.linger, limits.connections
        self._segments = limits.segments
        self._counted = limits.counted
        self._half_open.wait = self._lingering.wait = limits.linger
        self._settling.wait = self._superseded.wait = limits.settle

    def __len__(self) -> int:
        """How many connections are in the table."""
        return self._table.count

    def take(self) -> list[Event]:
        """The events since the last call."""
        events, self.events = self.events, []
        self.has_news = False
        return events

    def take_reports(self) -> list[Connection]:
        """The reports since the last call."""
        reports, self.reports = self.reports, []
        return reports

    def pass_by(self, at: int) -> None:
        """A segment that is for another tracker, which has another share of the connections."""
        self.moment += 1
        self._newest = max(self._newest, at)
        self._pass_time()

    def _is_timely(self) -> bool:
        """Whether nothing is due yet."""
        return self._newest < self._due_at and self.moment < self._due_moment

    def _pass_time(self) -> None:
        if not self._is_timely():
            self.advance(self._newest)

    def segment(self, segment: Segment) -> Flow:
        """Take in one segment; its connection. `from_client` and `notable` tell of it until the next."""
        self._table.expect(segment)
        return self._track(segment)

    def take_in(self, frames: Frames, begin: int) -> int:
        """Take in the segments of frames until something came of one; with which to go on."""
        segments, count, table = frames.segments, frames.count, self._table
        for number in range(begin, count):
            if number % _GROUP == 0:
                table.expect_group(segments, number, count)
            segment = segments[number]
            if segment.is_decoded:
                self._track(segment)
                if self.has_news:
                    return number + 1
        return count

    def _track(self, segment: Segment) -> Flow:
        self.moment += 1
        self._newest = max(self._newest, segment.at)
        flow = self._table.find(segment)
        if flow is None:
            return self._open_with(segment)
        near = self._table.place
        if flow.queue is self._open and self._is_timely() and flow.go_on(segment, near):
            # Most are like this: what follows would do no more, and takes twice as long.
            flow.last_at, flow.touched = self._newest, self.moment
            self.from_client, self.notable = near == flow.client_place, False
            return flow
        if flow.reported and flow.last_at + self._linger <= self._now:
            self._forget(flow)  # its time was up behind one that goes on
            return self._open_with(segment)
        if segment.flags & (tcp.SYN | tcp.ACK) == tcp.SYN and flow.is_another(segment, near):
            self._pass_time()
            self._supersede(flow, segment.at)
            return self._open_with(segment)
        if flow.is_copy(segment, near):
            self.copies += 1
            self._pass_time()
            self.from_client, self.notable = near == flow.client_place, False
        else:
            self._go_on(flow, segment, near)
        return flow

    def _open_with(self, segment: Segment) -> Flow:
        """The connection that a segment is the first one of."""
        self._pass_time()
        if self._table.count + self._superseded.count >= self._most:
            self._evict()
        place = segment.interface
        interface = self._interfaces[place] if 0 <= place < len(self._interfaces) else ""
        flow = begun(self._first + self.moment - 1, segment, self._newest, interface, self._counted)
        flow.touched = self.moment
        self.seen += 1
        self._table.add(flow, segment)
        self._take_in(flow, segment, 0)
        return flow

    def _go_on(self, flow: Flow, segment: Segment, near: int) -> None:
        """Take in a segment of a connection that there is."""
        flow.last_at, flow.touched = self._newest, self.moment
        queue = flow.queue  # in which it waited so far
        if queue is self._open:
            queue = None
        if not self._is_timely():
            if queue is not None:
                queue.append(flow)  # before time passes: a clock that leaps cuts no connection in two
            self.advance(self._newest)
        self._take_in(flow, segment, near)
        if queue is not None and flow.queue is queue:
            queue.append(flow)  # it is the one that has waited least

    def _take_in(self, flow: Flow, segment: Segment, near: int) -> None:
        if segment.continuation:
            self._continue(flow, segment, near)
        else:
            self._note(flow, segment, near)
        self.from_client = near == flow.client_place

    def _continue(self, flow: Flow, segment: Segment, near: int) -> None:
        """Take in a later fragment of a segment: its bytes are all that is new."""
        if segment.interface == flow.seen_at[near]:  # else it continues a copy
            flow.payload[near] += segment.length
        if flow.queue is None:
            self._open.append(flow)
        self.notable = False

    def _note(self, flow: Flow, segment: Segment, near: int) -> None:
        """Count a segment and take its step."""
        first = flow.reached[near] == tcp.UNSEEN
        follows = first or not tcp.after(segment.seq, flow.reached[near])
        flow.note(segment, near)
        marked = segment.flags & tcp.SYN_FIN_RST != 0
        self.notable = first or marked or flow.closing >= _FIN_BOTH
        if marked or not flow.is_steady:
            before = flow.state
            if flow.step(segment, near, follows):
                self._moved(flow, before)
                self.notable = True

    def advance(self, now: int) -> None:
        """Let time pass: report connections that have settled, forget those that have lingered.

        Reports come in the order in which they are due, whether time passes in small steps or in large ones.
        """
        self._now = max(self._now, now)
        while (flow := next_due(self._reporting, self._now)) is not None:
            self._settled(flow)
        flow = self._settling.first
        while flow is not None and flow.touched + self._segments <= self.moment:
            self._settled(flow)
            flow = self._settling.first
        flow = self._lingering.first
        while flow is not None and (
            flow.last_at + self._linger <= self._now or flow.touched + self._segments <= self.moment
        ):
            self._forget(flow)
            flow = self._lingering.first
        self._due_moment = self.moment + self._segments
        for waiting in (self._settling, self._lingering):
            if waiting.first is not None:
                self._due_moment = min(self._due_moment, waiting.first.touched + self._segments)
                self._table.expect_removal(waiting.first)
        self._due_at = self._now + min(self._settle, self._linger)
        for queue in self._reporting:
            if queue.first is not None:
                self._due_at = min(self._due_at, queue.first.last_at + queue.wait)
        if self._lingering.first is not None:
            self._due_at = min(self._due_at, self._lingering.first.last_at + self._linger)

    def _settled(self, flow: Flow) -> None:
        """Report a connection that has waited enough. One that is closed may stay for what comes late."""
        stays = flow.closing >= _FIN_BOTH and not flow.gone and self._settle < self._linger
        if not stays:
            self._forget(flow)
        self._report(flow)
        if stays:
            self._lingering.append(flow)

    def _enqueue(self, flow: Flow, queue: Queue) -> None:
        """Put a connection into the queue that it is to wait in, at the end."""
        if flow.queue is not queue:
            queue.append(flow)
            if queue is not self._open:
                self._due_at = min(self._due_at, flow.last_at + queue.wait)

    def unreported(self) -> list[Flow]:
        """The connections that are still to be reported."""
        return [flow for flow in self._table if not flow.reported]

    def finish(self, most: int = _EVERYTHING) -> bool:
        """Report what is left, in the order in which time would have reported it; the input has ended.

        `most`: so many at a time. Tells whether there are more.
        """
        left = most
        for queue in (self._superseded, self._settling):
            self._stage = max(self._stage, _SUPERSEDED_LEFT if queue is self._superseded else _CLOSED_LEFT)
            while left and (flow := queue.first) is not None:
                self._forget(flow)
                self._report(flow)
                left -= 1
        if left and not self._last:
            self._last = list(self._table)[::-1]
        while left and self._last:
            self._stage = _LEFT
            flow = self._last.pop()
            flow.touched = flow.number
            self._forget(flow)
            self._report(flow)
            left -= 1
        return self._table.count > 0 or self._superseded.count > 0

    def _moved(self, flow: Flow, before: int) -> None:
        """Announce a connection's new state, and let it wait where it is to wait now."""
        if flow.state != before:
            self._announce(flow, before)
        if not flow.reported:
            if flow.closing >= _FIN_BOTH:
                self._enqueue(flow, self._settling)
            else:
                self._enqueue(flow, self._half_open if half_open(flow.state) else self._open)

    def _announce(self, flow: Flow, before: int) -> None:
        several = len(self._interfaces) > 1  # then the legs of a connection are to be found
        if before == _NEW and (several or not self.reports_only):
            self._tell(Change.OPENED, flow)
        if several or not (self.reports_only or self.opened_only):
            if flow.state == _SYN_RECEIVED:
                self._tell(Change.ANSWERED, flow)
            if flow.state in _BEGUN:
                self._tell(Change.ESTABLISHED, flow)

    def _tell(self, change: Change, flow: Flow) -> None:
        self.events.append(Event(change, flow))
        self.has_news = True

    def _supersede(self, flow: Flow, at: int) -> None:
        """Another connection has the four-tuple. Evidence of this one's end may still come, where it is waited for."""
        if flow.gone:
            return
        flow.superseded_at, flow.touched = at, self.moment
        self._forget(flow)
        if self._settle < self._linger and not flow.reported:
            flow.last_at = self._newest
            self._enqueue(flow, self._superseded)
        else:
            self._report(flow)

    def _evict(self) -> None:
        flow = self._lingering.first
        if flow is not None:
            self._forget(flow)  # it is reported: nothing is lost
            return
        flow = self._half_open.first
        if flow is not None:
            flow.reported = True  # a row for each SYN of a flood would be a flood
        else:
            flow = self._superseded.first or self._settling.first or self._open.first
        if flow is not None:
            self.evicted += 1
            self._forget(flow)
            self._report(flow)

    def _report(self, flow: Flow) -> None:
        if not flow.reported:
            flow.reported, flow.reported_in = True, self._stage or self.moment
            self.reports.append(flow if flow.gone else flow.copy())
            self.has_news = self.has_news or not self.reports_only

    def _forget(self, flow: Flow) -> None:
        leave(flow)
        if not flow.gone:
            flow.gone = True
            self._table.remove(flow)
