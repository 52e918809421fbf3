"""inotify(7): which files came under their names in a folder, however soon they were gone again."""

import ctypes
import os
import struct
import threading
from pathlib import Path

_MOVED_TO, _IGNORED = 0x80, 0x8000
_HEAD = struct.Struct("iIII")


class Watch:
    """Counts what comes into a folder."""

    def __init__(self, folder: Path) -> None:
        """Watches from now on."""
        libc = ctypes.CDLL(None, use_errno=True)
        self._file = libc.inotify_init1(os.O_CLOEXEC)
        if self._file < 0 or libc.inotify_add_watch(self._file, os.fsencode(folder), _MOVED_TO) < 0:
            raise OSError(ctypes.get_errno(), f"inotify: {folder}")
        self.names: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while data := os.read(self._file, 65536):
            at = 0
            while at < len(data):
                _watch, mask, _cookie, length = _HEAD.unpack_from(data, at)
                at += _HEAD.size
                if mask & _IGNORED:
                    return
                assert mask & _MOVED_TO, "inotify could not keep up"
                self.names.append(data[at : at + length].rstrip(b"\0").decode())
                at += length
