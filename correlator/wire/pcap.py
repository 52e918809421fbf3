"""Classic pcap (draft-ietf-opsawg-pcap): a header of 24 bytes, then records."""

from correlator.core.annotation import Kept
from correlator.core.frames import Frames
from correlator.core.words import net_word, word
from correlator.wire.interfaces import Interfaces
from correlator.wire.reader import MAX_PACKET, Damage

_HEADER_LENGTH = 24

# magic as it stands in the file → whether its byte order is the network's, nanoseconds a tick, bytes of a record's
# header. a1b2cd34 is the form of Kuznetsov's patched libpcap: each record has eight bytes more.
MAGICS: dict[bytes, tuple[bool, int, int]] = {
    bytes.fromhex("d4c3b2a1"): (False, 1000, 16),
    bytes.fromhex("a1b2c3d4"): (True, 1000, 16),
    bytes.fromhex("4d3cb2a1"): (False, 1, 16),
    bytes.fromhex("a1b23c4d"): (True, 1, 16),
    bytes.fromhex("34cdb2a1"): (False, 1000, 24),
    bytes.fromhex("a1b2cd34"): (True, 1000, 24),
}

# The upper half of the link type field holds the FCS length and flags; the IP header says where the payload ends,
# so they are not needed.
_LINK_TYPE_MASK = 0xFFFF

# Constants of a module's own can be C integers when it is compiled.
_SECOND, _MAX_PACKET = 1_000_000_000, MAX_PACKET


class PcapReader:
    """Reads one classic pcap file."""

    kept: Kept | None = None

    def __init__(self, interfaces: Interfaces) -> None:
        """The file's one interface is added to `interfaces`, without a name."""
        self.damage: Damage | None = None
        self._buffer = b""
        self._offset = 0  # of the buffer's first byte in the file
        self._interface = interfaces.add("")
        self._is_open = False  # the file header was read
        self._is_net = False
        self._tick = 1000
        self._head = 16
        self._link_type = 0

    def feed(self, data: bytes) -> Frames:
        """The packets that are complete with these bytes."""
        if self.damage is not None:
            return Frames(b"")
        data = self._buffer + data if self._buffer else data
        at = 0
        if not self._is_open:
            if len(data) < _HEADER_LENGTH:
                self._buffer = data
                return Frames(b"")
            self._is_net, self._tick, self._head = MAGICS[data[:4]]
            self._link_type = self._word(data, 20) & _LINK_TYPE_MASK
            self._is_open = True
            at = _HEADER_LENGTH
        frames = Frames(data)
        at = self._packets(frames, at)
        self._buffer = data[at:]
        self._offset += at
        return frames

    def close(self) -> None:
        """The input has ended."""
        if self.damage is not None:
            return
        if not self._is_open:
            self.damage = Damage(self._offset, "the file header is cut off")
        elif self._buffer:
            self.damage = Damage(self._offset, "the last packet is cut off")

    def _word(self, data: bytes, at: int) -> int:
        return net_word(data, at) if self._is_net else word(data, at)

    def _packets(self, frames: Frames, at: int) -> int:
        data, end = frames.data, len(frames.data)
        head, tick, link_type, interface = self._head, self._tick, self._link_type, self._interface
        while at + head <= end:
            captured, length = self._word(data, at + 8), self._word(data, at + 12)
            if captured > _MAX_PACKET:
                self.damage = Damage(
                    self._offset + at,
                    f"a packet claims {captured} bytes, more than the {MAX_PACKET} that any capture has",
                )
                break
            start = at + head
            if start + captured > end:
                break
            time = self._word(data, at) * _SECOND + self._word(data, at + 4) * tick
            at = start + captured
            frames.add(time, link_type, interface, start, captured, max(length, captured))
        return at
