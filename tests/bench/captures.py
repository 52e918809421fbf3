"""Makes the captures that `analyse` is measured on, the same bytes each time.

    python -m tests.bench.captures bulk /tmp/bulk.pcap       # 1.04 GB: 1,000,000 packets of 1,000 connections
    python -m tests.bench.captures small /tmp/small.pcap     # 0.5 GB: 5,000,000 packets of 500,000 connections

A name that ends in `.pcapng` gives that format. Every fourth connection is IPv6, every tenth has a VLAN tag. Checksums
are left out: none of the programs that are compared verifies them unless told to.
"""

import argparse
import itertools
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SYN, ACK, FIN, PUSH = 2, 16, 1, 8
_BASE = 1_700_000_000 * 1_000_000  # µs
_AT_ONCE = 1000  # connections that are open at one time

_ETHERNET = struct.Struct("!6s6sH")
_VLAN = struct.Struct("!HH")
_IPV4 = struct.Struct("!BBHHHBBH4s4s")
_IPV6 = struct.Struct("!IHBB16s16s")
_TCP = struct.Struct("!HHIIBBHHH")
_PCAP = struct.Struct("<IIII")
_EPB = struct.Struct("<7I")
_MACS = b"\x02\0\0\0\0\1", b"\x02\0\0\0\0\2"


@dataclass(frozen=True)
class Shape:
    """What a capture holds: connections that open, send segments that are acknowledged, and close."""

    connections: int
    exchanges: int
    size: int  # bytes a segment
    gap: int  # µs between packets


SHAPES = {"bulk": Shape(1000, 497, 2008, 20), "small": Shape(500_000, 2, 40, 20)}


class _Connection:
    """Writes the frames of one connection."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self._port = 1024 + number % 60_000
        self._six = number % 4 == 3
        host = number // 60_000 * 200 + number % 199
        client, server = struct.pack("!I", 0x0A000100 + host), struct.pack("!I", 0x0A010000 + number % 50)
        if self._six:
            prefix = b"\x20\x01\x0d\xb8" + bytes(8)
            client, server = prefix + client, prefix + server
        self._ends = (client, server), (server, client)
        tag = _VLAN.pack(number % 4000, 0x86DD if self._six else 0x0800) if number % 10 == 0 else b""
        kind = 0x8100 if tag else 0x86DD if self._six else 0x0800
        self._links = tuple(_ETHERNET.pack(*pair, kind) + tag for pair in (_MACS, _MACS[::-1]))
        self._next = [chance.randrange(1 << 32), chance.randrange(1 << 32)]

    def frame(self, sender: int, flags: int, size: int = 0) -> bytes:
        """The next segment of the client (0) or the server (1)."""
        near, far = self._ends[sender]
        if self._six:
            head = _IPV6.pack(6 << 28, 20 + size, 6, 64, near, far)
        else:
            head = _IPV4.pack(0x45, 0, 40 + size, 0, 0x4000, 64, 6, 0, near, far)
        ports = (self._port, 443) if sender == 0 else (443, self._port)
        acked = self._next[1 - sender] if flags & ACK else 0
        segment = _TCP.pack(*ports, self._next[sender], acked, 0x50, flags, 0xFFFF, 0, 0)
        self._next[sender] = (self._next[sender] + size + (flags & (SYN | FIN) != 0)) & 0xFFFFFFFF
        return self._links[sender] + head + segment + bytes(size)

    def frames(self, shape: Shape) -> Iterator[bytes]:
        """All of them, in order."""
        yield self.frame(0, SYN)
        yield self.frame(1, SYN | ACK)
        yield self.frame(0, ACK)
        for exchange in range(shape.exchanges):
            sender = exchange % 2
            yield self.frame(sender, ACK | PUSH, shape.size)
            yield self.frame(1 - sender, ACK)
        yield self.frame(0, FIN | ACK)
        yield self.frame(1, FIN | ACK)
        yield self.frame(0, ACK)


def frames(shape: Shape, seed: int = 1) -> Iterator[tuple[bytes, int]]:
    """Frames and times (µs): of so many connections at a time each sends in its turn."""
    chance = random.Random(seed)
    times = itertools.count(_BASE, shape.gap)
    for first in range(0, shape.connections, _AT_ONCE):
        some = range(first, min(first + _AT_ONCE, shape.connections))
        for turn in zip(*(_Connection(number, chance).frames(shape) for number in some), strict=True):
            yield from zip(turn, times, strict=False)


def make(shape: Shape, path: Path) -> int:
    """Write a capture; how many packets it has."""
    pcapng = path.suffix == ".pcapng"
    count, parts, size = 0, [_head_ng() if pcapng else struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)], 0
    with path.open("wb") as file:
        for frame, at in frames(shape):
            length = len(frame)
            if pcapng:
                total = 32 + length + -length % 4
                head = _EPB.pack(6, total, 0, at >> 32, at & 0xFFFFFFFF, length, length)
                parts.append(head + frame + bytes(-length % 4) + struct.pack("<I", total))
            else:
                parts.append(_PCAP.pack(*divmod(at, 1_000_000), length, length) + frame)
            count += 1
            size += length
            if size > 1 << 22:
                file.write(b"".join(parts))
                parts, size = [], 0
        file.write(b"".join(parts))
    return count


def _head_ng() -> bytes:
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    return section + struct.pack("<IIHHII", 1, 20, 1, 0, 262_144, 20)


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("path", type=Path)
    options = parser.parse_args()
    print(make(SHAPES[options.shape], options.path), "packets,", options.path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
