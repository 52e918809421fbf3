"""Cuts a large capture file into pieces (`wire/cut.py`)."""

import os

from correlator.wire.cut import HEAD, WINDOW, head_length, record_in


def can_be_cut(name: str) -> bool:
    """Whether it is a file that can be cut: no other bytes but the first ones tell what records are."""
    try:
        with open(name, "rb", 0) as file:
            return head_length(os.pread(file.fileno(), HEAD, 0)) is not None
    except OSError:  # reading it tells
        return False


def first_record(name: str, near: int) -> int | None:
    """Where a record of a file seems to begin, at `near` or behind it; None where nothing looks like one.

    Raises OSError.
    """
    with open(name, "rb", 0) as file:
        head = os.pread(file.fileno(), HEAD, 0)
        length = head_length(head)
        if length is None:
            return None
        begin = max(near - near % 4, length)
        found = record_in(os.pread(file.fileno(), WINDOW, begin), head)
        return None if found is None else begin + found
