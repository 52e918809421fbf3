"""CSV (RFC 4180) and JSON Lines."""

import io

from correlator.core.finding import Finding
from correlator.report.cells import CsvCells, JsonCells
from correlator.report.columns import COLUMNS, cells_of
from correlator.report.json_lines import JsonLines
from correlator.report.record import Record
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
        self.writer.put(",".join(COLUMNS).encode() + b"\r\n")

    def begin(self, run: Record) -> None:
        """CSV has no place for the run."""

    def findings(self, found: list[Finding]) -> None:
        """Write the final findings."""
        self.writer.put(self._rows.lines(found))

    def row(self, row: Record) -> None:
        """Write a record that was read back from a report."""
        import csv  # noqa: PLC0415  findings are no records: an analysis has no use for it

        text = io.StringIO()
        csv.writer(text).writerow(cells_of(row))  # RFC 4180: CRLF, quotes doubled
        self.writer.put(text.getvalue().encode())

    def end(self, counters: Record) -> None:
        """CSV has no place for the counters."""


class JsonlSink(JsonLines):
    """A line a finding, between the run and the counters."""

    def __init__(self, writer: Writer) -> None:
        """Nothing is written before `begin`."""
        super().__init__(writer)
        self._rows = Rows(JsonCells(COLUMNS))

    def findings(self, found: list[Finding]) -> None:
        """Write the final findings."""
        self.writer.put(self._rows.lines(found))

    def row(self, row: Record) -> None:
        """Write a record that was read back from a report."""
        self.line({**row, "type": "finding"})
