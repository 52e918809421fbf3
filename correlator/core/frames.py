"""What comes in from the wire: captured frames, many in one buffer, without an object each."""

from array import array
from dataclasses import dataclass

NO_TIME = -1  # pcapng's Simple Packet Block carries no timestamp
MAX_TIME = 1 << 62  # the year 2116: what is later, or before 1970, is no time that a packet was captured at

# The words that are kept of a frame.
_AT, _LINK_TYPE, _INTERFACE, _BEGIN, _CAPTURED, _LENGTH, _WORDS = range(7)
_ROOM = 64  # frames


@dataclass(frozen=True)
class Packet:
    """A captured frame by itself."""

    at: int
    link_type: int  # LINKTYPE_ value of pcap's registry
    interface: int  # index into the run's interface names
    data: bytes
    wire_length: int  # before the snaplen cut it


class Frames:
    """Captured frames, in order, and the buffer that they lie in."""

    def __init__(self, data: bytes) -> None:
        """No frames yet."""
        self.data = data
        self.count = 0
        self._room = _ROOM
        self._index = array("q", bytes(8 * _WORDS * _ROOM))

    def __len__(self) -> int:
        """How many frames there are."""
        return self.count

    def add(self, at: int, link_type: int, interface: int, begin: int, captured: int, length: int) -> None:
        """A frame of `captured` bytes that begins at `begin`, with `length` bytes on the wire."""
        if self.count == self._room:
            self._grow()
        index, place = self._index, self.count * _WORDS
        index[place + _AT] = at
        index[place + _LINK_TYPE] = link_type
        index[place + _INTERFACE] = interface
        index[place + _BEGIN] = begin
        index[place + _CAPTURED] = captured
        index[place + _LENGTH] = length
        self.count += 1

    def _grow(self) -> None:
        larger = array("q", bytes(16 * _WORDS * self._room))
        larger[: len(self._index)] = self._index
        self._index = larger
        self._room *= 2

    def at(self, number: int) -> int:
        """When a frame was captured."""
        return self._index[number * _WORDS + _AT]

    def link_type(self, number: int) -> int:
        """The kind of a frame's link header."""
        return self._index[number * _WORDS + _LINK_TYPE]

    def interface(self, number: int) -> int:
        """Where a frame was captured."""
        return self._index[number * _WORDS + _INTERFACE]

    def begin(self, number: int) -> int:
        """Where a frame begins in the buffer."""
        return self._index[number * _WORDS + _BEGIN]

    def captured(self, number: int) -> int:
        """How many bytes of a frame there are."""
        return self._index[number * _WORDS + _CAPTURED]

    def length(self, number: int) -> int:
        """How many bytes a frame had on the wire."""
        return self._index[number * _WORDS + _LENGTH]

    @property
    def last_at(self) -> int:
        """When the last frame was captured; 0 where there is none."""
        return self.at(self.count - 1) if self.count else 0

    def packet(self, number: int) -> Packet:
        """A frame by itself."""
        begin = self.begin(number)
        data = self.data[begin : begin + self.captured(number)]
        return Packet(self.at(number), self.link_type(number), self.interface(number), data, self.length(number))

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
