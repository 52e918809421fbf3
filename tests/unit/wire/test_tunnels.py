"""The slow path: packets built by Scapy, opened by Scapy, read by us."""

from typing import Any

import pytest
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import GRE, ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from correlator.core.segment import Segment
from correlator.wire import tunnels
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces
from correlator.wire.link import LinkType
from correlator.wire.skips import TUNNEL, Skip
from tests import frames
from tests.frames import ethernet, ipv4, packet
from tests.play import packed

MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
ETHER = Ether(src=MACS[0], dst=MACS[1])  # given, else Scapy asks the network
OUTER = IP(src="192.0.2.1", dst="192.0.2.2")
INNER = IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1000, dport=80, seq=7, flags="S") / Raw(b"hello")
INNER6 = IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(sport=1000, dport=80, seq=7, flags="S") / Raw(b"hello")


def decoded(layers: Any, link_type: int = LinkType.ETHERNET) -> tuple[Segment | None, dict[str, int]]:
    """What is made of Scapy's layers."""
    names = Interfaces()
    names.add("")
    decoder = Decoder(names)
    return frames.decoded(decoder, packet(bytes(layers), link_type)), dict(decoder.skipped)


@pytest.mark.parametrize(
    "layers",
    [
        ETHER / PPPoE(sessionid=1) / PPP(proto=0x21) / INNER,
        ETHER / MPLS(label=5, s=0) / MPLS(label=6, s=1) / INNER,
        ETHER / Dot1Q() / MPLS(label=5, s=1) / INNER,
        ETHER / OUTER / GRE() / INNER,
        ETHER / OUTER / GRE(proto=0x6558) / ETHER / INNER,
        ETHER / OUTER / UDP(dport=4789) / VXLAN(vni=5) / ETHER / INNER,
        ETHER / OUTER / UDP(dport=6081) / GENEVE(vni=5, proto=0x6558) / ETHER / INNER,
        ETHER / OUTER / UDP(sport=2152, dport=2152) / GTP_U_Header(teid=1) / INNER,
        ETHER / OUTER / INNER,
        ETHER / OUTER / GRE() / OUTER / UDP(dport=4789) / VXLAN(vni=5) / ETHER / INNER,
        ETHER / IPv6(src="2001:db8::8", dst="2001:db8::9") / INNER,
    ],
    ids=["pppoe", "mpls", "vlan-mpls", "gre", "gre-ethernet", "vxlan", "geneve", "gtp", "ipip", "nested", "4in6"],
)
def test_the_innermost_tcp_header_counts(layers: Any) -> None:
    """Each tunnel gives the segment inside, with the inner addresses and payload."""
    segment, skipped = decoded(layers)
    assert skipped == {}
    assert segment
    assert (segment.source, segment.source_port, segment.seq, segment.length) == (packed("10.0.0.1"), 1000, 7, 5)


def test_ipv6_inside_ipv4() -> None:
    """6in4: the wire family is the one that carried TCP."""
    segment, _ = decoded(ETHER / OUTER / INNER6)
    assert segment
    assert segment.source == packed("2001:db8::1")


@pytest.mark.parametrize(
    ("layers", "link_type"), [(PPP(proto=0x21) / INNER, 9), (PPP(proto=0x281) / MPLS(s=1) / INNER, 9)]
)
def test_rare_link_types(layers: Any, link_type: int) -> None:
    """What Scapy knows and the fast decode does not."""
    segment, skipped = decoded(layers, link_type)
    assert skipped == {}
    assert segment
    assert segment.length == 5


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        (ETHER / OUTER / GRE() / OUTER / ICMP(), Skip.NOT_TCP),
        (ETHER / PPPoE(sessionid=1) / PPP(proto=0xC021) / Raw(b"\1\1\0\4"), Skip.NOT_IP),
        (ETHER / OUTER / UDP(dport=4789) / VXLAN(vni=5) / ETHER / ARP(), Skip.TUNNEL),
        (Ether(src=MACS[0], dst=MACS[1], type=0x880B) / Raw(b""), Skip.NOT_IP),
    ],
)
def test_tunnels_without_tcp(layers: Any, reason: Skip) -> None:
    """They are skipped for what they hold, not retried."""
    segment, skipped = decoded(layers)
    assert segment is None
    assert skipped == {reason: 1}


def test_a_dissector_that_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scapy's dissectors raise anything on hostile bytes: a counted skip."""

    def raises(_data: bytes) -> None:
        message = "hostile"
        raise IndexError(message)

    monkeypatch.setitem(tunnels._scapy()["ethertypes"], 0x8847, raises)
    assert tunnels.open_network(0x8847, b"x") == TUNNEL


def test_a_stack_of_labels_without_end() -> None:
    """A hundred MPLS labels: Scapy's layers are followed so far and no further."""
    segment, skipped = decoded(Raw(ethernet(b"\0\0\x50\x40" * 100, 0x8847)))
    assert segment is None
    assert skipped == {Skip.NOT_IP: 1}


def test_a_tunnel_in_a_tunnel_in_a_tunnel() -> None:
    """Depth is bounded."""
    data = bytes(INNER)
    for _ in range(100):
        data = ipv4(data, protocol=4)
    segment, skipped = decoded(Raw(ethernet(data)))
    assert segment is None
    assert skipped == {Skip.TUNNEL: 1}
