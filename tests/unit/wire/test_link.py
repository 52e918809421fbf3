"""Link layers."""

import struct
from dataclasses import replace

import pytest

from correlator.wire.link import LinkType, Network, network
from correlator.wire.skips import CUT_OFF, FOUND, LINK_TYPE
from tests.frames import ethernet

SLL = struct.pack("!HHH8sH", 4, 1, 6, b"", 0x0800)
SLL2 = struct.pack("!HHIHBB8s", 0x86DD, 0, 3, 1, 4, 6, b"")
SLL2_VLAN = struct.pack("!HHIHBB8s", 0x8100, 0, 3, 1, 0, 6, b"") + struct.pack("!HH", 5, 0x0800)


@pytest.mark.parametrize(
    ("link_type", "data", "expected"),
    [
        (LinkType.ETHERNET, ethernet(b""), Network(0x0800, 14)),
        (LinkType.ETHERNET, ethernet(b"", 0x86DD, 0x8100), Network(0x86DD, 18)),
        (LinkType.ETHERNET, ethernet(b"", 0x0800, 0x88A8, 0x8100), Network(0x0800, 22)),
        (LinkType.ETHERNET, ethernet(b"", 0x0800, 0x9100), Network(0x0800, 18)),
        (LinkType.ETHERNET, ethernet(bytes.fromhex("aaaa030000000800"), 50), Network(0x0800, 22)),
        (LinkType.ETHERNET, ethernet(bytes.fromhex("424203"), 50), Network(50, 14)),
        (LinkType.ETHERNET, ethernet(bytes(2) + ethernet(b"", 0x0800, 0x8100), 0x8903), Network(0x0800, 34)),
        (LinkType.LINUX_SLL, SLL, Network(0x0800, 16, 0, 4)),
        (LinkType.LINUX_SLL2, SLL2, Network(0x86DD, 20, 3, 4)),
        (LinkType.LINUX_SLL2, SLL2_VLAN, Network(0x0800, 24, 3, 0)),
        (LinkType.RAW, b"\x45", Network(0x0800, 0)),
        (LinkType.RAW_BSD, b"\x60", Network(0x86DD, 0)),
        (LinkType.RAW_OPENBSD, b"\x10", Network(0, 0)),
        (LinkType.IPV4, b"\x45", Network(0x0800, 0)),
        (LinkType.IPV6, b"\x60", Network(0x86DD, 0)),
        (LinkType.IPOIB, bytes(40) + b"\x08\x00\x00\x00", Network(0x0800, 44)),
        (LinkType.C_HDLC, b"\x0f\0\x08\0", Network(0x0800, 4)),
        (LinkType.PPP, b"\x0f\0\x86\xdd", Network(0x86DD, 4)),
        (LinkType.PPP_HDLC, b"\x8f\0\x08\0", Network(0x0800, 4)),
        (LinkType.NULL, struct.pack("<I", 2), Network(0x0800, 4)),
        (LinkType.NULL, struct.pack(">I", 2), Network(0x0800, 4)),
        (LinkType.LOOP, struct.pack(">I", 24), Network(0x86DD, 4)),
        *[(LinkType.NULL, struct.pack("<I", family), Network(0x86DD, 4)) for family in (10, 24, 28, 30)],
        (LinkType.NULL, struct.pack("<I", 99), Network(0, 4)),
    ],
)  # fmt: skip
def test_where_the_network_header_begins(link_type: int, data: bytes, expected: Network) -> None:
    """For each link type, tag and byte order."""
    found = Network()
    assert network(found, link_type, data, 0, len(data)) == FOUND
    assert found == expected
    assert network(found, link_type, b"xx" + data + b"xx", 2, 2 + len(data)) == FOUND  # in the middle of a buffer
    assert found == replace(expected, offset=expected.offset + 2)


@pytest.mark.parametrize(
    ("link_type", "data"),
    [
        (LinkType.ETHERNET, b"x" * 13),
        (LinkType.ETHERNET, ethernet(b"", 0x8100)),
        (LinkType.ETHERNET, ethernet(bytes(14), 0x8903)),
        (LinkType.LINUX_SLL, b"x" * 15),
        (LinkType.LINUX_SLL2, b"x" * 19),
        (LinkType.LINUX_SLL2, b"\x81\x00" + b"x" * 20),
        (LinkType.RAW, b""),
        (LinkType.NULL, b"abc"),
        (LinkType.IPOIB, b"x" * 43),
        (LinkType.C_HDLC, b"\x0f\0\x08"),
    ],
)
def test_headers_that_are_cut_off(link_type: int, data: bytes) -> None:
    """A snaplen below the link header."""
    assert network(Network(), link_type, data + bytes(40), 0, len(data)) == CUT_OFF


def test_unknown_link_types() -> None:
    """They are for the slow path."""
    assert network(Network(), 9999, b"", 0, 0) == LINK_TYPE
