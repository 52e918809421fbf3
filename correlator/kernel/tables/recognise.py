"""Which format a saved table has."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from correlator.core.model import Statement
from correlator.kernel.tables import evidence, netstat, procnet, ss

# What a table's format is told from: some lines of it.
_HEAD = 8192

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
            rows = list(parse_lines(text.splitlines()))
            statements = [row for row in rows if row is not None]
            return Table(form, statements, len(rows) - len(statements))
    raise UnknownTableError
