"""What a live view shows: the newest findings and the noteworthy ones, counts, and the busiest listeners.

It only keeps; whoever draws asks for a picture of it when there is time. So what comes faster than it can be drawn
costs a look and no more.
"""

from collections import Counter
from dataclasses import dataclass

from correlator.core.address import endpoint_text
from correlator.core.finding import Finding
from correlator.core.model import Family, Side, Verdict
from correlator.core.timetext import time_text
from correlator.report.escape import terminal
from correlator.report.record import Record

KEPT = 512
"""Findings of each kind that can be shown, searched and filtered."""
MAX_OPEN = 1 << 17
MAX_LISTENERS = 4096
_PID, _SEVERAL = 2, -1  # where a listener's counts have its process's ID; several processes share it
_NOTEWORTHY = frozenset({Verdict.IPV4_ON_INET6, Verdict.AMBIGUOUS, Verdict.ANOMALY})
_SERVER, _INET6 = Side.SERVER, Family.INET6

Key = tuple[int, str]
Place = tuple[bytes, int, str]
"""A listener: address, port, process."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding as text. Names are safe to show."""

    verdict: str
    cells: tuple[str, ...]
    """As HEADINGS names them."""


HEADINGS = ("time", "verdict", "side", "client", "server", "process", "socket", "cause", "handshake", "close")


@dataclass(frozen=True, slots=True)
class Picture:
    """What there is to draw."""

    entries: list[Entry]
    verdicts: dict[str, int]
    listeners: list[tuple[str, str, int, int]]
    """AF_INET6 listeners: address, who holds it, connections over IPv4 and IPv6."""
    is_paused: bool
    verdict: str
    """The one that is shown; empty for all."""
    search: str
    left_out: int
    """Kept findings that search and verdict hide."""


class Board:
    """Takes findings, and remembers as many as may be looked at."""

    def __init__(self) -> None:
        """Empty."""
        self.verdicts: Counter[Verdict] = Counter()
        self.is_paused = False
        self.verdict = ""
        self.search = ""
        self._noteworthy: dict[Key, Finding] = {}
        self._others: dict[Key, Finding] = {}
        self._open: dict[Key, Verdict] = {}
        self._listeners: dict[Place, list[int]] = {}
        self._frozen: list[Finding] = []

    def begin(self, run: Record) -> None:
        """Nothing yet."""

    def end(self, counters: Record) -> None:
        """The summary goes elsewhere."""

    def findings(self, found: list[Finding]) -> None:
        """Take them in: one that goes on is the same when it ends."""
        for finding in found:
            self._take(finding)

    def _take(self, finding: Finding) -> None:
        key, verdict = (finding.connection.number, finding.side), finding.verdict
        before = self._open.pop(key, None)
        if not finding.final and len(self._open) < MAX_OPEN:
            self._open[key] = verdict
        if before is not verdict:
            if before is not None:
                self.verdicts[before] -= 1
            self.verdicts[verdict] += 1
            if finding.side is _SERVER and finding.socket is not None and finding.socket.family is _INET6:
                self._count_listener(finding)
        kept, other = self._others, self._noteworthy
        if verdict in _NOTEWORTHY:
            kept, other = other, kept
        other.pop(key, None)
        if key not in kept and len(kept) >= KEPT:
            del kept[next(iter(kept))]
        kept[key] = finding

    def _count_listener(self, finding: Finding) -> None:
        listener, owner, server = finding.listener, finding.owner, finding.connection.server
        where = (listener.local, listener.local_port) if listener else (server.address, server.port)
        place = (*where, owner.process if owner else "")
        counts = self._listeners.get(place)
        if counts is None:
            if len(self._listeners) >= MAX_LISTENERS:
                return
            counts = self._listeners[place] = [0, 0, owner.pid if owner else 0]
        counts[1 if finding.connection.is_ipv6 else 0] += 1
        if owner is not None and owner.pid != counts[_PID]:
            counts[_PID] = _SEVERAL

    def pause(self) -> None:
        """Hold what is shown, or go on; counting goes on all the while."""
        self.is_paused = not self.is_paused
        self._frozen = self._kept() if self.is_paused else []

    def next_verdict(self) -> None:
        """Show the findings of the next verdict; after the last one, all."""
        choices = ["", *(str(verdict) for verdict in Verdict)]
        self.verdict = choices[(choices.index(self.verdict) + 1) % len(choices)]

    def picture(self, lines: int, listeners: int) -> Picture:
        """The state now, in so many lines: listeners, a few, and findings.

        The noteworthy come first, the newest of each first; where there are others, a quarter of the rows is theirs.
        """
        kept = self._frozen if self.is_paused else self._kept()
        words = self.search.lower().split()
        busiest = sorted(self._listeners.items(), key=lambda item: (-item[1][0], -item[1][1]))[:listeners]
        rows = max(lines - len(busiest), 1)
        chosen: tuple[list[Entry], list[Entry]] = ([], [])
        hidden = 0
        for finding in kept:
            is_chosen = not self.verdict or finding.verdict == self.verdict
            entry = (
                _entry(finding) if is_chosen and (words or len(chosen[finding.verdict in _NOTEWORTHY]) < rows) else None
            )
            if entry is not None and words:
                text = " ".join(entry.cells).lower()
                is_chosen = all(word in text for word in words)
            hidden += not is_chosen
            if entry is not None and is_chosen:
                chosen[finding.verdict in _NOTEWORTHY].append(entry)
        others, noteworthy = chosen
        room = max(rows - len(others), rows - rows // 4)
        entries = [*noteworthy[:room], *others][:rows]
        return Picture(
            entries,
            {str(verdict): self.verdicts[verdict] for verdict in Verdict if self.verdicts[verdict]},
            [_listener(place, counts) for place, counts in busiest],
            self.is_paused,
            self.verdict,
            self.search,
            hidden,
        )

    def _kept(self) -> list[Finding]:
        several = (self._noteworthy, self._others)
        return [one for kept in several for one in sorted(kept.values(), key=_opened)[::-1]]


def _opened(finding: Finding) -> int:
    return finding.connection.opened_at


def _listener(place: Place, counts: list[int]) -> tuple[str, str, int, int]:
    address, port, process = place
    pid = counts[_PID]
    who = f"{terminal(process) or '?'} ({pid if pid > 0 else 'several'})" if pid else "unknown owner"
    return endpoint_text(address, port), who, counts[0], counts[1]


def _entry(finding: Finding) -> Entry:
    connection, socket, owner = finding.connection, finding.socket, finding.owner
    client, server = connection.client, connection.server
    return Entry(
        str(finding.verdict),
        (
            time_text(connection.opened_at)[11:23],
            str(finding.verdict),
            str(finding.side),
            endpoint_text(client.address, client.port),
            endpoint_text(server.address, server.port),
            f"{terminal(owner.process) or '?'} ({owner.pid})" if owner else "",
            socket.local_text if socket else "",
            str(finding.cause),
            str(connection.handshake),
            str(connection.close),
        ),
    )
