"""Classic pcap (draft-ietf-opsawg-pcap): a header of 24 bytes, then records."""

import struct

from correlator.core.annotation import Kept
from correlator.core.frames import Frames
from correlator.wire.interfaces import Interfaces
from correlator.wire.reader import MAX_PACKET, Damage

_HEADER_LENGTH = 24

# magic as it stands in the file → byte order, nanoseconds a tick, bytes of a record's header.
# a1b2cd34 is the form of Kuznetsov's patched libpcap: each record has eight bytes more.
MAGICS: dict[bytes, tuple[str, int, int]] = {
    bytes.fromhex("d4c3b2a1"): ("<", 1000, 16),
    bytes.fromhex("a1b2c3d4"): (">", 1000, 16),
    bytes.fromhex("4d3cb2a1"): ("<", 1, 16),
    bytes.fromhex("a1b23c4d"): (">", 1, 16),
    bytes.fromhex("34cdb2a1"): ("<", 1000, 24),
    bytes.fromhex("a1b2cd34"): (">", 1000, 24),
}

# The upper half of the link type field holds the FCS length and flags; the IP header says where the payload ends,
# so they are not needed.
_LINK_TYPE_MASK = 0xFFFF


class PcapReader:
    """Reads one classic pcap file."""

    kept: Kept | None = None

    def __init__(self, interfaces: Interfaces) -> None:
        """The file's one interface is added to `interfaces`, without a name."""
        self.damage: Damage | None = None
        self._buffer = b""
        self._offset = 0  # of the buffer's first byte in the file
        self._interface = interfaces.add("")
        self._record: struct.Struct | None = None
        self._tick = 1000
        self._head = 16
        self._link_type = 0

    def feed(self, data: bytes) -> Frames:
        """The packets that are complete with these bytes."""
        if self.damage is not None:
            return Frames(b"")
        data = self._buffer + data if self._buffer else data
        at = 0
        if self._record is None:
            if len(data) < _HEADER_LENGTH:
                self._buffer = data
                return Frames(b"")
            order, self._tick, self._head = MAGICS[data[:4]]
            self._link_type = struct.unpack_from(order + "I", data, 20)[0] & _LINK_TYPE_MASK
            self._record = struct.Struct(order + "IIII")
            at = _HEADER_LENGTH
        frames = Frames(data)
        at = self._packets(self._record, frames, at)
        self._buffer = data[at:]
        self._offset += at
        return frames

    def close(self) -> None:
        """The input has ended."""
        if self.damage is not None:
            return
        if self._record is None:
            self.damage = Damage(self._offset, "the file header is cut off")
        elif self._buffer:
            self.damage = Damage(self._offset, "the last packet is cut off")

    def _packets(self, record: struct.Struct, frames: Frames, at: int) -> int:
        data, end = frames.data, len(frames.data)
        head, tick, link_type, interface = self._head, self._tick, self._link_type, self._interface
        while at + head <= end:
            seconds, fraction, captured, length = record.unpack_from(data, at)
            if captured > MAX_PACKET:
                self.damage = Damage(
                    self._offset + at,
                    f"a packet claims {captured} bytes, more than the {MAX_PACKET} that any capture has",
                )
                break
            start = at + head
            if start + captured > end:
                break
            at = start + captured
            time = seconds * 1_000_000_000 + fraction * tick
            frames.add(time, link_type, interface, start, captured, max(length, captured))
        return at
