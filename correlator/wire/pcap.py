"""Classic pcap (draft-ietf-opsawg-pcap): a header of 24 bytes, then records."""

from correlator.core import raw
from correlator.core.frames import Frames
from correlator.core.segment import Segment
from correlator.wire.interfaces import Interfaces
from correlator.wire.reader import AHEAD, LINE, MAX_PACKET, Damage, Reader

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
_AHEAD, _LINE = AHEAD, LINE


class PcapReader(Reader):
    """Reads one classic pcap file."""

    def __init__(self, interfaces: Interfaces) -> None:
        """The file's one interface is added to `interfaces`, without a name."""
        super().__init__()
        self._interface = interfaces.add("")
        self.interfaces.append(self._interface)
        self._is_open = False  # the file header was read
        self._is_net = False
        self._tick = 1000
        self._head = 16
        self._link_type = 0

    def close(self) -> None:
        """The input has ended."""
        if self.damage is not None:
            return
        if not self._is_open:
            self.damage = Damage(self._offset, "the file header is cut off")
        elif self._rest:
            self.damage = Damage(self._offset, "the last packet is cut off")

    def _records(self, frames: Frames, at: int, stop: int) -> int:
        block, end = frames.start, frames.size  # compiled, a pointer: where the bytes end is compared before
        if not self._is_open:
            if end < _HEADER_LENGTH:
                return 0
            form = MAGICS.get(frames.data[:4])
            if form is None:
                self.damage = Damage(0, "it changed while it was read")
                return 0
            self._is_net, self._tick, self._head = form
            self._link_type = raw.ordered_word(block, 20, self._is_net) & _LINK_TYPE_MASK
            self._is_open = True
            at = _HEADER_LENGTH
        at = self._walk(frames, at, stop)
        if at < stop and at + self._head <= end:
            captured = raw.ordered_word(block, at + 8, self._is_net)
            if captured > MAX_PACKET:
                self.damage = Damage(
                    self._offset + at,
                    f"a packet claims {captured} bytes, more than the {MAX_PACKET} that any capture has",
                )
        return at

    def next_record(self, segment: Segment, block: bytes, at: int, end: int) -> int:
        """As of any reader."""
        head, is_net = self._head, self._is_net
        start = at + head
        if start > end:
            return -1
        captured, length = raw.ordered_word(block, at + 8, is_net), raw.ordered_word(block, at + 12, is_net)
        following = start + captured
        if captured > _MAX_PACKET or following > end:
            return -1
        ahead = at + (following - at) * _AHEAD
        raw.prefetch(block, ahead)
        raw.prefetch(block, ahead + _LINE)
        raw.prefetch(block, ahead + 2 * _LINE)
        segment.at = (
            raw.ordered_word(block, at, is_net) * _SECOND + raw.ordered_word(block, at + 4, is_net) * self._tick
        )
        segment.link_type, segment.captured_on = self._link_type, self._interface
        segment.begin, segment.captured, segment.wire_length = start, captured, max(length, captured)
        return following
