"""A folder for what processes write for one another; those of runs that were killed are removed by the next."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator

_PREFIX = "correlator-jobs-"
_YOUNG = 60.0  # seconds: one that is just made is not held yet


@contextlib.contextmanager
def scratch() -> Iterator[str]:
    """The folder's name."""
    _remove_stale()
    with tempfile.TemporaryDirectory(prefix="correlator-jobs-") as folder:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(held)


def _remove_stale() -> None:
    """Remove our own user's folders that nobody holds: a process's number means nothing in another namespace."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                if status.st_uid == os.geteuid() and time.time() - status.st_ctime > _YOUNG:
                    _remove_if_free(entry.path)


def _remove_if_free(path: str) -> None:
    with contextlib.suppress(OSError):
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(folder)
