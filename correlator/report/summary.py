"""The run in numbers: the answer first, then what was seen and what was lost."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from correlator.core.address import endpoint_text
from correlator.core.finding import Finding
from correlator.core.model import Cause, Owner, Side, Verdict
from correlator.report.escape import terminal
from correlator.report.record import Record

# Members that every finding needs, looked up once: in Python 3.11 the look costs 90 ns.
_MIXED, _NO_SOCKET = Verdict.IPV4_ON_INET6, Verdict.NO_SOCKET
_CLIENT, _MAPPED_CONNECT = Side.CLIENT, Cause.MAPPED_CONNECT

_UNKNOWN = "unknown owner"
_SHOWN = 10  # listeners and clients; the CSV has them all
_MAX_LISTENERS = 65_536


class Summary:
    """Counts over final findings."""

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self.verdicts: Counter[Verdict] = Counter()
        self._alone = 0
        """Without a socket: there may be many, so they are counted apart."""
        self.causes: Counter[Cause] = Counter()
        self.listeners: Counter[tuple[str, str]] = Counter()
        self.connectors: Counter[str] = Counter()
        self.tables: list[str] | None = None
        """The tables of sockets that were read; None where the kernel was asked."""
        self._owner: Owner | None = None
        self._who = _UNKNOWN

    def begin(self, run: Record) -> None:
        """Nothing to count yet."""

    def end(self, counters: Record) -> None:
        """`text` takes the counters."""

    def findings(self, found: list[Finding]) -> None:
        """Count the final findings."""
        for finding in found:
            if not finding.final:
                continue
            if finding.verdict is _NO_SOCKET:
                self._alone += 1
                continue
            self.verdicts[finding.verdict] += 1
            if finding.verdict is _MIXED:
                self._count(finding)

    def tally(self) -> dict[str, Any]:
        """The counts, for `add`."""
        return {
            "verdicts": dict(self.verdicts),
            "alone": self._alone,
            "causes": dict(self.causes),
            "listeners": dict(self.listeners),
            "connectors": dict(self.connectors),
        }

    def add(self, tally: dict[str, Any]) -> None:
        """Count what another process has counted."""
        self.verdicts.update(tally["verdicts"])
        self._alone += tally["alone"]
        self.causes.update(tally["causes"])
        self.listeners.update(tally["listeners"])
        self.connectors.update(tally["connectors"])

    def _count(self, finding: Finding) -> None:
        self.causes[finding.cause] += 1
        owner, listener = finding.owner, finding.listener
        if owner is not self._owner:
            self._owner = owner
            self._who = f"{owner.process or '?'} ({owner.pid})" if owner is not None else _UNKNOWN
        who = self._who
        if finding.side is _CLIENT:
            self.connectors[who] += 1
        elif finding.cause is not _MAPPED_CONNECT and len(self.listeners) < _MAX_LISTENERS:
            server = finding.connection.server
            if listener is not None:
                where = endpoint_text(listener.local, listener.local_port)
            else:
                where = endpoint_text(server.address, server.port)
            self.listeners[where, who] += 1

    def text(self, counters: Record, notes: list[str]) -> str:
        """The summary, ending in a newline. `counters` are the run's, `notes` are lines about what is missing."""
        verdicts = self.verdicts + Counter({Verdict.NO_SOCKET: self._alone})
        mixed = verdicts[Verdict.IPV4_ON_INET6]
        total = sum(verdicts.values())
        seen = f"{_counted(counters['connections'], 'connection')}, {_counted(total, 'finding')}"
        out = [f"{seen}: {mixed} of IPv4 on AF_INET6 sockets"]
        out += [f"  {count:>9}  {verdict}" for verdict, count in sorted(verdicts.items())]
        if self.listeners:
            out.append("IPv4 arrives on these AF_INET6 listeners:")
            out += _most({f"{where}  {who}": count for (where, who), count in self.listeners.items()})
        if self.connectors:
            out.append("IPv4 is reached through AF_INET6 sockets by:")
            out += _most(self.connectors)
        out.append(
            f"packets: {counters['packets']} read, {counters['segments']} TCP segments, "
            f"{counters['copies']} copies from a second interface"
        )
        if self.tables is not None:
            told = terminal(", ".join(self.tables)) or "no table; --sockets TABLE says whose the connections are"
            out.append(f"sockets: {told}")
        skipped = counters["skipped"]
        if skipped:
            out.append("skipped: " + ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items())))
        lost = {
            name: counters.get(name)
            for name in ("dropped", "evidence_lost", "evidence_dropped", "evicted")
            if counters.get(name)
        }
        out.append(
            "lost: "
            + (", ".join(f"{count} {name.replace('_', ' ')}" for name, count in lost.items()) if lost else "nothing")
        )
        out += [f"note: {terminal(note)}" for note in notes]
        return "\n".join(out) + "\n"


def _most(counts: Mapping[str, int]) -> list[str]:
    """The largest counts, a line each, and how many are left out."""
    lines = [f"  {count:>9}  {terminal(name)}" for name, count in Counter(counts).most_common(_SHOWN)]
    left = sum(counts.values()) - sum(count for _, count in Counter(counts).most_common(_SHOWN))
    return [*lines, f"  {left:>9}  others"] if left else lines


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
