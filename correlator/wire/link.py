"""Link layers: where the network header of a captured frame begins, and what it is (tcpdump.org's LINKTYPE list)."""

from dataclasses import dataclass
from enum import IntEnum

from correlator.core.words import net_half
from correlator.wire.skips import CUT_OFF, FOUND, LINK_TYPE


class LinkType(IntEnum):
    """The link types that the fast decode knows; of PPP's it knows what is Cisco's HDLC."""

    NULL = 0
    ETHERNET = 1
    PPP = 9
    RAW_BSD = 12
    RAW_OPENBSD = 14
    PPP_HDLC = 50
    RAW = 101
    C_HDLC = 104
    LOOP = 108
    LINUX_SLL = 113
    IPV4 = 228
    IPV6 = 229
    IPOIB = 242
    LINUX_SLL2 = 276


ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_IPV6 = 0x86DD
_FOUND, _IPV4, _IPV6 = FOUND, ETHERTYPE_IPV4, ETHERTYPE_IPV6
_VLAN, _VLAN_SERVICE, _VLAN_OLD = 0x8100, 0x88A8, 0x9100  # IEEE 802.1Q, 802.1ad, and the older QinQ
_FABRICPATH = 0x8903  # Cisco's: a tag, and the whole frame that it carries
_MAX_802_3_LENGTH = 0x05DC  # IEEE 802.3 §3.2.6: up to here the field is a length, and LLC follows
_SNAP = bytes.fromhex("aaaa03000000")

_ETHERNET, _SLL, _SLL2, _IPOIB = LinkType.ETHERNET, LinkType.LINUX_SLL, LinkType.LINUX_SLL2, LinkType.IPOIB
_RAWS = frozenset({LinkType.RAW, LinkType.RAW_BSD, LinkType.RAW_OPENBSD, LinkType.IPV4, LinkType.IPV6})
_NULLS = frozenset({LinkType.NULL, LinkType.LOOP})
_C_HDLC, _PPPS = LinkType.C_HDLC, frozenset({LinkType.PPP, LinkType.PPP_HDLC})
_CISCO = frozenset(b"\x0f\x8f")  # the addresses of Cisco's HDLC; no protocol of PPP begins with them

# AF_INET6 differs between the systems whose captures carry it: Linux, NetBSD, FreeBSD, macOS.
_AF_INET = 2
_AF_INET6 = frozenset({10, 24, 28, 30})


@dataclass
class Network:
    """Where the network header begins; a decoder has one, which each frame fills anew."""

    ethertype: int = 0
    offset: int = 0
    ifindex: int = 0  # the interface index that a cooked header carries
    direction: int = -1  # the packet type that a cooked header carries


def network(found: Network, link_type: int, data: bytes, begin: int, end: int) -> int:
    """Find the network header of the frame from `begin` to `end`: FOUND, or why there is none."""
    found.direction = -1
    if link_type == _ETHERNET:
        return _tagged(found, data, begin + 12, end)
    if link_type == _SLL:
        result = _tagged(found, data, begin + 14, end)
        if result == _FOUND:
            found.direction = data[begin + 1]
        return result
    if link_type == _SLL2:
        return _sll2(found, data, begin, end)
    if link_type in _RAWS:
        return _raw(found, data, begin, end)
    if link_type in _NULLS:
        return _null(found, data, begin, end)
    if link_type == _C_HDLC or (link_type in _PPPS and begin < end and data[begin] in _CISCO):
        return _tagged(found, data, begin + 2, end)
    if link_type == _IPOIB:
        return _ipoib(found, data, begin, end)
    return LINK_TYPE


def _tagged(found: Network, data: bytes, field: int, end: int) -> int:
    """The network header behind an ethertype at `field`, any VLAN tags, FabricPath headers and one SNAP header."""
    snap_seen = False
    while True:
        if field + 2 > end:
            return CUT_OFF
        ethertype = net_half(data, field)
        if ethertype in (_VLAN, _VLAN_SERVICE, _VLAN_OLD):
            field += 4
        elif ethertype == _FABRICPATH:
            field += 16
        elif ethertype <= _MAX_802_3_LENGTH and not snap_seen and data[field + 2 : min(field + 8, end)] == _SNAP:
            snap_seen = True
            field += 8
        else:
            found.ethertype, found.offset = ethertype, field + 2
            return _FOUND


def _sll2(found: Network, data: bytes, begin: int, end: int) -> int:
    if end < begin + 20:
        return CUT_OFF
    ethertype = net_half(data, begin)
    found.ethertype, found.offset = ethertype, begin + 20
    if ethertype in (_VLAN, _VLAN_SERVICE, _VLAN_OLD):
        result = _tagged(found, data, begin + 22, end)
        if result != _FOUND:
            return result
    found.ifindex, found.direction = int.from_bytes(data[begin + 4 : begin + 8], "big"), data[begin + 10]
    return _FOUND


def _raw(found: Network, data: bytes, begin: int, end: int) -> int:
    if begin >= end:
        return CUT_OFF
    version = data[begin] >> 4
    found.ethertype, found.offset = _IPV4 if version == 4 else _IPV6 if version == 6 else 0, begin
    return _FOUND


def _null(found: Network, data: bytes, begin: int, end: int) -> int:
    if end < begin + 4:
        return CUT_OFF
    family = int.from_bytes(data[begin : begin + 4], "little")
    if family > 0xFFFF:
        family = int.from_bytes(data[begin : begin + 4], "big")
    found.ethertype = _IPV4 if family == _AF_INET else _IPV6 if family in _AF_INET6 else 0
    found.offset = begin + 4
    return _FOUND


def _ipoib(found: Network, data: bytes, begin: int, end: int) -> int:
    if end < begin + 44:
        return CUT_OFF
    found.ethertype, found.offset = net_half(data, begin + 40), begin + 44
    return _FOUND
