"""Reads of a file that go on while the program does something else (aio(7)): the C library has threads for them.

Threads of Python's would wait for one another each time that one takes up what it has read, for longer than reading it
takes. This module is imported as a whole and never compiled; without the compiled part a read is carried out when it is
finished.
"""

import os

Read = tuple[int, int, int]


def begin(descriptor: int, size: int, offset: int) -> Read:
    """Begin to read so many bytes of a file at `offset`."""
    return descriptor, size, offset


def is_done(read: Read) -> bool:
    """Whether a read would be finished at once."""
    del read
    return True


def take_over(read: Read) -> None:
    """Carry a read out at once, unless it has begun."""


def finish(read: Read) -> bytes:
    """Wait for a read, once: what it gave, less than was asked for where the file ended. Raises OSError."""
    descriptor, size, offset = read
    return os.pread(descriptor, size, offset)
