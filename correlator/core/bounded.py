"""Tables that hold a bounded number of entries, the latest."""

from itertools import islice
from typing import TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")

_SHARE = 16


def drop_oldest(table: dict[_K, _V], most: int) -> list[_V]:
    """Take out what has been in a table for longest, until it holds no more than `most`, and somewhat less.

    A dict that has lost many of its first entries is searched for the next one from its beginning: one at a time
    would take long, so where there are many a sixteenth goes at once.
    """
    excess = len(table) - most
    count = excess + most // _SHARE if excess > 0 else 0
    return [table.pop(key) for key in list(islice(table, count))]
