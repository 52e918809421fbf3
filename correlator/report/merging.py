"""Lines that several processes wrote, each of its share of the connections, in the order in which one would have.

Each line begins with a key of hexadecimal digits (`Buffer.put_key`), and each file is in the order of its keys.
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from correlator.report.buffer import KEY

_KEY = KEY
_BLOCK = 1 << 18  # bytes
_AT_ONCE = 4096  # lines


class _Lines:
    """The lines of one file."""

    def __init__(self, file: BinaryIO) -> None:
        """At the first line."""
        self._file = file
        self._data = b""
        self._at = 0
        self._end = 0
        self.key = b""
        """Of the line; empty behind the last one."""
        self.go_on()

    def line(self) -> bytes:
        """The line without its key."""
        return self._data[self._at + _KEY : self._end]

    def go_on(self) -> None:
        """Go on to the next line."""
        self._at = self._end
        self._end = self._data.find(b"\n", self._at) + 1
        while not self._end and (block := self._file.read(_BLOCK)):
            self._data, self._at = self._data[self._at :] + block, 0
            self._end = self._data.find(b"\n") + 1
        self.key = self._data[self._at : self._at + _KEY] if self._end else b""


def merged(files: Sequence[BinaryIO]) -> Iterator[bytes]:
    """The lines of the files in the order of their keys, without the keys, many at a time."""
    sources = [_Lines(file) for file in files]
    while some := _some(sources):
        yield b"".join(some)


def _some(sources: list[_Lines]) -> list[bytes]:
    """The next lines of all; none at the end."""
    lines: list[bytes] = []
    while len(lines) < _AT_ONCE:
        first: _Lines | None = None
        for source in sources:
            if source.key and (first is None or source.key < first.key):
                first = source
        if first is None:
            break
        lines.append(first.line())
        first.go_on()
    return lines
