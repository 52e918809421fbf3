"""The fast decode of what nearly all frames are; all others, and all that look odd, are for `decode`.

Plain is TCP in IPv4 without options or IPv6 without extensions, whole, on Ethernet with one VLAN tag at the most.
Compiled, `frame` is a pointer: where the frame ends is compared before each header is read.
"""

from correlator.core import raw
from correlator.core.segment import Segment
from correlator.wire.link import ETHERTYPE_IPV4, ETHERTYPE_IPV6

_IPV4, _IPV6, _VLAN = ETHERTYPE_IPV4, ETHERTYPE_IPV6, 0x8100
_TCP = 6
_ETHERNET_HEADER, _TAG = 14, 4
_IPV4_HEADER, _IPV6_HEADER = 20, 40
_VERSION_AND_LENGTH = 0x45  # of an IPv4 header without options
_FRAGMENT = 0x3F  # of the byte that begins with the flags: more fragments, and the upper half of the offset
_TCP_FLAGS_END = 16  # as in `decode`


def plain(segment: Segment, data: bytes) -> bool:
    """Fill in the segment of a plain frame in these bytes; False for any other frame."""
    begin, limit, end = segment.begin, segment.begin + segment.captured, segment.begin + segment.wire_length
    if begin < 0 or limit > len(data) or limit < begin + _ETHERNET_HEADER + _TAG + _IPV4_HEADER + _TCP_FLAGS_END:
        return False
    frame = data
    at = begin + _ETHERNET_HEADER
    kind = raw.net_half(frame, at - 2)
    if kind == _VLAN:
        at += _TAG
        kind = raw.net_half(frame, at - 2)
    if kind == _IPV4:
        length = raw.net_half(frame, at + 2)
        if frame[at] != _VERSION_AND_LENGTH or frame[at + 9] != _TCP or frame[at + 6] & _FRAGMENT or frame[at + 7]:
            return False
        if length < _IPV4_HEADER:
            return False
        finish, inner = at + length, at + _IPV4_HEADER
        segment.is_ipv6 = False
        segment.source_high = segment.destination_high = 0
        segment.source_low, segment.destination_low = raw.net_word(frame, at + 12), raw.net_word(frame, at + 16)
    elif kind == _IPV6:
        if limit < at + _IPV6_HEADER + _TCP_FLAGS_END or frame[at] >> 4 != 6 or frame[at + 6] != _TCP:
            return False
        length = raw.net_half(frame, at + 4)
        if not length:
            return False
        finish, inner = at + _IPV6_HEADER + length, at + _IPV6_HEADER
        segment.is_ipv6 = True
        segment.source_high, segment.source_low = raw.net_long_word(frame, at + 8), raw.net_long_word(frame, at + 16)
        segment.destination_high = raw.net_long_word(frame, at + 24)
        segment.destination_low = raw.net_long_word(frame, at + 32)
    else:
        return False
    segment.source_port, segment.destination_port = raw.net_half(frame, inner), raw.net_half(frame, inner + 2)
    segment.seq, segment.ack = raw.net_word(frame, inner + 4), raw.net_word(frame, inner + 8)
    segment.flags = frame[inner + 13]
    payload = min(finish, end) - inner - (frame[inner + 12] >> 4) * 4
    segment.length = max(0, payload)
    return True
