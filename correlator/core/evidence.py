"""What is known of the kernel's sockets, by four-tuple and by time.

Everything is kept in the wire's form, so that mapped and native entries of one four-tuple meet; each statement keeps
the kernel's own form. Statements that say the same of the same socket fold into one `Known` with the span of time
for which it was seen.

Bounds: `Bounds.tuples` four-tuples and `Bounds.statements` statements each; what is dropped is counted.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple, TypeVar

from correlator.core.address import mapped, unmapped
from correlator.core.bounded import drop_oldest
from correlator.core.facts import merged
from correlator.core.four_tuple import FourTuple, key_of
from correlator.core.known import UNKNOWN, Known, fold_into, is_aged, known_of
from correlator.core.model import Clipped, Evidence, Gap, Owner, OwnerBy, Ownership, Socket, Source, Statement, TcpState

# Members that every finding needs, looked up once: in Python 3.11 the look costs 90 ns.
_BY_INODE = OwnerBy.INODE
_BY_NONE = OwnerBy.NONE
_BY_STATE_EVENT = OwnerBy.STATE_EVENT
_FROM_DESTROY = Source.DESTROY
_LISTEN = TcpState.LISTEN
_UNKNOWN = UNKNOWN

# Listeners that are gone, a port: connections that they accepted may still be open.
_FORMER = 16
_MAX_GAPS = 64

_K = TypeVar("_K")
_V = TypeVar("_V")


class Bounds(NamedTuple):
    """How much the index holds."""

    tuples: int = 1_000_000
    """Four-tuples with evidence; the oldest goes first."""
    statements: int = 64
    """Different statements about one four-tuple; the oldest goes first."""
    listeners: int = 65_536
    """Different statements about listeners."""
    answers: int = 16_384
    """Lookups that a listener answered."""
    aged: int = 120_000_000_000  # twice matcher.TIME_WAIT
    """How much older than the newest (ns) evidence must be for its loss to be none: no connection can want it."""


class EvidenceIndex:
    """Statements about sockets, ready to be asked."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        """Nothing is known."""
        self.bounds = bounds = bounds or Bounds()
        self.dropped = self.statements = 0
        self.has_gaps = False
        """Whether packets were lost at any time."""
        self.has_timeless = False
        """Whether any statement about a socket has no time."""
        self._sockets: dict[bytes, list[Known]] = {}
        self._listeners: OrderedDict[int, list[Known]] = OrderedDict()
        self._sole: dict[int, tuple[Socket, Owner | None, Known] | None] = {}
        self._answers: OrderedDict[bytes, list[Known]] = OrderedDict()
        self._answered: set[int] = set()
        self._clipped: dict[tuple[int, int], list[Clipped]] = {}
        self._listener_count = self._clipped_count = 0
        self._gaps: list[Gap] = []
        self._gone: OrderedDict[int, int] = OrderedDict()
        self._owners: OrderedDict[tuple[str, int], Owner] = OrderedDict()
        self._most, self._each = bounds.tuples, bounds.statements  # where every statement needs them

    @property
    def size(self) -> int:
        """How many four-tuples of sockets are known."""
        return len(self._sockets)

    def add(self, statement: Statement) -> None:
        """Take in one statement."""
        self.statements += 1
        if isinstance(statement, Evidence):
            self._add_evidence(statement)
        elif isinstance(statement, Ownership):
            _remember(self._owners, (statement.netns, statement.inode), statement.owner, self.bounds.tuples)
            self._sole.clear()
        elif isinstance(statement, Gap):
            self._add_gap(statement)
        else:
            socket = statement.evidence.socket
            self.has_timeless = True
            if self._clipped_count < self.bounds.listeners:
                self._clipped_count += 1
                self._clipped.setdefault((socket.local_port, socket.remote_port), []).append(statement)
            else:
                self.dropped += 1

    def _add_evidence(self, evidence: Evidence) -> None:
        socket = evidence.socket
        if socket.state is _LISTEN:
            self._add_listener(evidence)
        elif evidence.source is _FROM_DESTROY and not socket.remote_port:
            # a listener's end, or that of a connection that was aborted: the kernel has cleared its remote end
            if socket.cookie is not None and evidence.at is not None:
                _remember(self._gone, socket.cookie, evidence.at, self.bounds.tuples)
        else:
            self._add_socket(evidence)

    def sockets(self, key: bytes) -> list[Known]:
        """What is known of sockets with a four-tuple, as the socket sees it; oldest first."""
        if self._clipped:
            ports = int.from_bytes(key[-4:-2], "big"), int.from_bytes(key[-2:], "big")
            clipped = self._clipped.get(ports)
            if clipped:
                half = len(key) // 2 - 2
                self._complete(FourTuple(key[:half], ports[0], key[half:-4], ports[1]), clipped)
        return self._sockets.get(key) or []

    @property
    def has_clipped(self) -> bool:
        """Whether addresses of any socket were cut off, so that a connection must complete them."""
        return bool(self._clipped)

    def timeless(self) -> list[bytes]:
        """The four-tuples that statements without a time are about."""
        return [key for key, rows in self._sockets.items() if any(known.last_at == _UNKNOWN for known in rows)]

    def count_uses(self, one: bytes, other: bytes) -> int:
        """Count a connection for each statement without a time that it is a candidate for; how many there are."""
        count = 0
        for key in (one, other) if one != other else (one,):
            for known in self.sockets(key):
                if known.last_at == _UNKNOWN:
                    known.uses += 1
                    count += 1
        return count

    def _complete(self, four_tuple: FourTuple, clipped: list[Clipped]) -> None:
        """Give the cut entries that fit a connection its addresses."""
        for entry in [entry for entry in clipped if entry.fits(four_tuple)]:
            clipped.remove(entry)
            socket = replace(entry.evidence.socket, local=mapped(four_tuple.local), remote=mapped(four_tuple.remote))
            self._add_socket(replace(entry.evidence, socket=socket))

    def listeners(self, port: int) -> list[Known]:
        """What is known of listeners on a port."""
        return self._listeners.get(port) or []

    def sole_listener(self, port: int) -> tuple[Socket, Owner | None, Known] | None:
        """The one socket that all statements about listeners on a port are about, with the facts of all of them.

        With it its owner, and the first of the statements.
        """
        if port in self._sole:
            return self._sole[port]
        rows = self.listeners(port)
        cookies = {known.socket.cookie for known in rows}
        sole = None
        if len(cookies) == 1 and None not in cookies:
            described = merged([known.socket for known in rows], rows[-1].socket.family)
            sole = described, self.owners(rows)[0], rows[0]
        self._sole[port] = sole
        return sole

    def is_contested(self, port: int) -> bool:
        """Whether several listeners are there for a port, so that the kernel must be asked which one it chooses."""
        first = None
        for known in self._listeners.get(port) or ():
            cookie = known.socket.cookie
            if known.foreign or cookie in self._gone:
                continue
            if first is not None and cookie != first.cookie:
                return True
            first = first or known.socket
        return False

    def answers(self, key: bytes) -> list[Known]:
        """The listeners that exact lookups of a four-tuple were answered with."""
        return self._answers.get(key) or []

    def has_answers(self, port: int) -> bool:
        """Whether any lookup was answered with a listener on a port."""
        return port in self._answered

    def owners(self, knowns: Iterable[Known]) -> tuple[Owner | None, OwnerBy]:
        """Who holds a socket open, of which these are known, and how that is known; nobody where they disagree.

        Who was found to hold it counts more than who connected or closed it: sockets are handed on.
        """
        holder, user = None, None
        holders_differ = users_differ = False
        for known in knowns:
            owner = known.owner
            if owner is not None and known.owner_by is _BY_STATE_EVENT:
                users_differ = users_differ or (user is not None and user.pid != owner.pid)
                user = owner
                continue
            if owner is None and known.socket.inode:
                owner = self._holder(known.socket)
            if owner is not None:
                holders_differ = holders_differ or (holder is not None and holder.pid != owner.pid)
                holder = owner
        if holder is not None:
            return (None, _BY_NONE) if holders_differ else (holder, _BY_INODE)
        return (None, _BY_NONE) if user is None or users_differ else (user, _BY_STATE_EVENT)

    def _holder(self, socket: Socket) -> Owner | None:
        """Who holds the socket's inode."""
        key = (socket.netns, socket.inode or 0)
        owner = self._owners.get(key)
        if owner is not None:
            self._owners.move_to_end(key)  # what is asked for is kept
        return owner

    def is_gone(self, known: Known, at: int) -> bool:
        """Whether a socket was destroyed before a time."""
        return known.socket.cookie is not None and self._gone.get(known.socket.cookie, at) < at

    def has_gap(self, start: int, end: int) -> bool:
        """Whether packets were lost between two times."""
        return any(gap.since < end and gap.at > start for gap in self._gaps)

    def _add_gap(self, gap: Gap) -> None:
        """Keep the latest; those that meet are one."""
        self.has_gaps = True
        if self._gaps and self._gaps[-1].at >= gap.since:
            gap = Gap(self._gaps.pop().since, gap.at)
        self._gaps = [*self._gaps[1 - _MAX_GAPS :], gap]

    def forget(self, key: bytes, before: int) -> None:
        """Drop what was last seen before a time: its connection is reported."""
        rows = self._sockets.get(key)
        if rows is None:
            return
        kept = []
        for known in rows:
            if known.last_at == _UNKNOWN or known.last_at >= before:
                kept.append(known)  # noqa: PERF401  a loop is faster here when compiled
        if kept:
            self._sockets[key] = kept
        else:
            del self._sockets[key]

    def _add_socket(self, evidence: Evidence) -> None:
        socket = evidence.socket
        self.has_timeless = self.has_timeless or evidence.at is None
        key = key_of(unmapped(socket.local), socket.local_port, unmapped(socket.remote), socket.remote_port)
        rows = self._sockets.get(key)
        if rows is None:
            self._sockets[key] = [known_of(evidence)]
            if len(self._sockets) > self._most:
                for aged in drop_oldest(self._sockets, self._most):
                    self.dropped += not is_aged(aged, evidence, self.bounds.aged)
            return
        fold_into(rows, evidence)
        if len(rows) > self._each:
            del rows[0]
            self.dropped += 1

    def _add_listener(self, evidence: Evidence) -> None:
        self._sole.clear()
        rows = self._listeners.setdefault(evidence.socket.local_port, [])
        before = len(rows)
        fold_into(rows, evidence)
        if len(rows) > max(before, _FORMER):
            self._drop_former(rows)
        self._listener_count += len(rows) - before
        while self._listener_count > self.bounds.listeners:
            oldest = next(iter(self._listeners.values()))
            del oldest[0]
            self._listener_count -= 1
            self.dropped += 1
            if not oldest:
                self._listeners.popitem(last=False)
        if evidence.asked is not None:
            # the latest: without an answer the kernel's choice among the listeners is repeated
            key = evidence.asked.key
            answers = self._answers.get(key) or []
            fold_into(answers, evidence)
            _remember(self._answers, key, answers[-self._each :], self.bounds.answers)
            self._answered.add(evidence.asked.local_port)

    def _drop_former(self, rows: list[Known]) -> None:
        """Keep the latest of a port's listeners that are gone: a server that restarts every minute leaves many."""
        former = [known for known in rows if known.socket.cookie in self._gone]
        for known in former[:-_FORMER]:
            rows.remove(known)


def _remember(table: OrderedDict[_K, _V], key: _K, value: _V, most: int) -> None:
    """Keep the latest: what nobody asked about for so long is no loss."""
    table[key] = value
    table.move_to_end(key)
    if len(table) > most:
        table.popitem(last=False)
