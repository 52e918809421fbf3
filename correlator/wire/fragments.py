"""IP fragments (RFC 791 §3.2, RFC 8200 §4.5): the first one has the TCP header, the others only bytes.

A fragmented segment counts as one packet with all its bytes, without holding any payload: the first fragment gives
the segment, each other one a continuation with its length. What comes before the first waits as a number.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from correlator.core.model import Segment

# Linux reassembles at most 4 MiB at once (net.ipv4.ipfrag_high_thresh), some thousands of datagrams.
MAX_DATAGRAMS = 4096

# Duplicates come at once; an IPv4 identification comes round again in seconds at the soonest (RFC 6864 §3.1).
_LIFETIME = 2_000_000_000

FragmentKey = tuple[bytes, bytes, int, int]
"""Source, destination, identification, and the interface: a forwarded datagram passes by two."""


@dataclass(slots=True)
class _Datagram:
    at: int
    first: Segment | None = None
    waiting: int = 0  # bytes that came before the first fragment
    header: int = 0  # bytes of the TCP header that the first fragment did not have
    offsets: set[int] = field(default_factory=set)


class Fragments:
    """The fragmented datagrams under way."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self._datagrams: OrderedDict[FragmentKey, _Datagram] = OrderedDict()

    def first(self, key: FragmentKey, segment: Segment, missing: int) -> Segment | None:
        """The segment of a first fragment, with the bytes of those that came before it; None for a duplicate.

        `missing`: bytes of the TCP header that are in the next fragment.
        """
        datagram = self._datagram(key, segment.at, 0)
        if datagram is None:
            return None
        datagram.first = segment
        datagram.header = max(0, missing - datagram.waiting)
        return segment._replace(length=segment.length + max(0, datagram.waiting - missing))

    def later(self, key: FragmentKey, at: int, offset: int, length: int) -> Segment | None:
        """A continuation with the bytes of a later fragment; None while the first is missing, and for a duplicate."""
        datagram = self._datagram(key, at, offset)
        if datagram is None:
            return None
        if datagram.first is None:
            datagram.waiting += length
            return None
        payload = max(0, length - datagram.header)
        datagram.header = max(0, datagram.header - length)
        return datagram.first._replace(at=at, length=payload, continuation=True)

    def _datagram(self, key: FragmentKey, at: int, offset: int) -> _Datagram | None:
        """The datagram that a fragment belongs to; None if it has that fragment already."""
        datagram = self._datagrams.get(key)
        if datagram is None or at > datagram.at + _LIFETIME:
            datagram = self._datagrams[key] = _Datagram(at)
            if len(self._datagrams) > MAX_DATAGRAMS:
                self._datagrams.popitem(last=False)
        if offset in datagram.offsets:
            return None
        datagram.offsets.add(offset)
        return datagram
