"""What a live view keeps and shows."""

from dataclasses import replace
from typing import Any

import pytest

from correlator.core.finding import Finding
from correlator.core.model import Owner, Verdict
from correlator.report import board as module
from correlator.report.board import Board
from tests.scenes import passing, the_case

CASE, PASSING = the_case(), passing()


def numbered(finding: Finding, number: int, **changes: Any) -> Finding:
    """A finding of another connection."""
    connection = finding.connection.copy()
    connection.number = number
    return replace(finding, connection=connection, **changes)


def shown(board: Board, lines: int = 20) -> list[str]:
    """The verdicts of the rows."""
    return [entry.verdict for entry in board.picture(lines, 4).entries]


def test_a_connection_that_goes_on_is_one_row() -> None:
    """Its end takes the place of its beginning, and is counted once, with its last verdict."""
    board = Board()
    board.findings([numbered(PASSING, 1, final=False)])
    assert board.picture(9, 4).verdicts == {"no-socket": 1}
    board.findings([numbered(CASE, 1, side=PASSING.side)])
    picture = board.picture(9, 4)
    assert picture.verdicts == {"ipv4-on-af_inet6": 1}
    assert shown(board) == ["ipv4-on-af_inet6"]


def test_the_newest_and_noteworthy_come_first() -> None:
    """A quarter of the rows is the others', all where there is nothing noteworthy."""
    board = Board()
    board.findings([numbered(PASSING, number) for number in range(20)])
    assert shown(board, 8) == ["no-socket"] * 8
    board.findings([numbered(CASE, number) for number in range(100, 120)])
    assert shown(board, 9) == ["ipv4-on-af_inet6"] * 6 + ["no-socket"] * 2
    assert len(board.picture(1, 0).entries) == 1
    newest = numbered(the_case("newest"), 200)
    board.findings([newest])
    assert board.picture(9, 0).entries[0].cells[5] == "newest (31307)"


def test_listeners_by_ip_version() -> None:
    """AF_INET6 ones, once for each connection, those with the most IPv4 first."""
    board = Board()
    board.findings([numbered(CASE, number, final=number > 3) for number in range(6)])
    board.findings([numbered(CASE, number) for number in range(6)])
    board.findings([numbered(the_case("other"), 50)])
    picture = board.picture(9, 4)
    assert picture.listeners == [("[::]:4243", "java (31307)", 8, 0), ("[::]:4243", "other (31307)", 1, 0)]
    board.findings([numbered(CASE, 60, owner=Owner(5, "java"))])
    assert board.picture(9, 4).listeners[0] == ("[::]:4243", "java (several)", 9, 0)


def test_a_verdict_and_a_search() -> None:
    """Each hides what does not fit; the number of those is told."""
    board = Board()
    board.findings([numbered(PASSING, 1), numbered(CASE, 2), numbered(the_case("nginx"), 3)])
    board.next_verdict()
    assert board.verdict == str(next(iter(Verdict)))
    board.verdict = "no-socket"
    assert shown(board) == ["no-socket"]
    assert board.picture(9, 4).left_out == 2
    board.verdict, board.search = "", "NGINX 4243"
    picture = board.picture(9, 4)
    assert ([entry.cells[5] for entry in picture.entries], picture.left_out) == (["nginx (31307)"], 2)
    board.search = "no such"
    assert shown(board) == []
    for _ in Verdict:
        board.next_verdict()
    assert board.verdict == list(Verdict)[-1]
    board.next_verdict()
    assert board.verdict == ""


def test_a_pause_holds_what_is_shown() -> None:
    """Counting goes on."""
    board = Board()
    board.findings([numbered(PASSING, 1)])
    board.pause()
    board.findings([numbered(CASE, 2)])
    assert shown(board) == ["no-socket"]
    assert board.picture(9, 4).verdicts == {"ipv4-on-af_inet6": 1, "no-socket": 1}
    board.pause()
    assert shown(board) == ["ipv4-on-af_inet6", "no-socket"]


def test_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is kept, what goes on, and listeners."""
    monkeypatch.setattr(module, "KEPT", 5)
    monkeypatch.setattr(module, "MAX_OPEN", 3)
    monkeypatch.setattr(module, "MAX_LISTENERS", 1)
    board = Board()
    board.findings([numbered(CASE, number, final=False) for number in range(10)])
    board.findings([numbered(the_case("other"), 50), numbered(PASSING, 60)])
    assert len(board._noteworthy) == 5
    assert len(board._open) == 3
    assert [who for _, who, _, _ in board.picture(9, 4).listeners] == ["java (31307)"]
    assert len(shown(board)) == 6


def test_what_is_not_known() -> None:
    """Is empty."""
    board = Board()
    board.findings([numbered(CASE, 1, owner=None, listener=None)])
    picture = board.picture(9, 4)
    assert picture.entries[0].cells[5] == ""
    assert picture.listeners == [("10.0.0.12:4243", "unknown owner", 1, 0)]
