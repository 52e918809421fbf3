"""Telling the tables apart."""

import json
from io import StringIO

import pytest

from correlator.core.records import to_record
from correlator.kernel.tables import UnknownTableError, read_table, recognise
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


def test_a_table_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many rows are read, and so many characters of what is read as a whole; it is told that there are more."""
    monkeypatch.setattr(recognise, "MAX_ROWS", 100)
    monkeypatch.setattr(recognise, "_MAX_TEXT", 10_000)
    assert read_table(f"{LINE}\n" * 50).is_cut is False
    monkeypatch.setattr(recognise, "_MAX_EVIDENCE", 20 * len(LINE))
    assert 15 < len(read_table(f"{LINE}\n" * 10_000).statements) < 100
    monkeypatch.undo()
    monkeypatch.setattr(recognise, "MAX_ROWS", 100)
    monkeypatch.setattr(recognise, "_MAX_TEXT", 10_000)
    assert not read_table(f"{LINE}\n" * 100).is_cut
    for line, most in ((LINE, 100 * len(LINE)), ("ESTAB 0 0 10.0.0.1:1 10.0.0.2:2", 10_000)):
        file = StringIO(f"{line}\n" * 10_000, newline="\n")
        table = read_table(file)
        assert 0 < len(table.statements) <= 100
        assert table.is_cut
        assert file.tell() < most + 20_000
    long = f"{LINE[:-1]}{' ' * 300_000}}}"
    assert read_table(f"{LINE}\n{long}\n{LINE}").statements == read_table(f"{LINE}\n{LINE}").statements


@pytest.mark.parametrize("length", [400, 8191, 8192, 8193, 16_383, 16_384, 262_143, 262_144, 262_145, 300_000])
@pytest.mark.parametrize("end", ["\n", ""])
def test_lines_of_all_lengths(length: int, end: str) -> None:
    """They are read by the piece, and lie across its ends."""
    padded = f"{LINE[:-1]}{' ' * (length - len(LINE))}}}"
    assert len(padded) == length
    fits = length <= 262_144
    for lines in ([padded, LINE], [LINE, padded], [LINE, padded, LINE, padded, padded, LINE]):
        found = read_table("\n".join(lines) + end)
        assert len(found.statements) == sum(1 for line in lines if fits or line is LINE)
        assert (found.damaged, found.is_cut) == (0, False)
