"""Packets that Scapy builds decode as Scapy built them."""

from ipaddress import IPv4Address, IPv6Address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

from correlator.core.address import text
from correlator.core.frames import Packet
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces
from tests.frames import decoded

ports = st.integers(0, 65535)
numbers = st.integers(0, 2**32 - 1)
TAGS: list[list[Any]] = [[], [Dot1Q(vlan=5)], [Dot1AD(vlan=5), Dot1Q(vlan=6)]]


@given(
    st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4)) | st.tuples(st.ip_addresses(v=6), st.ip_addresses(v=6)),
    st.tuples(ports, ports),
    st.tuples(numbers, numbers),
    st.integers(0, 255),
    st.binary(max_size=50),
    st.sampled_from(TAGS),
    st.booleans(),
)
def test_what_scapy_builds(
    addresses: tuple[IPv4Address | IPv6Address, IPv4Address | IPv6Address],
    ends: tuple[int, int],
    sequence: tuple[int, int],
    flags: int,
    payload: bytes,
    tags: list[Any],
    options: bool,
) -> None:
    """Addresses, ports, numbers, flags and payload length, through VLAN tags, options and extension headers."""
    segment = TCP(sport=ends[0], dport=ends[1], seq=sequence[0], ack=sequence[1], flags=flags)
    if options:
        segment.options = [("MSS", 1460), ("SAckOK", b"")]
    source, destination = (str(address) for address in addresses)
    layers: Any = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    for tag in tags:
        layers = layers / tag
    if addresses[0].version == 4:
        layers = layers / IP(src=source, dst=destination, options=[b"\x01"] * 4 if options else [])
    else:
        layers = layers / IPv6(src=source, dst=destination)
        if options:
            layers = layers / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt()
    data = bytes(layers / segment / Raw(payload))
    decoder = Decoder(Interfaces([""]))
    found = decoded(decoder, Packet(1, 1, 0, data, len(data)))
    assert found, decoder.skipped
    assert (text(found.source), text(found.destination)) == (text(addresses[0].packed), text(addresses[1].packed))
    assert (found.source_port, found.destination_port) == ends
    assert (found.seq, found.ack, found.flags, found.length) == (*sequence, flags, len(payload))
