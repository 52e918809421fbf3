"""Any bytes at all: segments, a counted skip, or damage with its place. Nothing else."""

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from correlator.core.config import Config
from correlator.core.engine import Engine
from correlator.core.finding import Finding
from correlator.core.frames import Packet
from correlator.wire.decode import Decoder
from correlator.wire.formats import NotACaptureError, reader_for
from correlator.wire.interfaces import Interfaces
from correlator.wire.link import LinkType
from correlator.wire.pcapng import PcapngReader
from tests.frames import decoded, enhanced, ethernet, interface, ipv4, ipv6, pcap_header, pcap_record, section, tcp

FRAMES = [
    ethernet(ipv4(tcp(flags=2))),
    ethernet(ipv4(tcp(80, 1000, flags=0x12, ack=2))),
    ethernet(ipv6(tcp(payload=b"abc")), 0x86DD, 0x8100),
    ethernet(ipv4(tcp(payload=b"x" * 40), options=b"\1" * 4, fragment=0x2000)),
    ethernet(ipv4(b"y" * 16, fragment=7)),
    ethernet(ipv6(bytes([6, 0]) + bytes(6) + tcp(), protocol=0), 0x86DD),
]
PCAP = pcap_header() + b"".join(map(pcap_record, FRAMES))
PCAPNG = (
    section() + interface() + b"".join(map(enhanced, FRAMES)) + section(">") + interface(">") + enhanced(FRAMES[0], ">")
)


def read(data: bytes) -> tuple[int, int, int]:
    """How many packets, segments and skips some bytes hold; checks that they add up."""
    names = Interfaces()
    try:
        reader = reader_for(data[:4], names)
    except NotACaptureError:
        return 0, 0, 0
    decoder, engine = Decoder(names), Engine(Config(), names.names)
    packets = segments = 0
    for at in range(0, len(data), 37):
        for frames in reader.feed(data[at : at + 37]):
            packets += len(frames)
            decoder.decode(frames)
            for segment in frames.segments[: len(frames)]:
                if segment.is_decoded:
                    segments += 1
                    assert segment.length >= 0
                    engine.segment(segment)
    reader.close()
    engine.finish()
    skips = sum(decoder.skipped.values())
    assert packets == segments + skips
    assert engine.tracker.moment == segments
    connections = {item.connection.number for item in engine.take() if isinstance(item, Finding)}
    assert len(connections) == engine.tracker.seen
    return packets, segments, skips


@given(st.sampled_from([PCAP[:4], PCAPNG[:4], PCAP[:24], PCAPNG[:48], b""]), st.binary(max_size=400))
def test_any_bytes(head: bytes, tail: bytes) -> None:
    """Behind any beginning."""
    read(head + tail)


@given(st.sampled_from([PCAP, PCAPNG]), st.data())
def test_flipped_bytes(capture: bytes, data: st.DataObject) -> None:
    """A capture with some bytes changed."""
    damaged = bytearray(capture)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(4, len(capture) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(damaged))


# Where lengths stand: of a record, a block and its copy, a packet in it, an option, an IP packet, a header of TCP's.
_RECORD = 24 + 8
_BLOCK = len(section() + interface())
LENGTHS = [
    *((PCAP, _RECORD + at, size) for at, size in ((0, 4), (4, 4), (8 + 14 + 2, 2), (8 + 14 + 20 + 12, 1), (8 + 14, 1))),
    *((PCAPNG, at, 4) for at in (4, 28 + 4, _BLOCK + 4, _BLOCK + 20, _BLOCK + 24)),
    *((PCAPNG, _BLOCK + len(enhanced(FRAMES[0])) - 4, 4), (PCAPNG, _BLOCK + 28 + 14 + 2, 2)),
]


@given(st.sampled_from(LENGTHS), st.data())
def test_lying_lengths(where: tuple[bytes, int, int], data: st.DataObject) -> None:
    """A length that is anything at all, and the ends of what it can be."""
    capture, at, size = where
    most = (1 << 8 * size) - 1
    lie = data.draw(
        st.one_of(st.sampled_from([0, 1, 4, most - 3, most, most // 2, most // 2 + 1]), st.integers(0, most))
    )
    damaged = bytearray(capture)
    damaged[at : at + size] = lie.to_bytes(size, data.draw(st.sampled_from(["little", "big"])))
    read(bytes(damaged))


@given(st.sampled_from([PCAP, PCAPNG]), st.integers(4, len(PCAPNG)))
def test_cut_captures(capture: bytes, end: int) -> None:
    """A capture that ends anywhere gives what is whole before."""
    packets, *_ = read(capture[:end])
    whole, *_ = read(capture)
    assert packets <= whole


@given(st.sampled_from([*LinkType, 9, 105, 127, 9999]), st.binary(max_size=120))
@settings(max_examples=300)
def test_any_frame_of_any_link_type(link_type: int, data: bytes) -> None:
    """A segment or one counted skip."""
    names = Interfaces()
    names.add("")
    decoder = Decoder(names)
    segment = decoded(decoder, Packet(0, link_type, 0, data, len(data)))
    assert (segment is None) == (sum(decoder.skipped.values()) == 1)


@given(st.binary(min_size=20, max_size=60), st.sampled_from([4, 41, 47, 97, 137]))
def test_any_tunnel(data: bytes, protocol: int) -> None:
    """Scapy opens what it can; nothing it raises gets through."""
    decoder = Decoder(Interfaces(["", ""]))
    segment = decoded(decoder, Packet(0, 1, 0, ethernet(ipv4(data, protocol=protocol)), 2000))
    assert (segment is None) == (sum(decoder.skipped.values()) == 1)


def test_the_samples_are_whole() -> None:
    """The captures that are damaged here hold what they should."""
    assert read(PCAP) == (6, 6, 0)
    assert read(PCAPNG) == (7, 7, 0)
    assert struct.unpack_from("<I", PCAP)[0] == 0xA1B2C3D4


@given(st.data())
def test_both_ways_through_pcapng_are_one(data: st.DataObject) -> None:
    """Sound packets are read in a loop of their own, unless comments are wanted: that changes nothing else."""
    damaged = bytearray(PCAPNG)
    for _ in range(data.draw(st.integers(0, 4))):
        damaged[data.draw(st.integers(4, len(PCAPNG) - 1))] = data.draw(st.integers(0, 255))
    size = data.draw(st.integers(1, len(PCAPNG)))
    found = []
    for comments in (False, True):
        names = Interfaces()
        reader = PcapngReader(names, comments=comments)
        pieces = [bytes(damaged[at : at + size]) for at in range(0, len(damaged), size)]
        packets = [packet for piece in pieces for frames in reader.feed(piece) for packet in frames.packets()]
        reader.close()
        found.append((packets, reader.damage, names.names))
    assert found[0] == found[1]
