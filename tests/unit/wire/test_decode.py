"""Packets to segments."""

import struct

import pytest

from correlator.core.frames import Packet, gathered
from correlator.core.segment import Segment
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces
from correlator.wire.link import LinkType
from correlator.wire.skips import Skip
from tests.frames import ethernet, ipv4, ipv6, packet, tcp
from tests.play import ends, packed

SLL2 = struct.pack("!HHIHBB8s", 0x0800, 0, 3, 1, 4, 6, b"")


def decode(*packets: Packet) -> tuple[list[Segment], dict[str, int]]:
    """The segments of packets, and the skips."""
    names = Interfaces()
    names.add("eth0")
    decoder = Decoder(names)
    frames = gathered(list(packets))
    decoder.decode(frames)
    segments = [segment for segment in frames.segments if segment.is_decoded]
    return segments, dict(decoder.skipped)


def test_frames_of_either_way_in_one_block() -> None:
    """Those that the fast decode has filled in stay."""
    whole = ethernet(ipv4(tcp()))
    packets = [Packet(at, 1, 0, data, len(data)) for at, data in enumerate([whole, b"", whole])]
    segments, skips = decode(*packets)
    assert [segment.at for segment in segments] == [0, 2]
    assert sum(skips.values()) == 1


def only(data: bytes, link_type: int = LinkType.ETHERNET, wire_length: int | None = None) -> Segment:
    """The one segment of a frame."""
    (segment,), skipped = decode(packet(data, link_type, wire_length=wire_length))
    assert skipped == {}
    return segment


def skip(data: bytes, link_type: int = LinkType.ETHERNET) -> str:
    """The one skip of a frame."""
    segments, skipped = decode(packet(data, link_type))
    assert segments == []
    ((reason, count),) = skipped.items()
    assert count == 1
    return reason


def test_ipv4() -> None:
    """Every field of a segment."""
    segment = only(ethernet(ipv4(tcp(1000, 80, 5, 6, 0x18, b"hello"))))
    assert segment == Segment(5, 0, *ends(("10.0.0.1", 1000), ("10.0.0.2", 80)), 5, 6, 0x18, 5)


def test_ipv6() -> None:
    """Addresses of 16 bytes tell the wire's family."""
    segment = only(ethernet(ipv6(tcp(payload=b"hello")), 0x86DD))
    assert (segment.source, segment.length) == (packed("2001:db8::1"), 5)


def test_padding_is_no_payload() -> None:
    """Ethernet frames are padded to 60 bytes: the IP length tells."""
    assert only(ethernet(ipv4(tcp()) + b"\0" * 6)).length == 0
    assert only(ethernet(ipv6(tcp()) + b"\0" * 6, 0x86DD)).length == 0


def test_ip_options() -> None:
    """The header is as long as it says."""
    assert only(ethernet(ipv4(tcp(payload=b"xy"), options=b"\x01" * 8))).length == 2


def test_segmentation_offload() -> None:
    """An IP length of 0 means that the frame's end is the packet's."""
    assert only(ethernet(ipv4(tcp(payload=b"abc"), total=0))).length == 3
    assert only(ethernet(ipv6(tcp(payload=b"abc"), length=0), 0x86DD)).length == 3


def test_lengths_come_from_the_wire_not_from_the_snaplen() -> None:
    """A frame of which only the headers were captured."""
    frame = ethernet(ipv4(tcp(payload=b"z" * 1000)))
    assert only(frame[:54], wire_length=len(frame)).length == 1000


def test_a_length_beyond_the_frame_is_not_believed() -> None:
    """A lying IP length ends with the frame."""
    assert only(ethernet(ipv4(tcp(payload=b"abc"), total=5000))).length == 3


def test_a_data_offset_beyond_the_packet() -> None:
    """No payload, not a negative one."""
    header = bytearray(tcp())
    header[12] = 0xF0
    assert only(ethernet(ipv4(bytes(header)))).length == 0


@pytest.mark.parametrize("kind", [0, 43, 60, 135, 139, 140])
def test_extension_headers(kind: int) -> None:
    """Each leads to the next header after its own length."""
    extension = bytes([6, 1]) + bytes(14)
    assert only(ethernet(ipv6(extension + tcp(payload=b"ab"), protocol=kind), 0x86DD)).length == 2


def test_authentication_header() -> None:
    """AH counts its length in 4-byte words (RFC 4302 §2.2)."""
    header = bytes([6, 4]) + bytes(22)
    assert only(ethernet(ipv6(header + tcp(payload=b"ab"), protocol=51), 0x86DD)).length == 2
    assert only(ethernet(ipv4(header + tcp(payload=b"ab"), protocol=51))).length == 2


def test_extension_headers_without_end() -> None:
    """A chain is followed so far and no further."""
    chain = (bytes([60, 0]) + bytes(6)) * 40
    assert skip(ethernet(ipv6(chain, protocol=60), 0x86DD)) == Skip.NOT_TCP


def test_ipv4_fragments() -> None:
    """One packet with all its bytes, in whichever order the fragments come."""
    first = ipv4(tcp(payload=b"a" * 20), fragment=0x2000)
    later = ipv4(b"b" * 32, fragment=5)
    segments, skipped = decode(packet(ethernet(first)), packet(ethernet(later)))
    assert [(segment.length, segment.continuation) for segment in segments] == [(0, False), (52, True)]
    assert skipped == {}
    segments, skipped = decode(packet(ethernet(later)), packet(ethernet(first)))
    assert [(segment.length, segment.continuation) for segment in segments] == [(52, False)]
    assert skipped == {Skip.FRAGMENT: 1}


def test_ipv6_fragments() -> None:
    """The same, by the fragment header."""
    first = ipv6(struct.pack("!BBHI", 6, 0, 1, 9) + tcp(payload=b"a" * 12), protocol=44)
    later = ipv6(struct.pack("!BBHI", 6, 0, 4 << 3, 9) + b"b" * 32, protocol=44)
    segments, _ = decode(packet(ethernet(first, 0x86DD)), packet(ethernet(later, 0x86DD)))
    assert [(segment.length, segment.continuation) for segment in segments] == [(0, False), (44, True)]


def test_ipv6_fragments_with_options_in_them() -> None:
    """Destination options behind the fragment header are part of what was fragmented, and no payload."""
    first = ipv6(struct.pack("!BBHI", 60, 0, 1, 9) + bytes([6, 0]) + bytes(6) + tcp(payload=b"a" * 12), protocol=44)
    later = ipv6(struct.pack("!BBHI", 60, 0, 5 << 3, 9) + b"b" * 32, protocol=44)
    segments, _ = decode(packet(ethernet(first, 0x86DD)), packet(ethernet(later, 0x86DD)))
    assert [(segment.length, segment.continuation) for segment in segments] == [(0, False), (44, True)]


def test_an_atomic_fragment_is_whole() -> None:
    """A fragment header with neither offset nor more (RFC 6946)."""
    segment = only(ethernet(ipv6(struct.pack("!BBHI", 6, 0, 0, 9) + tcp(), protocol=44), 0x86DD))
    assert not segment.continuation


def test_a_first_fragment_without_the_header() -> None:
    """Eight bytes of TCP in the first fragment: the flags are in the next."""
    assert skip(ethernet(ipv4(tcp()[:8], fragment=0x2000))) == Skip.CUT_OFF


def test_fragments_of_other_protocols() -> None:
    """A later fragment of UDP is not looked into."""
    assert skip(ethernet(ipv4(b"\x12\xb5\x12\xb5" * 4, protocol=17, fragment=5))) == Skip.NOT_TCP


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (ethernet(b"", 0x0806), Skip.NOT_IP),
        (b"short", Skip.CUT_OFF),
        (ethernet(b"\x45\0"), Skip.CUT_OFF),
        (ethernet(b"\x60\0", 0x86DD), Skip.CUT_OFF),
        (ethernet(ipv6(b"\6\0", protocol=60), 0x86DD), Skip.CUT_OFF),
        (ethernet(ipv4(tcp()[:15])), Skip.CUT_OFF),
        (ethernet(b"\x65" + ipv4(tcp())[1:]), Skip.BAD_IP),
        (ethernet(b"\x44" + ipv4(tcp())[1:]), Skip.BAD_IP),
        (ethernet(ipv4(tcp(), total=10)), Skip.BAD_IP),
        (ethernet(b"\x45" + ipv6(tcp())[1:], 0x86DD), Skip.BAD_IP),
        (ethernet(ipv4(b"\0" * 8, protocol=17)), Skip.NOT_TCP),
        (ethernet(ipv4(b"\0", protocol=17)), Skip.NOT_TCP),
        (ethernet(ipv4(b"\0" * 8, protocol=1)), Skip.NOT_TCP),
        (ethernet(ipv6(b"\0" * 8, protocol=58), 0x86DD), Skip.NOT_TCP),
        (ethernet(ipv4(b"\6", protocol=51)), Skip.NOT_TCP),
    ],
)
def test_skips(data: bytes, reason: Skip) -> None:
    """Each has its reason, and is counted."""
    assert skip(data) == reason


def test_link_types_that_nobody_knows() -> None:
    """The number is told."""
    assert skip(b"x", 9999) == "unknown link type 9999"


def test_cooked_captures_have_parts() -> None:
    """The interface and direction of each packet make an interface of its own."""
    other = SLL2[:10] + b"\0" + SLL2[11:]
    segments, _ = decode(
        packet(SLL2 + ipv4(tcp()), LinkType.LINUX_SLL2), packet(other + ipv4(tcp()), LinkType.LINUX_SLL2)
    )
    assert [segment.interface for segment in segments] == [1, 2]
