"""What is left of records when they were walked through is what reading them gives."""

import random
import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from correlator.core.frames import Frames
from correlator.core.segment import Segment
from correlator.wire.decode import Decoder
from correlator.wire.formats import reader_for
from correlator.wire.interfaces import Interfaces
from correlator.wire.link import LinkType
from correlator.wire.reader import MAX_PACKET, Damage, Reader
from correlator.wire.walk import FRAMES, SIZE, Batch
from tests.frames import block, enhanced, ethernet, ipv4, ipv6, pcap_header, pcap_record, tcp
from tests.walks import walked

ODD = (
    ethernet(ipv4(tcp(), options=bytes(4))),
    ethernet(ipv4(tcp(payload=bytes(40)), fragment=0x2000)),
    ethernet(ipv4(bytes(40), protocol=17)),
    ethernet(ipv4(bytes(40), protocol=1)),
    ethernet(bytes(46), 0x0806),
    ethernet(ipv4(ipv4(tcp()), protocol=4)),
    b"",
    bytes(3),
)


def frames(count: int, seed: int) -> list[bytes]:
    """Frames of all kinds."""
    chosen = random.Random(seed)
    found = []
    for number in range(count):
        inner = tcp(sport=number % 60_000, seq=number, flags=chosen.choice((2, 16, 17)), payload=bytes(number % 90))
        plain = ethernet(ipv4(inner)) if number % 3 else ethernet(ipv6(inner), 0x86DD, *([0x8100] * (number % 2)))
        found.append(plain if chosen.random() < 0.8 else chosen.choice(ODD))
    return found


def pcap(bodies: list[bytes], order: str = "<", link_type: int = 1) -> bytes:
    """A classic capture."""
    return pcap_header(order, link_type=link_type) + b"".join(pcap_record(body, order) for body in bodies)


def pcapng(bodies: list[bytes], interfaces: int = 30) -> bytes:
    """The same from many interfaces, of one without a time that can be told, with blocks that nobody needs."""
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    plain = block(1, struct.pack("<HHI", 1, 0, 0))
    slow = block(1, struct.pack("<HHIHHB3xHH", 1, 0, 0, 9, 1, 3, 0, 0))  # milliseconds
    head = section + plain * (interfaces - 1) + slow
    packets = [enhanced(body, number=number % interfaces) for number, body in enumerate(bodies)]
    packets[len(bodies) // 2 :: 97] = [block(99, bytes(300)) for _ in packets[len(bodies) // 2 :: 97]]
    return head + b"".join(packets)


def outcome(found: Iterable[Frames], names: Interfaces) -> tuple[list[Segment], dict[str, int], int]:
    """The segments, the skips, how many packets."""
    decoder, segments, count = Decoder(names), [], 0
    for some in found:
        decoder.decode(some)
        segments += [replace(one) for one in some.segments[: some.count] if one.is_decoded]
        count += some.count
    return segments, decoder.skipped, count


def both(data: bytes, step: int) -> tuple[tuple[list[Segment], dict[str, int], int], Damage | None]:
    """What comes of a capture, which is the same either way."""
    names, other = Interfaces(), Interfaces()
    reader, walker = reader_for(data[:4], names), reader_for(data[:4], other)
    found = outcome(reader.feed(data), names)
    assert outcome(walked(walker, data, step), other) == found
    reader.close()
    walker.close()
    assert walker.damage == reader.damage
    assert other.names == names.names
    return found, reader.damage


@pytest.mark.parametrize("step", [1, 61, 5000])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_pcap(order: str, step: int) -> None:
    """Of more packets than there is room for, in either byte order."""
    bodies = frames(2 * FRAMES + 100, seed=step)
    (segments, skipped, count), damage = both(pcap(bodies, order), step)
    assert (count, damage) == (len(bodies), None)
    assert len(segments) > FRAMES
    assert set(skipped) == {
        "not IP",
        "not TCP",
        "headers cut off by the snaplen",
        "IP fragment that completes no segment",
    }


@pytest.mark.parametrize("step", [1, 61, 5000])
def test_a_pcapng(step: int) -> None:
    """With blocks between the packets, and interfaces whose times are not the usual ones."""
    (segments, _skipped, count), damage = both(pcapng(frames(2000, seed=step)), step)
    assert damage is None
    assert count == 2000 - len(range(1000, 2000, 97))
    assert len(Counter(one.interface for one in segments)) == 30


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 60])
@pytest.mark.parametrize("make", [pcap, pcapng])
def test_the_end_is_missing(make: object, cut: int) -> None:
    """The damage is told at the same place."""
    assert callable(make)
    _found, damage = both(make(frames(300, seed=cut))[:-cut], 61)
    assert damage is not None


def test_a_packet_that_is_too_large() -> None:
    """So are bytes that make no sense."""
    data = bytearray(pcap(frames(300, seed=4)))
    data[-200:] = b"\xff" * 200
    _found, damage = both(bytes(data), 61)
    assert damage is not None


def test_other_links() -> None:
    """None of their frames is plain."""
    (segments, _skipped, count), _damage = both(pcap([ipv4(tcp(seq=1))] * 50, link_type=LinkType.RAW), 61)
    assert len(segments) == count == 50


def test_large_frames_that_are_not_plain() -> None:
    """A batch ends where the next might not go in."""
    bodies = [ethernet(bytes(size), 0x0806) for size in (MAX_PACKET - 14, 100_000, 200_000, MAX_PACKET - 14, 5)]
    (_segments, skipped, count), _damage = both(pcap(bodies), 61)
    assert (skipped, count) == ({"not IP": 5}, 5)


def test_room() -> None:
    """For so many frames; what was there is left."""
    data = pcap([ethernet(ipv4(tcp()))] * (FRAMES + 1))
    reader = reader_for(data[:4], Interfaces())
    reader.feed(data[:24])
    batch = Batch(memoryview(bytearray(SIZE)))
    batch.take(reader, data, 24, 25, len(data))
    assert (batch.count, batch.odd, batch.has_room()) == (1, 0, True)
    batch.take(reader, data, batch.at, len(data), len(data))
    assert (batch.count, batch.has_room()) == (FRAMES, False)
    batch.begin()
    assert (batch.count, batch.has_room()) == (0, True)
    batch.take(reader, data, batch.at, len(data), len(data))
    assert (batch.count, batch.at) == (1, len(data))


def test_what_was_there_before() -> None:
    """Frames that are filled again have nothing left of it."""
    found = Frames()
    for body in (ethernet(bytes(46), 0x0806), ethernet(ipv4(tcp(seq=5)))):
        data = pcap([body])
        reader, batch = reader_for(data[:4], Interfaces()), Batch(memoryview(bytearray(SIZE)))
        reader.feed(data[:24])
        batch.take(reader, data, 24, len(data), len(data))
        batch.lay_out(found)
        decoder = Decoder(Interfaces())
        decoder.decode(found)
        assert found.count == 1
    assert (found.segments[0].is_decoded, found.segments[0].seq, found.data) == (True, 5, b"")


def test_a_reader_that_knows_of_no_record() -> None:
    """There is nothing to take."""
    batch = Batch(memoryview(bytearray(SIZE)))
    batch.take(Reader(), bytes(100), 7, 100, 100)
    assert (batch.count, batch.at) == (0, 7)
