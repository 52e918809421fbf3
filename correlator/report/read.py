"""Reads a JSON Lines report back: its records, a line at a time."""

import json
import math
from codecs import BOM_UTF8
from collections.abc import AsyncIterator
from typing import Any

import aiofiles

from correlator.report.columns import COLUMNS
from correlator.report.record import SCHEMA

_SECOND_LINE = 2
_BLOCK = 1 << 18
MAX_LINE = 1 << 20  # a finding takes about 2 KB
_NUMBERS = frozenset(
    {
        "client_port",
        "server_port",
        "syn_count",
        "syn_ack_count",
        "client_packets",
        "server_packets",
        "client_bytes",
        "server_bytes",
        "client_isn",
        "server_isn",
    }
    | {"pid", "uid", "inode", "cookie", "syn_rtt_us", "ack_rtt_us"}
)

_INTERVALS = frozenset({"syn_rtt_us", "ack_rtt_us"})
_TYPES: list[tuple[str, type | tuple[type, ...]]] = [
    (name, (int, float) if name in _INTERVALS else int if name in _NUMBERS else str) for name in COLUMNS
]
_MOST, _LONGEST = 1 << 64, 1e12  # of a kernel's numbers; µs


class NotAReportError(ValueError):
    """The file is no JSON Lines report."""


class ReportReader:
    """The lines of a report."""

    def __init__(self, name: str) -> None:
        """Nothing is opened yet."""
        self.name = name
        self.damaged = 0
        self.first_damage = 0  # its line
        self.run: dict[str, Any] = {}
        self.counters: dict[str, Any] | None = None

    async def findings(self) -> AsyncIterator[dict[str, Any]]:
        """The records of the findings. Raises OSError, NotAReportError; damaged lines are counted."""
        is_first = True
        async for number, line in self._lines():
            record = parse(line)
            if is_first and (record is None or record["type"] != "run"):
                message = "no JSON Lines report: its first line is not a run"
                raise NotAReportError(message)
            is_first = False
            if record is not None and record.get("schema", SCHEMA) != SCHEMA:
                raise NotAReportError(f"a report of another version: its schema is {str(record['schema'])[:16]}")
            if number == _SECOND_LINE and b'"type":"socket"' in line:
                message = "an evidence file, not a report: see correlator analyse --sockets"
                raise NotAReportError(message)
            if record is None:
                self.damaged += 1
                self.first_damage = self.first_damage or number
            elif record["type"] == "run":
                self.run = record
            elif record["type"] == "counters":
                self.counters = record
            else:
                yield record
        if is_first:
            message = "it is empty"
            raise NotAReportError(message)

    async def _lines(self) -> AsyncIterator[tuple[int, bytes]]:
        """The lines that are not blank, with their numbers; of one that is too long the beginning only."""
        number, is_too_long = 0, False
        async with aiofiles.open(self.name, "rb") as file:
            rest = (await file.read(len(BOM_UTF8))).removeprefix(BOM_UTF8)
            while block := await file.read(_BLOCK):  # a call for each line would cost ten times what parsing it does
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    number += 1
                    if line.strip() and not is_too_long:
                        yield number, line
                    is_too_long = False
                if len(rest) > MAX_LINE or is_too_long:
                    if not is_too_long:
                        yield number + 1, rest[:MAX_LINE]
                    rest, is_too_long = b"", True
        if rest.strip():
            yield number + 1, rest


def parse(line: bytes) -> dict[str, Any] | None:
    """The record of a line; None where it is not one, or has a column of another type than ours."""
    try:
        record = json.loads(line.decode("utf-8", "replace"), parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or str(record.get("type")) not in {"run", "finding", "counters"}:
        return None
    if record["type"] == "finding":
        for name, expected in _TYPES:
            value = record.get(name)
            if value is not None and not (isinstance(value, expected) and _is_sane(value)):
                return None
    return record


def _is_sane(value: object) -> bool:
    """Whether a number is one that a kernel or a clock may have told."""
    if isinstance(value, float):
        return 0 <= value <= _LONGEST
    return not isinstance(value, bool) and (not isinstance(value, int) or 0 <= value < _MOST)


def _finite(text: str) -> float:
    """A number; NaN and Infinity are no JSON (RFC 8259 §6), and 1e400 is none either."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
