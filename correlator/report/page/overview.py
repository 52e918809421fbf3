"""What a report's page says before its table: counts of all findings, in bounded memory."""

from collections import Counter
from collections.abc import Hashable
from typing import Any

from correlator.core.model import Verdict
from correlator.report.page.tallies import Flows, RttClasses, Timeline
from correlator.report.termination import Termination
from correlator.report.usage import Usage

_RANK = {str(verdict): rank for rank, verdict in enumerate(Verdict)}  # the noteworthy first
_MIXED = str(Verdict.IPV4_ON_INET6)
_MOST = 16_384  # clients, and processes that connect


class Overview:
    """Counts over final findings."""

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self.verdicts: Counter[str] = Counter()
        self.clients: Counter[bytes] = Counter()
        """Those whose IPv4 an AF_INET6 socket takes."""
        self.connectors: Counter[tuple[str, int | None]] = Counter()
        """Processes that reach IPv4 through AF_INET6 sockets: name and PID."""
        self.usage = Usage()
        self.timeline = Timeline()
        self.rtt = RttClasses()
        self.flows = Flows()
        self.connections = 0
        self._last: Termination | None = None

    def count(self, one: Termination) -> None:
        """Take in a finding."""
        self.verdicts[one.verdict] += 1
        self.usage.count(one)
        self.flows.count(one)
        self._connect(one)
        if one.verdict != _MIXED:
            return
        if one.side == "client":
            _add(self.connectors, (one.process, one.pid))
        else:
            _add(self.clients, one.client)

    def finish(self) -> None:
        """There are no more."""
        last, self._last = self._last, None
        if last is not None:
            self.connections += 1
            self.timeline.count(last.at, last.verdict)
            self.rtt.count(last.rtt, last.verdict)

    def _connect(self, one: Termination) -> None:
        """Count a connection once, by the verdict of its ends that is more noteworthy: their findings come together."""
        last = self._last
        if last is not None and _four_tuple(last) == _four_tuple(one):
            self._last = min(last, one, key=lambda end: _RANK.get(end.verdict, len(_RANK)))
        else:
            self.finish()
            self._last = one


def _four_tuple(one: Termination) -> tuple[object, ...]:
    """With the time of its opening: which connection it is."""
    return one.client, one.client_port, one.server, one.at


def _add(counts: Counter[Any], key: Hashable) -> None:
    if key in counts or len(counts) < _MOST:
        counts[key] += 1
