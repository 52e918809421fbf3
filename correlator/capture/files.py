"""Capture files, read in blocks through aiofiles."""

import asyncio
import os
import stat
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiofiles

from correlator.core.annotation import Kept
from correlator.core.frames import Frames
from correlator.wire.formats import MAGIC_LENGTH, NotACaptureError, reader_for
from correlator.wire.interfaces import Interfaces
from correlator.wire.reader import Damage, Reader

STANDARD_INPUT = "-"
# Blocks of this size beat mmap in memory (11 MB against the file's size) and equal it in speed.
BLOCK = 1 << 20

_AHEAD = 2
"""Blocks that are read while one is worked on."""

# By their first bytes: what they are opened with until they are read directly.
_COMPRESSED = {
    b"\x1f\x8b": "zcat",
    b"\xfd7zXZ": "xzcat",
    b"\x28\xb5\x2f\xfd": "zstdcat",
    b"\x04\x22\x4d\x18": "lz4cat",
    b"BZh": "bzcat",
}

SUFFIXES = frozenset({".pcap", ".pcapng", ".cap", ".dmp", ".ntar"})


class UnreadableError(Exception):
    """An input of which nothing could be read: the message says why."""


class CaptureFile:
    """One capture file, or standard input. Iterate `batches` once."""

    def __init__(
        self, name: str, interfaces: Interfaces, *, comments: bool = False, stop: asyncio.Event | None = None
    ) -> None:
        """`comments`: keep the comments of pcapng packets. `stop`: end the reading, even of an idle pipe."""
        self.name = name
        self.bytes_read = 0
        self._interfaces = interfaces
        self._comments = comments
        self._stop = stop or asyncio.Event()
        self._reader: Reader | None = None

    @property
    def damage(self) -> Damage | None:
        """Where and why the capture was cut short, after `batches`."""
        return self._reader.damage if self._reader else None

    @property
    def kept(self) -> Kept | None:
        """What a live run of ours kept, where one wrote the file."""
        return self._reader.kept if self._reader else None

    def comments_of(self, packet: int) -> tuple[str, ...]:
        """The comments of a packet by its index in the file; taken once."""
        comments = getattr(self._reader, "comments", {})
        taken: tuple[str, ...] = comments.pop(packet, ())
        return taken

    @property
    def size(self) -> int | None:
        """The file's size in bytes where it has one."""
        if self.name == STANDARD_INPUT:
            return None
        status = Path(self.name).stat()
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    async def batches(self) -> AsyncIterator[list[Frames]]:
        """The packets, a list for each block. Raises UnreadableError before the first where there is nothing to read.

        After an error in the middle of the file `damage` says where it was.
        """
        head = b""
        async for block in self._blocks():
            self.bytes_read += len(block)
            if self._reader is None:
                head += block
                if len(head) < MAGIC_LENGTH:
                    continue
                self._reader = self._open(head)
                block, head = head, b""  # noqa: PLW2901  the first block includes what was held back
            yield self._reader.feed(block)
        if self._reader is None:
            if self._stop.is_set():
                return
            raise UnreadableError("it is empty" if not head else "it is too short for a capture file")
        self._reader.close()
        if self.damage is not None and self.damage.offset == 0:
            raise UnreadableError(self.damage.reason)

    def _open(self, head: bytes) -> Reader:
        try:
            return reader_for(head, self._interfaces, comments=self._comments)
        except NotACaptureError as error:
            tool = next((tool for magic, tool in _COMPRESSED.items() if head.startswith(magic)), None)
            if tool is not None:
                message = f"compressed; try: {tool} FILE | correlator analyse -"
                raise UnreadableError(message) from None
            message = f"not a pcap or pcapng file (it begins with {error})"
            raise UnreadableError(message) from None

    async def _blocks(self) -> AsyncIterator[bytes]:
        if self.name == STANDARD_INPUT:
            if sys.stdin.isatty():
                message = "standard input is a terminal; pipe a capture into it"
                raise UnreadableError(message)
            async for block in self._standard_input():
                yield block
            return
        try:
            with ThreadPoolExecutor(1) as executor:  # one thread: blocks come in the order in which they are asked for
                async with aiofiles.open(self.name, "rb", buffering=0, executor=executor) as file:
                    ahead = _AHEAD if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else 0  # a pipe may give no more
                    async for block in _read(file.read, ahead):
                        yield block
        except OSError as error:
            if self._reader is None:
                raise UnreadableError(error.strerror or str(error)) from None
            self._reader.damage = Damage(self.bytes_read, f"reading failed: {error.strerror or error}")

    async def _standard_input(self) -> AsyncIterator[bytes]:
        """Standard input: a pipe through the loop, so that it can be left while it is idle; a file like any other."""
        mode = os.fstat(sys.stdin.fileno()).st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            while block := await aiofiles.stdin_bytes.read(BLOCK):
                yield block
            return
        reader = asyncio.StreamReader(limit=BLOCK)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
        waiting = asyncio.ensure_future(self._stop.wait())
        waiting.add_done_callback(lambda _: None if reader.at_eof() else reader.feed_eof())
        try:
            while block := await reader.read(BLOCK):
                yield block
        finally:
            waiting.cancel()
            transport.close()


async def _read(read: Callable[[int], Awaitable[bytes]], ahead: int) -> AsyncIterator[bytes]:
    """Blocks until the end. While one is worked on, so many more are read."""
    coming: deque[asyncio.Future[bytes]] = deque()
    try:
        while True:
            while len(coming) <= ahead:
                coming.append(asyncio.ensure_future(read(BLOCK)))
            await asyncio.sleep(0)  # lets the reading begin
            block = await coming.popleft()
            if not block:
                return
            yield block
    finally:
        await asyncio.gather(*coming, return_exceptions=True)


def expand(names: list[str]) -> list[str]:
    """The names with folders replaced by the captures in them, in order. Raises UnreadableError for an empty folder."""
    found = []
    for name in names:
        path = Path(name)
        if name != STANDARD_INPUT and os.path.isdir(name):
            if not os.access(name, os.R_OK | os.X_OK):
                message = f"{name}: Permission denied"
                raise UnreadableError(message)
            inside = sorted(str(entry) for entry in path.iterdir() if entry.suffix in SUFFIXES and entry.is_file())
            if not inside:
                message = f"{name}: a folder without captures ({', '.join(sorted(SUFFIXES))})"
                raise UnreadableError(message)
            found += inside
        else:
            found.append(name)
    return found
