"""CSV (RFC 4180) and JSON Lines."""

import csv
import io
import json
from typing import Any

from correlator.core.finding import Finding
from correlator.report.cells import CsvCells, JsonCells
from correlator.report.columns import COLUMNS, cells_of
from correlator.report.record import SCHEMA, Record
from correlator.report.rows import Rows
from correlator.report.writer import Writer


class CsvSink:
    """A row a finding."""

    def __init__(self, writer: Writer) -> None:
        """Writes the header."""
        self._rows = Rows(CsvCells())
        self.renew(writer)

    def renew(self, writer: Writer) -> None:
        """Go on in a new file, which has a header as well."""
        self.writer = writer
        self._row(list(COLUMNS))

    def begin(self, run: Record) -> None:
        """CSV has no place for the run."""

    def findings(self, found: list[Finding]) -> None:
        """Write the final findings."""
        self.writer.put(self._rows.lines(found))

    def row(self, row: Record) -> None:
        """Write a record that was read back from a report."""
        self._row(cells_of(row))

    def end(self, counters: Record) -> None:
        """CSV has no place for the counters."""

    def _row(self, values: list[str]) -> None:
        text = io.StringIO()
        csv.writer(text).writerow(values)  # RFC 4180: CRLF, quotes doubled
        self.writer.put(text.getvalue().encode())


class JsonlSink:
    """The run, then a line a finding, then the counters."""

    def __init__(self, writer: Writer) -> None:
        """Nothing is written before `begin`."""
        self.writer = writer
        self._rows = Rows(JsonCells(COLUMNS))

    def renew(self, writer: Writer) -> None:
        """Go on in a new file; `begin` writes its first line."""
        self.writer = writer

    def begin(self, run: Record) -> None:
        """Write the first line."""
        self._line({"type": "run", "schema": SCHEMA, **run})

    def findings(self, found: list[Finding]) -> None:
        """Write the final findings."""
        self.writer.put(self._rows.lines(found))

    def row(self, row: Record) -> None:
        """Write a record that was read back from a report."""
        self._line({**row, "type": "finding"})

    def end(self, counters: Record) -> None:
        """Write the last line."""
        self._line({"type": "counters", **counters})

    def _line(self, value: dict[str, Any]) -> None:
        # ASCII only: a terminal that shows the file shows no stranger's control characters.
        self.writer.put(json.dumps(value, separators=(",", ":")).encode() + b"\n")
