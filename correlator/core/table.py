"""The connections under way, found by the ends of a segment, whichever of the two sent it.

A hash table with chains. The hash differs from run to run, so that nobody outside can make connections that meet in one
chain. What fetches ahead goes by a masked hash, and does not compare it (`core/raw.py`).
"""

from collections.abc import Iterator

from correlator.core import raw
from correlator.core.ends_hash import EndsHash
from correlator.core.flow import Flow
from correlator.core.segment import Segment

_START = 1024  # chains; at least twice as many as connections
GROUP = _GROUP = 16
"""Segments that are expected at a time."""
_HASH = EndsHash(hash("correlator"))  # Python's own hash is random from run to run


class Table:
    """Connections by their two ends."""

    def __init__(self) -> None:
        """No connections."""
        self.count = 0
        self.place = 0
        """The place of the end that sent the segment whose connection was found last."""
        self._chains: list[Flow | None] = [None] * _START
        self._mask = _START - 1

    def __len__(self) -> int:
        """How many connections there are."""
        return self.count

    def __iter__(self) -> Iterator[Flow]:
        """The connections in the order in which they were opened."""
        return iter(sorted(self._all(), key=_number))

    def expect(self, segment: Segment) -> None:
        """Reckon a segment's hash. What `find` needs of memory comes nearer."""
        segment.hash = _HASH.of(segment)
        raw.prefetch_item(self._chains, segment.hash & self._mask)

    def expect_group(self, segments: list[Segment], begin: int, end: int) -> None:
        """Expect segments by the group, one group ahead: `begin` is where one begins, `end` where the last one ends.

        Of those that come next the connections are brought near, of those after them the chains.
        """
        first = begin + _GROUP if begin else 0
        for number in range(first, min(begin + 2 * _GROUP, end)):
            segment = segments[number]
            self.expect(segment)
        for number in range(begin, min(begin + _GROUP, end)):
            segment = segments[number]
            raw.prefetch_object(self._chains, segment.hash & self._mask)

    def expect_removal(self, flow: Flow) -> None:
        """Have what the removal of a connection needs brought near, and the connection that waits behind it."""
        raw.prefetch_item(self._chains, flow.hash & self._mask)
        raw.prefetch_large(flow.later)

    def find(self, segment: Segment) -> Flow | None:
        """The connection that a segment belongs to, which was expected."""
        flow = self._chains[segment.hash & self._mask]
        while flow is not None:
            self.place = _place(flow, segment)
            if self.place >= 0:
                return flow
            flow = flow.chained
        return None

    def add(self, flow: Flow, segment: Segment) -> None:
        """Take in the connection that a segment begins, for which `find` found none."""
        if self.count * 2 > self._mask:
            self._grow()
        flow.hash = segment.hash
        self._chain(flow)
        self.count += 1

    def remove(self, flow: Flow) -> None:
        """Forget a connection."""
        place = flow.hash & self._mask
        other = self._chains[place]
        if other is flow:
            self._chains[place] = flow.chained
        while other is not None and other.chained is not flow:
            other = other.chained
        if other is not None:
            other.chained = flow.chained
        flow.chained = None
        self.count -= 1

    def _chain(self, flow: Flow) -> None:
        place = flow.hash & self._mask
        flow.chained = self._chains[place]
        self._chains[place] = flow

    def _grow(self) -> None:
        flows = self._all()
        self._mask = self._mask * 2 + 1
        self._chains = [None] * (self._mask + 1)
        for flow in flows:
            self._chain(flow)

    def _all(self) -> list[Flow]:
        flows: list[Flow] = []
        for head in self._chains:
            flow = head
            while flow is not None:
                flows.append(flow)
                flow = flow.chained
        return flows


def _number(flow: Flow) -> int:
    return flow.number


def _place(flow: Flow, segment: Segment) -> int:
    """The place of the end that sent a segment; -1 where it is not the connection's."""
    if segment.is_ipv6 != flow.is_ipv6:
        return -1
    if (
        segment.source_port == flow.port[0]
        and segment.destination_port == flow.port[1]
        and segment.source_low == flow.low[0]
        and segment.destination_low == flow.low[1]
        and segment.source_high == flow.high[0]
        and segment.destination_high == flow.high[1]
    ):
        return 0
    if (
        segment.source_port == flow.port[1]
        and segment.destination_port == flow.port[0]
        and segment.source_low == flow.low[1]
        and segment.destination_low == flow.low[0]
        and segment.source_high == flow.high[1]
        and segment.destination_high == flow.high[0]
    ):
        return 1
    return -1
