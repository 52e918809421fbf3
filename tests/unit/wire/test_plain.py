"""The fast decode says what the careful one says, or nothing."""

import struct
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from correlator.core.frames import Frames
from correlator.core.segment import Segment
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces
from correlator.wire.link import LinkType
from correlator.wire.plain import decode_plain
from correlator.wire.tunnels import UDP_PORTS
from tests.frames import decoded, ethernet, ipv4, ipv6, packet, tcp

PAYLOAD = tcp(seq=0x89ABCDEF, ack=0xFEDCBA98, flags=0x18, payload=b"x" * 30)
FRAMES = {
    "ipv4": ethernet(ipv4(PAYLOAD)),
    "ipv6": ethernet(ipv6(PAYLOAD), 0x86DD),
    "tagged": ethernet(ipv4(PAYLOAD), 0x0800, 0x8100),
    "tagged ipv6": ethernet(ipv6(PAYLOAD), 0x86DD, 0x8100),
}
DATAGRAM = struct.pack("!HHHH", 50_000, 443, 38, 0) + bytes(30)
WITHOUT_TCP = {
    "udp": ethernet(ipv4(DATAGRAM, protocol=17)),
    "udp in ipv6": ethernet(ipv6(DATAGRAM, protocol=17), 0x86DD),
    "tagged udp": ethernet(ipv4(DATAGRAM, protocol=17), 0x0800, 0x8100),
}


def plainly(frame: bytes, end: int | None = None, before: bytes = b"") -> Segment | None:
    """The segment of a frame behind others in the buffer."""
    frames = Frames(before + frame + b"beyond" * 20)
    frames.add(-1, LinkType.ETHERNET, 0, len(before), len(frame), len(frame) if end is None else end)
    (segment,) = frames.segments
    decode_plain(frames)
    assert (segment.is_odd, segment.is_decoded or segment.is_odd) == (frames.odd, not frames.without_tcp)
    return segment if segment.is_decoded else None


def skipped(frame: bytes) -> dict[str, int]:
    """Why there is no segment, in the way that all frames go."""
    decoder = Decoder(Interfaces([""]))
    decoded(decoder, packet(frame))
    return decoder.skipped


def carefully(frame: bytes, end: int | None = None, *, told: bool = False) -> Segment | dict[str, int] | None:
    """The same without the fast way: behind the head of a cooked capture, which has the same ethertypes.

    `told`: why there is none, instead.
    """
    interfaces = Interfaces()
    cooked = Frames(bytes(14) + frame[12:])
    cooked.add(-1, LinkType.LINUX_SLL, interfaces.add(""), 0, len(frame) + 2, (len(frame) if end is None else end) + 2)
    decoder = Decoder(interfaces)
    decoder.decode(cooked)
    if told:
        return decoder.skipped
    (segment,) = cooked.segments
    return replace(segment, interface=0) if segment.is_decoded else None


@pytest.mark.parametrize("name", FRAMES)
def test_plain_frames(name: str) -> None:
    """Cut anywhere, or longer on the wire than was captured."""
    frame = FRAMES[name]
    found = plainly(frame, before=b"12345")
    assert found is not None
    assert found == carefully(frame)
    assert (found.seq, found.ack, found.flags, found.length) == (0x89ABCDEF, 0xFEDCBA98, 0x18, 30)
    for cut in range(14, len(frame)):
        one = plainly(frame[:cut], len(frame))
        assert one is None or one == carefully(frame[:cut], len(frame)) == found
        assert plainly(frame[:cut]) in (None, carefully(frame[:cut]))


@pytest.mark.parametrize(
    "frame",
    [
        ethernet(ipv4(PAYLOAD), 0x0800, 0x8100, 0x8100),
        ethernet(PAYLOAD, 0x0806),
        ethernet(ipv4(PAYLOAD)[:2] + b"\0\0" + ipv4(PAYLOAD)[4:]),
        ethernet(ipv6(PAYLOAD)[:4] + b"\0\0" + ipv6(PAYLOAD)[6:], 0x86DD),
        ethernet(b"\x55" + ipv6(PAYLOAD)[1:], 0x86DD),
    ],
)
def test_odd_frames_are_left_alone(frame: bytes) -> None:
    """Two tags, another protocol, lengths that offload left out, a wrong version."""
    assert plainly(frame) is None


def test_nothing_is_read_outside_the_buffer() -> None:
    """Whatever is claimed."""
    frame = FRAMES["ipv4"]
    for begin, captured in ((-1, len(frame)), (0, len(frame) + 1), (len(frame), 0)):
        frames = Frames(frame)
        frames.add(-1, LinkType.ETHERNET, 0, begin, captured, captured)
        decode_plain(frames)
        assert frames.odd == 1


@pytest.mark.parametrize("name", WITHOUT_TCP)
def test_plain_frames_without_tcp(name: str) -> None:
    """They are counted at once."""
    assert plainly(WITHOUT_TCP[name]) is None
    assert skipped(WITHOUT_TCP[name]) == {"not TCP": 1}
    frames = Frames(WITHOUT_TCP[name])
    frames.add(-1, LinkType.ETHERNET, 0, 0, frames.size, frames.size)
    decode_plain(frames)
    assert (frames.odd, frames.without_tcp) == (0, 1)


@pytest.mark.parametrize("port", sorted(UDP_PORTS))
@pytest.mark.parametrize("ports", ["!HH", "!xxHH"])
def test_tunnels_are_looked_into(ports: str, port: int) -> None:
    """Whichever of the two ports is a tunnel's."""
    head = struct.pack(ports, *([port, 5] if ports == "!HH" else [port, 38]))
    frames = Frames(ethernet(ipv4(head + DATAGRAM[len(head) :], protocol=17)))
    frames.add(-1, LinkType.ETHERNET, 0, 0, frames.size, frames.size)
    decode_plain(frames)
    assert frames.odd == 1


@given(
    st.sampled_from(sorted(FRAMES | WITHOUT_TCP)),
    st.lists(st.tuples(st.integers(12, 90), st.integers(0, 255)), max_size=4),
)
@example("ipv4", [(20, 0x20)])  # more fragments
@example("ipv4", [(21, 1)])  # a later fragment
@example("ipv4", [(17, 19), (16, 0)])  # a length below the header's
@example("ipv4", [(46, 0xF0)])  # a data offset beyond the end
def test_changed_frames(name: str, changes: list[tuple[int, int]]) -> None:
    """Any bytes in any header."""
    frame = bytearray((FRAMES | WITHOUT_TCP)[name])
    for place, value in changes:
        if place < len(frame):
            frame[place] = value
    found = plainly(bytes(frame))
    assert found is None or found == carefully(bytes(frame))
    assert skipped(bytes(frame)) == carefully(bytes(frame), told=True)
