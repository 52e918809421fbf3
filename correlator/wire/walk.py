"""What is left of a capture's records when a thread without the interpreter's lock has gone through them.

Most frames are plain, and a row of numbers tells all of them that is wanted. The others are copied, for the decoder.
Compiled, nothing of `take` is an object's: the thread and the interpreter's may run at the same time.
"""

from correlator.core import raw
from correlator.core.frames import Frames
from correlator.core.packing import WORDS, Rows
from correlator.core.segment import Segment
from correlator.wire.plain import plain
from correlator.wire.reader import MAX_PACKET, Reader
from correlator.wire.skips import FOUND, SLOWLY

FRAMES = _FRAMES = 2048
"""In a batch."""
_BYTES, _ROWS = 2 * MAX_PACKET, 8 * WORDS * FRAMES  # for those that are not plain, and for all
SIZE = _ROWS + _BYTES
"""Bytes of memory that a batch takes."""
_WORDS, _LARGEST, _FOUND, _SLOWLY = WORDS, MAX_PACKET, FOUND, SLOWLY
_AHEAD = 8


class Batch:
    """Room for what is left of some records."""

    def __init__(self, memory: memoryview) -> None:
        """`memory`: `SIZE` bytes that can be written."""
        self._rows = Rows(memory[:_ROWS].cast("Q"))
        self._kept = memory[_ROWS:SIZE]
        self._bytes = raw.octets(self._kept)
        self._segment = Segment()  # each frame for a moment
        self._used = 0
        self.count = self.odd = self.without_tcp = 0
        """Frames, those of them that are not plain, and those that are and have no TCP."""
        self.at = 0
        """Where `take` stopped."""
        self.next_at = 0
        """The same in the file, by who fills it."""
        self.is_cut = False
        """Whether bytes were missing."""

    def begin(self) -> None:
        """Leave what there is."""
        self._used = self.count = self.odd = self.without_tcp = 0

    def has_room(self) -> bool:
        """Whether another record would go in, however large it is."""
        return self.count < _FRAMES and self._used + _LARGEST <= _BYTES

    def take(self, reader: Reader, block: bytes, at: int, stop: int, end: int) -> None:
        """Go through the records that begin from `at` on and before `stop`, in a block that ends at `end`.

        It stops, at `self.at`, where there is no room, or where the reader knows of no record.
        """
        number = self.count
        while at < stop and number < _FRAMES and self._used + _LARGEST <= _BYTES:
            following = reader.next_record(self._segment, block, at, end)
            if following < 0:
                break
            result = plain(self._segment, block, end)
            self._segment.is_odd = result == _SLOWLY
            if result == _FOUND:
                self._segment.interface, self._segment.is_decoded = self._segment.captured_on, True
                self._rows.pack(self._segment, number * _WORDS)
            elif self._segment.is_odd:
                raw.copy(self._bytes, self._used, block, self._segment.begin, self._segment.captured)
                self._rows.pack_frame(self._segment, number * _WORDS, self._used)
                self._used += self._segment.captured
                self.odd += 1
            else:
                self._segment.captured = 0
                self._rows.pack_frame(self._segment, number * _WORDS, 0)
                self.without_tcp += 1
            number += 1
            at = following
        self.count, self.at = number, at

    def lay_out(self, frames: Frames) -> None:
        """Have the frames in others, in which they stay; what was plain has its segment there, and no bytes."""
        frames.hold(bytes(self._kept[: self._used]))
        segments, count = frames.segments, self.count
        while len(segments) < count:
            frames.grow()
        for number in range(count):
            segment = segments[number]
            raw.prefetch_word(self._rows.numbers, (number + _AHEAD) * _WORDS)  # another core has it
            self._rows.lay_out(segment, number * _WORDS)
        frames.count, frames.odd, frames.without_tcp = self.count, self.odd, self.without_tcp
