"""Output files: one task a file writes what the sinks put, in batches, through aiofiles.

A call through aiofiles goes to a thread and back, which costs as much as a hundred rows, and the thread waits for the
interpreter while we work: so 512 KiB go at once, and more where the last batch is still on its way. Files are new
(never over one that exists, unless forced), 0600, and never behind a link.
"""

import asyncio
import errno
import os
import pwd
import stat
from collections.abc import Awaitable, Callable

STANDARD_OUTPUT = "-"
_STDOUT_FD = 1
_BATCH = 1 << 19
_PIECE = 1 << 20
_MOST = 1 << 21  # a batch of so many, and one that is being written, may wait for a slow disk


class OutputError(Exception):
    """An output that cannot be: the message says which and why."""


class Writer:
    """A file that is written while the run goes on."""

    def __init__(self, name: str, *, force: bool = False) -> None:
        """`force` overwrites. Nothing is opened yet."""
        self.name = name
        self.failure: str | None = None
        self.is_gone = False
        """Whether this was standard output and whoever read it has left."""
        self._force = force
        self._fd: int | None = None
        self._made = False
        self._batch = bytearray()
        self.total = 0
        """Bytes put so far."""
        self._queue: asyncio.Queue[bytearray | None] = asyncio.Queue(1)

    @property
    def is_stdout(self) -> bool:
        """Whether it writes to standard output."""
        return self.name == STANDARD_OUTPUT

    def open(self) -> None:
        """Open the file, before any work is done. Raises OutputError."""
        if self.is_stdout:
            self._fd = _STDOUT_FD
            return
        self._made = not os.path.lexists(self.name)
        if not self._made and not self._force:
            message = f"{self.name}: exists; use --force to overwrite it"
            raise OutputError(message)
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | (0 if self._force else os.O_EXCL)
        try:
            self._fd = os.open(self.name, flags, 0o600)
        except OSError as error:
            reason = "is a symbolic link" if error.errno == errno.ELOOP else error.strerror
            if error.errno in {errno.EACCES, errno.EPERM}:
                reason = f"{reason} (user {_who()})"  # `live --user` opens files as that user
            message = f"{self.name}: {reason}"
            raise OutputError(message) from None

    def is_same_file(self, other: str) -> bool:
        """Whether a file that is to be read is this one, by whatever name."""
        if self._fd is None or self.is_stdout:
            return False
        try:
            return os.path.samestat(os.fstat(self._fd), os.stat(other))
        except OSError:
            return False

    def discard(self) -> None:
        """Close the file and leave nothing of it behind that was not there before; for a run that does not begin."""
        if self._fd is None or self.is_stdout:
            return
        os.close(self._fd)
        self._fd = None
        if self._made:
            os.unlink(self.name)

    def remove(self) -> None:
        """Remove the finished file if it was made here: the run had nothing to write."""
        if self._made and self.failure is None:
            os.unlink(self.name)

    def put(self, data: bytes) -> None:
        """Add bytes; they go with the next batch."""
        self._batch += data
        self.total += len(data)

    async def append(self, name: str, *, without_header: bool) -> None:
        """Add what a file holds, without its first line if that is a header."""
        import aiofiles  # noqa: PLC0415  many runs write no file, and it is slow to import

        async with aiofiles.open(name, "rb") as file:
            if without_header:
                await file.readline()
            while piece := await file.read(_PIECE):
                self.put(piece)
                await self.flush()

    async def flush(self, *, all_of_it: bool = False) -> None:
        """Hand a full batch to the task, of standard output all there is; waits where the disk does not keep up."""
        wanted = 1 if all_of_it or self.is_stdout else _MOST if self._queue.full() else _BATCH
        if len(self._batch) >= wanted:
            batch, self._batch = self._batch, bytearray()
            if self.failure is None:
                await self._queue.put(batch)

    async def end(self) -> None:
        """Hand over the rest, and let the task finish."""
        await self.flush(all_of_it=True)
        await self._queue.put(None)

    async def run(self) -> None:
        """The file's task: ends after `end`. An error ends the writing, not the run: `failure` says it."""
        import aiofiles  # noqa: PLC0415  as above

        try:
            if self._fd is None:
                self.open()
            fd, self._fd = self._fd, None
            async with aiofiles.open(fd, "wb", buffering=0, closefd=not self.is_stdout) as file:  # type: ignore[call-overload]
                if self._force and stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    await file.truncate()
                await self._drain(file.write)
        except (OSError, OutputError) as error:
            shown = "standard output" if self.is_stdout else self.name
            self.failure = f"{shown}: {error.strerror}" if isinstance(error, OSError) else str(error)
            self.is_gone = self.is_stdout and isinstance(error, BrokenPipeError)
            while await self._queue.get() is not None:
                pass

    async def _drain(self, write: Callable[[memoryview], Awaitable[int]]) -> None:
        while (batch := await self._queue.get()) is not None:
            view = memoryview(batch)
            while view:
                view = view[await write(view) :]


def _who() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def beside(prefix: str, suffix: str) -> str:
    """PREFIX.suffix. Raises OutputError for a prefix that names a folder."""
    if os.path.basename(prefix) in {"", ".", ".."}:
        message = f"{prefix!r} names a folder: give a prefix for the files in it, as in {os.path.join(prefix, 'run')}"
        raise OutputError(message)
    return prefix + suffix
