"""The fast decode of what nearly all frames are; all others, and all that look odd, are for `decode`.

Plain is TCP in IPv4 without options or IPv6 without extensions, whole, on Ethernet with one VLAN tag at the most.
Compiled, `raw` is a pointer: where a frame ends is compared before each header is read.
"""

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
    raw = data
    at = begin + _ETHERNET_HEADER
    kind = _half(raw, at - 2)
    if kind == _VLAN:
        at += _TAG
        kind = _half(raw, at - 2)
    if kind == _IPV4:
        length = _half(raw, at + 2)
        if raw[at] != _VERSION_AND_LENGTH or raw[at + 9] != _TCP or raw[at + 6] & _FRAGMENT or raw[at + 7]:
            return False
        if length < _IPV4_HEADER:
            return False
        finish, inner = at + length, at + _IPV4_HEADER
        segment.is_ipv6 = False
        segment.source_high = segment.destination_high = 0
        segment.source_low, segment.destination_low = _word(raw, at + 12), _word(raw, at + 16)
    elif kind == _IPV6:
        if limit < at + _IPV6_HEADER + _TCP_FLAGS_END or raw[at] >> 4 != 6 or raw[at + 6] != _TCP:
            return False
        length = _half(raw, at + 4)
        if not length:
            return False
        finish, inner = at + _IPV6_HEADER + length, at + _IPV6_HEADER
        segment.is_ipv6 = True
        segment.source_high, segment.source_low = _long_word(raw, at + 8), _long_word(raw, at + 16)
        segment.destination_high, segment.destination_low = _long_word(raw, at + 24), _long_word(raw, at + 32)
    else:
        return False
    segment.source_port, segment.destination_port = _half(raw, inner), _half(raw, inner + 2)
    segment.seq, segment.ack = _word(raw, inner + 4), _word(raw, inner + 8)
    segment.flags = raw[inner + 13]
    payload = min(finish, end) - inner - (raw[inner + 12] >> 4) * 4
    segment.length = max(0, payload)
    return True


def _half(raw: bytes, at: int) -> int:
    return raw[at] << 8 | raw[at + 1]


def _word(raw: bytes, at: int) -> int:
    high, low = raw[at] << 8 | raw[at + 1], raw[at + 2] << 8 | raw[at + 3]
    return high << 16 | low


def _long_word(raw: bytes, at: int) -> int:
    high, low = _word(raw, at), _word(raw, at + 4)
    return high << 32 | low
