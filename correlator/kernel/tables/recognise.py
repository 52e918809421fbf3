"""Which format a saved table has."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from correlator.core.model import Statement
from correlator.kernel.tables import evidence, netstat, procnet, ss

# What a table's format is told from: some lines of it.
_HEAD = 8192
_MAX_LINE = 262_144  # an evidence line's bound; a row of netstat or ss has some hundred characters

Parser = Callable[[Iterable[str]], Iterator[Statement | None]]

_FORMATS: tuple[tuple[str, Callable[[str], bool], Parser], ...] = (
    ("evidence file", evidence.recognises, evidence.parse_lines),
    ("/proc/net/tcp", procnet.recognises, procnet.parse_lines),
    ("netstat", netstat.recognises, netstat.parse_lines),
    ("ss", ss.recognises, ss.parse_lines),
)


class UnknownTableError(ValueError):
    """The text is no socket table that is known."""


class Table(NamedTuple):
    """A table that was read."""

    form: str
    statements: list[Statement]
    damaged: int  # rows that made no sense


def read_table(text: str) -> Table:
    """The statements of a saved table of any known format. Raises UnknownTableError."""
    head = text[:_HEAD]
    for form, recognises, parse_lines in _FORMATS:
        if recognises(head):
            # not splitlines: a process name may hold the other characters that it takes for ends of lines
            rows = list(parse_lines(line for line in text.split("\n") if len(line) <= _MAX_LINE))
            statements = [row for row in rows if row is not None]
            return Table(form, statements, len(rows) - len(statements))
    raise UnknownTableError
