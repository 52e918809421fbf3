"""Which format a saved table has, and its rows: read line by line, in bounded memory."""

import io
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TextIO

from correlator.core.model import Statement
from correlator.kernel.tables import evidence, netstat, procnet, ss

# Characters that are read at once; from the first of them a table's format is told.
_HEAD = 8192
_MAX_LINE = 262_144  # an evidence line's bound; a row of netstat or ss has some hundred characters
MAX_ROWS = 1_000_000
"""Of a table, and so of statements: as many as an analysis keeps four-tuples."""
_MAX_TEXT = 1 << 28  # characters of a table: two million sockets
_MAX_EVIDENCE = 1 << 29  # of an evidence file, whose statements are longer

Parser = Callable[[Iterable[str]], Iterator[Statement | None]]

_FORMATS: tuple[tuple[str, Callable[[str], bool], Parser, bool], ...] = (
    ("evidence file", evidence.recognises, evidence.parse_lines, False),  # which goes by line by line
    ("/proc/net/tcp", procnet.recognises, procnet.parse_lines, True),
    ("netstat", netstat.recognises, netstat.parse_lines, True),
    ("ss", ss.recognises, ss.parse_lines, True),
)


class UnknownTableError(ValueError):
    """The text is no socket table that is known."""


class Table(NamedTuple):
    """A table that was read."""

    form: str
    statements: list[Statement]
    damaged: int  # rows that made no sense
    is_cut: bool  # there are more rows than are read


def read_table(source: TextIO | str) -> Table:
    """The statements of a saved table of any known format. Raises UnknownTableError."""
    file = io.StringIO(source, newline="\n") if isinstance(source, str) else source
    head = file.read(_HEAD) + file.readline(_MAX_LINE)
    for form, recognises, parse_lines, as_a_whole in _FORMATS:
        if recognises(head[:_HEAD]):
            lines = _Lines(head, file, _MAX_TEXT if as_a_whole else _MAX_EVIDENCE)
            statements: list[Statement] = []
            damaged = 0
            for row in parse_lines(lines):
                if len(statements) + damaged == MAX_ROWS:
                    lines.is_cut = True
                    break
                if row is None:
                    damaged += 1
                else:
                    statements.append(row)
            return Table(form, statements, damaged, lines.is_cut)
    raise UnknownTableError


class _Lines:
    """The lines of a table; those that are too long for any row are left out, and all behind so many characters."""

    def __init__(self, head: str, rest: TextIO, most: int) -> None:
        """`head` was read from the file before the rest. `most`: characters that are read."""
        self.is_cut = False
        self._head = head
        self._rest = rest
        self._most = most

    def __iter__(self) -> Iterator[str]:
        last, is_too_long, taken = "", False, 0
        piece = self._head
        while piece and not self.is_cut:
            # not splitlines: a process name may hold the other characters that it takes for ends of lines
            *lines, last = (last + piece).split("\n")
            for line in lines:
                if len(line) <= _MAX_LINE and not is_too_long:
                    yield line
                is_too_long = False
            if len(last) > _MAX_LINE or is_too_long:
                last, is_too_long = "", True
            taken += len(piece)
            self.is_cut = taken > self._most
            piece = self._rest.read(_HEAD)
        if last and not self.is_cut:
            yield last
