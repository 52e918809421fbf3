"""Statements about sockets as they were made, for whoever analyses the capture again."""

from correlator.core.model import Statement
from correlator.report.json_lines import JsonLines
from correlator.report.statements import StatementLines
from correlator.report.writer import Writer


class EvidenceSink(JsonLines):
    """Statements as they come: PREFIX.sockets.jsonl."""

    def __init__(self, writer: Writer) -> None:
        """Nothing is written before `begin`."""
        super().__init__(writer)
        self._lines = StatementLines()

    def statements(self, statements: list[Statement]) -> None:
        """Write statements."""
        self.writer.put(self._lines.lines(statements))
