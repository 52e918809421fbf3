"""Memory that all processes have: a file each, for what they leave for one another of a piece."""

import mmap
import os

from correlator.core.share import SEGMENT, Slot

_LINES = 1
"""Bytes of lines for each byte of a piece: most rows of a CSV are half as long as the packets that they tell of."""


class Shared:
    """A slot for the segments of a piece, and for the lines that each share finds in it."""

    def __init__(self, name: str, room: int, shares: int) -> None:
        """`room`: for so many segments. Raises OSError."""
        with open(name, "r+b", 0) as file:
            memory = memoryview(mmap.mmap(file.fileno(), 0))
        self.segments = Slot(memory[: room * SEGMENT])
        rest = memory[room * SEGMENT :]
        length = len(rest) // shares
        self._lines = [rest[share * length : (share + 1) * length] for share in range(shares)]

    def put(self, share: int, lines: tuple[bytes, ...]) -> bool:
        """Leave the lines of a share, for each output; False where there is no room for them."""
        room, at = self._lines[share], 0
        if sum(map(len, lines)) > len(room):
            return False
        for one in lines:
            room[at : at + len(one)] = one
            at += len(one)
        return True

    def lines(self, share: int, lengths: tuple[int, ...]) -> tuple[bytes, ...]:
        """The lines of a share that were left, of such lengths."""
        room, at, found = self._lines[share], 0, []
        for length in lengths:
            found.append(bytes(room[at : at + length]))
            at += length
        return tuple(found)


def make(name: str, room: int, piece: int) -> None:
    """Make the file of a slot, for pieces of so many bytes. Raises OSError.

    Its place on the disk is taken, where the system can do that: who has it in memory would be killed where there is
    none, and one process would have to do the rest.
    """
    size = room * SEGMENT + piece * _LINES
    with open(name, "xb", 0) as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
