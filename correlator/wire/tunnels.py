"""The slow path: Scapy opens tunnels and rare link layers, and the innermost IP header counts.

Scapy is imported at the first packet that needs it: most captures have none, and it takes a third of a second.
"""

import logging
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from correlator.wire import layout
from correlator.wire.link import ETHERTYPE_IPV4, ETHERTYPE_IPV6
from correlator.wire.skips import LINK_TYPE, NOT_IP, TUNNEL

if TYPE_CHECKING:
    from scapy.packet import Packet as ScapyPacket

# PPP, MPLS unicast and multicast, PPPoE session, transparent Ethernet bridging.
ETHERTYPES = frozenset({0x880B, 0x8847, 0x8848, 0x8864, 0x6558})
# GRE, MPLS in IP; IP in IP needs no slow path.
PROTOCOLS = frozenset({47, 137})
UDP_PORTS = frozenset({layout.VXLAN, layout.VXLAN_OF_LINUX, layout.GENEVE, layout.GTP_U})

_MAX_DEPTH = 64  # layers of one packet; the most that real networks stack is about ten


def open_link(link_type: int, data: bytes) -> bytes | int:
    """The innermost IP packet in a frame of a link type that the fast decode does not know, or why there is none."""
    layers = _scapy()
    kind = layers["link types"].get(link_type)
    if kind is None:
        return LINK_TYPE
    return _innermost(kind, data)


def open_network(ethertype: int, data: bytes) -> bytes | int:
    """The innermost IP packet behind an ethertype, or why there is none."""
    return _innermost(_scapy()["ethertypes"][ethertype], data)


def _innermost(kind: Any, data: bytes) -> bytes | int:  # noqa: ANN401  a Scapy class: Scapy has no types for them
    layers = _scapy()
    try:
        layer: ScapyPacket = kind(data)
    except Exception:  # noqa: BLE001  Scapy's dissectors raise anything on hostile bytes
        return TUNNEL
    found: bytes | None = None
    for _ in range(_MAX_DEPTH):
        if type(layer) in layers["ip"]:
            found = layer.original
        if not layer.payload:
            break
        layer = layer.payload
    if not found or found[0] >> 4 not in {4, 6}:
        return NOT_IP
    return found


@cache
def _scapy() -> dict[str, Any]:
    """Scapy's classes. Loading is quiet: Scapy warns of interfaces and keys that are of no concern here."""
    logging.getLogger("scapy").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from scapy.config import conf  # noqa: PLC0415
        from scapy.contrib import geneve, gtp, mpls  # noqa: F401, PLC0415  importing binds their layers
        from scapy.layers import dot11, inet, inet6, l2, ppp, vxlan  # noqa: F401, PLC0415
        from scapy.packet import bind_layers  # noqa: PLC0415

        bind_layers(ppp.PPP, mpls.MPLS, proto=0x0281)  # RFC 3032 §4.1, which Scapy leaves out
        return {
            "link types": conf.l2types.num2layer,
            "ethertypes": {
                ETHERTYPE_IPV4: inet.IP,
                ETHERTYPE_IPV6: inet6.IPv6,
                0x8847: mpls.MPLS,
                0x8848: mpls.MPLS,
                0x8864: ppp.PPPoE,
                0x880B: ppp.PPP,
                0x6558: l2.Ether,
            },
            "ip": frozenset({inet.IP, inet6.IPv6}),
        }
