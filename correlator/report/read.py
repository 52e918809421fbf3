"""Reads a JSON Lines report back: its records, a line at a time."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiofiles

from correlator.report.columns import COLUMNS

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


class NotAReportError(ValueError):
    """The file is no JSON Lines report."""


class ReportReader:
    """The lines of a report."""

    def __init__(self, name: str) -> None:
        """Nothing is opened yet."""
        self.name = name
        self.damaged = 0
        self.run: dict[str, Any] = {}
        self.counters: dict[str, Any] | None = None

    async def findings(self) -> AsyncIterator[dict[str, Any]]:
        """The records of the findings. Raises OSError, NotAReportError; damaged lines are counted."""
        first = True
        async with aiofiles.open(self.name, encoding="utf-8", errors="replace") as file:
            while line := await file.readline(MAX_LINE):
                record = _parse(line)
                if first:
                    first = False
                    if record is None or record.get("type") != "run":
                        raise NotAReportError
                if record is None:
                    self.damaged += 1
                elif record["type"] == "run":
                    self.run = record
                elif record["type"] == "counters":
                    self.counters = record
                else:
                    yield record
        if first:
            raise NotAReportError


def _parse(line: str) -> dict[str, Any] | None:
    """The record of a line; None where it is not one, or has a column of another type than ours."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("type") not in {"run", "finding", "counters"}:
        return None
    if record["type"] == "finding":
        for name in COLUMNS:
            value = record.get(name)
            expected = int | float if name in _NUMBERS else str
            if value is not None and (not isinstance(value, expected) or isinstance(value, bool)):
                return None
    return record
