"""Tells the capture formats apart by their first bytes."""

from correlator.wire.interfaces import Interfaces
from correlator.wire.pcap import MAGICS, PcapReader
from correlator.wire.reader import Reader

MAGIC_LENGTH = 4
_PCAPNG = bytes.fromhex("0a0d0d0a")  # the same in either byte order


class NotACaptureError(ValueError):
    """The first bytes are those of no known capture format."""


def reader_for(head: bytes, interfaces: Interfaces, *, comments: bool = False) -> Reader:
    """The reader for a file that begins with `head`.

    Raises NotACaptureError.
    """
    magic = bytes(head[:MAGIC_LENGTH])
    if magic in MAGICS:
        return PcapReader(interfaces)
    if magic == _PCAPNG:
        from correlator.wire.pcapng import PcapngReader  # noqa: PLC0415  a capture has one format

        return PcapngReader(interfaces, comments=comments)
    raise NotACaptureError(magic.hex(" ") or "empty")
