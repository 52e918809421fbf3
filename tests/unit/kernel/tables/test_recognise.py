"""Telling the tables apart."""

import json

import pytest

from correlator.core.records import to_record
from correlator.kernel.tables import UnknownTableError, read_table
from tests.play import evidence, socket

LINE = json.dumps(to_record(evidence(socket("10.0.0.1", 1, "10.0.0.2", 2))))


@pytest.mark.parametrize("text", ["", "hello\nworld\n", "\0\1\2", "{}", "[]"])
def test_what_is_no_table(text: str) -> None:
    """It is said, not guessed."""
    with pytest.raises(UnknownTableError):
        read_table(text)


def test_evidence_files() -> None:
    """Run and counters are passed over; damaged lines are counted, the rest is used."""
    lines = [
        '{"type":"run"}',
        LINE,
        "{broken",
        '"text"',
        '{"type":"socket"}',
        "",
        "[" * 100_000,
        LINE,
        '{"type":"counters"}',
    ]
    table = read_table("\n".join(lines))
    assert (table.form, len(table.statements), table.damaged) == ("evidence file", 2, 4)


def test_lines_without_end_are_not_parsed() -> None:
    """A line of a megabyte is none of ours."""
    table = read_table('{"type":"run"}\n{"a":"' + "x" * 1_000_000 + '"}')
    assert (table.statements, table.damaged) == ([], 0)
