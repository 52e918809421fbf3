"""Connections that reach over the edge between two captures of one timeline.

Captures can be analysed apart, for what a tracker says of a four-tuple depends on other connections by the time and
the segments that pass, and by nothing else. What is open at the end of a capture is what the next one may go on with;
what is closed, and waits for late segments, only if its four-tuple is there among the next of them (`Early`). So of all
captures the segments of such four-tuples are set aside, as rows of numbers, each with what has passed before it;
whoever has the rows of all captures, in their order, tracks them as if all the others had passed by.

Which four-tuples these are a Bloom filter tells. One that it takes for one of them is set aside in all captures: that
costs a little, and changes nothing.
"""

from array import array
from collections.abc import Callable, Sequence

from correlator.core import raw
from correlator.core.ends_hash import EndsHash
from correlator.core.engine import Engine
from correlator.core.flow import Flow
from correlator.core.frames import Frames
from correlator.core.packing import WORDS, Rows
from correlator.core.segment import MAX_TIME, Segment

ROW_WORDS = _ROW_WORDS = WORDS + 2
"""64-bit numbers of a row: behind the segment which of its capture it is, and the newest of the times before it."""
ROW = ROW_WORDS * 8
"""Bytes of a row."""
_WORDS = WORDS
_ROWS = 4096  # in one piece
_MOST = MAX_TIME
_BITS_EACH = 32  # of the filter: with two probes one of 250 is taken for another
_LEAST_BITS = 1 << 16
_ALL = (1 << 64) - 1


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

    def __init__(
        self, seed: int, bits: "bytes | bytearray", write: Callable[[memoryview], object], newest: int = 0
    ) -> None:
        """`bits`: of `filter_of`. `write` takes rows. `newest`: of the times in the captures before this one.

        Raises ValueError where the bits are no power of two.
        """
        if not bits or len(bits) & (len(bits) - 1):
            message = f"a filter of {len(bits)} bytes"
            raise ValueError(message)
        self._hash = EndsHash(seed)
        self._kept = bytes(bits)
        self._bits = raw.address(self._kept)
        self._mask = len(bits) * 8 - 1
        self._moment, self._newest = 0, newest
        rows = memoryview(array("Q", bytes(_ROWS * ROW)))
        self._bytes = rows.cast("B")
        self._rows = Rows(rows)
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
        self._write(self._bytes[: self._count * ROW])
        self._count = 0

    def _has(self, number: int) -> bool:
        one, other = number & self._mask, number >> 32 & self._mask
        return self._bits[one >> 3] >> (one & 7) & self._bits[other >> 3] >> (other & 7) & 1 != 0

    def _put(self, segment: Segment) -> None:
        at = self._count * _ROW_WORDS
        self._rows.pack(segment, at)
        self._rows.numbers[at + _WORDS], self._rows.numbers[at + _WORDS + 1] = self._moment, self._newest
        self._count += 1
        if self._count == _ROWS:
            self.flush()


def replay(engine: Engine, rows: bytes, interfaces: "list[int]", before: int, share: int, shares: int) -> None:
    """Track rows of one capture: those of a share of the connections.

    `interfaces`: the numbers that the capture's have here. `before`: segments of all the captures before it. Raises
    ValueError for rows that no capture of ours has: they come out of a file.
    """
    if len(rows) % ROW:
        message = f"{len(rows)} bytes are no rows"
        raise ValueError(message)
    packed, segment = Rows(memoryview(array("Q", rows)), interfaces), Segment()
    for at in range(0, len(rows) // ROW * _ROW_WORDS, _ROW_WORDS):
        packed.unpack(segment, at)
        moment, newest = packed.numbers[at + _WORDS], packed.numbers[at + _WORDS + 1]
        if moment > _MOST or newest > _MOST:
            message = f"no row of ours: segment {moment} behind {newest}"
            raise ValueError(message)
        if segment.share(shares) == share:
            engine.tracker.go_to(before + moment - 1, newest)
            engine.segment(segment)
