"""Where capture files can be cut."""

import struct
from random import Random

import pytest

from correlator.wire.cut import head_length, record_in
from tests.frames import block, pcap_header, pcap_record
from tests.rotated import capture, conversations

SECTION = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
BIG_SECTION = struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1)


def enhanced(data: bytes, order: str = "<") -> bytes:
    """An enhanced packet block."""
    return block(6, struct.pack(order + "IIIII", 0, 5, 6, len(data), len(data)) + data + bytes(-len(data) % 4), order)


def pcapng(packets: list[bytes], order: str = "<") -> tuple[bytes, list[int]]:
    """A file with statistics between its packets, and where its blocks begin."""
    data = block(0x0A0D0D0A, SECTION if order == "<" else BIG_SECTION, order)
    data += block(1, struct.pack(order + "HHI", 1, 0, 0), order)
    places = [len(data)]
    for number, packet in enumerate(packets):
        data += enhanced(packet, order) if number % 7 else block(5, bytes(12), order)
        places.append(len(data))
    return data, places


def records(data: bytes) -> list[int]:
    """Where the records of a pcap begin, and the end."""
    places, at = [24], 24
    while at < len(data):
        at += 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        places.append(at)
    return places


def test_any_place_of_a_pcap() -> None:
    """The next record is found from everywhere; behind the last one's beginning there is none."""
    data = capture(conversations(Random(1), 120))
    places = records(data)
    assert head_length(data[:100]) == 24
    for near in range(24, len(data)):
        found = record_in(data[near:], data[:60])
        expected = next(place for place in places if place >= near)
        assert found == (expected - near if expected < len(data) else None), near


@pytest.mark.parametrize("order", ["<", ">"])
def test_any_place_of_a_pcapng(order: str) -> None:
    """Also where statistics stand; the interfaces come before."""
    chance = Random(2)
    data, places = pcapng([chance.randbytes(chance.randrange(20, 200)) for _ in range(60)], order)
    assert head_length(data) == places[1]  # the statistics' block belongs to the head, too
    for near in range(places[0], len(data), 4):
        found = record_in(data[near:], data[:28])
        expected = next(place for place in places if place >= near)
        assert found == (expected - near if expected < len(data) else None), near


@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34])
@pytest.mark.parametrize("order", ["<", ">"])
def test_all_forms_of_pcap(magic: int, order: str) -> None:
    """Byte orders, nanoseconds, longer records."""
    extra = bytes(8) if magic == 0xA1B2CD34 else b""
    record = pcap_record(b"x" * 60, order, fraction=999_999, extra=extra)
    header = pcap_header(order, magic) + record
    assert head_length(header) == 24
    assert record_in(record[5:] + record * 9, header) == len(record) - 5
    assert record_in(record[5:] + record, header) == len(record) - 5  # the file's last one
    assert record_in(record[5:] + record + record[:30], header) == len(record) - 5
    assert record_in(record[5:] + record[:30], header) is None


def test_a_part_that_is_no_end() -> None:
    """Where the records are longer than the part two of them are enough."""
    long = pcap_record(b"\xff" * 1000)
    head = pcap_header() + long
    assert record_in(b"\xff" * 7 + long + long[:500], head) == 7
    assert record_in(b"\xff" * 7 + long[:500], head) is None


def test_what_cannot_be_cut() -> None:
    """No capture, cut headers, a pcapng without packets, with a damaged block."""
    section = block(0x0A0D0D0A, SECTION)
    for data in (
        b"",
        b"hello world!",
        pcap_header()[:20],
        pcap_header(),
        section,
        section[:8],
        b"\x1f\x8b" + bytes(90),
    ):
        assert head_length(data) is None
    assert head_length(section + struct.pack("<II", 1, 7)) is None
    assert head_length(section + struct.pack("<II", 1, 8)) is None
    assert head_length(section + struct.pack("<II", 1, 1 << 30)) is None
    assert record_in(bytes(5000), pcap_header() + bytes(16)) is None
    assert record_in(bytes(5000), section) is None
    assert record_in(enhanced(b"x")[:-4] + bytes(4), section) is None
