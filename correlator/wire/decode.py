"""Packets to segments: link, IP and TCP headers, with every skip counted.

Lengths come from the IP header, never from how much was captured; only headers must be there. What the fast decode
does not know (tunnels, rare link types) goes to `tunnels`, where Scapy finds the innermost IP header, and comes back
here. A packet that yields nothing adds one to its reason in `skipped`.
"""

from collections import Counter
from dataclasses import dataclass, replace

from correlator.core.segment import Packet, Segment
from correlator.core.words import net_word
from correlator.wire import tunnels
from correlator.wire.fragments import Fragment, FragmentKey, Fragments
from correlator.wire.interfaces import Interfaces
from correlator.wire.link import ETHERTYPE_IPV4, ETHERTYPE_IPV6, LinkType, network
from correlator.wire.skips import Skip

TCP = 6
UDP = 17
_IPV4_IN_IP, _IPV6_IN_IP = 4, 41
_MAX_DEPTH = 8  # IP headers in one another; real networks have two or three
_AH = 51
_FRAGMENT_HEADER = 44
# Hop-by-hop, routing, destination options, mobility, HIP, shim6: next header, then length in 8-byte units less one.
_EXTENSIONS = frozenset({0, 43, 60, 135, 139, 140})
_MAX_EXTENSIONS = 16  # RFC 8200 allows each once, destination options twice

_ETHERNET = int(LinkType.ETHERNET)
_IPV4, _IPV6 = ETHERTYPE_IPV4, ETHERTYPE_IPV6
_ETHERNET_HEADER = 14
_IPV4_HEADER = 20
_IPV6_HEADER = 40
_TCP_FLAGS_END = 16  # a TCP header that was captured up to its window says all that is needed


@dataclass(frozen=True)
class _Frame:
    """What a segment takes from its packet."""

    at: int
    interface: int
    data: bytes
    end: int  # where the frame ended on the wire
    depth: int = 0  # of IP headers


class Decoder:
    """Decodes the packets of one capture."""

    def __init__(self, interfaces: Interfaces) -> None:
        """`interfaces` gets the parts of cooked captures."""
        self.skipped: Counter[str] = Counter()
        self._interfaces = interfaces
        self._fragments = Fragments()

    def decode(self, packet: Packet) -> Segment | None:
        """The segment of a packet, or None: then its reason is counted."""
        data = packet.data
        if packet.link_type == _ETHERNET and len(data) > _ETHERNET_HEADER and data[12] == 8 and data[13] == 0:
            # what most packets are: IPv4 in Ethernet II
            result = self._network(packet, _IPV4, _ETHERNET_HEADER, packet.interface)
        else:
            result = self._link(packet)
        if isinstance(result, Skip):
            reason = f"{result} {packet.link_type}" if result is Skip.LINK_TYPE else str(result)
            self.skipped[reason] += 1
            return None
        return result

    def _link(self, packet: Packet) -> Segment | Skip:
        found = network(packet.link_type, packet.data)
        if isinstance(found, Skip):
            if found is Skip.LINK_TYPE:
                return self._inner(packet, tunnels.open_link(packet.link_type, packet.data))
            return found
        interface = packet.interface
        if found.direction >= 0:
            interface = self._interfaces.part(interface, found.ifindex, found.direction)
        return self._network(packet, found.ethertype, found.offset, interface)

    def _network(self, packet: Packet, ethertype: int, offset: int, interface: int) -> Segment | Skip:
        frame = _Frame(packet.at, interface, packet.data, packet.wire_length)
        if ethertype == _IPV4:
            result = self._ipv4(frame, offset)
        elif ethertype == _IPV6:
            result = self._ipv6(frame, offset)
        elif ethertype in tunnels.ETHERTYPES:
            result = None
        else:
            return Skip.NOT_IP
        if result is None:
            return self._inner(packet, tunnels.open_network(ethertype, packet.data[offset:]), interface)
        return result

    def _inner(self, packet: Packet, inner: bytes | Skip, interface: int | None = None) -> Segment | Skip:
        """The segment of a tunnel's innermost IP packet."""
        if isinstance(inner, Skip):
            return inner
        number = packet.interface if interface is None else interface
        # What was cut off was cut off from the end, which is the innermost packet's.
        frame = _Frame(packet.at, number, inner, len(inner) + packet.wire_length - len(packet.data))
        result = self._ipv4(frame, 0) if inner[0] >> 4 == 4 else self._ipv6(frame, 0)
        return Skip.TUNNEL if result is None else result

    def _ipv4(self, frame: _Frame, at: int) -> Segment | Skip | None:
        """RFC 791 §3.1; None for a tunnel."""
        data = frame.data
        if len(data) < at + _IPV4_HEADER:
            return Skip.CUT_OFF
        head = (data[at] & 15) * 4
        total = data[at + 2] << 8 | data[at + 3]
        if total == 0:
            total = frame.end - at  # segmentation offload: the NIC was to fill it in
        if data[at] >> 4 != 4 or head < _IPV4_HEADER or total < head:
            return Skip.BAD_IP
        end = min(at + total, frame.end)
        protocol = data[at + 9]
        fragment = (data[at + 6] << 8 | data[at + 7]) & 0x3FFF
        inner = at + head
        if protocol == _AH and len(data) >= inner + 2 and not fragment:
            protocol = data[inner]
            inner += (data[inner + 1] + 2) * 4
        if protocol != TCP:
            return self._other(frame, inner, end, protocol, fragment)
        if not fragment:
            if inner == at + _IPV4_HEADER:
                return _tcp(frame, inner, end, data[at + 12 : at + 24])
            return _tcp(frame, inner, end, data[at + 12 : at + 20] + data[inner : inner + 4])
        key = (data[at + 12 : at + 20], data[at + 4] << 8 | data[at + 5], frame.interface)
        part = Fragment(frame.at, (fragment & 0x1FFF) * 8, max(0, end - at - head), bool(fragment & 0x2000))
        return self._fragment(frame, inner, end, key, part, at + head)

    def _ipv6(self, frame: _Frame, at: int) -> Segment | Skip | None:
        """RFC 8200 §3 and §4; None for a tunnel."""
        data = frame.data
        if len(data) < at + _IPV6_HEADER:
            return Skip.CUT_OFF
        if data[at] >> 4 != 6:
            return Skip.BAD_IP
        length = data[at + 4] << 8 | data[at + 5]
        # 0: a jumbogram (RFC 2675) or segmentation offload; either way the frame's end is the packet's.
        end = min(at + _IPV6_HEADER + length, frame.end) if length else frame.end
        protocol = data[at + 6]
        inner = at + _IPV6_HEADER
        if protocol == TCP:
            return _tcp(frame, inner, end, data[at + 8 : at + 44])
        addresses = data[at + 8 : at + 40]
        key, part, begin = None, Fragment(frame.at, 0, 0, more=False), inner
        for _ in range(_MAX_EXTENSIONS):
            if protocol == TCP or protocol not in _EXTENSIONS | {_FRAGMENT_HEADER, _AH}:
                break
            if len(data) < inner + 8:
                return Skip.CUT_OFF
            following, units = data[inner], data[inner + 1]
            if protocol == _FRAGMENT_HEADER:
                field = data[inner + 2] << 8 | data[inner + 3]
                begin = inner + 8
                part = Fragment(frame.at, field & 0xFFF8, max(0, end - begin), more=bool(field & 1))
                if field & 0xFFF9:  # neither offset nor more: an atomic fragment (RFC 6946), whole as it is
                    key = (addresses, net_word(data, inner + 4), frame.interface)
                inner += 8
            else:
                inner += (units + 2) * 4 if protocol == _AH else (units + 1) * 8
            protocol = following
            if part.offset:
                break  # what follows is not a header
        if key is not None and part.offset and (protocol == TCP or protocol in _EXTENSIONS):
            # the next header is the fragmented part's first, which may be an extension (RFC 8200 §4.5)
            return self._fragment(frame, inner, end, key, part, begin)
        if protocol != TCP:
            return self._other(frame, inner, end, protocol, part.offset)
        if key is None:
            return _tcp(frame, inner, end, addresses + data[inner : inner + 4])
        return self._fragment(frame, inner, end, key, part, begin)

    def _other(self, frame: _Frame, inner: int, end: int, protocol: int, fragment: int) -> Segment | Skip | None:
        """What an IP packet without TCP is: another IP packet inside, a tunnel for Scapy (None), or a skip."""
        data = frame.data
        if fragment:
            return Skip.NOT_TCP
        if protocol in {_IPV4_IN_IP, _IPV6_IN_IP}:
            if frame.depth >= _MAX_DEPTH:
                return Skip.TUNNEL
            nested = replace(frame, end=end, depth=frame.depth + 1)
            return self._ipv4(nested, inner) if protocol == _IPV4_IN_IP else self._ipv6(nested, inner)
        if protocol == UDP and len(data) >= inner + 4:
            ports = {data[inner] << 8 | data[inner + 1], data[inner + 2] << 8 | data[inner + 3]}
            return None if ports & tunnels.UDP_PORTS else Skip.NOT_TCP
        return None if protocol in tunnels.PROTOCOLS else Skip.NOT_TCP

    def _fragment(
        self, frame: _Frame, at: int, end: int, key: FragmentKey, part: Fragment, begin: int
    ) -> Segment | Skip:
        """`begin`: where the datagram's fragmented part begins, before any extension headers in it."""
        if part.offset:
            return self._fragments.later(key, part) or Skip.FRAGMENT
        segment = _tcp(frame, at, end, key[0] + frame.data[at : at + 4])
        if isinstance(segment, Skip):
            return segment
        header = at - begin + (frame.data[at + 12] >> 4) * 4
        return self._fragments.first(key, part, segment, header) or Skip.FRAGMENT


def _tcp(frame: _Frame, at: int, end: int, ends: bytes) -> Segment | Skip:
    """RFC 9293 §3.1. `ends`: both addresses and both ports.

    A header with an impossible data offset is still a segment, as tshark has it.
    """
    data = frame.data
    if len(data) < at + _TCP_FLAGS_END:
        return Skip.CUT_OFF
    head = (data[at + 12] >> 4) * 4
    return Segment(
        frame.at,
        frame.interface,
        ends,
        net_word(data, at + 4),
        net_word(data, at + 8),
        data[at + 13],
        max(0, end - at - head),
    )
