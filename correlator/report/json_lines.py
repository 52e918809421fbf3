"""Files of JSON Lines: the run, then what comes, then the counters."""

import json
from typing import Any

from correlator.report.record import SCHEMA, Record
from correlator.report.writer import Writer


class JsonLines:
    """What all of them have in common."""

    def __init__(self, writer: Writer) -> None:
        """Nothing is written before `begin`."""
        self.writer = writer

    def renew(self, writer: Writer) -> None:
        """Go on in a new file; `begin` writes its first line."""
        self.writer = writer

    def begin(self, run: Record) -> None:
        """Write the first line."""
        self.line({"type": "run", "schema": SCHEMA, **run})

    def end(self, counters: Record) -> None:
        """Write the last line."""
        self.line({"type": "counters", **counters})

    def line(self, value: dict[str, Any]) -> None:
        """Write a line. ASCII only: a terminal that shows the file shows no stranger's control characters."""
        self.writer.put(json.dumps(value, separators=(",", ":")).encode() + b"\n")
