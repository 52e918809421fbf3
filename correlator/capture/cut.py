"""Cuts a large capture file into pieces (`wire/cut.py`)."""

import os

from correlator.wire.cut import HEAD, WINDOW, head_length, record_in

_NEAR = 1 << 16
"""Bytes in which most often a record begins that others follow; else all the window is looked at."""


def head_of(name: str) -> bytes:
    """The first bytes of a file; none where it cannot be cut, for others than they tell what records are."""
    try:
        with open(name, "rb", 0) as file:
            head = os.pread(file.fileno(), HEAD, 0)
    except OSError:  # reading it tells
        return b""
    return b"" if head_length(head) is None else head


def first_record(name: str, near: int, head: bytes | None = None) -> int | None:
    """Where a record of a file seems to begin, at `near` or behind it; None where nothing looks like one.

    `head`: what `head_of` said. Raises OSError.
    """
    head = head_of(name) if head is None else head
    length = head_length(head)
    if length is None:
        return None
    begin = max(near - near % 4, length)
    with open(name, "rb", 0) as file:
        data = os.pread(file.fileno(), _NEAR, begin)
        found = record_in(data, head)
        if found is None or (found > _NEAR // 2 and len(data) == _NEAR):  # few records, that may be none
            found = record_in(os.pread(file.fileno(), WINDOW, begin), head)
    return None if found is None else begin + found
