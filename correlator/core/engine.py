"""Events in, findings and lookup requests out: the one place where wire and kernel meet.

The engine never does anything; the shell feeds it (`segment`, `evidence`, `tick`, `finish`), takes what it has to say
(`take`), and carries that out. A run that was recorded replays to the same findings, because a finding depends on the
times in its evidence and not on the order in which it came.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from correlator.core import tcp
from correlator.core.changes import Change
from correlator.core.config import Config
from correlator.core.connection import Connection
from correlator.core.counters import Counters
from correlator.core.evidence import EvidenceIndex
from correlator.core.explain import explain, through_nat, without_socket
from correlator.core.finding import Finding, unmatched
from correlator.core.flow import Flow
from correlator.core.four_tuple import FourTuple
from correlator.core.frames import Frames
from correlator.core.handshake import half_open
from correlator.core.legs import Legs
from correlator.core.limits import LIVE_SETTLE
from correlator.core.listeners import listener, oriented
from correlator.core.matcher import TIME_WAIT, Match, match
from correlator.core.model import Cause, Handshake, Lookup, OwnerBy, Side, Socket, Statement, Verdict
from correlator.core.segment import Segment
from correlator.core.tracker import Tracker
from correlator.core.verdict import cause, verdict

# Members that every finding needs, looked up once: in Python 3.11 the look costs 90 ns.
_AMBIGUOUS = Verdict.AMBIGUOUS
_ANSWERED = Change.ANSWERED
_BY_INODE = OwnerBy.INODE
_BY_LISTENER = OwnerBy.LISTENER
_CAUSE_NATIVE = Cause.NATIVE
_ESTABLISHED = Change.ESTABLISHED
_HANDSHAKE_REFUSED = Handshake.REFUSED
_NO_SOCKET = Verdict.NO_SOCKET
_OPENED = Change.OPENED
_SIDE_CLIENT = Side.CLIENT
_SIDE_SERVER = Side.SERVER

MILLISECOND = 1_000_000

# A connection that closes within the first 50 ms costs no lookup: its destroy events tell all. One that is still open
# is asked about then, when accept() has probably given its socket an inode, and again for a server that handed it on
# to a child, or is slow to accept.
LOOK_AGAIN = (50 * MILLISECOND, 50 * MILLISECOND, 400 * MILLISECOND, 2500 * MILLISECOND)
_WAITING = 1  # the look that asks nothing: owners are still being found for what the first one was told
_TELL_BY = 2  # the look at which what is known is announced, complete or not

# So many are asked about every tick (50 ms), and of what is half open, as floods are, so many of the latest: an attempt
# to connect that hangs has an owner, too.
LOOKS_A_TICK = 1000
LOOKS_AT_ATTEMPTS = 50
_MAX_ATTEMPTS = 8192
_EVERYTHING = 1 << 40
_HELD = 1 << 63  # behind all others


@dataclass
class _Watch:
    """A connection whose sockets are still being asked for."""

    due: int
    flow: Flow
    turn: int = 0
    announced: bool = False
    waited: bool = False


# The ends that a socket may terminate: none accepted a connection that was refused.
_BOTH, _CLIENT = (Side.CLIENT, Side.SERVER), (Side.CLIENT,)


class Engine:
    """Correlates segments with evidence."""

    def __init__(self, config: Config, interfaces: Sequence[str], first: int = 1) -> None:
        """`interfaces` names the interfaces by the index that segments carry; `first` numbers the first connection."""
        self.config = config
        self.tracker = Tracker(interfaces, config.limits, first)
        self.set_eager(eager=config.eager)
        self.index = EvidenceIndex(config.bounds)
        self.counters = Counters()
        self._watched: tuple[deque[_Watch], ...] = tuple(deque() for _ in LOOK_AGAIN)  # by turn: each in order of due
        self._attempts: deque[_Watch] = deque(maxlen=_MAX_ATTEMPTS)
        self._interfaces = interfaces
        self._legs = Legs()
        # Connections that a table without a time may be about: whether it is about others too shows at the end.
        self._held: deque[Connection] = deque()
        self.most_held = 0
        """How many of them there were at once."""
        self._out: list[Finding | Lookup] = []
        self._now = 0
        self._patience = LIVE_SETTLE if config.lookups else TIME_WAIT

    def take_in(self, frames: Frames) -> None:
        """Take in the segments of frames that were decoded."""
        begin = 0
        while begin < frames.count:
            begin = self.tracker.take_in(frames, begin)
            if self.tracker.has_news:
                self._drain(frames.segments[begin - 1].at)

    def segment(self, segment: Segment) -> Flow:
        """Take in a segment; its connection. The tracker tells more of it."""
        flow = self.tracker.segment(segment)
        if self.tracker.has_news:
            self._drain(segment.at)
        return flow

    def set_eager(self, *, eager: bool) -> None:
        """Ask for each connection at once, or not (`Config.eager`)."""
        self.config = self.config._replace(eager=eager)
        self.tracker.reports_only = not (self.config.lookups or self.config.announce)
        self.tracker.opened_only = self.config.lookups and not eager

    def set_recorded(self, *, counted: bool) -> None:
        """The input is what a live run saved: report as that run did. `counted`: it saved every packet."""
        self.tracker.set_limits(self.tracker.limits._replace(settle=LIVE_SETTLE, counted=counted))
        self._patience = LIVE_SETTLE

    def set_prompt(self) -> None:
        """The input is being written just now: report soon, as a live run does."""
        self.tracker.set_limits(self.tracker.limits._replace(settle=LIVE_SETTLE))

    def evidence(self, statement: Statement) -> None:
        """Take in a statement about a socket."""
        self.index.add(statement)

    def tick(self, now: int) -> None:
        """Let time pass until `now`."""
        self._now = max(self._now, now)
        self.tracker.advance(now)
        self._drain(now)
        for watched in self._watched:
            left = LOOKS_A_TICK
            while left and watched and watched[0].due <= now:
                left -= self._look(watched.popleft(), now)
        left = LOOKS_AT_ATTEMPTS
        while left and self._attempts:
            left -= self._look(self._attempts.popleft(), now)

    def ask_all(self) -> None:
        """Want to know of every connection that is not reported yet: events were lost, or the run ends."""
        for flow in self.tracker.unreported():
            self._ask_both(flow.copy())

    def finish(self, most: int = _EVERYTHING) -> bool:
        """Report the connections that are left, so many at a time. Tells whether there are more."""
        more = self.tracker.finish(most)
        self._drain(self._now)
        while self._held and not more:
            self._emit(self._held.popleft())
        return more

    @property
    def has_output(self) -> bool:
        """Whether `take` would give anything."""
        return bool(self._out or self.tracker.reports)

    def take(self) -> list[Finding | Lookup]:
        """What the engine has to say since the last call."""
        self._drain(self._now)
        out, self._out = self._out, []
        return out

    def findings(self, connection: Connection, final: bool) -> list[Finding]:  # noqa: FBT001  compiled: takes no keywords
        """The findings for a connection with the evidence at hand: one a termination, one for none at all."""
        connection = oriented(self.index, connection)
        found = []
        for side in _BOTH if connection.handshake is not _HANDSHAKE_REFUSED else _CLIENT:
            matched = match(self.index, connection, side, self._patience)
            if matched is not None:
                found.append(self._finding(connection, side, matched, final))
            elif len(self._interfaces) > 1:
                found += self._behind(connection, side, final)
        if found:
            return found
        return [_unmatched(connection, final)]

    def _behind(self, connection: Connection, side: Side, final: bool) -> list[Finding]:  # noqa: FBT001
        """The finding for a side that another leg of the connection leads to."""
        for leg in self._legs.others(connection):
            matched = match(self.index, leg, side, self._patience)
            if matched is not None:
                return [self._finding(connection, side, matched, final, leg)]
        return []

    def _drain(self, now: int) -> None:
        for event in self.tracker.take():
            change, flow = event.change, event.flow
            if change is _ANSWERED and len(self._interfaces) > 1:
                self._legs.note(flow.copy())
            if self.config.lookups:
                if not flow.watched:
                    flow.watched = True
                    self._watched[0].append(_Watch(now + LOOK_AGAIN[0], flow))
                if change is _OPENED and (self.config.eager or self.index.is_contested(flow.server_port())):
                    connection = flow.copy()
                    self._ask(connection, connection.four_tuple(_SIDE_CLIENT), connection.listener_tuple)
                elif change is _ESTABLISHED and self.config.eager:
                    self._ask_both(flow.copy())
            elif self.config.announce:
                self._announce(self.findings(flow.copy(), False))
        for connection in self.tracker.take_reports():
            self._report(connection, now)

    def _ask_both(self, connection: Connection) -> None:
        self._ask(connection, connection.four_tuple(_SIDE_SERVER), connection.four_tuple(_SIDE_CLIENT))

    def _ask(self, connection: Connection, *four_tuples: FourTuple) -> None:
        self.counters.lookups += len(four_tuples)
        self._out += [Lookup(four_tuple, connection.interface) for four_tuple in four_tuples]

    def _look(self, watch: _Watch, now: int) -> bool:
        """Announce what is known of an open connection by now, and ask again where it is not all.

        Tells whether there was anything to do.
        """
        flow = watch.flow
        if flow.reported or flow.gone or (flow.is_closed and not watch.turn):
            return False
        if half_open(flow.state) and not watch.turn and not watch.waited:
            watch.waited = True  # until the others had their turn
            self._attempts.append(watch)
            return False
        connection = flow.copy()
        if not watch.turn:
            self._ask(connection, connection.listener_tuple)
            self._ask_again(connection, watch, now)
            return True
        found = self.findings(connection, False)
        known = True
        for finding in found:
            known = known and finding.owner_by is _BY_INODE
        last = watch.turn + 1 == len(LOOK_AGAIN) or flow.is_closed
        if not watch.announced and (known or last or watch.turn >= _TELL_BY):
            watch.announced = True
            self._announce(found)
        if not last and not (known and watch.turn >= _TELL_BY):
            self._ask_again(connection, watch, now)
        return True

    def _ask_again(self, connection: Connection, watch: _Watch, now: int) -> None:
        if watch.turn != _WAITING:
            self._ask_both(connection)
        watch.turn += 1
        watch.due = now + LOOK_AGAIN[watch.turn]
        self._watched[watch.turn].append(watch)

    def _announce(self, found: list[Finding]) -> None:
        if self.config.announce:
            self._out += [finding for finding in found if finding.verdict is not _NO_SOCKET]

    def _report(self, connection: Connection, now: int) -> None:
        if not self.index.statements and len(self._interfaces) == 1:  # nothing is known of any socket
            self._out.append(_unmatched(oriented(self.index, connection), True))
            self.counters.unmatched += 1
            return
        if self.index.has_timeless and self.index.count_uses(
            connection.key(_SIDE_CLIENT), connection.key(_SIDE_SERVER)
        ):
            connection.reported_in += _HELD
            self._held.append(connection)
            self.most_held = max(self.most_held, len(self._held))
            if len(self._held) > self.config.bounds.tuples:
                self._emit(self._held.popleft())
        else:
            self._emit(connection)
        if self.config.lookups and not (len(self._interfaces) > 1 and self._legs.others(connection)):
            before = now if connection.superseded_at == tcp.UNSEEN else connection.superseded_at
            self.index.forget(connection.key(_SIDE_CLIENT), before)
            self.index.forget(connection.key(_SIDE_SERVER), before)

    def _emit(self, connection: Connection) -> None:
        for finding in self.findings(connection, True):
            self._emit_one(finding)

    def _emit_one(self, finding: Finding) -> None:
        self._out.append(finding)
        counters = self.counters
        if finding.verdict is _NO_SOCKET:
            counters.unmatched += 1
        elif finding.verdict is _AMBIGUOUS:
            counters.ambiguous += 1
        else:
            counters.matched += 1
            counters.by_verdict[finding.verdict] = counters.by_verdict.get(finding.verdict, 0) + 1

    def _finding(
        self,
        connection: Connection,
        side: Side,
        matched: Match,
        final: bool,  # noqa: FBT001  compiled: takes no keywords
        leg: Connection | None = None,
    ) -> Finding:
        socket = matched.socket
        if socket is None:
            text = explain(connection, side, _AMBIGUOUS, _CAUSE_NATIVE, None, None, None, None)
            return Finding(connection, side, _AMBIGUOUS, _CAUSE_NATIVE, text, matched.source, final=final)
        origin: Socket | None = None
        owner, by = matched.owner, matched.owner_by
        if side is _SIDE_SERVER:
            family = matched.was or socket.family
            origin, keeper = listener(self.index, leg or connection, family, socket.netns) or (None, None)
            if owner is None and keeper is not None:
                owner, by = keeper, _BY_LISTENER
        what = verdict(connection.wire_family, socket.family)
        why = cause(what, connection, side, origin)
        text = explain(leg or connection, side, what, why, socket, origin, owner, matched.was)
        ends = leg.ends(_SIDE_CLIENT) if leg else None
        if ends is not None:
            text += through_nat(connection, ends)
        return Finding(
            connection,
            side,
            what,
            why,
            text,
            matched.source,
            socket,
            origin,
            owner,
            by,
            matched.tcp_info,
            matched.was,
            final,
            ends,
        )


def _unmatched(connection: Connection, final: bool) -> Finding:  # noqa: FBT001  compiled: takes no keywords
    """The finding for a connection that no known socket terminates."""
    return unmatched(connection, without_socket(connection), final)
