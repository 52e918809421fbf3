"""What the capture file readers share: blocks of any size to whole records, damage and bounds."""

import sys
from typing import NamedTuple

from correlator.core.annotation import Kept
from correlator.core.frames import Frames
from correlator.core.segment import Segment

# libpcap's MAXIMUM_SNAPLEN and Wireshark's WTAP_MAX_PACKET_SIZE_STANDARD.
MAX_PACKET = 262_144

# What is left of one block is put together with so much of the next: most often the record that lies across their seam
# is whole then, and the block itself need not be copied.
SEAM = 16_384
_SEAM = SEAM  # a constant of the module's own can be a C integer when it is compiled


# Packets are much of a size: so many ahead, by the size of the last one, a header's bytes are brought near. Without it
# each waits for memory, for where it begins is known only from the one before.
AHEAD = 12
LINE = 64  # bytes that come together


class Damage(NamedTuple):
    """Where a capture stops making sense, and why. What came before it is intact."""

    offset: int
    reason: str


class Reader:
    """Reads one capture file, block by block; each format says what its records are."""

    def __init__(self) -> None:
        """Nothing has been read."""
        self.damage: Damage | None = None
        self.kept: Kept | None = None
        """What a live run of ours kept, where one wrote the file."""
        self.interfaces: list[int] = []
        """The numbers of the capture's interfaces."""
        self.sections = 0
        """Sections that have begun, where there are any."""
        self.until = sys.maxsize
        """Where the records begin in the file that are not wanted."""
        self.skip = 0  # bytes of a record without use that are still to come
        self._rest = b""  # of a record that is not whole yet
        self._offset = 0  # of the rest's first byte in the file
        self._seam, self.frames = Frames(), Frames()

    @property
    def next_at(self) -> int:
        """Where in the file the first record begins that was not taken in."""
        return self._offset + self.skip

    def feed(self, data: bytes) -> list[Frames]:
        """The packets that are complete with these bytes, until the next call; none after damage."""
        found: list[Frames] = []
        begin = 0
        if self._rest and len(data) > _SEAM:
            rest = len(self._rest)
            seam = self._seam
            seam.hold(self._rest + data[:_SEAM])
            begin = self._records(seam, 0, min(rest, self.until - self._offset)) - rest
            if begin >= 0:
                found.append(seam)
                self._rest = b""
                self._offset += rest
        if self.damage is None:
            frames = self.frames
            frames.hold(self._rest + data if self._rest else data)
            end = self._records(frames, max(begin, 0), min(frames.size, self.until - self._offset))
            found.append(frames)
            self._offset += end
            self._rest = frames.data[end:] if self.next_at < self.until else b""
        return found

    def go_to(self, begin: int, end: int) -> None:
        """Go on where a record begins, anywhere in the file, with the records that begin before `end`."""
        self._offset, self._rest, self.skip, self.damage = begin, b"", 0, None
        self.until = end

    def close(self) -> None:
        """The input has ended: sets `damage` where it ended inside a record."""

    def _records(self, frames: Frames, at: int, stop: int) -> int:
        """Take in the whole records that begin from `at` on and before `stop`: where the next one begins."""
        raise NotImplementedError

    def _walk(self, frames: Frames, at: int, stop: int) -> int:
        """Take in the records that `next_record` knows, from `at` on and before `stop`: where the next one begins."""
        segments, number, room = frames.segments, frames.count, len(frames.segments)
        block, end = frames.start, frames.size
        while at < stop:
            if number == room:
                room = frames.grow()
            segment = segments[number]
            following = self.next_record(segment, block, at, end)
            if following < 0:
                break
            number += 1
            at = following
        frames.count = number
        return at

    def next_record(self, segment: Segment, block: bytes, at: int, end: int) -> int:  # noqa: ARG002  readers look
        """Note where in a block that ends at `end` the frame lies whose record begins at `at`: where the next begins.

        Negative for what is not as most records are: not whole, odd, of another kind. Compiled, a block is a pointer.
        """
        return -1
