"""Live capture on Linux: AF_PACKET with a TPACKET_V3 ring in shared memory (packet(7), packet_mmap.rst).

The kernel fills blocks and hands them over full or after some milliseconds; reading one costs no system call, and
the ring is the one queue between the kernel and us: what does not fit is counted by the kernel.
"""

import asyncio
import ctypes
import mmap
import os
import re
import socket
import struct
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from correlator.capture.bpf import EVERY_SEGMENT, HANDSHAKES, Program
from correlator.core.frames import Frames
from correlator.wire.interfaces import Interfaces
from correlator.wire.ring import BLOCK_HEADER, STATUS, STATUS_KERNEL, STATUS_USER, frames, used

_ETH_P_ALL = 3
_SOL_PACKET = 263
_PACKET_RX_RING, _PACKET_STATISTICS, _PACKET_VERSION, _PACKET_IGNORE_OUTGOING = 5, 6, 10, 23
_TPACKET_V3 = 2
_SO_ATTACH_FILTER = 26

_RING = struct.Struct("=7I")  # struct tpacket_req3

# The kernel hands a block over when it is full or when its time is up, whichever is first: with these the default ring
# holds five seconds of little traffic, and more than one of 15,000 connections/s.
BLOCK_SIZE = 1 << 16
DEFAULT_RING = 32 << 20
_RETIRE_MS = 10
_BLOCKS_AT_ONCE = 64  # then the loop turns
_FLOOD = 100 << 20  # bytes/s: 200,000 small packets with their headers take 30 MB

ANY = "any"

_MAX_RINGS = 64  # interfaces: more are captured with `any`
_PATTERN = frozenset("*+?[](){}|^$\\")  # what a regular expression has, and an interface's name has not


def is_pattern(name: str) -> bool:
    """Whether what was given is a regular expression for interfaces' names."""
    return not _PATTERN.isdisjoint(name)


@dataclass(slots=True)
class _Ring:
    name: str
    index: int  # 0: all interfaces
    socket: socket.socket
    memory: mmap.mmap
    block: int = 0


class RingCapture:
    """Packets of one or several interfaces, or of all (`any`)."""

    def __init__(
        self, names: list[str], interfaces: Interfaces, *, ring: int = DEFAULT_RING, every_packet: bool = False
    ) -> None:
        """Opens, filters, then binds: no packet is seen unfiltered.

        Raises OSError, PermissionError without CAP_NET_RAW.
        """
        self.opened_at = time.time_ns()
        self.received = 0
        self.dropped = 0
        self.last_at = 0
        self.gone: list[str] = []
        self._interfaces = interfaces
        self._numbers: dict[tuple[int, int], int] = {}
        self._program = Program(EVERY_SEGMENT if every_packet else HANDSHAKES)
        self._blocks = max(2, ring // BLOCK_SIZE)
        self._rings: list[_Ring] = []
        self._readable = asyncio.Event()
        self._is_behind = False
        self._loop: asyncio.AbstractEventLoop | None = None
        there = socket.if_nameindex()
        known = {name for _, name in there}  # a name is a name first, whatever characters it has
        self._names = frozenset() if ANY in names else frozenset(names)
        self._patterns = [re.compile(name) for name in self._names - known if is_pattern(name)]
        try:
            if ANY in names:
                self._rings.append(self._open(ANY, 0))
            for index, name in there:
                if self._is_wanted(name):
                    self._rings.append(self._open(name, index))
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Stop capturing."""
        for ring in self._rings:
            ring.memory.close()
            ring.socket.close()
        self._rings.clear()

    async def batches(self) -> AsyncGenerator[list[Frames], None]:
        """The packets, some blocks at a time, until the task is cancelled."""
        while True:
            await self._wait()
            found = self.read()
            if found:
                yield found

    async def _wait(self) -> None:
        """Wait for a block. Nobody listens to the sockets otherwise: a pause would be none."""
        loop = self._loop = asyncio.get_running_loop()
        self._readable.clear()
        for ring in self._rings:
            loop.add_reader(ring.socket, self._readable.set)
        try:
            await self._readable.wait()
        finally:
            self._loop = None
            for ring in self._rings:
                loop.remove_reader(ring.socket)

    def read(self) -> list[Frames]:
        """The packets of the blocks that the kernel has handed over.

        An interface that went down or away is noted in `gone`. One that comes up again goes on by itself.
        """
        found: list[Frames] = []
        self._is_behind = False
        for ring in self._rings:
            if ring.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.gone.append(ring.name)
            for _ in range(_BLOCKS_AT_ONCE):
                start = ring.block * BLOCK_SIZE
                header = ring.memory[start : start + BLOCK_HEADER]
                if not header[STATUS] & STATUS_USER:
                    break
                inside = frames(ring.memory[start : start + used(header)], self._number)
                struct.pack_into("=I", ring.memory, start + STATUS, STATUS_KERNEL)
                ring.block = (ring.block + 1) % self._blocks
                if inside.count:
                    found.append(inside)
                    self.last_at = inside.last_at
            else:
                self._is_behind = True
        return found

    @property
    def patience(self) -> float:
        """For how long (s) the rings hold what may come, if the last read has emptied them."""
        return 0.0 if self._is_behind else self._blocks * BLOCK_SIZE / _FLOOD

    @property
    def is_idle(self) -> bool:
        """Whether no block waits to be read."""
        return not any(self._waits(ring) for ring in self._rings)

    def _waits(self, ring: _Ring) -> bool:
        return ring.memory[ring.block * BLOCK_SIZE + STATUS] & STATUS_USER != 0

    def follow(self) -> None:
        """Leave the interfaces that are no more, once they are read; take in those that have come."""
        there = dict(socket.if_nameindex())
        for ring in [ring for ring in self._rings if ring.index and ring.index not in there and not self._waits(ring)]:
            self._lose(ring)
        known = {ring.index for ring in self._rings}
        for index, name in there.items():
            if index not in known and self._is_wanted(name) and len(self._rings) < _MAX_RINGS:
                try:
                    ring = self._open(name, index)
                except OSError:
                    continue  # gone again, or no memory for its ring: the next look tells
                self._rings.append(ring)
                if self._loop is not None:
                    self._loop.add_reader(ring.socket, self._readable.set)

    def _is_wanted(self, name: str) -> bool:
        """Whether an interface is one of those that were named, or of a form that was."""
        return name in self._names or any(pattern.fullmatch(name) for pattern in self._patterns)

    def _lose(self, ring: _Ring) -> None:
        if self._loop is not None:
            self._loop.remove_reader(ring.socket)
        self._rings.remove(ring)
        self._count(ring)
        ring.memory.close()
        ring.socket.close()

    def count_drops(self) -> None:
        """Add what the kernel counted since the last call (PACKET_STATISTICS) to `received` and `dropped`."""
        for ring in self._rings:
            self._count(ring)

    def _count(self, ring: _Ring) -> None:
        statistics = ring.socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 12)
        received, dropped, _frozen = struct.unpack("=3I", statistics)
        self.received += received
        self.dropped += dropped

    def _open(self, name: str, index: int) -> _Ring:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)  # protocol 0: nothing yet
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, self._program.option)
            sock.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
            size = self._blocks * BLOCK_SIZE
            sock.setsockopt(
                _SOL_PACKET,
                _PACKET_RX_RING,
                _RING.pack(BLOCK_SIZE, self._blocks, BLOCK_SIZE, self._blocks, _RETIRE_MS, 0, 0),
            )
            memory = mmap.mmap(sock.fileno(), size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
            if index and index == _loopback():
                sock.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)  # else each packet comes twice
            _bind(sock, index)
        except OSError:
            sock.close()
            raise
        return _Ring(name, index, sock, memory)

    def _number(self, index: int, link_type: int) -> int:
        number = self._numbers.get((index, link_type))
        if number is None:
            try:
                name = socket.if_indextoname(index)
            except OSError:
                name = f"#{index}"  # gone since
            number = self._numbers[index, link_type] = self._interfaces.add(name)
        return number


def _bind(sock: socket.socket, index: int) -> None:
    """bind(2) to an interface by index; Python's own asks for a name, and 0, all interfaces, has none."""
    address = (
        struct.pack("=H", socket.AF_PACKET)
        + struct.pack("!H", _ETH_P_ALL)
        + struct.pack("=iHBB8s", index, 0, 0, 0, b"")
    )
    if ctypes.CDLL(None, use_errno=True).bind(sock.fileno(), address, len(address)):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _loopback() -> int:
    try:
        return socket.if_nametoindex("lo")
    except OSError:
        return 0
