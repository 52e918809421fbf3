"""What a report's page says before its table: counts of all findings, in bounded memory."""

from collections import Counter
from collections.abc import Hashable
from typing import Any

from correlator.core.model import Verdict
from correlator.report.page.tallies import Flows, RttClasses, Timeline
from correlator.report.termination import Termination
from correlator.report.usage import Usage

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

    def count(self, one: Termination) -> None:
        """Take in a finding."""
        self.verdicts[one.verdict] += 1
        self.usage.count(one)
        self.timeline.count(one.at, one.verdict)
        self.rtt.count(one.rtt, one.verdict)
        self.flows.count(one)
        if one.verdict != _MIXED:
            return
        if one.side == "client":
            _add(self.connectors, (one.process, one.pid))
        else:
            _add(self.clients, one.client)


def _add(counts: Counter[Any], key: Hashable) -> None:
    if key in counts or len(counts) < _MOST:
        counts[key] += 1
