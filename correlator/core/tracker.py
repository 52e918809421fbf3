"""From segments to connections: the step that each segment takes."""

from collections.abc import Sequence

from correlator.core import tcp
from correlator.core.changes import Change, Event
from correlator.core.flow import Flow, begun
from correlator.core.frames import Frames
from correlator.core.handshake import Closing, State, half_open
from correlator.core.limits import Limits
from correlator.core.segment import Segment
from correlator.core.table import GROUP
from correlator.core.waiting import Waiting

# By number, for the compiled step.
_NEW, _SYN_RECEIVED = int(State.NEW), int(State.SYN_RECEIVED)
_FIN_BOTH = int(Closing.FIN_BOTH)  # the first of those that are closed
_GROUP = GROUP
_BEGUN = frozenset(map(int, (State.ESTABLISHED, State.MIDSTREAM, State.SYN_ACK_SEEN)))


class Tracker(Waiting):
    """Tells connections apart, and follows each."""

    def __init__(self, interfaces: Sequence[str], limits: Limits, first: int = 1) -> None:
        """`interfaces` names the interfaces by index; it may grow while the tracker runs.

        `first` numbers the first connection.
        """
        super().__init__(limits)
        self.opened_only = False
        """Whether of the others only the first one of a connection is."""
        self.copies = self.seen = 0
        self.most = 0
        """Connections that were held at once."""
        self._interfaces = interfaces
        self.from_client = False
        """Whether the last segment came from the client."""
        self.notable = False
        """Whether it belongs to the handshake or the close, or is the first of its direction."""
        self.events: list[Event] = []
        """What happened since the last `take`."""
        self._first = first

    def take(self) -> list[Event]:
        """The events since the last call."""
        events, self.events = self.events, []
        self.has_news = False
        return events

    def segment(self, segment: Segment) -> Flow:
        """Take in one segment; its connection. `from_client` and `notable` tell of it until the next."""
        self._table.expect(segment)
        return self._track(segment)

    def take_in(self, frames: Frames, begin: int) -> int:
        """Take in the segments of frames until something came of one; with which to go on."""
        segments, count, table = frames.segments, frames.count, self._table
        group = (begin + _GROUP - 1) // _GROUP * _GROUP  # where the next one begins
        for number in range(begin, count):
            if number == group:
                table.expect_group(segments, number, count)
                group += _GROUP
            segment = segments[number]
            if segment.is_decoded and segment.is_elsewhere:
                self.pass_by(segment.at)
            elif segment.is_decoded:
                self._track(segment)
                if self.has_news:
                    return number + 1
        return count

    def _track(self, segment: Segment) -> Flow:
        if segment.moment:
            self.pass_to(segment.moment - 1)
        flow = self._table.find(segment)
        if flow is not None and flow.reported and self._is_over(flow):
            self._forget(flow)  # its time was up behind one that goes on
            flow = None
        self.moment += 1
        self.newest = max(self.newest, segment.at)
        if flow is None:
            return self._open_with(segment)
        near = self._table.place
        if flow.queue is self._open and self._is_timely() and flow.go_on(segment, near):
            # Most are like this: what follows would do no more, and takes twice as long.
            flow.last_at, flow.touched = self.newest, self.moment
            self.from_client, self.notable = near == flow.client_place, False
            return flow
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
        flow = begun(self._first + self.moment - 1, segment, self.newest, interface, self._counted)
        flow.touched = self.moment
        self.seen += 1
        self._table.add(flow, segment)
        self.most = max(self.most, self._table.count + self._superseded.count)
        self._take_in(flow, segment, 0)
        return flow

    def _go_on(self, flow: Flow, segment: Segment, near: int) -> None:
        """Take in a segment of a connection that there is."""
        flow.last_at, flow.touched = self.newest, self.moment
        queue = flow.queue  # in which it waited so far
        if queue is self._open:
            queue = None
        if not self._is_timely():
            if queue is not None:
                queue.append(flow)  # before time passes: a clock that leaps cuts no connection in two
            self.advance(self.newest)
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
            flow.last_at = self.newest
            self._enqueue(flow, self._superseded)
        else:
            self._report(flow)
