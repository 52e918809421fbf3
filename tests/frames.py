"""Frames and capture files, byte by byte."""

import struct
from ipaddress import ip_address

from correlator.core.frames import Packet, gathered
from correlator.core.segment import Segment
from correlator.wire.decode import Decoder
from correlator.wire.link import LinkType

MAC = bytes.fromhex("020000000001020000000002")


def tcp(sport: int = 1000, dport: int = 80, seq: int = 1, ack: int = 0, flags: int = 2, payload: bytes = b"") -> bytes:
    """A TCP header and its payload."""
    return struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 8192, 0, 0) + payload


def ipv4(
    payload: bytes, source: str = "10.0.0.1", destination: str = "10.0.0.2", protocol: int = 6, *, options: bytes = b"",
    fragment: int = 0, number: int = 7, total: int | None = None,
) -> bytes:  # fmt: skip
    """An IPv4 packet; `fragment` is flags and offset."""
    head = 20 + len(options)
    length = head + len(payload) if total is None else total
    packed = ip_address(source).packed + ip_address(destination).packed
    return (
        struct.pack("!BBHHHBBH", 0x40 | head // 4, 0, length, number, fragment, 64, protocol, 0)
        + packed
        + options
        + payload
    )


def ipv6(
    payload: bytes,
    source: str = "2001:db8::1",
    destination: str = "2001:db8::2",
    protocol: int = 6,
    *,
    length: int | None = None,
) -> bytes:
    """An IPv6 packet."""
    packed = ip_address(source).packed + ip_address(destination).packed
    return struct.pack("!IHBB", 0x60000000, len(payload) if length is None else length, protocol, 64) + packed + payload


def ethernet(payload: bytes, ethertype: int = 0x0800, *tags: int) -> bytes:
    """An Ethernet frame, with VLAN tags of these types."""
    head = b"".join(struct.pack("!HH", tag, 5) for tag in tags)
    return MAC + head + struct.pack("!H", ethertype) + payload


def packet(data: bytes, link_type: int = LinkType.ETHERNET, *, at: int = 5, wire_length: int | None = None) -> Packet:
    """A captured frame."""
    return Packet(at, link_type, 0, data, len(data) if wire_length is None else wire_length)


def pcap_header(order: str = "<", magic: int = 0xA1B2C3D4, link_type: int = 1) -> bytes:
    """The header of a classic pcap file."""
    return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262_144, link_type)


def pcap_record(
    data: bytes, order: str = "<", seconds: int = 1, fraction: int = 2, length: int | None = None, extra: bytes = b""
) -> bytes:
    """A record of a classic pcap file."""
    return (
        struct.pack(order + "IIII", seconds, fraction, len(data), len(data) if length is None else length)
        + extra
        + data
    )


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block; the body is padded."""
    body += b"\0" * (-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    """A pcapng option."""
    return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def section(order: str = "<", options: bytes = b"") -> bytes:
    """A section header block."""
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options, order)


def interface(order: str = "<", link_type: int = 1, snaplen: int = 0, options: bytes = b"") -> bytes:
    """An interface description block."""
    return block(1, struct.pack(order + "HHI", link_type, 0, snaplen) + options, order)


def enhanced(
    data: bytes, order: str = "<", number: int = 0, ticks: int = 5, length: int | None = None, options: bytes = b""
) -> bytes:
    """An enhanced packet block."""
    head = struct.pack(
        order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data) if length is None else length
    )
    return block(6, head + data + b"\0" * (-len(data) % 4) + options, order)


def decoded(decoder: Decoder, one: Packet) -> Segment | None:
    """The segment of a packet."""
    frames = gathered([one])
    decoder.decode(frames)
    (segment,) = frames.segments
    return segment if segment.is_decoded else None
