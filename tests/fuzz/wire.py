"""What the network reaches: captures, frames, segments, blocks of the ring."""

import struct
from dataclasses import replace

from correlator.core.annotation import parse_comment
from correlator.core.config import Config
from correlator.core.engine import Engine
from correlator.core.evidence import Bounds
from correlator.core.frames import Frames
from correlator.core.limits import Limits
from correlator.core.segment import Segment
from correlator.wire.decode import Decoder
from correlator.wire.formats import NotACaptureError, reader_for
from correlator.wire.interfaces import Interfaces
from correlator.wire.link import LinkType
from correlator.wire.reader import MAX_PACKET
from correlator.wire.ring import frames as frames_of_block
from tests.fuzz.outcome import outcome
from tests.fuzz.scene import facts
from tests.walks import walked

_PIECE = 61  # bytes at a time: records are cut everywhere
LINK_TYPES = (*LinkType, 9, 105, 127, 9999)
_FEW = Limits(16, segments=64, settle=1 << 30, linger=1 << 31)
_ENDS = 6  # addresses and ports that segments choose from
_FRAME = 255


def capture(data: bytes) -> object:
    """A pcap or pcapng file, by pieces and at once, and walked through: packets are segments or counted skips."""
    found = [_read(data, size) for size in (_PIECE, len(data) or 1)]
    assert found[0] == found[1], "what a capture holds depends on where it was cut"
    if isinstance(found[0], tuple):
        assert _walked(data) == found[0][:4], "what a capture holds depends on the way through it"
    return found[0]


def _walked(data: bytes) -> tuple[object, ...]:
    names = Interfaces()
    reader, decoder, packets, segments = reader_for(data[:4], names), Decoder(names), 0, 0
    for frames in walked(reader, data):
        packets += frames.count
        decoder.decode(frames)
        segments += sum(one.is_decoded for one in frames.segments[: frames.count])
    reader.close()
    assert packets == segments + sum(decoder.skipped.values())
    return packets, sorted(decoder.skipped.items()), reader.damage, list(names.names)


def _read(data: bytes, size: int) -> object:
    names = Interfaces()
    try:
        reader = reader_for(data[:4], names, comments=True)
    except NotACaptureError as error:
        return str(error)
    decoder, engine, packets, segments = Decoder(names), Engine(Config(), names.names), 0, 0
    for at in range(0, len(data), size):
        for frames in reader.feed(data[at : at + size]):
            packets += frames.count
            decoder.decode(frames)
            for one in frames.segments[: frames.count]:
                assert 0 <= one.captured <= MAX_PACKET
                assert one.captured <= one.wire_length
                segments += one.is_decoded
            engine.take_in(frames)
    reader.close()
    said = [parse_comment(text) for texts in getattr(reader, "comments", {}).values() for text in texts]
    assert packets == segments + sum(decoder.skipped.values())
    assert engine.tracker.moment == segments
    return packets, sorted(decoder.skipped.items()), reader.damage, list(names.names), said, outcome(engine)


def decode(data: bytes) -> object:
    """Frames of any link type, several in one buffer: a segment each, or one counted skip."""
    if not data:
        return None
    names = Interfaces(["eth0"])
    decoder, link_type, frames, at = Decoder(names), LINK_TYPES[data[0] % len(LINK_TYPES)], Frames(data), 1
    while at + 2 <= len(data):
        captured = min(data[at], len(data) - at - 2)
        frames.add(at, link_type, 0, at + 2, captured, captured + data[at + 1] * 64)
        at += 2 + captured
    decoder.decode(frames)
    found = [replace(one) for one in frames.segments[: frames.count] if one.is_decoded]
    assert all(one.length >= 0 for one in found)
    assert frames.count == len(found) + sum(decoder.skipped.values())
    return [facts(one) for one in found], sorted(decoder.skipped.items()), names.names


def tracker(data: bytes) -> object:
    """Segments between a few ends, in any order, with any numbers, flags and times; a table that they fill."""
    engine = Engine(Config(_FEW, Bounds(tuples=8, statements=2, listeners=2, answers=2)), ["eth0", "eth1"])
    now = 1 << 60
    for at in range(0, len(data) - 7, 8):
        ends, flags, pace, seq, ack, length = struct.unpack_from("<BBBBHH", data, at)
        near, far = ends % _ENDS, ends // _ENDS % _ENDS
        now += (pace << (pace & 31)) - ((pace & 1) << 20)
        engine.segment(
            Segment(
                now, pace >> 7, bool(ends & 0x80), 0, near, 1000 + near, 0, far, 1000 + far, seq << (seq & 24) & 0xFFFFFFFF,
                ack << (ack & 24) & 0xFFFFFFFF, flags, length,
            )
        )  # fmt: skip
        if pace & 2:
            engine.tick(now)
        assert len(engine.tracker) <= _FEW.connections
    return engine.tracker.seen, engine.tracker.evicted, outcome(engine)


def ring(data: bytes) -> object:
    """A block of the kernel's ring."""
    if len(data) < 48:  # the kernel's blocks have a header
        return None
    frames = frames_of_block(data, lambda index, link_type: index & 1 | link_type & 2)
    for one in frames.segments[: frames.count]:
        assert one.captured >= 0
    decoder = Decoder(Interfaces(["a", "b", "c", "d"]))
    decoder.decode(frames)
    return frames.count, [facts(one) for one in frames.segments[: frames.count] if one.is_decoded]
