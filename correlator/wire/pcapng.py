"""pcapng (draft-ietf-opsawg-pcapng): sections of blocks, each with interfaces and a byte order of its own."""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from correlator.core import raw
from correlator.core.annotation import Kept
from correlator.core.frames import Frames
from correlator.core.segment import MAX_TIME, NO_TIME, Segment
from correlator.wire.interfaces import Interfaces
from correlator.wire.reader import AHEAD, LINE, MAX_PACKET, Damage, Reader

SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
ENHANCED_PACKET = 6

OPT_END = 0
OPT_COMMENT = 1
IF_NAME = 2
IF_TSRESOL = 9
IF_TSOFFSET = 14

_KEPT = {kept.encode(): kept for kept in Kept}
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_BLOCK_OVERHEAD = 12  # type, length, length again
_SECTION_HEAD = 28
_NANOSECONDS = 1_000_000_000
_USUAL = {1_000_000, 1_000_000_000}  # ticks a second
# Blocks that are read are held whole: a packet with its options. Others are skipped however long they are.
_MAX_BLOCK = MAX_PACKET + 131_072
_MAX_INTERFACES = 65_536  # of a file; an obsolete packet block can name no more


# Constants of a module's own can be C integers when it is compiled.
_ENHANCED, _SMALLEST, _LARGEST, _LATEST = ENHANCED_PACKET, 32, MAX_PACKET, MAX_TIME
_AHEAD, _LINE, _LONGEST = AHEAD, LINE, _MAX_BLOCK
_NUMBERS, _AT_FIRST = 3, 8
_EARLY = 1 << 21  # of the upper words of times: in these nanoseconds cannot overflow


@dataclass(frozen=True)
class _Interface:
    number: int
    link_type: int
    snaplen: int
    ticks: int  # a second
    offset: int  # ns


class _BadBlockError(ValueError):
    """A block's contents contradict its length."""


class PcapngReader(Reader):
    """Reads one pcapng file."""

    def __init__(self, interfaces: Interfaces, *, comments: bool = False) -> None:
        """`comments`: keep each packet's comments, in `comments` by the packet's index."""
        super().__init__()
        self.comments: dict[int, tuple[str, ...]] = {}
        self._keep_comments = comments
        self._interfaces = interfaces
        self._section: list[_Interface] = []
        # Of the section's interfaces what `next_record` needs: the tick, the link type, the number; and of how many.
        self._known = memoryview(array("q", bytes(8 * _NUMBERS * _AT_FIRST)))
        self._numbers = raw.times(self._known)
        self._usable = 0
        self._order = "<"
        self._is_little = True
        self._count = 0
        self._added = 0
        self._in_section = False

    def close(self) -> None:
        """The input has ended."""
        if self.damage is None and (self._rest or self.skip or not self._in_section):
            self.damage = Damage(self._offset, "the last block is cut off")

    def _records(self, frames: Frames, at: int, stop: int) -> int:
        end = frames.size
        skipped = min(self.skip, end - at)
        self.skip -= skipped
        at += skipped
        try:
            at = self._packets(frames, at, stop)
            while at < stop and (length := self._block_length(frames.data, at)) is not None:
                self._block(frames, at, length)
                at = self._packets(frames, at + length, stop)
        except _BadBlockError as error:
            self.damage = Damage(self._offset + at, str(error))
        if self.skip:  # it reaches beyond what there is
            self.skip -= end - at
            at = end
        return at

    def _packets(self, frames: Frames, at: int, stop: int) -> int:
        """Go through what nearly all is: sound packets with times in micro- or nanoseconds. Where it stops."""
        count = frames.count
        at = self._walk(frames, at, stop)
        self._count += frames.count - count
        return at

    def next_record(self, segment: Segment, block: bytes, at: int, end: int) -> int:
        """As of any reader: of sound packets with times in micro- or nanoseconds."""
        is_net = not self._is_little
        if at + _SMALLEST > end or raw.ordered_word(block, at, is_net) != _ENHANCED:
            return -1
        length, number, high = (
            raw.ordered_word(block, at + 4, is_net),
            raw.ordered_word(block, at + 8, is_net),
            raw.ordered_word(block, at + 12, is_net),
        )
        captured = raw.ordered_word(block, at + 20, is_net)
        if length < _SMALLEST or length > _LONGEST or length % 4 or length > end - at:
            return -1
        if raw.ordered_word(block, at + length - 4, is_net) != length:
            return -1
        if number >= self._usable or captured > length - _SMALLEST or captured > _LARGEST or high >= _EARLY:
            return -1
        tick = self._numbers[number * _NUMBERS]
        time = (high << 32 | raw.ordered_word(block, at + 16, is_net)) * tick
        if not tick or time > _LATEST:
            return -1
        segment.at, segment.link_type = time, self._numbers[number * _NUMBERS + 1]
        segment.captured_on = self._numbers[number * _NUMBERS + 2]
        segment.begin, segment.captured = at + 28, captured
        segment.wire_length = max(raw.ordered_word(block, at + 24, is_net), captured)
        ahead = at + length * _AHEAD
        raw.prefetch(block, ahead)
        raw.prefetch(block, ahead + _LINE)
        raw.prefetch(block, ahead + 2 * _LINE)
        return at + length

    def _block_length(self, data: bytes, at: int) -> int | None:
        """The length of the block at `at` if it is complete and of use; notes how much to skip if it is not."""
        if len(data) - at < _BLOCK_OVERHEAD:
            return None
        kind = struct.unpack_from(self._order + "I", data, at)[0]
        if kind == SECTION_HEADER:
            self._begin_section(data, at)
        elif not self._in_section:
            message = "the file does not begin with a section header"
            raise _BadBlockError(message)
        kind, length = struct.unpack_from(self._order + "II", data, at)
        if length < _BLOCK_OVERHEAD or length % 4:
            message = f"a block of type {kind} claims a length of {length} bytes"
            raise _BadBlockError(message)
        wanted = kind in {SECTION_HEADER, INTERFACE_DESCRIPTION, OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET}
        # what is told of a block must not depend on where the bytes at hand end
        if wanted and length > _MAX_BLOCK:
            message = f"a block of type {kind} claims {length} bytes, more than the {_MAX_BLOCK} that any has"
            raise _BadBlockError(message)
        if at + length > len(data):
            if not wanted:
                self.skip = length
            return None
        if wanted and struct.unpack_from(self._order + "I", data, at + length - 4)[0] != length:
            message = f"the two lengths of a block of type {kind} differ"
            raise _BadBlockError(message)
        return int(length)

    def _begin_section(self, data: bytes, at: int) -> None:
        magic = data[at + 8 : at + 12]
        if magic == _BYTE_ORDER_MAGIC.to_bytes(4, "little"):
            self._order = "<"
        elif magic == _BYTE_ORDER_MAGIC.to_bytes(4, "big"):
            self._order = ">"
        else:
            message = "a section header without a byte-order magic"
            raise _BadBlockError(message)
        self._is_little = self._order == "<"
        self._in_section = True
        self.sections += 1

    def _block(self, frames: Frames, at: int, length: int) -> None:
        kind = struct.unpack_from(self._order + "I", frames.data, at)[0]
        body = frames.data[at + 8 : at + length - 4]
        if kind == ENHANCED_PACKET:
            self._enhanced(frames, body, at + 8)
        elif kind == INTERFACE_DESCRIPTION:
            self._interface(body)
        elif kind == SECTION_HEADER:
            self._section, self._usable = [], 0
            for code, value in self._options(body, _SECTION_HEAD - _BLOCK_OVERHEAD):
                if code == OPT_COMMENT and value in _KEPT:
                    self.kept = _KEPT[value]
        elif kind == SIMPLE_PACKET:
            self._simple(frames, body, at + 8)
        elif kind == OBSOLETE_PACKET:
            self._obsolete(frames, body, at + 8)

    def _unpack(self, layout: str, body: bytes) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self._order + layout, body)
        except struct.error:
            message = f"a block of {len(body)} bytes is too short for its type"
            raise _BadBlockError(message) from None

    def _options(self, body: bytes, at: int) -> Iterator[tuple[int, bytes]]:
        """The options of a block; ends at the first that does not fit, as a damaged option harms no packet."""
        while at + 4 <= len(body):
            code, length = struct.unpack_from(self._order + "HH", body, at)
            at += 4
            if code == OPT_END or at + length > len(body):
                return
            yield code, body[at : at + length]
            at += length + (-length) % 4

    def _interface(self, body: bytes) -> None:
        link_type, _reserved, snaplen = self._unpack("HHI", body)
        name, ticks, offset = "", 1_000_000, 0
        for code, value in self._options(body, 8):
            if code == IF_NAME:
                name = value.rstrip(b"\0").decode("utf-8", "replace")
            elif code == IF_TSRESOL and value:
                ticks = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
            elif code == IF_TSOFFSET and len(value) == 8:
                offset = struct.unpack(self._order + "q", value)[0] * _NANOSECONDS
        self._added += 1
        if self._added > _MAX_INTERFACES:
            message = f"more than {_MAX_INTERFACES} interfaces"
            raise _BadBlockError(message)
        tick = _NANOSECONDS // ticks if ticks in _USUAL and not offset else 0
        self.interfaces.append(self._interfaces.add(name))
        self._section.append(_Interface(self.interfaces[-1], link_type, snaplen, ticks, offset))
        if len(self._section) * _NUMBERS > len(self._known):
            self._known = memoryview(array("q", self._known.tobytes() * 2))
            self._numbers = raw.times(self._known)
        at = (len(self._section) - 1) * _NUMBERS
        self._known[at], self._known[at + 1], self._known[at + 2] = tick, link_type, self.interfaces[-1]
        self._usable = 0 if self._keep_comments else len(self._section)

    def _packet(
        self, frames: Frames, begin: int, room: int, number: int, ticks: int | None, captured: int, length: int
    ) -> None:
        """A packet that begins at `begin`, with `room` bytes left in its block."""
        if number >= len(self._section):
            message = f"a packet of interface {number}, which is not described"
            raise _BadBlockError(message)
        if captured > room or captured > MAX_PACKET:
            message = f"a packet claims {captured} bytes where a block has {room}"
            raise _BadBlockError(message)
        interface = self._section[number]
        at = NO_TIME if ticks is None else ticks * _NANOSECONDS // interface.ticks + interface.offset
        if not 0 <= at <= MAX_TIME:
            at = NO_TIME
        self._count += 1
        frames.add(at, interface.link_type, interface.number, begin, captured, max(length, captured))

    def _enhanced(self, frames: Frames, body: bytes, begin: int) -> None:
        number, high, low, captured, length = self._unpack("IIIII", body)
        self._packet(frames, begin + 20, len(body) - 20, number, high << 32 | low, captured, length)
        if self._keep_comments:
            options = self._options(body, 20 + captured + (-captured) % 4)
            comments = tuple(value.decode("utf-8", "replace") for code, value in options if code == OPT_COMMENT)
            if comments:
                self.comments[self._count - 1] = comments

    def _obsolete(self, frames: Frames, body: bytes, begin: int) -> None:
        number, _drops, high, low, captured, length = self._unpack("HHIIII", body)
        self._packet(frames, begin + 20, len(body) - 20, number, high << 32 | low, captured, length)

    def _simple(self, frames: Frames, body: bytes, begin: int) -> None:
        (length,) = self._unpack("I", body)
        snaplen = self._section[0].snaplen if self._section else 0
        captured = min(length, len(body) - 4, snaplen or length)
        self._packet(frames, begin + 4, len(body) - 4, 0, None, captured, length)
