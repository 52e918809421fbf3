"""Link layers: where the network header of a captured frame begins, and what it is (tcpdump.org's LINKTYPE list)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum

from correlator.wire.skips import Skip


class LinkType(IntEnum):
    """The link types that the fast decode knows."""

    NULL = 0
    ETHERNET = 1
    RAW_BSD = 12
    RAW_OPENBSD = 14
    RAW = 101
    LOOP = 108
    LINUX_SLL = 113
    IPV4 = 228
    IPV6 = 229
    IPOIB = 242
    LINUX_SLL2 = 276


ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_IPV6 = 0x86DD
VLAN_TAGS = frozenset({0x8100, 0x88A8, 0x9100})  # IEEE 802.1Q, 802.1ad, and the older QinQ
_MAX_802_3_LENGTH = 0x05DC  # IEEE 802.3 §3.2.6: up to here the field is a length, and LLC follows
_SNAP = bytes.fromhex("aaaa03000000")

# AF_INET6 differs between the systems whose captures carry it: Linux, NetBSD, FreeBSD, macOS.
_AF_INET = 2
_AF_INET6 = frozenset({10, 24, 28, 30})


@dataclass(frozen=True)
class Network:
    """Where the network header begins."""

    ethertype: int
    offset: int
    ifindex: int = 0  # the interface index that a cooked header carries
    direction: int = -1  # the packet type that a cooked header carries


def network(link_type: int, data: bytes) -> Network | Skip:
    """The network header of a frame."""
    parse = _PARSERS.get(link_type)
    if parse is None:
        return Skip.LINK_TYPE
    return parse(data)


def _tagged(data: bytes, field: int, ifindex: int = 0, direction: int = -1) -> Network | Skip:
    """The network header behind an ethertype at `field`, any VLAN tags and one SNAP header."""
    snap_seen = False
    while True:
        if field + 2 > len(data):
            return Skip.CUT_OFF
        ethertype = data[field] << 8 | data[field + 1]
        if ethertype in VLAN_TAGS:
            field += 4
        elif ethertype <= _MAX_802_3_LENGTH and data[field + 2 : field + 8] == _SNAP and not snap_seen:
            snap_seen = True
            field += 8
        else:
            return Network(ethertype, field + 2, ifindex, direction)


def _ethernet(data: bytes) -> Network | Skip:
    return _tagged(data, 12)


def _sll(data: bytes) -> Network | Skip:
    found = _tagged(data, 14)
    return found if isinstance(found, Skip) else replace(found, direction=data[1])


def _sll2(data: bytes) -> Network | Skip:
    if len(data) < 20:
        return Skip.CUT_OFF
    ethertype = data[0] << 8 | data[1]
    ifindex, direction = int.from_bytes(data[4:8], "big"), data[10]
    if ethertype in VLAN_TAGS:
        return _tagged(data, 22, ifindex, direction)
    return Network(ethertype, 20, ifindex, direction)


def _ipoib(data: bytes) -> Network | Skip:
    if len(data) < 44:
        return Skip.CUT_OFF
    return Network(data[40] << 8 | data[41], 44)


def _raw(data: bytes) -> Network | Skip:
    if not data:
        return Skip.CUT_OFF
    return Network({4: ETHERTYPE_IPV4, 6: ETHERTYPE_IPV6}.get(data[0] >> 4, 0), 0)


def _null(data: bytes) -> Network | Skip:
    if len(data) < 4:
        return Skip.CUT_OFF
    family = int.from_bytes(data[:4], "little")
    if family > 0xFFFF:
        family = int.from_bytes(data[:4], "big")
    if family == _AF_INET:
        return Network(ETHERTYPE_IPV4, 4)
    return Network(ETHERTYPE_IPV6 if family in _AF_INET6 else 0, 4)


_PARSERS: dict[int, Callable[[bytes], Network | Skip]] = {
    LinkType.NULL: _null,
    LinkType.LOOP: _null,
    LinkType.ETHERNET: _ethernet,
    LinkType.RAW: _raw,
    LinkType.RAW_BSD: _raw,
    LinkType.RAW_OPENBSD: _raw,
    LinkType.IPV4: _raw,
    LinkType.IPV6: _raw,
    LinkType.IPOIB: _ipoib,
    LinkType.LINUX_SLL: _sll,
    LinkType.LINUX_SLL2: _sll2,
}
