"""A bounded queue on disk: what is to be sent waits here until somebody has it, over restarts and kills.

A file a batch, under its name when it is complete: NUMBER-COUNT-NAME.jsonl.gz, of which COUNT is that of its findings.
Where there is no room for another the oldest is dropped, and counted.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import re
import stat
import time
from collections import deque
from dataclasses import dataclass

from correlator.fleet.batch import Batch

_FILE = re.compile(r"(0\d{19})-(\d{1,9})-([0-9a-f]{32})\.jsonl\.gz")  # the year 2286 at the latest
_INTERIM = ".new"
_BLOCK = 4096  # bytes


class SpoolError(Exception):
    """The folder cannot be used: the message says which and why."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A batch that waits."""

    file: str
    name: str
    count: int
    size: int
    """Bytes that it takes on disk, at the least what there is to read."""


class Spool:
    """The batches that wait in a folder, the oldest first."""

    def __init__(self, folder: str, most: int) -> None:
        """`most`: bytes. Nothing is opened yet."""
        self.folder = folder
        self.most = most
        self.dropped = 0
        """Findings for which there was no room."""
        self.failure: str | None = None
        """Why the last one could not be written."""
        self._waiting: deque[Waiting] = deque()
        self._size = 0
        self._number = 0

    def open(self) -> None:
        """Take the folder, which nobody else may use, and what waits in it. Raises SpoolError."""
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            self._lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for name in sorted(os.listdir(self.folder)):
                match, path = _FILE.fullmatch(name.removesuffix(_INTERIM)), os.path.join(self.folder, name)
                status = os.lstat(path)
                if match is None or not stat.S_ISREG(status.st_mode):
                    continue  # none of ours
                if name.endswith(_INTERIM):
                    os.unlink(path)  # of a run that was killed: nobody was told that it was there
                else:
                    self._add(Waiting(path, match[3], int(match[2]), _on_disk(status.st_size)))
                    self._number = int(match[1])
        except BlockingIOError:
            raise SpoolError(f"{self.folder}: another run sends from this folder; give each its own") from None
        except OSError as error:
            raise SpoolError(f"{self.folder}: {error.strerror}") from None

    def close(self) -> None:
        """Let the folder go; what waits stays. What somebody else has removed is lost."""
        for waiting in list(self._waiting):
            if not os.path.isfile(waiting.file):
                self.lose(waiting)
        os.close(self._lock)

    def __len__(self) -> int:
        """How many batches wait."""
        return len(self._waiting)

    @property
    def findings(self) -> int:
        """How many findings wait."""
        return sum(waiting.count for waiting in self._waiting)

    def first(self, most: int) -> list[Waiting]:
        """The oldest that wait."""
        return [self._waiting[place] for place in range(min(most, len(self._waiting)))]

    async def add(self, batch: Batch) -> None:
        """Have a batch on disk. One that cannot be is dropped, and counted."""
        self._number = max(self._number + 1, time.time_ns())  # behind those that wait, whatever the clock says
        path = os.path.join(self.folder, f"{self._number:020d}-{batch.count}-{batch.name}.jsonl.gz")
        try:
            size = await asyncio.to_thread(_write, path, batch)
        except OSError as error:
            self.dropped += batch.count
            self.failure = f"{self.folder}: {error.strerror}"
            return
        self.failure = None
        self._add(Waiting(path, batch.name, batch.count, _on_disk(size)))
        while self._size > self.most:
            self.lose(self._waiting[0])

    def remove(self, waiting: Waiting) -> None:
        """Somebody else has it."""
        with contextlib.suppress(ValueError):  # it was dropped meanwhile
            self._waiting.remove(waiting)
            self._size -= waiting.size
            try:
                os.unlink(waiting.file)
            except FileNotFoundError:
                pass
            except OSError as error:  # the next run sends it again: it is the same message
                self.failure = f"{waiting.file}: {error.strerror}"

    def lose(self, waiting: Waiting) -> None:
        """It is not there any more."""
        self.dropped += waiting.count
        self.remove(waiting)

    def _add(self, waiting: Waiting) -> None:
        self._waiting.append(waiting)
        self._size += waiting.size


def _on_disk(size: int) -> int:
    """What a file of so many bytes takes: a quiet host's are small."""
    return -(-size // _BLOCK) * _BLOCK


def read(waiting: Waiting) -> bytes:
    """The bytes of a batch. Raises OSError, FileNotFoundError where it is not there any more."""
    try:
        file = os.open(waiting.file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except NotADirectoryError as error:
        raise FileNotFoundError(error.errno, error.strerror, waiting.file) from None
    with os.fdopen(file, "rb") as opened:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise FileNotFoundError(errno.ENOENT, "it is no file any more", waiting.file)
        return opened.read(waiting.size)


def _write(path: str, batch: Batch) -> int:
    data = batch.pack()
    interim = path + _INTERIM
    file = os.open(interim, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "wb", buffering=0) as opened:
            view = memoryview(data)
            while view:
                view = view[opened.write(view) :]
            os.fsync(opened.fileno())
        os.rename(interim, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(interim)
        raise
    return len(data)
