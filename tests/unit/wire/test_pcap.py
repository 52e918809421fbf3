"""Classic pcap in all its forms."""

import pytest

from correlator.core.frames import Packet
from correlator.wire.interfaces import Interfaces
from correlator.wire.pcap import PcapReader
from tests.frames import pcap_header, pcap_record

FORMS = [
    ("<", 0xA1B2C3D4, 1000, b""),
    (">", 0xA1B2C3D4, 1000, b""),
    ("<", 0xA1B23C4D, 1, b""),
    (">", 0xA1B23C4D, 1, b""),
    ("<", 0xA1B2CD34, 1000, b"\0" * 8),
    (">", 0xA1B2CD34, 1000, b"\0" * 8),
]


def read(*parts: bytes) -> tuple[list[Packet], PcapReader]:
    """Feed parts and end."""
    reader = PcapReader(Interfaces())
    packets = [packet for part in parts for frames in reader.feed(part) for packet in frames.packets()]
    reader.close()
    return packets, reader


@pytest.mark.parametrize(("order", "magic", "tick", "extra"), FORMS)
def test_every_magic(order: str, magic: int, tick: int, extra: bytes) -> None:
    """Both byte orders, micro- and nanoseconds, and the patched form with longer records."""
    data = pcap_header(order, magic) + pcap_record(b"abc", order, 1, 2, 99, extra)
    (packet,), reader = read(data)
    assert packet == Packet(1_000_000_000 + 2 * tick, 1, 0, b"abc", 99)
    assert reader.damage is None


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_pieces_of_any_size(size: int) -> None:
    """A file gives the same packets however it is cut into blocks."""
    data = pcap_header() + pcap_record(b"a" * 10) + pcap_record(b"") + pcap_record(b"c" * 5)
    packets, reader = read(*(data[at : at + size] for at in range(0, len(data), size)))
    assert [packet.data for packet in packets] == [b"a" * 10, b"", b"c" * 5]
    assert reader.damage is None


def test_fcs_bits_are_no_part_of_the_link_type() -> None:
    """The upper half of the field says how long the frame check sequence is."""
    (packet,), _ = read(pcap_header(link_type=0x14000001) + pcap_record(b"x"))
    assert packet.link_type == 1


def test_a_length_below_what_was_captured_is_not_believed() -> None:
    """The wire had at least what was captured."""
    (packet,), _ = read(pcap_header() + pcap_record(b"abc", length=1))
    assert packet.wire_length == 3


@pytest.mark.parametrize("cut", [1, 15, 17])
def test_a_file_that_is_cut_off(cut: int) -> None:
    """What is complete is read; the damage is where the last record begins."""
    whole = pcap_header() + pcap_record(b"first")
    packets, reader = read(whole + pcap_record(b"second")[:cut])
    assert [packet.data for packet in packets] == [b"first"]
    assert reader.damage
    assert (reader.damage.offset, reader.damage.reason) == (len(whole), "the last packet is cut off")


def test_a_header_that_is_cut_off() -> None:
    """Too short for anything."""
    packets, reader = read(pcap_header()[:10])
    assert packets == []
    assert reader.damage
    assert "file header" in reader.damage.reason


def test_a_packet_that_is_too_long_ends_the_reading() -> None:
    """A length that no capture has means that the records are no longer in step."""
    whole = pcap_header() + pcap_record(b"first")
    packets, reader = read(whole + b"\xff" * 16 + b"x" * 100, b"more")
    assert [packet.data for packet in packets] == [b"first"]
    assert reader.damage
    assert reader.damage.offset == len(whole)
    assert "4294967295 bytes" in reader.damage.reason
