"""Stands between a mapped file that somebody cuts off and the signal that its missing bytes would kill us with.

Reading a mapped page that the file does not have any more, or that the disk fails to give, raises SIGBUS (mmap(2)). The
C of `guard.pxd` then puts pages of zeros in the place of the rest and notes it. This module is imported as a whole and
never compiled; without the compiled part there is no guard, and nothing is to be mapped.
"""

from mmap import mmap


def watch(part: mmap) -> bool:
    """Guard a part of a file for as long as it is mapped; False where that cannot be done."""
    del part
    return False


def leave(part: mmap) -> bool:
    """Guard it no longer; whether bytes of it were missing."""
    del part
    return False


def is_cut(part: mmap) -> bool:
    """Whether bytes of it were missing so far."""
    del part
    return False
