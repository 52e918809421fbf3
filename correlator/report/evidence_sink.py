"""Statements about sockets as they were made, for whoever analyses the capture again."""

import json
from typing import Any

from correlator.core.model import Statement
from correlator.report.record import SCHEMA, Record
from correlator.report.statements import StatementLines
from correlator.report.writer import Writer


class EvidenceSink:
    """Statements as they come: PREFIX.sockets.jsonl."""

    def __init__(self, writer: Writer) -> None:
        """Nothing is written before `begin`."""
        self.writer = writer
        self._lines = StatementLines()

    def renew(self, writer: Writer) -> None:
        """Go on in a new file; `begin` writes its first line."""
        self.writer = writer

    def begin(self, run: Record) -> None:
        """Write the first line."""
        self._line({"type": "run", "schema": SCHEMA, **run})

    def statements(self, statements: list[Statement]) -> None:
        """Write statements."""
        self.writer.put(self._lines.lines(statements))

    def end(self, counters: Record) -> None:
        """Write the last line."""
        self._line({"type": "counters", **counters})

    def _line(self, value: dict[str, Any]) -> None:
        self.writer.put(json.dumps(value, separators=(",", ":")).encode() + b"\n")
