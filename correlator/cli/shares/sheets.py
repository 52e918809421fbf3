"""The outputs of one process: their lines wait in memory until they are put together with those of the others."""

from collections.abc import Callable
from typing import NamedTuple

from correlator.cli.outputs import Wanted
from correlator.cli.selection import FailOn, Selected, Selection
from correlator.core.finding import Finding
from correlator.report.buffer import Buffer
from correlator.report.cells import CsvCells, JsonCells
from correlator.report.columns import COLUMNS
from correlator.report.lines import line
from correlator.report.record import Record
from correlator.report.rows import Rows
from correlator.report.summary import Summary
from correlator.report.writer import STANDARD_OUTPUT
from correlator.run import FindingSink, Outputs


class Sheet:
    """A sink whose lines wait, each behind its key (`report/merging.py`)."""

    def __init__(self, lines: Callable[[list[Finding]], bytes]) -> None:
        """`lines` makes them."""
        self._lines = lines
        self._pieces: list[bytes] = []

    def begin(self, run: Record) -> None:
        """The first line is another's to write."""

    def findings(self, found: list[Finding]) -> None:
        """Add the lines of findings."""
        self._pieces.append(self._lines(found))

    def end(self, counters: Record) -> None:
        """So is the last."""

    def take(self) -> bytes:
        """The lines since the last call."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


class Sheets(NamedTuple):
    """What a process finds, and what is wanted to be known of it afterwards."""

    outputs: Outputs
    sheets: list[Sheet]
    """For each of `names`."""
    summary: Summary
    fail_on: FailOn


def names(wanted: Wanted) -> list[str]:
    """The outputs whose lines are put together."""
    screen = None if wanted.quiet or STANDARD_OUTPUT in {wanted.csv, wanted.jsonl} else wanted.screen
    return [name for name in (wanted.csv, wanted.jsonl, screen) if name is not None]


def sheets(wanted: Wanted) -> Sheets:
    """The sinks of a process."""
    summary, fail_on = Summary(), FailOn(wanted.fail_on)
    made = [Sheet(_lines_of(name, wanted)) for name in names(wanted)]
    chosen: list[FindingSink] = [summary, fail_on, *made]
    if wanted.selection != Selection():
        chosen = [Selected(sink, wanted.selection) for sink in chosen]
    return Sheets(Outputs(chosen), made, summary, fail_on)


def _lines_of(name: str, wanted: Wanted) -> Callable[[list[Finding]], bytes]:
    if name == wanted.csv:
        return Rows(CsvCells(), keyed=True).lines
    if name == wanted.jsonl:
        return Rows(JsonCells(COLUMNS), keyed=True).lines
    return _screen


def _screen(found: list[Finding]) -> bytes:
    """Lines for the screen: an analysis announces nothing before the end of a connection."""
    buffer = Buffer()
    for one in found:
        buffer.put_key(one.connection.reported_in, one.connection.touched)
        buffer.put_bytes(line(one).encode("utf-8", "backslashreplace"))
        buffer.put_bytes(b"\n")
    return buffer.take()
