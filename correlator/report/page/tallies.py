"""Counts behind the pictures of a report, each in bounded memory whatever comes."""

from collections import Counter

from correlator.report.termination import Termination

MAX_BINS = 120
MAX_FLOWS = 16_384
_MS, _S, _MIN, _H = 1_000_000, 1_000_000_000, 60_000_000_000, 3_600_000_000_000
WIDTHS = (
    *(count * _MS for count in (1, 2, 10, 20, 100, 200)),
    *(count * _S for count in (1, 2, 10, 30)),
    *(count * _MIN for count in (1, 2, 10, 30)),
    *(count * _H for count in (1, 2, 6, 12, 24, 48, 240, 720, 2160, 8640, 86400, 864_000, 8_640_000)),
)
"""Of bins, ns. Each divides the next: bins that are joined hold what they held. The last has room for 64 bits of ns."""
_MICROSECOND = 1000
# 1-2-5 from a microsecond to 100 s
RTT_BOUNDS = tuple(step * 10**power for power in range(8) for step in (1, 2, 5))
"""Upper ends of the classes of the handshake's RTT, µs; what is longer is in a last class."""

Flow = tuple[bytes, str, str, str]
"""Client, wire family, socket family, process."""
OTHERS = b""
"""The client of flows beyond the bound."""
OTHER_PROCESSES = "\0"
"""The process of flows beyond twice the bound; no process is called so."""


class Timeline:
    """Findings by verdict in bins of time, which grow wider as the run grows longer."""

    def __init__(self) -> None:
        """Empty."""
        self.width = WIDTHS[0]
        """Of a bin, ns."""
        self.bins: dict[int, Counter[str]] = {}
        """By number: that of a time is the time divided by the width."""
        self.untimed = 0

    def count(self, at: int | None, verdict: str) -> None:
        """One more at a time (ns)."""
        if at is None:
            self.untimed += 1
            return
        number = at // self.width
        found = self.bins.get(number)
        if found is None:
            found = self.bins[number] = Counter()
            while max(self.bins) - min(self.bins) >= MAX_BINS:
                self._widen()
            found = self.bins[at // self.width]
        found[verdict] += 1

    def _widen(self) -> None:
        wider = WIDTHS[WIDTHS.index(self.width) + 1]
        joined, old = wider // self.width, self.bins
        self.width, self.bins = wider, {}
        for number, counts in old.items():
            self.bins.setdefault(number // joined, Counter()).update(counts)


class RttClasses:
    """How long handshakes took, from SYN to SYN-ACK, by verdict, in classes that grow 1-2-5."""

    def __init__(self) -> None:
        """Empty."""
        self.classes: dict[int, Counter[str]] = {}
        """By the place of their upper end in RTT_BOUNDS."""

    def count(self, rtt: int | None, verdict: str) -> None:
        """One more of so many ns."""
        if rtt is None:
            return
        place = next((place for place, bound in enumerate(RTT_BOUNDS) if rtt <= bound * _MICROSECOND), len(RTT_BOUNDS))
        self.classes.setdefault(place, Counter())[verdict] += 1


class Flows:
    """From clients through the wire's family and the socket's to processes."""

    def __init__(self) -> None:
        """Empty."""
        self.counts: Counter[Flow] = Counter()

    def count(self, one: Termination) -> None:
        """One more termination that has a socket."""
        if not one.family:
            return
        flow = (one.client, "ipv6" if one.is_ipv6 else "ipv4", one.family, one.process)
        if flow not in self.counts and len(self.counts) >= MAX_FLOWS:
            flow = (OTHERS, *flow[1:])
            if flow not in self.counts and len(self.counts) >= 2 * MAX_FLOWS:
                flow = (*flow[:3], OTHER_PROCESSES)
        self.counts[flow] += 1
