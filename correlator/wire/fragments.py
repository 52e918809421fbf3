"""IP fragments (RFC 791 §3.2, RFC 8200 §4.5): the first one has the TCP header, all together tell its length.

A fragmented segment counts as one packet, at its first fragment, because that tells all but the length; its bytes are
counted when the last fragment has come, as tshark does: a datagram that is never whole delivers none. No payload is
held, only numbers.
"""

from collections import OrderedDict
from dataclasses import replace
from typing import NamedTuple

from correlator.core.segment import Segment

# Linux reassembles at most 4 MiB at once (net.ipv4.ipfrag_high_thresh), some thousands of datagrams.
MAX_DATAGRAMS = 4096

# Duplicates come at once; an IPv4 identification comes round again in seconds at the soonest (RFC 6864 §3.1).
LIFETIME = 2_000_000_000
"""Nanoseconds after its first fragment for which those of a datagram may come."""

FragmentKey = tuple[bytes, int, int]
"""Both addresses, identification, and the interface: a forwarded datagram passes by two."""


class Fragment(NamedTuple):
    """Where a fragment belongs."""

    at: int
    offset: int  # in bytes
    size: int  # bytes of the datagram's fragmented part
    more: bool  # others follow


class _Datagram:
    __slots__ = ("at", "first", "header", "offsets", "received", "total")

    def __init__(self, at: int) -> None:
        self.at = at
        self.first: Segment | None = None
        self.header = 0  # bytes before the TCP payload
        self.received = 0
        self.total: int | None = None  # known from the last fragment
        self.offsets = set[int]()

    @property
    def payload(self) -> int | None:
        """The segment's payload in bytes, once the datagram is whole."""
        if self.first is None or self.total is None or self.received < self.total:
            return None
        return max(0, self.total - self.header)


class Fragments:
    """The fragmented datagrams under way."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self.times: tuple[int, int] | None = None
        """Of the times of all fragments so far, the first and the last."""
        self._datagrams: OrderedDict[FragmentKey, _Datagram] = OrderedDict()

    def first(self, key: FragmentKey, fragment: Fragment, segment: Segment, header: int) -> Segment | None:
        """The segment of a first fragment; None for a duplicate. `header`: bytes before the TCP payload."""
        datagram = self._take(key, fragment)
        if datagram is None:
            return None
        datagram.first, datagram.header = replace(segment), header
        return replace(segment, length=datagram.payload or 0)

    def later(self, key: FragmentKey, fragment: Fragment) -> Segment | None:
        """A continuation with the bytes of the whole segment, if it is whole by this fragment."""
        datagram = self._take(key, fragment)
        if datagram is None or datagram.first is None or datagram.payload is None:
            return None
        return replace(datagram.first, at=fragment.at, length=datagram.payload, continuation=True)

    def _take(self, key: FragmentKey, fragment: Fragment) -> _Datagram | None:
        """The datagram of a fragment, with the fragment; None if it has it already."""
        first, last = self.times or (fragment.at, fragment.at)
        self.times = min(first, fragment.at), max(last, fragment.at)
        datagram = self._datagrams.get(key)
        if datagram is None or fragment.at > datagram.at + LIFETIME:
            self._datagrams.pop(key, None)  # another one: the last to be given up
            datagram = self._datagrams[key] = _Datagram(fragment.at)
            if len(self._datagrams) > MAX_DATAGRAMS:
                self._datagrams.popitem(last=False)
        if fragment.offset in datagram.offsets:
            return None
        datagram.offsets.add(fragment.offset)
        datagram.received += fragment.size
        if not fragment.more:
            datagram.total = fragment.offset + fragment.size
        return datagram
