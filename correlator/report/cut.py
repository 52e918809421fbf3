"""Where a report, a table or the evidence of a run that was killed stops making sense: behind its last whole line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from correlator.report.columns import COLUMNS
from correlator.report.read import MAX_LINE

_BLOCK = 1 << 20
_HEADER = ",".join(COLUMNS).encode() + b"\r\n"
_ENOUGH = 8  # bytes that tell the form of a file


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a file makes sense."""

    holds: str
    """What its records are, in words."""
    records: int
    end: int
    """The byte behind the last whole record."""
    size: int
    has_ended: bool
    """Whether the run that wrote it came to its end, as far as the file tells."""


def extent(file: BinaryIO) -> Extent | None:
    """How far a file of lines that we write makes sense; None where it is none of ours."""
    head = file.read(len(_HEADER))
    file.seek(0)
    if head[:_ENOUGH] == _HEADER[:_ENOUGH] and _HEADER.startswith(head):
        return _of_table(file)
    if head.startswith(b'{"type":'):
        return _of_lines(file)
    return None


def _of_table(file: BinaryIO) -> Extent:
    """CSV: a row is a line, for no cell of ours holds the end of one."""
    lines = end = size = 0
    for at, line in _lines(file):
        size = at + len(line)
        if line.endswith(b"\r\n"):
            end, lines = size, lines + 1
    return Extent("rows", max(0, lines - 1), end, size, has_ended=True)


def _of_lines(file: BinaryIO) -> Extent:
    """JSON Lines: the run, findings or statements, the counters."""
    findings = statements = end = size = 0
    kind: object = None
    for at, line in _lines(file):
        size = at + len(line)
        if line.endswith(b"\n"):
            kind, end = _kind(line), size
            findings += kind == "finding"
            statements += kind not in {None, "run", "counters", "finding"}
    name, count = ("statements", statements) if statements else ("findings", findings)
    return Extent(name, count, end, size, has_ended=kind == "counters" and end == size)


def _kind(line: bytes) -> object:
    """The type of a record; None where the line holds none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record.get("type") if isinstance(record, dict) else None


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines with their places, of bounded length: what is longer comes in pieces, which are no records."""
    at = 0
    while line := file.readline(MAX_LINE):
        yield at, line
        at += len(line)
