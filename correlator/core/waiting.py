"""The connections under way, as long as they are under way: what time and segments that pass do to them.

Bounds: `Limits.connections` are held. Past that what is closed and reported is forgotten first, then the oldest
half-open connection (a flood's are worth least), then what is closed and waits for its report, then the oldest of all;
these two are reported as they stand. All but the first are counted. A closed connection waits for `Limits.segments`
segments of any connection at the most: what is reported when depends on no other connection.
"""

from correlator.core import raw
from correlator.core.connection import Connection
from correlator.core.flow import Flow, Queue, leave, next_due
from correlator.core.handshake import Closing
from correlator.core.limits import Limits
from correlator.core.table import Table

_FIN_BOTH = int(Closing.FIN_BOTH)  # the first of those that are closed
_EVERYTHING = 1 << 40
# Behind the last moment: the stages in which `finish` reports what is left.
_SUPERSEDED_LEFT, _CLOSED_LEFT, _LEFT = 1 << 60, 2 << 60, 3 << 60


class Waiting:
    """The table of connections, and the queues in which they wait for time to pass."""

    def __init__(self, limits: Limits) -> None:
        """None yet."""
        self.reports_only = False
        """Whether no other event is wanted."""
        self.has_news = False
        """Whether something came since the last `take` that cannot wait: reports can where only they are wanted."""
        self.evicted = 0
        self._table = Table()
        # Each queue in the order of their last segments.
        self._half_open = Queue()
        self._settling = Queue()  # closed, to be reported
        self._lingering = Queue()  # reported, to be forgotten
        self._superseded = Queue()  # out of the table, to be reported
        self._open = Queue()  # the others, in the order in which they came to be so: they wait for nothing
        self._reporting = [self._half_open, self._settling, self._superseded]
        self.set_limits(limits)
        self.reports: list[Connection] = []
        """The connections of which nothing more is to come, or that had to go, since the last `take_reports`."""
        self._now = 0  # as far as time is known to have passed
        self.newest = 0
        """Of the segments' times: what is measured from segments must not depend on how often time is told."""
        self._due_at = 0
        self.moment = 0
        """Segments so far, also those that were for others."""
        self._due_moment = 0
        self.hear(memoryview(bytearray()).cast("q"))
        self.left = 0
        """Connections that were not closed when the input ended."""
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

    def take_reports(self) -> list[Connection]:
        """The reports since the last call."""
        reports, self.reports = self.reports, []
        return reports

    def pass_by(self, at: int) -> None:
        """A segment that is for another tracker, which has another share of the connections."""
        self.moment += 1
        self.newest = max(self.newest, at)
        self._pass_time()

    def hear(self, times: memoryview) -> None:
        """Of the segments that come next, also of those that are for other trackers, the times (ns, 64 bits each)."""
        self._kept, self._heard = times, len(times)
        self._times, self._before = raw.times(times), self.moment

    def pass_to(self, moment: int) -> None:
        """All segments up to a moment that have not come were for others: their times were heard.

        Raises IndexError where they were not.
        """
        if moment - self._before > self._heard:
            message = f"{self._heard} times were heard, not {moment - self._before}"
            raise IndexError(message)
        now, newest, before = self.moment, self.newest, self._before  # as `pass_by`, without a call for each
        while now < moment:
            newest = max(newest, self._times[now - before])
            now += 1
            if newest >= self._due_at or now >= self._due_moment:
                self.moment, self.newest = now, newest
                self.advance(newest)
        self.moment, self.newest = now, newest

    def go_to(self, moment: int, newest: int) -> None:
        """All segments up to a moment were for others; `newest`: of their times."""
        self.moment = moment
        self.newest = max(self.newest, newest)
        self._pass_time()

    def _is_timely(self) -> bool:
        """Whether nothing is due yet."""
        return self.newest < self._due_at and self.moment < self._due_moment

    def _pass_time(self) -> None:
        if not self._is_timely():
            self.advance(self.newest)

    def _is_over(self, flow: Flow) -> bool:
        """Whether a connection that was reported has been silent for long enough to be forgotten."""
        return (
            flow.last_at + self._linger <= max(self._now, self.newest) or flow.touched + self._segments <= self.moment
        )

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
        while flow is not None and self._is_over(flow):
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

    def lasting(self) -> list[Flow]:
        """The connections that are not closed: what follows may go on with them, however late it comes."""
        return [flow for flow in self._table if flow.queue is not self._settling and flow.queue is not self._lingering]

    def closing(self) -> list[Flow]:
        """Those that are, and wait for late segments, of which there may be some among the next `Limits.segments`."""
        return [flow for flow in self._table if flow.queue is self._settling or flow.queue is self._lingering]

    def finish(self, most: int = _EVERYTHING) -> bool:
        """Report what is left, in the order in which time would have reported it; the input has ended.

        `most`: so many at a time. Tells whether there are more.
        """
        if not self._stage:
            self.left = self._table.count - self._settling.count - self._lingering.count
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
