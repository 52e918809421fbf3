"""What the capture file readers share: the protocol, damage and bounds."""

from dataclasses import dataclass
from typing import Protocol

from correlator.core.annotation import Kept
from correlator.core.frames import Frames

# libpcap's MAXIMUM_SNAPLEN and Wireshark's WTAP_MAX_PACKET_SIZE_STANDARD.
MAX_PACKET = 262_144


@dataclass(frozen=True, slots=True)
class Damage:
    """Where a capture stops making sense, and why. What came before it is intact."""

    offset: int
    reason: str


class Reader(Protocol):
    """A capture format."""

    damage: Damage | None
    kept: Kept | None
    """What a live run of ours kept, where one wrote the file."""

    def feed(self, data: bytes) -> Frames:
        """The packets that are complete with these bytes; none after damage."""

    def close(self) -> None:
        """The input has ended: sets `damage` where it ended inside a record."""
