"""The fast decode of what nearly all frames are; all others, and all that look odd, are for `decode`.

Plain is TCP, or UDP that is no tunnel, in IPv4 without options or IPv6 without extensions, whole, on Ethernet with one
VLAN tag at the most. Compiled, a buffer is a pointer: where the frame ends is compared before each header is read.
"""

from correlator.core import raw
from correlator.core.frames import Frames
from correlator.core.segment import Segment
from correlator.wire import layout
from correlator.wire.link import LinkType
from correlator.wire.skips import FOUND, NOT_TCP, SLOWLY

_ETHERNET = int(LinkType.ETHERNET)
_FOUND, _SLOWLY, _NOT_TCP = FOUND, SLOWLY, NOT_TCP


def decode_plain(frames: Frames) -> None:
    """Fill in the segments of the plain frames, and count the others: those that are odd, and those without TCP."""
    start, size, segments = frames.start, frames.size, frames.segments
    odd = without_tcp = 0
    for number in range(frames.count):
        segment = segments[number]
        segment.interface = segment.captured_on
        segment.continuation = False
        result = plain(segment, start, size)
        segment.is_decoded, segment.is_odd = result == _FOUND, result == _SLOWLY
        odd += result == _SLOWLY
        without_tcp += result == _NOT_TCP
    frames.odd, frames.without_tcp = odd, without_tcp


def plain(segment: Segment, frame: bytes, size: int) -> int:
    """Fill in the segment of a plain frame in a buffer of so many bytes: FOUND, or NOT_TCP; SLOWLY of any other."""
    begin, limit, end = segment.begin, segment.begin + segment.captured, segment.begin + segment.wire_length
    if segment.link_type != _ETHERNET or begin < 0 or limit > size or limit < begin + layout.SHORTEST:
        return _SLOWLY
    at = begin + layout.ETHERNET_HEADER
    kind = raw.net_half(frame, at - 2)
    if kind == layout.VLAN:
        at += layout.TAG
        kind = raw.net_half(frame, at - 2)
    if kind == layout.IPV4:
        length, protocol = raw.net_half(frame, at + 2), frame[at + 9]
        if frame[at] != layout.VERSION_AND_LENGTH or length < layout.IPV4_HEADER:
            return _SLOWLY
        if frame[at + 6] & layout.FRAGMENT or frame[at + 7]:
            return _SLOWLY
        finish, inner = at + length, at + layout.IPV4_HEADER
        if protocol != layout.TCP:
            return _without_tcp(frame, inner, protocol)
        segment.is_ipv6 = False
        segment.source_high = segment.destination_high = 0
        segment.source_low, segment.destination_low = raw.net_word(frame, at + 12), raw.net_word(frame, at + 16)
    elif kind == layout.IPV6:
        length, protocol = raw.net_half(frame, at + 4), frame[at + 6]  # there: SHORTEST is longer
        if limit < at + layout.IPV6_HEADER + layout.TCP_FLAGS_END or frame[at] >> 4 != 6 or not length:
            return _SLOWLY
        finish, inner = at + layout.IPV6_HEADER + length, at + layout.IPV6_HEADER
        if protocol != layout.TCP:
            return _without_tcp(frame, inner, protocol)
        segment.is_ipv6 = True
        segment.source_high, segment.source_low = raw.net_long_word(frame, at + 8), raw.net_long_word(frame, at + 16)
        segment.destination_high = raw.net_long_word(frame, at + 24)
        segment.destination_low = raw.net_long_word(frame, at + 32)
    else:
        return _SLOWLY
    segment.source_port, segment.destination_port = raw.net_half(frame, inner), raw.net_half(frame, inner + 2)
    segment.seq, segment.ack = raw.net_word(frame, inner + 4), raw.net_word(frame, inner + 8)
    segment.flags = frame[inner + 13]
    payload = min(finish, end) - inner - (frame[inner + 12] >> 4) * 4
    segment.length = max(0, payload)
    return _FOUND


def _without_tcp(frame: bytes, inner: int, protocol: int) -> int:
    """What an IP packet is whose header ends at `inner`, and is followed by another protocol than TCP."""
    if protocol != layout.UDP:
        return _SLOWLY
    near, far = raw.net_half(frame, inner), raw.net_half(frame, inner + 2)
    if near in (layout.VXLAN, layout.VXLAN_OF_LINUX, layout.GENEVE, layout.GTP_U):
        return _SLOWLY
    if far in (layout.VXLAN, layout.VXLAN_OF_LINUX, layout.GENEVE, layout.GTP_U):
        return _SLOWLY
    return _NOT_TCP
