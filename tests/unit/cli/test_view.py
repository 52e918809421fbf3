"""The live view's pictures and keys, without a terminal."""

import asyncio
import io

import pytest
from rich.console import Console

from correlator.cli.view import Numbers, View, _shortened
from correlator.report.board import Board
from tests.scenes import passing, the_case


def view(*findings: object, numbers: Numbers | None = None) -> View:
    """A view of findings."""
    board = Board()
    board.findings(list(findings))  # type: ignore[arg-type]
    told = numbers or Numbers(1, 0, 0, 0)
    return View(board, ["lo"], lambda: told, asyncio.Event(), no_color=True)


def drawn(one: View, width: int = 140, height: int = 20) -> list[str]:
    """The lines of its picture."""
    out = io.StringIO()
    one.console = Console(file=out, width=width, height=height, force_terminal=True, no_color=True, color_system=None)
    one.console.print(one.frame())
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140, 200, 300])
def test_it_fits(width: int) -> None:
    """As many lines as the terminal has, none too long, with what matters most at any width."""
    one = view(the_case("x" * 100), passing())
    lines = drawn(one, width)
    assert len(lines) == 20
    assert max(map(len, lines)) <= width
    assert "verdict" in lines[4]
    assert "client" in lines[4]
    assert ("side" in lines[4]) == (width >= 100)
    assert ("socket" in lines[4]) == (width >= 200)
    assert lines[-1].startswith("q quit") or lines[-1].startswith("Ctrl-C")


def test_what_it_tells() -> None:
    """Counters, listeners, findings."""
    lines = drawn(view(the_case(), passing(), numbers=Numbers(7, 0, 0, 0)))
    assert "7 connections" in lines[1]
    assert "1 IPv4 on AF_INET6  1 of 2 matched  0 drops" in lines[1]
    assert "[::]:4243 java (31307)   1 over IPv4, 0 over IPv6" in lines[2]
    assert "10.0.0.20:64702" in lines[5]
    assert "dual-stack-listener" in lines[5]
    lines = drawn(view(numbers=Numbers(7, 3, 2, 1)))
    assert "3 packets dropped, 2 losses of evidence, 1 evicted" in lines[1]


def test_a_long_address_keeps_its_ends() -> None:
    """The port above all."""
    long = "[fd77:1111:2222:3333:4444:5555:6666:7777]:54321"
    for room in range(8, len(long)):
        short = _shortened(long, room)
        assert len(short) == room
        assert short[-5:] == "54321"
    assert _shortened(long, len(long)) == long
    assert _shortened("a long name of a process", 8) == "a long name of a process"


def test_nothing_to_show() -> None:
    """Is said."""
    one = view()
    assert "no connection yet" in "\n".join(drawn(one))
    one = view(passing())
    one.press("v")
    assert "none of the kept findings fits" in "\n".join(drawn(one))


def test_hostile_names_cannot_move_the_cursor() -> None:
    """Control and bidi characters are shown as escapes; markup is text."""
    text = "\n".join(drawn(view(the_case("\x1b[2J\x9b\u202e[red]")), 200))
    assert not any(character in text for character in "\x1b\x9b\u202e")
    assert "\\x1b[2J\\x9b\\" in text


def test_keys() -> None:
    """q, p, v, / and what is typed after it."""
    one = view(the_case(), passing())
    one.press("p")
    assert "PAUSED" in drawn(one)[0]
    one.press("pv")
    assert "PAUSED" not in drawn(one)[0]
    assert "showing verdict ipv4-on-af_inet6; 1 hidden" in drawn(one)[-1]
    one.press("/jaq\x7fv")
    assert drawn(one)[-1].startswith("search: jav▏")
    one.press("\r")
    assert "search 'jav'" in drawn(one)[-1]
    one.press("\x1b[A")  # an arrow
    assert "search 'jav'" in drawn(one)[-1]
    one.press("\x1b")
    assert "search" not in drawn(one)[-1].replace("/ search", "")
    one.press("/x\x1b")
    assert one._board.search == ""
    assert not one._stop.is_set()
    one.press("q")
    assert one._stop.is_set()
    one.press("/" + "y" * 1000 + "\x00\n")
    assert one._board.search == "y" * 60
