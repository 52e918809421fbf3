"""Where a capture file can be cut, so that each piece begins with a record.

What says where records begin is the record before. So the beginning of a piece is found by what looks like records in
a row, which may be wrong: a packet may carry a capture. Where the piece before it ends is what proves it.
"""

import struct
from collections.abc import Callable

from correlator.wire.pcap import MAGICS
from correlator.wire.pcapng import ENHANCED_PACKET, OBSOLETE_PACKET, SECTION_HEADER, SIMPLE_PACKET
from correlator.wire.reader import MAX_PACKET

WINDOW = 1 << 21
"""Bytes in which the beginning of a record is looked for: several of the largest packets."""
HEAD = 1 << 20
"""Bytes within which the first packet of a capture that can be cut must begin."""
_PCAP_HEADER = 24
_IN_A_ROW = 4
_RECORD = 16
_SECOND = 1_000_000_000
_YEAR = 1 << 25
"""Seconds, about: what claims to be further from the first packet is taken for none."""
_PACKETS = {ENHANCED_PACKET, OBSOLETE_PACKET, SIMPLE_PACKET}
# Blocks of the registry that stand between packets: name resolution, statistics, journal entries, decryption secrets,
# custom ones.
_BLOCKS = _PACKETS | {4, 5, 9, 10, 0xBAD, 0x40000BAD}
_LONGEST = 1 << 20
_SHORTEST = 12  # of a block; the shortest record of a pcap is longer


def head_length(data: bytes) -> int | None:
    """How much of a file that begins with `data` is to be read before any of its packets; None where that is not clear.

    The header of a pcap with a packet; of a pcapng all blocks before the first packet.
    """
    if data[:4] in MAGICS:
        return _PCAP_HEADER if len(data) >= _PCAP_HEADER + _RECORD else None
    if len(data) < _SHORTEST or data[:4] != SECTION_HEADER.to_bytes(4, "little"):
        return None
    order, at = _order(data), 0
    while at + 8 <= len(data):
        kind, length = struct.unpack_from(order + "II", data, at)
        if kind in _PACKETS:
            return at
        if length < _SHORTEST or length % 4:
            return None
        at += length
    return None


def record_in(data: bytes, head: bytes) -> int | None:
    """Where in a part of a file a record seems to begin; None where nothing looks like one.

    `head`: the file's first bytes, of which `head_length` told something.
    """
    if head[:4] in MAGICS:
        is_net, tick, header = MAGICS[head[:4]]
        form, ticks = struct.Struct((">" if is_net else "<") + "IIII"), _SECOND // tick
        begun = form.unpack_from(head, _PCAP_HEADER)[0]
        return _first(len(data), 1, lambda at: _after_record(data, at, form, header, ticks, begun))
    blocks = struct.Struct(_order(head) + "II")
    return _first(len(data), 4, lambda at: _after_block(data, at, blocks))


def _order(head: bytes) -> str:
    return ">" if head[8:12] == bytes.fromhex("1a2b3c4d") else "<"


def _first(size: int, step: int, after: Callable[[int], int | None]) -> int | None:
    """The first place from which on some records follow one another. `after` tells where the one at a place ends."""
    for begin in range(0, size, step):
        at, count = begin, 0
        while at + _SHORTEST <= size and count < _IN_A_ROW and (end := after(at)) is not None:
            at, count = end, count + 1
        if count == _IN_A_ROW or at == size or (at + _SHORTEST > size and count > 1):
            return begin
    return None


def _after_record(data: bytes, at: int, form: struct.Struct, header: int, ticks: int, begun: int) -> int | None:
    """The end of the record of a pcap at a place that looks like one, also beyond the data."""
    if at + header > len(data):
        return None
    seconds, fraction, captured, length = form.unpack_from(data, at)
    if abs(seconds - begun) > _YEAR or fraction >= ticks or not 0 < captured <= min(length, MAX_PACKET):
        return None
    return int(at + header + captured)


def _after_block(data: bytes, at: int, form: struct.Struct) -> int | None:
    """The same of a block of a pcapng."""
    kind, length = form.unpack_from(data, at)
    if kind not in _BLOCKS or not _SHORTEST <= length <= _LONGEST or length % 4:
        return None
    end = int(at + length)
    if end <= len(data) and data[end - 4 : end] != data[at + 4 : at + 8]:
        return None
    return end
