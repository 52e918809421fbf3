"""Frames to segments: link, IP and TCP headers, with every skip counted.

Lengths come from the IP header, never from how much was captured; only headers must be there. What the fast decode
does not know (tunnels, rare link types) goes to `tunnels`, where Scapy finds the innermost IP header, and comes back
here. A frame that yields nothing adds one to its reason in `skipped`. No object is made of what most frames are.
"""

from collections import Counter

from correlator.core.frames import UNKNOWN, Frames
from correlator.core.segment import Segment
from correlator.core.words import net_half, net_long_word, net_word
from correlator.wire import layout, tunnels
from correlator.wire.fragments import Fragment, FragmentKey, Fragments
from correlator.wire.interfaces import Interfaces
from correlator.wire.link import ETHERTYPE_IPV4, ETHERTYPE_IPV6, Network, network
from correlator.wire.plain import decode_plain
from correlator.wire.skips import (
    BAD_IP,
    CUT_OFF,
    FOUND,
    FRAGMENT,
    LINK_TYPE,
    NOT_IP,
    NOT_TCP,
    SLOWLY,
    TUNNEL,
    Skip,
    reason,
)

TCP = 6
UDP = 17
_IPV4_IN_IP, _IPV6_IN_IP = 4, 41
_MAX_DEPTH = 8  # IP headers in one another; real networks have two or three
_AH = 51
_FRAGMENT_HEADER = 44
# Hop-by-hop, routing, destination options, mobility, HIP, shim6: next header, then length in 8-byte units less one.
_EXTENSIONS = frozenset({0, 43, 60, 135, 139, 140})
_MAX_EXTENSIONS = 16  # RFC 8200 allows each once, destination options twice

_TCP, _FOUND, _SLOWLY, _UNKNOWN = TCP, FOUND, SLOWLY, UNKNOWN
_IPV4, _IPV6 = ETHERTYPE_IPV4, ETHERTYPE_IPV6
_WORD = 0xFFFFFFFF
_IPV4_HEADER = 20
_IPV6_HEADER = 40
_TCP_FLAGS_END = layout.TCP_FLAGS_END


class Decoder:
    """Decodes the frames of one capture."""

    def __init__(self, interfaces: Interfaces, fragments: Fragments | None = None) -> None:
        """`interfaces` gets the parts of cooked captures. `fragments`: of datagrams that are under way."""
        self._skips = [0] * (len(Skip) + NOT_IP)  # by number: many frames are no TCP
        self._unknown: Counter[int] = Counter()  # of the link types, how often
        self._interfaces = interfaces
        self.fragments = fragments or Fragments()
        self._found = Network()
        # The frame that is being looked into: its segment, the bytes, where they end, and where it ended on the wire.
        self._segment = Segment()
        self._data = b""
        self._limit = 0
        self._end = 0

    @property
    def skipped(self) -> dict[str, int]:
        """How many frames gave no segment, by the reason."""
        found = {
            str(reason(number)): times for number, times in enumerate(self._skips) if times and number != LINK_TYPE
        }
        return found | {f"{Skip.LINK_TYPE} {link_type}": times for link_type, times in self._unknown.items()}

    def decode(self, frames: Frames) -> None:
        """Fill in the segments of frames: `is_decoded` tells where there is one; where not, the reason is counted."""
        if frames.odd == _UNKNOWN:
            decode_plain(frames)
        if frames.odd:
            self._decode_others(frames)
        self._skips[NOT_TCP] += frames.without_tcp

    def _decode_others(self, frames: Frames) -> None:
        segments = frames.segments
        for number in range(frames.count):
            segment = segments[number]
            if segment.is_odd:
                segment.is_decoded = self._carefully(segment, frames.bytes_of(number))

    def _carefully(self, segment: Segment, data: bytes) -> bool:
        self._segment, self._data = segment, data
        self._limit, self._end = len(data), segment.wire_length
        result = self._link(segment.link_type)
        if result == _FOUND:
            return True
        self._skips[result] += 1
        if result == LINK_TYPE:
            self._unknown[segment.link_type] += 1
        return False

    def _link(self, link_type: int) -> int:
        found, segment = self._found, self._segment
        result = network(found, link_type, self._data, 0, self._limit)
        if result == _FOUND:
            if found.direction >= 0:
                segment.interface = self._interfaces.part(segment.interface, found.ifindex, found.direction)
            return self._network(found.ethertype, found.offset)
        if result == LINK_TYPE:
            return self._inner(tunnels.open_link(link_type, self._data), self._end - self._limit)
        return result

    def _network(self, ethertype: int, at: int) -> int:
        beyond = self._end - self._limit
        if ethertype == _IPV4:
            result = self._ipv4(at, 0)
        elif ethertype == _IPV6:
            result = self._ipv6(at, 0)
        else:
            result = SLOWLY if ethertype in tunnels.ETHERTYPES else NOT_IP
        if result == _SLOWLY:
            return self._inner(tunnels.open_network(ethertype, self._data[at : self._limit]), beyond)
        return result

    def _inner(self, inner: bytes | int, beyond: int) -> int:
        """The segment of a tunnel's innermost IP packet. `beyond`: bytes that were cut off from the frame's end."""
        if isinstance(inner, int):
            return inner
        self._data = inner
        self._limit = len(inner)
        self._end = len(inner) + beyond  # the innermost packet's end, too
        result = self._ipv4(0, 0) if inner[0] >> 4 == 4 else self._ipv6(0, 0)
        return TUNNEL if result == _SLOWLY else result

    def _ipv4(self, at: int, depth: int) -> int:
        """RFC 791 §3.1."""
        data, limit, segment = self._data, self._limit, self._segment
        if limit < at + _IPV4_HEADER:
            return CUT_OFF
        begins = net_long_word(data, at)  # version, header length, service, total length, identification, fragment
        head = (data[at] & 15) * 4
        total = begins >> 32 & 0xFFFF
        if total == 0:
            total = self._end - at  # segmentation offload: the NIC was to fill it in
        if data[at] >> 4 != 4 or head < _IPV4_HEADER or total < head:
            return BAD_IP
        end = min(at + total, self._end)
        protocol = data[at + 9]
        fragment = begins & 0x3FFF
        inner = at + head
        if protocol == _AH and limit >= inner + 2 and not fragment:
            protocol = data[inner]
            inner += (data[inner + 1] + 2) * 4
        if protocol != _TCP:
            return self._other(inner, end, protocol, fragment, depth)
        segment.is_ipv6 = False
        segment.source_high = segment.destination_high = 0
        ends = net_long_word(data, at + 12)
        segment.source_low, segment.destination_low = ends >> 32, ends & _WORD
        if not fragment:
            return self._tcp(inner, end)
        key = (data[at + 12 : at + 20], net_half(data, at + 4), segment.interface)
        part = Fragment(segment.at, (fragment & 0x1FFF) * 8, max(0, end - at - head), bool(fragment & 0x2000))
        return self._fragment(inner, end, key, part, at + head)

    def _ipv6(self, at: int, depth: int) -> int:
        """RFC 8200 §3."""
        data, segment = self._data, self._segment
        if self._limit < at + _IPV6_HEADER:
            return CUT_OFF
        if data[at] >> 4 != 6:
            return BAD_IP
        length = net_half(data, at + 4)
        # 0: a jumbogram (RFC 2675) or segmentation offload; either way the frame's end is the packet's.
        end = min(at + _IPV6_HEADER + length, self._end) if length else self._end
        segment.is_ipv6 = True
        segment.source_high = net_long_word(data, at + 8)
        segment.source_low = net_long_word(data, at + 16)
        segment.destination_high = net_long_word(data, at + 24)
        segment.destination_low = net_long_word(data, at + 32)
        if data[at + 6] == _TCP:
            return self._tcp(at + _IPV6_HEADER, end)
        return self._extensions(at, end, depth)

    def _extensions(self, at: int, end: int, depth: int) -> int:
        """RFC 8200 §4."""
        data, segment = self._data, self._segment
        protocol, inner = data[at + 6], at + _IPV6_HEADER
        key, part, begin = None, Fragment(segment.at, 0, 0, more=False), inner
        for _ in range(_MAX_EXTENSIONS):
            if protocol == _TCP or protocol not in _EXTENSIONS | {_FRAGMENT_HEADER, _AH}:
                break
            if self._limit < inner + 8:
                return CUT_OFF
            following, units = data[inner], data[inner + 1]
            if protocol == _FRAGMENT_HEADER:
                field = net_half(data, inner + 2)
                begin = inner + 8
                part = Fragment(segment.at, field & 0xFFF8, max(0, end - begin), more=bool(field & 1))
                if field & 0xFFF9:  # neither offset nor more: an atomic fragment (RFC 6946), whole as it is
                    key = (data[at + 8 : at + 40], net_word(data, inner + 4), segment.interface)
                inner += 8
            else:
                inner += (units + 2) * 4 if protocol == _AH else (units + 1) * 8
            protocol = following
            if part.offset:
                break  # what follows is not a header
        if key is not None and part.offset and (protocol == _TCP or protocol in _EXTENSIONS):
            # the next header is the fragmented part's first, which may be an extension (RFC 8200 §4.5)
            return self._fragment(inner, end, key, part, begin)
        if protocol != _TCP:
            return self._other(inner, end, protocol, part.offset, depth)
        if key is None:
            return self._tcp(inner, end)
        return self._fragment(inner, end, key, part, begin)

    def _other(self, inner: int, end: int, protocol: int, fragment: int, depth: int) -> int:
        """What an IP packet without TCP is: another IP packet inside, a tunnel for Scapy, or a skip."""
        data = self._data
        if fragment:
            return NOT_TCP
        if protocol in (_IPV4_IN_IP, _IPV6_IN_IP):
            if depth >= _MAX_DEPTH:
                return TUNNEL
            self._end = end
            return self._ipv4(inner, depth + 1) if protocol == _IPV4_IN_IP else self._ipv6(inner, depth + 1)
        if protocol == UDP and self._limit >= inner + 4:
            near, far = net_half(data, inner), net_half(data, inner + 2)
            return SLOWLY if near in tunnels.UDP_PORTS or far in tunnels.UDP_PORTS else NOT_TCP
        return SLOWLY if protocol in tunnels.PROTOCOLS else NOT_TCP

    def _fragment(self, at: int, end: int, key: FragmentKey, part: Fragment, begin: int) -> int:
        """`begin`: where the datagram's fragmented part begins, before any extension headers in it."""
        if part.offset:
            whole = self.fragments.later(key, part)
        else:
            result = self._tcp(at, end)
            if result != _FOUND:
                return result
            header = at - begin + (self._data[at + 12] >> 4) * 4
            whole = self.fragments.first(key, part, self._segment, header)
        if whole is None:
            return FRAGMENT
        self._segment.take(whole)
        return _FOUND

    def _tcp(self, at: int, end: int) -> int:
        """RFC 9293 §3.1. A header with an impossible data offset is still a segment, as tshark has it."""
        data, segment = self._data, self._segment
        if self._limit < at + _TCP_FLAGS_END:
            return CUT_OFF
        head = (data[at + 12] >> 4) * 4
        begins = net_long_word(data, at)  # the ports and the sequence number
        segment.source_port = begins >> 48
        segment.destination_port = begins >> 32 & 0xFFFF
        segment.seq = begins & _WORD
        segment.ack = net_word(data, at + 8)
        segment.flags = data[at + 13]
        segment.length = max(0, end - at - head)
        return _FOUND
