"""Output files: one task a file writes what the sinks put, in batches, through aiofiles.

A call through aiofiles costs 64 µs, a record in a batch 1 µs: so 64 KiB go at once. Files are new (never over one
that exists, unless forced), 0600, and never behind a link.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiofiles

STANDARD_OUTPUT = "-"
_BATCH = 65_536
_QUEUE = 64  # batches: 4 MB may wait for a slow disk


class OutputError(Exception):
    """An output that could not be opened: the message says which and why."""


class Writer:
    """A file that is written while the run goes on."""

    def __init__(self, name: str, *, force: bool = False) -> None:
        """`force` overwrites. Nothing is opened yet."""
        self.name = name
        self.failure: str | None = None
        self._force = force
        self._parts: list[bytes] = []
        self._size = 0
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUE)

    def check(self) -> None:
        """Raises OutputError where the file exists and is not to be overwritten, before any work is done."""
        if self.name == STANDARD_OUTPUT or self._force:
            return
        if os.path.lexists(self.name):
            message = f"{self.name}: exists; use --force to overwrite it"
            raise OutputError(message)

    def put(self, data: bytes) -> None:
        """Add bytes; they go with the next batch."""
        self._parts.append(data)
        self._size += len(data)

    async def flush(self, *, all_of_it: bool = False) -> None:
        """Hand a full batch to the task; waits where the disk does not keep up."""
        if self._size >= _BATCH or (all_of_it and self._size):
            batch = b"".join(self._parts)
            self._parts, self._size = [], 0
            if self.failure is None:
                await self._queue.put(batch)

    async def end(self) -> None:
        """Hand over the rest, and let the task finish."""
        await self.flush(all_of_it=True)
        await self._queue.put(None)

    async def run(self) -> None:
        """The file's task: ends after `end`. An error ends the writing, not the run: `failure` says it."""
        try:
            if self.name == STANDARD_OUTPUT:
                await self._drain(aiofiles.stdout_bytes.write)
                await aiofiles.stdout_bytes.flush()
            else:
                async with aiofiles.open(self.name, "wb", buffering=0, opener=self._opener) as file:
                    await self._drain(file.write)
        except OSError as error:
            self.failure = f"{self.name}: {error.strerror or error}"
            while await self._queue.get() is not None:
                pass

    async def _drain(self, write: Callable[[memoryview], Awaitable[int]]) -> None:
        while (batch := await self._queue.get()) is not None:
            view = memoryview(batch)
            while view:
                written = await write(view)
                view = view[written:]

    def _opener(self, path: str, flags: int) -> int:
        extra = 0 if self._force else os.O_EXCL
        return os.open(path, flags | extra | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def beside(prefix: str, suffix: str) -> str:
    """PREFIX.suffix, in the folder of the prefix."""
    return str(Path(prefix).with_name(Path(prefix).name + suffix))
