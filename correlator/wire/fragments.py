"""IP fragments (RFC 791 §3.2, RFC 8200 §4.5): the first one has the TCP header, the others only bytes.

A fragmented segment counts as one packet with all its bytes, without holding any payload: the first fragment gives
the segment, each other one a continuation with its length. What comes before the first waits as a number.
"""

from collections import OrderedDict
from dataclasses import dataclass

from correlator.core.model import Segment

# Linux reassembles at most 4 MiB at once (net.ipv4.ipfrag_high_thresh), some thousands of datagrams.
MAX_DATAGRAMS = 4096

FragmentKey = tuple[bytes, bytes, int]


@dataclass(slots=True)
class _Datagram:
    first: Segment | None = None
    waiting: int = 0


class Fragments:
    """The fragmented datagrams under way."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self._datagrams: OrderedDict[FragmentKey, _Datagram] = OrderedDict()

    def first(self, key: FragmentKey, segment: Segment) -> Segment:
        """The segment of a first fragment, with the bytes of those that came before it."""
        datagram = self._datagram(key)
        datagram.first = segment
        return segment._replace(length=segment.length + datagram.waiting)

    def later(self, key: FragmentKey, at: int, length: int) -> Segment | None:
        """A continuation with `length` bytes more, or None while the first fragment is missing."""
        datagram = self._datagram(key)
        if datagram.first is None:
            datagram.waiting += length
            return None
        return datagram.first._replace(at=at, length=length, continuation=True)

    def _datagram(self, key: FragmentKey) -> _Datagram:
        datagram = self._datagrams.get(key)
        if datagram is None:
            datagram = self._datagrams[key] = _Datagram()
            if len(self._datagrams) > MAX_DATAGRAMS:
                self._datagrams.popitem(last=False)
        return datagram
