"""Files in parts: mapped, which spares copying what nobody looks at, or read where there is no guard."""

import os
from mmap import MAP_SHARED, PROT_READ, mmap

from correlator.capture import guard

PART = 1 << 23
"""Bytes. The parts of a file that were read are let go of: they would count as memory of ours."""


class _Mapped(mmap):
    """A part that is guarded for as long as there is somebody who holds it."""

    def __del__(self) -> None:
        guard.leave(self)


def part(descriptor: int, begin: int, size: int) -> bytes | mmap:
    """So many bytes of a file; `begin` is a multiple of mmap.ALLOCATIONGRANULARITY. Raises OSError."""
    try:
        mapped = _Mapped(descriptor, size, flags=MAP_SHARED, prot=PROT_READ, offset=begin)
    except (OSError, ValueError):  # not every file system maps, and the file may be shorter than it was
        return copied(descriptor, begin, size)
    return mapped if guard.watch(mapped) else copied(descriptor, begin, size)


def copied(descriptor: int, begin: int, size: int) -> bytes:
    """The same, and nobody can change it. Raises OSError."""
    return os.pread(descriptor, size, begin)


def is_cut(found: bytes | mmap) -> bool:
    """Whether bytes of a part were missing when they were looked at: then there are zeros in their place."""
    return isinstance(found, _Mapped) and guard.is_cut(found)
