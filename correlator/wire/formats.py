"""Tells the capture formats apart by their first bytes."""

from correlator.wire.interfaces import Interfaces
from correlator.wire.pcap import MAGICS, PcapReader
from correlator.wire.pcapng import SECTION_HEADER, PcapngReader
from correlator.wire.reader import Reader

MAGIC_LENGTH = 4


class NotACaptureError(ValueError):
    """The first bytes are those of no known capture format."""


def reader_for(head: bytes, interfaces: Interfaces, *, comments: bool = False) -> Reader:
    """The reader for a file that begins with `head`.

    Raises NotACaptureError.
    """
    magic = bytes(head[:MAGIC_LENGTH])
    if magic in MAGICS:
        return PcapReader(interfaces)
    if magic == SECTION_HEADER.to_bytes(4, "little"):  # the same in either byte order
        return PcapngReader(interfaces, comments=comments)
    raise NotACaptureError(magic.hex(" ") or "empty")
