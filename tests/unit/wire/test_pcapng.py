"""pcapng: sections, interfaces, and the blocks that hold packets."""

import struct

import pytest

from correlator.core.annotation import Kept
from correlator.core.frames import Packet
from correlator.core.segment import NO_TIME
from correlator.wire.interfaces import Interfaces
from correlator.wire.pcapng import PcapngReader
from tests.frames import block, enhanced, interface, option, section


def read(*parts: bytes, comments: bool = False) -> tuple[list[Packet], PcapngReader, Interfaces]:
    """Feed parts and end."""
    names = Interfaces()
    reader = PcapngReader(names, comments=comments)
    packets = [packet for part in parts for frames in reader.feed(part) for packet in frames.packets()]
    reader.close()
    return packets, reader, names


def damage(*parts: bytes) -> tuple[int, str]:
    """Where and why reading ended."""
    _packets, reader, _names = read(*parts)
    assert reader.damage
    return reader.damage.offset, reader.damage.reason


@pytest.mark.parametrize("order", ["<", ">"])
def test_enhanced_packets(order: str) -> None:
    """Either byte order; microseconds where nothing else is said."""
    data = (
        section(order)
        + interface(order, 113, options=option(2, b"eth0\0", order))
        + enhanced(b"abcde", order, length=99)
    )
    (packet,), reader, names = read(data)
    assert packet == Packet(5000, 113, 0, b"abcde", 99)
    assert names.names == ["eth0"]
    assert reader.damage is None
    assert reader.kept is None


def test_sections_of_either_order_have_interfaces_of_their_own() -> None:
    """The second section's interface 0 is another one."""
    first = section("<") + interface("<", 1, options=option(2, b"a")) + enhanced(b"1", "<")
    second = section(">") + interface(">", 101, options=option(2, b"b", ">")) + enhanced(b"2", ">")
    packets, _reader, names = read(first + second)
    assert [(packet.interface, packet.link_type) for packet in packets] == [(0, 1), (1, 101)]
    assert names.names == ["a", "b"]


@pytest.mark.parametrize(
    ("resolution", "ticks", "at"),
    [
        (b"\x06", 5, 5000),
        (b"\x09", 5, 5),
        (b"\x00", 5, 5_000_000_000),
        (b"\x8a", 1024, 1_000_000_000),
        (b"", 5, 5000),
        (b"\x0c", 5000, 5),
    ],
)
def test_resolutions(resolution: bytes, ticks: int, at: int) -> None:
    """if_tsresol: negative powers of ten, or of two with the high bit."""
    data = section() + interface(options=option(9, resolution)) + enhanced(b"x", ticks=ticks)
    (packet,), *_ = read(data)
    assert packet.at == at


def test_an_offset_in_seconds() -> None:
    """if_tsoffset is added; one of the wrong length is not."""
    data = (
        section()
        + interface(options=option(14, struct.pack("<q", -3)) + option(14, b"x"))
        + enhanced(b"x", ticks=4_000_000)
    )
    (packet,), *_ = read(data)
    assert packet.at == 1_000_000_000


def test_simple_packets() -> None:
    """No time, interface 0, and as much as the snaplen let through."""
    data = section() + interface(snaplen=2) + block(3, struct.pack("<I", 5) + b"abcd")
    data += section() + interface() + block(3, struct.pack("<I", 3) + b"abc")
    packets, *_ = read(data)
    assert [(packet.at, packet.data, packet.wire_length) for packet in packets] == [
        (NO_TIME, b"ab", 5),
        (NO_TIME, b"abc", 3),
    ]


def test_obsolete_packets() -> None:
    """Wireshark wrote them until 2012."""
    data = section() + interface() + block(2, struct.pack("<HHIIII", 0, 0, 0, 5, 3, 9) + b"abc")
    (packet,), *_ = read(data)
    assert packet == Packet(5000, 1, 0, b"abc", 9)


@pytest.mark.parametrize("size", [1, 5, 13, 10_000])
@pytest.mark.parametrize("length", [0, 8, 5000])
def test_unknown_blocks_are_skipped_in_pieces_of_any_size(size: int, length: int) -> None:
    """A block of another kind costs no memory, however long it is."""
    data = section() + interface() + block(0xBAD, b"z" * length) + enhanced(b"after") + block(5, b"z" * length)
    packets, reader, _ = read(*(data[at : at + size] for at in range(0, len(data), size)))
    assert [packet.data for packet in packets] == [b"after"]
    assert reader.damage is None


@pytest.mark.parametrize("kept", list(Kept))
def test_what_a_live_run_kept(kept: Kept) -> None:
    """The section header's comment says it."""
    _packets, reader, _ = read(section(options=option(1, b"other") + option(1, kept.encode())))
    assert reader.kept is kept


def test_comments_are_kept_where_asked_for() -> None:
    """By packet; a block with other options only has none."""
    data = section() + interface() + enhanced(b"x", options=option(2, b"\1\0\0\0"))
    data += enhanced(b"abcde", options=option(1, b"one") + option(1, b"two") + option(0, b""))
    _packets, reader, _ = read(data, comments=True)
    assert reader.comments == {1: ("one", "two")}
    assert read(data)[1].comments == {}


def test_an_option_that_lies_about_its_length_harms_no_packet() -> None:
    """The options end there."""
    data = section() + interface(options=struct.pack("<HH", 2, 999) + b"eth0") + enhanced(b"x")
    packets, reader, names = read(data)
    assert len(packets) == 1
    assert names.names == [""]
    assert reader.damage is None


HEAD = section() + interface()


@pytest.mark.parametrize(
    ("data", "offset", "reason"),
    [
        (b"", 0, "cut off"),
        (section()[:20], 0, "cut off"),
        (interface(), 0, "does not begin with a section"),
        (section().replace(b"\x4d\x3c\x2b\x1a", b"abcd"), 0, "byte-order magic"),
        (HEAD + enhanced(b"x")[:-2], len(HEAD), "cut off"),
        (HEAD + block(0xBAD, b"z" * 50)[:-2], len(HEAD) + 62, "cut off"),
        (HEAD + struct.pack("<III", 6, 4, 4), len(HEAD), "length of 4"),
        (HEAD + struct.pack("<III", 6, 13, 4), len(HEAD), "length of 13"),
        (HEAD + struct.pack("<III", 6, 1 << 30, 4), len(HEAD), "more than"),
        (HEAD + enhanced(b"x")[:-4] + b"\1\0\0\0", len(HEAD), "differ"),
        (HEAD + enhanced(b"x", number=7), len(HEAD), "interface 7"),
        (HEAD + block(6, b"x" * 8), len(HEAD), "too short"),
        (HEAD + block(6, struct.pack("<IIIII", 0, 0, 0, 500, 500)), len(HEAD), "claims 500 bytes"),
        (section() + block(3, struct.pack("<I", 3) + b"abc"), len(section()), "interface 0"),
    ],
)
def test_damage(data: bytes, offset: int, reason: str) -> None:
    """Each has its place and its reason; nothing raises."""
    found = damage(data, b"")
    assert found[0] == offset
    assert reason in found[1]


def test_nothing_is_read_after_damage() -> None:
    """What follows cannot be trusted to be in step."""
    packets, *_ = read(HEAD + enhanced(b"x"), block(6, b""), enhanced(b"y"))
    assert [packet.data for packet in packets] == [b"x"]


def test_interfaces_are_bounded() -> None:
    """A file of interfaces only ends somewhere."""
    many = interface() * 65_537
    assert "65536 interfaces" in damage(section() + many)[1]


def test_a_skipped_block_that_ends_with_the_piece() -> None:
    """The skip is over just where the next piece begins."""
    skipped = block(0xBAD, b"z" * 40)
    packets, reader, _ = read(HEAD + skipped[:20], skipped[20:], enhanced(b"x"))
    assert len(packets) == 1
    assert reader.damage is None


@pytest.mark.parametrize(
    ("ticks", "offset", "expected"), [(2**62, 0, 2**62), (2**62 + 1, 0, NO_TIME), (5, -1, NO_TIME)]
)
def test_times_that_nobody_captured_at(ticks: int, offset: int, expected: int) -> None:
    """64 bits reach further than clocks: what is out of their range is no time."""
    options = option(9, b"\x09") + option(14, struct.pack("<q", offset))
    (packet,), *_ = read(section() + interface(options=options) + enhanced(b"x", ticks=ticks))
    assert packet.at == expected
