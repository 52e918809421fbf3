"""A file's parts where the page cache has them (mmap(2)): what nobody looks at is not copied.

Somebody may cut the file off while it is mapped. Reading what it does not have any more raises SIGBUS: the C of
`parts.pxd` then puts zeros in the place of the rest, and notes it. This module is imported as a whole and never
compiled; without the compiled part a part is read.
"""

import os


class Part:
    """Of a file one part at a time."""

    def __init__(self, descriptor: int) -> None:
        """None yet."""
        self.descriptor = descriptor
        self.data = b""


def new(descriptor: int) -> Part:
    """For a file, which is to stay open."""
    return Part(descriptor)


def of(kept: Part) -> Part:
    """What the others take: compiled, a pointer, which is good for as long as it is held."""
    return kept


def go_to(part: Part, begin: int, size: int) -> bytes:
    """Let go of what there is, and have so many bytes from `begin` on, or nothing, also where that fails: these."""
    try:
        part.data = os.pread(part.descriptor, size, begin)
    except OSError:
        part.data = b""
    return part.data


def size(part: Part) -> int:
    """How many bytes there are."""
    return len(part.data)


def file_size(part: Part) -> int:
    """How many the file has now; none where that fails."""
    try:
        return os.fstat(part.descriptor).st_size
    except OSError:
        return 0


def is_cut(part: Part) -> bool:
    """Whether bytes were missing when they were looked at, since it is there."""
    del part
    return False
