# cython: boundscheck=False, wraparound=False
"""The fast decode of what nearly all frames are; all others, and all that look odd, are for `decode`.

Plain is TCP in IPv4 without options or IPv6 without extensions, whole, on Ethernet with one VLAN tag at the most.
Compiled, a buffer is a pointer: where the frame ends is compared before each header is read.
"""

from correlator.core import raw
from correlator.core.frames import Frames
from correlator.core.segment import Segment
from correlator.wire import layout
from correlator.wire.link import LinkType

_ETHERNET = int(LinkType.ETHERNET)


def decode_plain(frames: Frames) -> int:
    """Fill in the segments of the plain frames, and note which these are; for how many are not."""
    start, size, segments, left = frames.start, frames.size, frames.segments, 0
    for number in range(frames.count):
        segment = segments[number]
        segment.interface = segment.captured_on
        segment.continuation = False
        segment.is_decoded = segment.link_type == _ETHERNET and plain(segment, start, size)
        left += not segment.is_decoded
    return left


def plain(segment: Segment, frame: bytes, size: int) -> bool:
    """Fill in the segment of a plain frame in a buffer of so many bytes; False for any other frame."""
    begin, limit, end = segment.begin, segment.begin + segment.captured, segment.begin + segment.wire_length
    if begin < 0 or limit > size or limit < begin + layout.SHORTEST:
        return False
    at = begin + layout.ETHERNET_HEADER
    kind = raw.net_half(frame, at - 2)
    if kind == layout.VLAN:
        at += layout.TAG
        kind = raw.net_half(frame, at - 2)
    if kind == layout.IPV4:
        length = raw.net_half(frame, at + 2)
        if frame[at] != layout.VERSION_AND_LENGTH or frame[at + 9] != layout.TCP:
            return False
        if frame[at + 6] & layout.FRAGMENT or frame[at + 7]:
            return False
        if length < layout.IPV4_HEADER:
            return False
        finish, inner = at + length, at + layout.IPV4_HEADER
        segment.is_ipv6 = False
        segment.source_high = segment.destination_high = 0
        segment.source_low, segment.destination_low = raw.net_word(frame, at + 12), raw.net_word(frame, at + 16)
    elif kind == layout.IPV6:
        if limit < at + layout.IPV6_HEADER + layout.TCP_FLAGS_END or frame[at] >> 4 != 6 or frame[at + 6] != layout.TCP:
            return False
        length = raw.net_half(frame, at + 4)
        if not length:
            return False
        finish, inner = at + layout.IPV6_HEADER + length, at + layout.IPV6_HEADER
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
