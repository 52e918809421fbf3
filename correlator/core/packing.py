"""Segments as rows of numbers, for a tracker in another process or thread."""

from array import array
from collections.abc import Iterable

from correlator.core import raw
from correlator.core.segment import MAX_TIME, Segment

WORDS = 8
"""64-bit numbers of a row."""
_LOW, _HIGH_BIT, _WORD = 0xFFFFFFFF, 1 << 63, (1 << 64) - 1
_MOST = MAX_TIME
_DECODED, _ODD = 4, 8  # of the sixth number


class Rows:
    """Numbers, in which there is room for rows. Whoever calls has compared before how many there are."""

    def __init__(self, numbers: memoryview, interfaces: Iterable[int] = ()) -> None:
        """64-bit numbers that can be written. `interfaces`: the numbers that those of the rows have here."""
        self.kept = numbers
        """What is to be held as long as `numbers`, which is a pointer when it is compiled."""
        self.numbers = raw.words(numbers)
        known = memoryview(array("i", interfaces))
        self._known = known
        self._interfaces, self._count = raw.integers(known), len(known)

    def pack(self, segment: Segment, at: int) -> None:
        """Write a segment's row."""
        numbers = self.numbers
        numbers[at] = segment.at & _WORD
        numbers[at + 1], numbers[at + 2] = segment.source_high, segment.source_low
        numbers[at + 3], numbers[at + 4] = segment.destination_high, segment.destination_low
        ports = segment.source_port << 16 | segment.destination_port
        numbers[at + 5] = (
            ports << 32
            | segment.flags << 8
            | segment.is_decoded * _DECODED
            | segment.continuation << 1
            | segment.is_ipv6
        )
        numbers[at + 6] = segment.seq << 32 | segment.ack
        numbers[at + 7] = segment.length << 32 | segment.interface

    def pack_frame(self, segment: Segment, at: int, begin: int) -> None:
        """Write the row of a frame in which no segment was found, and which lies at `begin` in a buffer."""
        numbers = self.numbers
        numbers[at] = segment.at & _WORD
        numbers[at + 1], numbers[at + 2], numbers[at + 3] = begin, segment.captured, segment.wire_length
        numbers[at + 4], numbers[at + 5], numbers[at + 6] = segment.link_type, segment.is_odd * _ODD, 0
        numbers[at + 7] = segment.captured_on

    def unpack(self, segment: Segment, at: int) -> None:
        """Fill a segment from a row of a segment.

        Raises ValueError for one that no capture of ours has: it comes out of a file.
        """
        numbers = self.numbers
        time, interface = numbers[at], numbers[at + 7] & _LOW
        if interface >= self._count or _MOST < time < _HIGH_BIT or not numbers[at + 5] & _DECODED:
            message = f"no row of ours: interface {interface} of {self._count}, at {time}"
            raise ValueError(message)
        self.lay_out(segment, at)
        segment.interface = self._interfaces[interface]

    def lay_out(self, segment: Segment, at: int) -> None:
        """Fill a segment from a row, with the interface's number that it has there; or the frame that is to be one."""
        numbers = self.numbers
        time, ports, rest = numbers[at], numbers[at + 5], numbers[at + 7]
        segment.at = time if time < _HIGH_BIT else -1
        segment.interface = rest & _LOW
        segment.is_decoded, segment.is_odd = ports & _DECODED != 0, ports & _ODD != 0
        segment.continuation = ports >> 1 & 1 != 0
        if not segment.is_decoded:
            segment.begin, segment.captured, segment.wire_length = numbers[at + 1], numbers[at + 2], numbers[at + 3]
            segment.link_type, segment.captured_on = numbers[at + 4], segment.interface
            return
        both = numbers[at + 6]
        segment.source_high, segment.source_low = numbers[at + 1], numbers[at + 2]
        segment.destination_high, segment.destination_low = numbers[at + 3], numbers[at + 4]
        segment.source_port, segment.destination_port = ports >> 48, ports >> 32 & 0xFFFF
        segment.flags, segment.is_ipv6 = ports >> 8 & 0xFF, ports & 1 != 0
        segment.seq, segment.ack = both >> 32, both & _LOW
        segment.length = rest >> 32
