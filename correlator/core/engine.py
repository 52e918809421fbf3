"""Events in, findings and lookup requests out: the one place where wire and kernel meet.

The engine never does anything; the shell feeds it (`segment`, `evidence`, `tick`, `finish`), takes what it has to say
(`take`), and carries that out. A run that was recorded replays to the same findings, because a finding depends on the
times in its evidence and not on the order in which it came.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from correlator.core.evidence import Bounds, EvidenceIndex
from correlator.core.explain import explain
from correlator.core.flow import Flow
from correlator.core.matcher import TIME_WAIT, Match, listener, match, oriented
from correlator.core.model import (
    Cause,
    Connection,
    Finding,
    FourTuple,
    Handshake,
    Lookup,
    Owner,
    OwnerBy,
    Segment,
    Side,
    Socket,
    Statement,
    Verdict,
)
from correlator.core.tracker import LIVE_SETTLE, Change, Limits, Step, Tracker
from correlator.core.verdict import cause, verdict

MILLISECOND = 1_000_000

# After a connection opens: at once (its socket may close at once), then when accept() has probably given the socket
# its inode, then for one that handed it on to a child, or is slow to accept.
LOOK_AGAIN = (50 * MILLISECOND, 450 * MILLISECOND, 2500 * MILLISECOND)
_TELL_BY = 1  # the look at which what is known is announced, complete or not


@dataclass(frozen=True, slots=True)
class Config:
    """What an engine is to do, fixed for a run."""

    limits: Limits = field(default_factory=Limits)
    bounds: Bounds = field(default_factory=Bounds)
    lookups: bool = False
    """Ask the kernel for each connection (live)."""
    announce: bool = False
    """Give a provisional finding as soon as an open connection's sockets are known."""


@dataclass(slots=True)
class Counters:
    """The engine's share of the run's counters."""

    segments: int = 0
    findings: int = 0
    matched: int = 0
    unmatched: int = 0
    ambiguous: int = 0
    lookups: int = 0
    by_verdict: dict[Verdict, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Watch:
    """A connection whose sockets are still being asked for."""

    due: int
    flow: Flow
    turn: int = 0
    announced: bool = False


def _ends(connection: Connection) -> tuple[Side, ...]:
    """The ends that a socket may terminate: none accepted a connection that was refused."""
    if connection.handshake is Handshake.REFUSED:
        return (Side.CLIENT,)
    return (Side.CLIENT, Side.SERVER)


class Engine:
    """Correlates segments with evidence."""

    def __init__(self, config: Config, interfaces: Sequence[str], first: int = 1) -> None:
        """`interfaces` names the interfaces by the index that segments carry; `first` numbers the first connection."""
        self.config = config
        self.tracker = Tracker(interfaces, config.limits, first)
        self.index = EvidenceIndex(config.bounds)
        self.counters = Counters()
        self._watched: tuple[deque[_Watch], ...] = tuple(deque() for _ in LOOK_AGAIN)  # by turn: each in order of due
        # Connections that a table without a time may be about: whether it is about others too shows at the end.
        self._held: deque[Connection] = deque()
        self._out: list[Finding | Lookup] = []
        self._now = 0
        self._patience = LIVE_SETTLE if config.lookups else TIME_WAIT

    def segment(self, segment: Segment) -> Step:
        """Take in a segment."""
        self.counters.segments += 1
        step = self.tracker.segment(segment)
        self._drain(segment.at)
        return step

    def set_recorded(self, *, counted: bool) -> None:
        """The input is what a live run saved: report as that run did. `counted`: it saved every packet."""
        self.tracker.limits = replace(self.tracker.limits, settle=LIVE_SETTLE, counted=counted)
        self._patience = LIVE_SETTLE

    def evidence(self, statement: Statement) -> None:
        """Take in a statement about a socket."""
        self.index.add(statement)

    def tick(self, now: int) -> None:
        """Let time pass until `now`."""
        self._now = max(self._now, now)
        self.tracker.advance(now)
        self._drain(now)
        for watched in self._watched:
            while watched and watched[0].due <= now:
                self._look(watched.popleft(), now)

    def finish(self) -> None:
        """Report every connection that is left."""
        self.tracker.finish()
        self._drain(self._now)
        while self._held:
            self._emit(self._held.popleft())

    @property
    def has_output(self) -> bool:
        """Whether `take` would give anything."""
        return bool(self._out)

    def take(self) -> list[Finding | Lookup]:
        """What the engine has to say since the last call."""
        out, self._out = self._out, []
        return out

    def findings(self, connection: Connection, *, final: bool) -> list[Finding]:
        """The findings for a connection with the evidence at hand: one a termination, one for none at all."""
        connection = oriented(self.index, connection)
        found = [
            self._finding(connection, side, matched, final=final)
            for side in _ends(connection)
            if (matched := match(self.index, connection, side, self._patience)) is not None
        ]
        if found:
            return found
        text = explain(connection, Side.NONE, Verdict.NO_SOCKET, Cause.NATIVE, None, None, None, None)
        return [Finding(connection, Side.NONE, Verdict.NO_SOCKET, Cause.NATIVE, text, final=final)]

    def _drain(self, now: int) -> None:
        for change, flow in self.tracker.take():
            if change is Change.REPORT:
                self._report(flow, now)
            elif self.config.lookups:
                connection = self.tracker.snapshot(flow)
                if change is Change.OPENED:
                    self._ask(connection, connection.four_tuple(Side.CLIENT), connection.listener_tuple)
                    continue
                if change is Change.ESTABLISHED:
                    self._ask_both(connection)
                if not flow.watched:
                    flow.watched = True
                    self._watched[0].append(_Watch(now + LOOK_AGAIN[0], flow))
            elif self.config.announce:
                self._announce(self.findings(self.tracker.snapshot(flow), final=False))

    def _ask_both(self, connection: Connection) -> None:
        self._ask(connection, connection.four_tuple(Side.SERVER), connection.four_tuple(Side.CLIENT))

    def _ask(self, connection: Connection, *four_tuples: FourTuple) -> None:
        self.counters.lookups += len(four_tuples)
        self._out.extend(Lookup(four_tuple, connection.interface) for four_tuple in four_tuples)

    def _look(self, watch: _Watch, now: int) -> None:
        """Announce what is known of an open connection by now, and ask again where it is not all."""
        if watch.flow.reported:
            return
        connection = self.tracker.snapshot(watch.flow)
        found = self.findings(connection, final=False)
        known = all(finding.owner_by is OwnerBy.INODE for finding in found)
        last = watch.turn + 1 == len(LOOK_AGAIN) or watch.flow.is_closed
        if not watch.announced and (known or last or watch.turn >= _TELL_BY):
            watch.announced = True
            self._announce(found)
        if last or (known and watch.turn >= _TELL_BY):
            return
        self._ask_both(connection)
        watch.turn += 1
        watch.due = now + LOOK_AGAIN[watch.turn]
        self._watched[watch.turn].append(watch)

    def _announce(self, found: list[Finding]) -> None:
        if self.config.announce:
            self._out.extend(finding for finding in found if finding.verdict is not Verdict.NO_SOCKET)

    def _report(self, flow: Flow, now: int) -> None:
        connection = self.tracker.snapshot(flow)
        four_tuples = (connection.four_tuple(Side.CLIENT), connection.four_tuple(Side.SERVER))
        timeless = [known for four in set(four_tuples) for known in self.index.sockets(four) if known.last_at is None]
        if timeless:
            for known in timeless:
                known.uses += 1
            self._held.append(connection)
            if len(self._held) > self.config.bounds.tuples:
                self._emit(self._held.popleft())
        else:
            self._emit(connection)
        if self.config.lookups:
            for four in four_tuples:
                self.index.forget(four, flow.superseded_at or now)

    def _emit(self, connection: Connection) -> None:
        for finding in self.findings(connection, final=True):
            self._count(finding)
            self._out.append(finding)

    def _count(self, finding: Finding) -> None:
        counters = self.counters
        counters.findings += 1
        counters.by_verdict[finding.verdict] = counters.by_verdict.get(finding.verdict, 0) + 1
        if finding.verdict is Verdict.NO_SOCKET:
            counters.unmatched += 1
        elif finding.verdict is Verdict.AMBIGUOUS:
            counters.ambiguous += 1
        else:
            counters.matched += 1

    def _finding(self, connection: Connection, side: Side, matched: Match, *, final: bool) -> Finding:
        socket = matched.socket
        if socket is None:
            text = explain(connection, side, Verdict.AMBIGUOUS, Cause.NATIVE, None, None, None, None)
            return Finding(connection, side, Verdict.AMBIGUOUS, Cause.NATIVE, text, matched.source, final=final)
        origin: Socket | None = None
        owner, by = matched.owner, OwnerBy.INODE if matched.owner else OwnerBy.NONE
        if side is Side.SERVER:
            origin, keeper = listener(self.index, connection, matched.was or socket.family) or (None, None)
            owner, by = _owner_of(owner, keeper)
        why = cause(connection, side, socket, origin)
        what = verdict(connection.wire_family, socket.family)
        return Finding(
            connection=connection,
            side=side,
            verdict=what,
            cause=why,
            explanation=explain(connection, side, what, why, socket, origin, owner, matched.was),
            evidence=matched.source,
            socket=socket,
            listener=origin,
            owner=owner,
            owner_by=by,
            tcp_info=next((known.tcp_info for known in reversed(matched.knowns) if known.tcp_info), None),
            was=matched.was,
            final=final,
        )


def _owner_of(owner: Owner | None, keeper: Owner | None) -> tuple[Owner | None, OwnerBy]:
    """A server-side socket's owner: the process that holds it, else the one that holds its listener."""
    if owner is not None:
        return owner, OwnerBy.INODE
    return keeper, OwnerBy.LISTENER if keeper is not None else OwnerBy.NONE
