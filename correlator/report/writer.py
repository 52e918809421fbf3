"""Output files: one task a file writes what the sinks put, in batches, through aiofiles.

A call through aiofiles goes to a thread and back, which costs as much as a hundred rows, and the thread waits for the
interpreter while we work: so 512 KiB go at once, and more where the last batch is still on its way. Files are new
(never over one that exists, unless forced: then in its place), 0600, and never behind a link. Where writing fails, what
was put piece by piece stays in whole pieces. What a forced file replaces stays until there is something to write.
"""

import asyncio
import contextlib
import errno
import fcntl
import itertools
import os
import pwd
import stat
import time
from array import array
from collections.abc import Awaitable, Callable

STANDARD_INPUT = STANDARD_OUTPUT = "-"
_STDOUT_FD = 1
_BATCH = 1 << 19
_FOR_A_READER = 3.0  # seconds
_PIECE = 1 << 20
_MOST = 1 << 21  # a batch of so many, and one that is being written, may wait for a slow disk
_SHOWN = 40  # characters of a name in that of its interim file, which has the same bound (NAME_MAX)
_numbers = itertools.count(1)

_Batch = tuple[bytearray, "array[int]"]  # the second: where its pieces end


class OutputError(Exception):
    """An output that cannot be: the message says which and why."""


class Writer:
    """A file that is written while the run goes on."""

    def __init__(self, name: str, *, force: bool = False, whole: bool = False) -> None:
        """`force` overwrites. `whole`: the file is there when it is complete, or not at all. Nothing is opened yet."""
        self.name = name
        self.failure: str | None = None
        self.is_gone = False
        """Whether this was standard output and whoever read it has left."""
        self._force = force
        self._whole = whole
        self._fd: int | None = None
        self._made = False
        self._interim: str | None = None
        self._is_ended = False
        self._is_needless = False
        self._batch = bytearray()
        self._ends = array("Q")  # of the pieces in the batch
        self.total = 0
        """Bytes put so far."""
        self._again = 0
        self._queue: asyncio.Queue[_Batch | None] = asyncio.Queue(1)

    @property
    def is_stdout(self) -> bool:
        """Whether it writes to standard output."""
        return self.name == STANDARD_OUTPUT

    def open(self) -> None:
        """Open the file, before any work is done. Raises OutputError."""
        if self.is_stdout:
            self._fd = _STDOUT_FD
            return
        try:
            self._fd = self._opened()
        except OSError as error:
            reason = error.strerror or str(error)
            if error.errno in {errno.EACCES, errno.EPERM}:
                reason = f"{reason} (user {_who()})"  # `live --user` opens files as that user
            message = f"{self.name}: {reason}"
            raise OutputError(message) from None

    def _opened(self) -> int:
        try:
            mode = os.lstat(self.name).st_mode
        except FileNotFoundError:
            self._made = not self._whole
            return self._new(self._beside() if self._whole else self.name)
        if not self._force:
            message = f"{self.name}: exists; use --force to overwrite it"
            raise OutputError(message)
        if stat.S_ISLNK(mode):
            message = f"{self.name}: is a symbolic link"
            raise OutputError(message)
        if stat.S_ISREG(mode):
            # Not into the file that is there: somebody may have it open, or have other names for it.
            return self._new(self._beside())
        self._whole = False
        flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        return _fifo(self.name, flags) if stat.S_ISFIFO(mode) else os.open(self.name, flags)

    def _new(self, name: str) -> int:
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        _lock(file)
        return file

    def _beside(self) -> str:
        """The name that a file has until it takes its place."""
        folder, base = os.path.split(self.name)
        self._interim = os.path.join(folder, f".{base[:_SHOWN]}.{os.getpid()}-{next(_numbers)}.new")
        return self._interim

    def _take_place(self) -> None:
        """Have the file under its name."""
        if self._interim is None:
            return
        if self._force:
            os.rename(self._interim, self.name)
        else:
            _link(self._interim, self.name)
        self._interim = None

    def is_same_file(self, other: str) -> bool:
        """Whether a file that is to be read is this one, by whatever name; before the run begins."""
        if self._fd is None or self.is_stdout:
            return False
        try:
            return os.path.samefile(self.name, 0 if other == STANDARD_INPUT else other)
        except OSError:
            return False

    def discard(self) -> None:
        """Close the file and leave nothing of it behind that was not there before; for a run that does not begin."""
        if self._fd is None or self.is_stdout:
            return
        made = os.fstat(self._fd)
        os.close(self._fd)
        self._fd = None
        with contextlib.suppress(OSError):
            if self._made and os.path.samestat(made, os.lstat(self.name)):  # and not somebody else's by now
                os.unlink(self.name)
        self._drop_interim()

    def _drop_interim(self) -> None:
        if self._interim is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._interim)

    def forget(self) -> None:
        """Write nothing of what waits, and leave things as they were where nothing was written before."""
        self._batch, self._ends = bytearray(), array("Q")
        self._is_needless = True

    def expect_again(self, lines: int) -> None:
        """Leave out so many lines of what comes: they are there already."""
        self._again = lines

    def put(self, data: bytes) -> None:
        """Add a piece; it goes with the next batch."""
        if self._again:
            data = self._left(data)
        self._batch += data
        self._ends.append(len(self._batch))
        self.total += len(data)

    def _left(self, data: bytes) -> bytes:
        """What of a piece, which ends with a line, is not there yet."""
        lines = data.splitlines(keepends=True)
        left = lines[self._again :]
        self._again -= min(self._again, len(lines))
        return b"".join(left)

    async def append(self, name: str, *, without_header: bool) -> None:
        """Add the lines that a file holds, without its first one if that is a header."""
        import aiofiles  # noqa: PLC0415  many runs write no file, and it is slow to import

        async with aiofiles.open(name, "rb") as file:
            if without_header:
                await file.readline()
            rest = b""
            while piece := await file.read(_PIECE):
                end = piece.rfind(b"\n") + 1
                self.put(rest + piece[:end])  # whole lines, as if they had been put one by one
                rest = piece[end:]
                await self.flush()
            self.put(rest)

    async def flush(self, *, all_of_it: bool = False) -> None:
        """Hand a full batch to the task, of standard output all there is; waits where the disk does not keep up."""
        wanted = 1 if all_of_it or self.is_stdout else _MOST if self._queue.full() else _BATCH
        if len(self._batch) >= wanted:
            batch, self._batch = (self._batch, self._ends), bytearray()
            self._ends = array("Q")
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
            batch = await self._next()
            if batch is None and self._is_needless:
                self.discard()
                return
            fd, self._fd = self._fd, None
            async with aiofiles.open(fd, "wb", buffering=0, closefd=not self.is_stdout) as file:  # type: ignore[call-overload]
                if not self._whole:
                    self._take_place()
                await self._drain(batch, file.write, file.fileno())
                self._take_place()
        except (OSError, OutputError) as error:
            shown = "standard output" if self.is_stdout else self.name
            self.failure = f"{shown}: {error.strerror}" if isinstance(error, OSError) else str(error)
            self.is_gone = self.is_stdout and isinstance(error, BrokenPipeError)
            self._drop_interim()
            while not self._is_ended:
                await self._next()

    async def _next(self) -> _Batch | None:
        batch = await self._queue.get()
        self._is_ended = batch is None
        return batch

    async def _drain(self, batch: _Batch | None, write: Callable[[memoryview], Awaitable[int]], file: int) -> None:
        kept = 0  # bytes of all batches before
        while batch is not None:
            data, ends = batch
            view = memoryview(data)
            try:
                while view:
                    view = view[await write(view) :]
            except OSError:
                _cut(file, kept + max((end for end in ends if end <= len(data) - len(view)), default=0))
                raise
            kept += len(data)
            batch = await self._next()


def _fifo(name: str, flags: int) -> int:
    """Open a FIFO, with a while for its reader to come: open(2) would wait for ever, and hear no signal."""
    until = time.monotonic() + _FOR_A_READER
    while True:
        try:
            file = os.open(name, flags | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > until:
                message = f"{name}: nobody reads this FIFO"
                raise OutputError(message) from None
            time.sleep(0.05)
        else:
            os.set_blocking(file, True)
            return file


def _link(interim: str, name: str) -> None:
    """Have a file under a name that is not taken by now."""
    try:
        os.link(interim, name)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(name):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        os.rename(interim, name)
    else:
        os.unlink(interim)


def _lock(file: int) -> None:
    """Tell `correlator repair` that the file is being written (flock(2)); elsewhere nobody asks."""
    with contextlib.suppress(OSError):
        if stat.S_ISREG(os.fstat(file).st_mode):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _cut(file: int, size: int) -> None:
    """Cut a file whose writing failed to whole pieces, if it is one that can be cut."""
    with contextlib.suppress(OSError):
        if stat.S_ISREG(os.fstat(file).st_mode):
            os.ftruncate(file, size)


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
