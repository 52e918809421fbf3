"""Telling the formats apart."""

import pytest

from correlator.wire.formats import NotACaptureError, reader_for
from correlator.wire.interfaces import Interfaces
from correlator.wire.pcap import PcapReader
from correlator.wire.pcapng import PcapngReader
from tests.frames import pcap_header, section


def test_known_formats() -> None:
    """By the first four bytes."""
    assert isinstance(reader_for(pcap_header(), Interfaces()), PcapReader)
    assert isinstance(reader_for(section(">"), Interfaces()), PcapngReader)


@pytest.mark.parametrize(
    ("head", "words"), [(b"", "empty"), (b"\x1f\x8b\x08\x00", "1f 8b 08 00"), (b"PK\3\4", "50 4b")]
)
def test_other_files(head: bytes, words: str) -> None:
    """The message shows what was there."""
    with pytest.raises(NotACaptureError, match=words):
        reader_for(head, Interfaces())
