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

    def __init__(self, data: bytes, room: int = _ROOM) -> None:
        """No frames yet. `room`: for how many, until there are more."""
        self.data = data
        self.count = 0
        # The frame that `look` found: when and where it was captured, the kind of its link header, where it begins in
        # the buffer, how many bytes there are, and how many there were on the wire.
        self.at = NO_TIME
        self.interface = self.link_type = self.begin = self.captured = self.length = 0
        self._room = max(room, 1)
        self._index = array("q", bytes(8 * _WORDS * self._room))

    def __len__(self) -> int:
        """How many frames there are."""
        return self.count

    def add(self, at: int, link_type: int, interface: int, begin: int, captured: int, length: int) -> None:
        """A frame of `captured` bytes that begins at `begin`, with `length` bytes on the wire."""
        if self.count == self._room:
            self._grow()
        place = self.count * _WORDS
        self._index[place + _AT] = at
        self._index[place + _LINK_TYPE] = link_type
        self._index[place + _INTERFACE] = interface
        self._index[place + _BEGIN] = begin
        self._index[place + _CAPTURED] = captured
        self._index[place + _LENGTH] = length
        self.count += 1

    def _grow(self) -> None:
        larger = array("q", bytes(16 * _WORDS * self._room))
        larger[: len(self._index)] = self._index
        self._index = larger
        self._room *= 2

    def look(self, number: int) -> None:
        """Look at a frame: what there is to know of it is in the attributes until the next look."""
        place = number * _WORDS
        self.at = self._index[place + _AT]
        self.link_type = self._index[place + _LINK_TYPE]
        self.interface = self._index[place + _INTERFACE]
        self.begin = self._index[place + _BEGIN]
        self.captured = self._index[place + _CAPTURED]
        self.length = self._index[place + _LENGTH]

    @property
    def last_at(self) -> int:
        """When the last frame was captured; 0 where there is none."""
        return self._index[(self.count - 1) * _WORDS + _AT] if self.count else 0

    def part(self, begin: int, end: int) -> "Frames":
        """Some of the frames, in the same buffer."""
        found = Frames(self.data, end - begin)
        for number in range(begin, end):
            self.look(number)
            found.add(self.at, self.link_type, self.interface, self.begin, self.captured, self.length)
        return found

    def packet(self, number: int) -> Packet:
        """A frame by itself."""
        self.look(number)
        data = self.data[self.begin : self.begin + self.captured]
        return Packet(self.at, self.link_type, self.interface, data, self.length)

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
