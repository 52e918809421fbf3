"""Findings as lines: CSV and JSON. The findings of a connection come together: what they share is written once."""

from typing import Any

from correlator.core.address import endpoint_text
from correlator.core.connection import Connection
from correlator.core.finding import Finding
from correlator.core.model import Verdict
from correlator.report.cells import CsvCells, Lines
from correlator.report.columns import COLUMNS, SHARED, put_connection, put_finding
from correlator.report.csv_connection import put_csv
from correlator.report.record import Record
from correlator.report.values import Values

_NO_SOCKET = Verdict.NO_SOCKET
_NOTHING: dict[str, Any] = {}


class Rows:
    """Lines of one form."""

    def __init__(self, cells: Lines, *, keyed: bool = False) -> None:
        """`cells`: the form. `keyed`: before each line stands its place in the order of reports (`merging.py`)."""
        self._is_keyed = keyed
        self._cells = cells
        self._is_csv = isinstance(cells, CsvCells)
        self._connection: Connection | None = None
        self._begin = self._end = 0  # of its cells in the buffer
        self._alone: dict[str, bytes] = {}

    def lines(self, found: list[Finding]) -> bytes:
        """The lines of the final ones among findings: unknown is empty or null, text is safe."""
        cells, buffer = self._cells, self._cells.buffer
        for finding in found:
            if not finding.final:
                continue
            if self._is_keyed:
                buffer.put_key(finding.connection.reported_in, finding.connection.touched)
            if finding.connection is self._connection:  # the other side's finding
                buffer.put_bytes(buffer.piece(self._begin, self._end))
            else:
                self._begin = buffer.end
                self._put_connection(finding.connection)
                self._connection, self._end = finding.connection, buffer.end
            cells.place = SHARED
            if finding.verdict is _NO_SOCKET:
                self._put_alone(finding)
            else:
                put_finding(cells, finding)
                cells.end(_more(finding) if cells.has_more else _NOTHING)
        self._connection = None
        return buffer.take()

    def _put_connection(self, connection: Connection) -> None:
        if self._is_csv:
            put_csv(self._cells.buffer, connection)
            self._cells.place = 0  # the comma is there
            self._cells.text(connection.interface)
        else:
            self._cells.place = 0
            put_connection(self._cells, connection)

    def _put_alone(self, finding: Finding) -> None:
        """The rest of a line without a socket: the explanation tells all, and there are few."""
        cells, buffer = self._cells, self._cells.buffer
        known = self._alone.get(finding.explanation)
        if known is None:
            begin = buffer.end
            put_finding(cells, finding)
            cells.end(_NOTHING)
            self._alone[finding.explanation] = buffer.piece(begin, buffer.end)
        else:
            buffer.put_bytes(known)


def record(finding: Finding) -> Record:
    """The record of a finding."""
    cells = Values()
    put_connection(cells, finding.connection)
    put_finding(cells, finding)
    return dict(zip(COLUMNS, cells.values, strict=True))


def extended(finding: Finding) -> Record:
    """The record with what JSON Lines has beside the columns."""
    more = _more(finding)
    if "tcp_info" in more:
        more["tcp_info"] = dict(more["tcp_info"])
    return {**record(finding), **more}


def _more(finding: Finding) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if finding.tcp_info is not None:
        more["tcp_info"] = finding.tcp_info
    if finding.was:
        more["was_family"] = str(finding.was)
    if finding.leg:
        client, client_port, server, server_port = finding.leg
        more["leg"] = [endpoint_text(client, client_port), endpoint_text(server, server_port)]
    return more
