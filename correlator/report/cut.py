"""Where a report, a table or the evidence of a run that was killed stops making sense: behind its last whole line."""

import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from correlator.report.columns import COLUMNS
from correlator.report.read import MAX_LINE

_HEADER = ",".join(COLUMNS).encode() + b"\r\n"


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
    head = file.readline(MAX_LINE).removeprefix(BOM_UTF8)
    file.seek(0)
    if head == _HEADER:
        return _of_table(file)
    if head.endswith(b"\n") and _kind(head) == "run":
        return _of_lines(file)
    return None


def _of_table(file: BinaryIO) -> Extent:
    """CSV: a row is a line, for no cell of ours holds the end of one."""
    lines = end = size = 0
    for at, line in _lines(file):
        size = at + len(line)
        if line.endswith(b"\n"):
            end, lines = size, lines + 1
    return Extent("rows", max(0, lines - 1), end, size, has_ended=True)


def _of_lines(file: BinaryIO) -> Extent:
    """JSON Lines: the run, findings or statements, the counters."""
    findings = statements = end = size = 0
    kind = ""
    for at, line in _lines(file):
        size = at + len(line)
        found = _kind(line.removeprefix(BOM_UTF8))
        if line.endswith(b"\n") or found:  # a record that lacks only the end of its line is whole
            kind, end = found, size
            findings += kind == "finding"
            statements += kind not in {"", "run", "counters", "finding"}
    name, count = ("statements", statements) if statements else ("findings", findings)
    return Extent(name, count, end, size, has_ended=kind == "counters" and end == size)


def _kind(line: bytes) -> str:
    """The type of a record; empty where the line holds none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    kind = record.get("type") if isinstance(record, dict) else None
    return kind if isinstance(kind, str) else ""


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines with their places, of bounded length: what is longer comes in pieces, which are no records."""
    at = 0
    while line := file.readline(MAX_LINE):
        yield at, line
        at += len(line)
