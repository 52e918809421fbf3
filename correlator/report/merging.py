"""Lines that several processes wrote, each of its share of the connections, in the order in which one would have.

Each line begins with a key of hexadecimal digits (`Buffer.put_key`), and each file is in the order of its keys.
"""

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import BinaryIO

from correlator.report.buffer import KEY

_AT_ONCE = 4096  # lines


def merged(files: Sequence[BinaryIO]) -> Iterator[bytes]:
    """The lines of the files in the order of their keys, without the keys, many at a time."""
    lines = merge(*files)
    while some := list(islice(lines, _AT_ONCE)):
        yield b"".join([line[KEY:] for line in some])
