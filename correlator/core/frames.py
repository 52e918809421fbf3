"""What comes in from the wire: captured frames, many in one buffer, each with a segment that it may be decoded to."""

from dataclasses import dataclass

from correlator.core import raw
from correlator.core.segment import Segment

UNKNOWN = _UNKNOWN = -1


@dataclass(frozen=True)
class Packet:
    """A captured frame by itself."""

    at: int
    link_type: int  # LINKTYPE_ value of pcap's registry
    interface: int  # index into the run's interface names
    data: bytes
    wire_length: int  # before the snaplen cut it


class Frames:
    """Captured frames, in order, and the buffer that they lie in.

    Whoever reads a capture may fill the same frames again and again: there is an object a frame, but none is made.
    """

    def __init__(self, data: bytes = b"") -> None:
        """No frames yet, in a buffer."""
        self.count = 0
        self.lie_in(data)
        self.segments: list[Segment] = []
        """What is known of each frame, and whatever a decoder found in it; of `count` of them, the others are left."""
        self.odd = _UNKNOWN
        """How many were looked at and are not plain, so that they are still to be decoded; `UNKNOWN` before that."""
        self.without_tcp = 0
        """How many are plain and have no TCP."""

    def __len__(self) -> int:
        """How many frames there are."""
        return self.count

    def hold(self, data: bytes) -> None:
        """Begin anew, with another buffer."""
        self.count, self.odd = 0, _UNKNOWN
        self.lie_in(data)

    def lie_in(self, data: bytes) -> None:
        """Have another buffer, in which the frames lie where they lay."""
        self.data = data
        self.start = raw.address(data)
        """Where the buffer is, for who has compared its size before; until there is another."""
        self.size = len(data)

    def grow(self) -> int:
        """Have a segment for one more frame; for how many there are segments now."""
        self.segments.append(Segment())
        return len(self.segments)

    def add(self, at: int, link_type: int, interface: int, begin: int, captured: int, length: int) -> None:
        """A frame of `captured` bytes that begins at `begin`, with `length` bytes on the wire."""
        if self.count == len(self.segments):
            self.grow()
        segment = self.segments[self.count]
        segment.at = at
        segment.link_type = link_type
        segment.captured_on = interface
        segment.begin = begin
        segment.captured = captured
        segment.wire_length = length
        self.count += 1
        self.odd = _UNKNOWN

    @property
    def last_at(self) -> int:
        """When the last frame was captured; 0 where there is none."""
        return self.segments[self.count - 1].at if self.count else 0

    def times(self) -> tuple[int, int]:
        """The earliest and the latest time of any frame. There is at least one."""
        earliest = latest = self.segments[0].at
        for number in range(1, self.count):
            one = self.segments[number]
            earliest, latest = min(earliest, one.at), max(latest, one.at)
        return earliest, latest

    def part(self, begin: int, end: int) -> "Frames":
        """Some of the frames, in the same buffer."""
        found = Frames(self.data)
        for number in range(begin, end):
            one = self.segments[number]
            found.add(one.at, one.link_type, one.captured_on, one.begin, one.captured, one.wire_length)
        return found

    def bytes_of(self, number: int) -> bytes:
        """What was captured of a frame."""
        one = self.segments[number]
        return self.data[one.begin : one.begin + one.captured]

    def packet(self, number: int) -> Packet:
        """A frame by itself."""
        one = self.segments[number]
        return Packet(one.at, one.link_type, one.captured_on, self.bytes_of(number), one.wire_length)

    def packets(self) -> list[Packet]:
        """All frames, each by itself."""
        return [self.packet(number) for number in range(self.count)]


def gathered(packets: list[Packet]) -> Frames:
    """Packets in one buffer."""
    frames = Frames(b"".join([packet.data for packet in packets]))
    begin = 0
    for packet in packets:
        frames.add(packet.at, packet.link_type, packet.interface, begin, len(packet.data), packet.wire_length)
        begin += len(packet.data)
    return frames
