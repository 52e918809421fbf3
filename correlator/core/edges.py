# cython: boundscheck=False, wraparound=False
"""Connections that reach over the edge between two captures of one timeline.

Captures can be analysed apart, for what a tracker says of a four-tuple depends on other connections by the time and
the segments that pass, and by nothing else. What is open at the end of a capture is what the next one may go on with;
what is closed, and waits for late segments, only if its four-tuple is there among the next of them (`Early`). So of all
captures the segments of such four-tuples are set aside, as rows of numbers, each with what has passed before it;
whoever has the rows of all captures, in their order, tracks them as if all the others had passed by.

Which four-tuples these are a Bloom filter tells. One that it takes for one of them is set aside in all captures: that
costs a little, and changes nothing. (The directives are for views of numbers that are as long as the constants say.)
"""

from array import array
from collections.abc import Callable, Sequence

from correlator.core.ends_hash import EndsHash
from correlator.core.engine import Engine
from correlator.core.flow import Flow
from correlator.core.frames import Frames
from correlator.core.segment import MAX_TIME, Segment

WORDS = _WORDS = 10
"""64-bit numbers of a row."""
_ROWS = 4096  # in one piece
_BITS_EACH = 32  # of the filter: with two probes one of 250 is taken for another
_LEAST_BITS = 1 << 16
_LOW, _HIGH_BIT, _WORD = 0xFFFFFFFF, 1 << 63, (1 << 64) - 1
_MOST = MAX_TIME
_ALL = _WORD  # for numbers that no C type holds


def hashes(seed: int, flows: "list[Flow]") -> "array[int]":
    """What tells the four-tuples of connections."""
    ends = EndsHash(seed)
    found = array("Q")
    for flow in flows:
        number = ends.of_ends(flow.high[0], flow.low[0], flow.port[0], flow.high[1], flow.low[1], flow.port[1])
        found.append(number)
    return found


def hashes_of_keys(seed: int, keys: list[bytes]) -> "array[int]":
    """What tells four-tuples (`four_tuple.key_of`)."""
    ends, found = EndsHash(seed), array("Q")
    for key in keys:
        half = len(key) // 2 - 2
        local, remote = int.from_bytes(key[:half], "big"), int.from_bytes(key[half : 2 * half], "big")
        ports = int.from_bytes(key[2 * half :], "big")
        number = ends.of_ends(local >> 64, local & _ALL, ports >> 16, remote >> 64, remote & _ALL, ports & 0xFFFF)
        found.append(number)
    return found


def filter_of(found: "Sequence[int]") -> bytearray:
    """A filter that knows hashes: a power of two of bits."""
    size = _LEAST_BITS
    while size < len(found) * _BITS_EACH:
        size *= 2
    bits = bytearray(size >> 3)
    for number in found:
        for probe in (number & (size - 1), number >> 32 & (size - 1)):
            bits[probe >> 3] |= 1 << (probe & 7)
    return bits


class Early:
    """The four-tuples of the first segments of a capture."""

    def __init__(self, seed: int, most: int) -> None:
        """Of so many."""
        self.hashes: set[int] = set()
        self._hash = EndsHash(seed)
        self._left = most

    def take_in(self, frames: Frames) -> None:
        """Take in frames, as long as they are among the first."""
        for number in range(frames.count):
            if not self._left:
                return
            segment = frames.segments[number]
            if segment.is_decoded:
                self._left -= 1
                self.hashes.add(self._hash.of(segment))


class Edges:
    """Sets aside the segments of one capture whose four-tuples are at an edge of any."""

    def __init__(self, seed: int, bits: "bytes | bytearray", write: Callable[[bytes], object], newest: int = 0) -> None:
        """`bits`: of `filter_of`. `write` takes rows. `newest`: of the times in the captures before this one.

        Raises ValueError where the bits are no power of two.
        """
        if not bits or len(bits) & (len(bits) - 1):
            message = f"a filter of {len(bits)} bytes"
            raise ValueError(message)
        self._hash = EndsHash(seed)
        self._bits = bits
        self._mask = len(bits) * 8 - 1
        self._moment, self._newest = 0, newest
        self._rows = array("Q", bytes(_ROWS * _WORDS * 8))
        self._view = memoryview(self._rows)
        self._count = 0
        self._write = write

    def sift(self, frames: Frames) -> None:
        """Set aside what is an edge's among the segments of frames."""
        segments, count = frames.segments, frames.count
        for number in range(count):
            segment = segments[number]
            if segment.is_decoded:
                self._moment += 1
                segment.is_elsewhere = self._has(self._hash.of(segment))
                if segment.is_elsewhere:
                    self._put(segment)
                self._newest = max(self._newest, segment.at)

    def flush(self) -> None:
        """Write the rows that wait."""
        self._write(self._rows[: self._count * _WORDS].tobytes())
        self._count = 0

    def _has(self, number: int) -> bool:
        one, other = number & self._mask, number >> 32 & self._mask
        return self._bits[one >> 3] >> (one & 7) & self._bits[other >> 3] >> (other & 7) & 1 != 0

    def _put(self, segment: Segment) -> None:
        view, at = self._view, self._count * _WORDS
        view[at] = segment.at & _WORD
        view[at + 1], view[at + 2] = segment.source_high, segment.source_low
        view[at + 3], view[at + 4] = segment.destination_high, segment.destination_low
        ports = segment.source_port << 16 | segment.destination_port
        view[at + 5] = ports << 32 | segment.flags << 8 | segment.continuation << 1 | segment.is_ipv6
        view[at + 6] = segment.seq << 32 | segment.ack
        view[at + 7] = segment.length << 32 | segment.interface
        view[at + 8], view[at + 9] = self._moment, self._newest
        self._count += 1
        if self._count == _ROWS:
            self.flush()


def _restore(segment: Segment, view: memoryview, at: int) -> None:
    """Fill a segment from a row."""
    ports, numbers, rest = view[at + 5], view[at + 6], view[at + 7]
    segment.at = view[at] if view[at] < _HIGH_BIT else -1
    segment.source_high, segment.source_low = view[at + 1], view[at + 2]
    segment.destination_high, segment.destination_low = view[at + 3], view[at + 4]
    segment.source_port, segment.destination_port = ports >> 48, ports >> 32 & 0xFFFF
    segment.flags, segment.continuation, segment.is_ipv6 = ports >> 8 & 0xFF, ports >> 1 & 1 != 0, ports & 1 != 0
    segment.seq, segment.ack = numbers >> 32, numbers & _LOW
    segment.length, segment.interface = rest >> 32, rest & _LOW


def replay(engine: Engine, rows: bytes, interfaces: "list[int]", before: int, share: int, shares: int) -> None:
    """Track rows of one capture: those of a share of the connections.

    `interfaces`: the numbers that the capture's have here. `before`: segments of all the captures before it. Raises
    ValueError for rows that no capture of ours has: they come out of a file.
    """
    if len(rows) % (8 * _WORDS):
        message = f"{len(rows)} bytes are no rows"
        raise ValueError(message)
    view = memoryview(rows).cast("Q")
    segment, count = Segment(), len(interfaces)
    for at in range(0, len(view), _WORDS):
        _restore(segment, view, at)
        if segment.share(shares) == share:
            moment, newest = view[at + 8], view[at + 9]
            if (
                not 0 <= segment.interface < count
                or moment > _MOST
                or newest > _MOST
                or (segment.at > 0 and view[at] > _MOST)
            ):
                message = f"no row of ours: interface {segment.interface} of {count}, segment {moment}"
                raise ValueError(message)
            segment.interface = interfaces[segment.interface]
            engine.tracker.go_to(before + moment - 1, newest)
            engine.segment(segment)
