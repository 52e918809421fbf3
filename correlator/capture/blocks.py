"""The blocks of a file: while one is looked at, those that follow are read."""

import os
import sys
from collections import deque

from correlator.capture import aio

BLOCK = 1 << 20
"""Bytes."""
AHEAD = 4
"""Blocks."""


class Blocks:
    """Gives a file's bytes in order. The descriptor is to stay open until it is closed here."""

    def __init__(
        self, descriptor: int, begin: int = 0, *, until: int = sys.maxsize, size: int = BLOCK, ahead: int = AHEAD
    ) -> None:
        """`begin`: offset of the first byte that is wanted; `until`: of the first one that is not, or hardly.

        `size`: of a block. `ahead`: so many are read ahead.
        """
        self._descriptor = descriptor
        self._size = size
        self._ahead = ahead
        self._at = begin
        self._until = until
        self._asked: deque[aio.Read] = deque()

    def take(self) -> bytes:
        """The next block; empty at the end of the file. Raises OSError."""
        data = b""
        if self._asked:
            read = self._asked.popleft()
            if self._asked and not aio.is_done(read):  # instead of waiting
                aio.take_over(self._asked[-1])
            data = aio.finish(read)
        if not data:  # the first one; or the file ended here, and may have grown since
            self._asked.clear()
            data = os.pread(self._descriptor, self._size, self._at)
        self._at += len(data)
        if len(data) < self._size:  # the next one begins elsewhere than was thought
            self._asked.clear()
        else:
            self._ask()
        return data

    def close(self) -> None:
        """Give up what is still to be read: the descriptor can be closed."""
        self._asked.clear()

    def _ask(self) -> None:
        offset = self._at + len(self._asked) * self._size
        while len(self._asked) < self._ahead and offset < self._until:
            self._asked.append(aio.begin(self._descriptor, self._size, offset))
            offset += self._size
