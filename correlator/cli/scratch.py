"""A folder for what processes write for one another; those of runs that were killed are removed by the next."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator

_NAME = re.compile(r"correlator-jobs-(\d{1,10})-\w+")


@contextlib.contextmanager
def scratch() -> Iterator[str]:
    """The folder's name."""
    _remove_stale()
    with tempfile.TemporaryDirectory(prefix=f"correlator-jobs-{os.getpid()}-") as folder:
        yield folder


def _remove_stale() -> None:
    """Remove our own user's folders whose process is gone."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match is None or os.path.exists(f"/proc/{match[1]}") or not os.path.exists("/proc/self"):
                continue
            if entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                shutil.rmtree(entry.path, ignore_errors=True)
