"""Findings into one HTML file.

The rows are kept compressed until the end, for the answer stands before them, and travel compressed in the page.
"""

import json
import zlib
from binascii import b2a_base64
from typing import Any

from correlator.core.finding import Finding
from correlator.report.cells import ArrayCells, exact
from correlator.report.columns import COLUMNS
from correlator.report.page.overview import Overview
from correlator.report.record import Record
from correlator.report.rows import Rows
from correlator.report.termination import of_finding, of_record
from correlator.report.writer import Writer

MAX_ROWS = 200_000
"""Rows in the table: what a browser handles well. Further findings are counted, and the page says how many."""
MAX_BYTES = 256 << 20
"""Of the rows, unpacked: a browser's texts end at half a gigabyte."""
_COLUMNS = frozenset(COLUMNS)
_GZIP = 16 + zlib.MAX_WBITS
_LEVEL = 3  # a tenth of the size for a tenth of the time that the rest takes


class HtmlSink:
    """The page, which is written when the run has ended."""

    def __init__(self, writer: Writer) -> None:
        """Nothing is written before `end`."""
        self.writer = writer
        self._overview = Overview()
        self._cells = Rows(ArrayCells(len(COLUMNS)))
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._data = bytearray()
        self._run: Record = {}
        self._kept = self._left_out = self._size = 0

    def begin(self, run: Record) -> None:
        """Note the run."""
        self._run = run

    def findings(self, found: list[Finding]) -> None:
        """Take in the final findings."""
        final = [finding for finding in found if finding.final]
        for finding in final:
            self._overview.count(of_finding(finding))
        kept = final[: MAX_ROWS - self._kept]
        lines = self._cells.lines(kept)
        if self._size + len(lines) > MAX_BYTES:
            lines, kept = b"", []
        self._keep(lines, len(kept))
        self._left_out += len(final) - len(kept)

    def row(self, row: Record) -> None:
        """Take in a record that was read back from a report. Raises ValueError where it is no finding."""
        self._overview.count(of_record(row))
        cells: list[Any] = [exact(row.get(name)) for name in COLUMNS]
        more = {name: value for name, value in row.items() if name not in _COLUMNS}
        line = json.dumps([*cells, more] if more else cells).encode() + b"\n"
        if self._kept >= MAX_ROWS or self._size + len(line) > MAX_BYTES:
            self._left_out += 1
        else:
            self._keep(line, 1)

    def end(self, counters: Record) -> None:
        """Write the page."""
        from correlator.report.page.template import rendered  # noqa: PLC0415  jinja2 is slow to import

        self._overview.finish()
        self._data += self._compressor.flush()
        rows = b2a_base64(self._data, newline=False).decode("ascii")
        page = rendered(self._overview, self._run, counters, rows, kept=self._kept, left_out=self._left_out)
        self.writer.put(page.encode("utf-8", "backslashreplace"))

    def _keep(self, lines: bytes, count: int) -> None:
        self._size += len(lines)
        self._data += self._compressor.compress(lines)
        self._kept += count
