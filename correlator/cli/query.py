"""`correlator query`: SQL over the findings of a fleet, and questions that are ready."""

import contextlib
import csv
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import click

from correlator.cli.exits import Exit, die, say
from correlator.report.escape import cell, terminal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SHOWN = 1000  # rows of a table; what it cannot show is told
_TURN = 0.2  # seconds
_WIDEST = 60  # characters of a column
_PROMPT, _MORE = "findings> ", "     ...> "
T = TypeVar("T")
_READY = ("listeners", "would-break", "since")


@click.command()
@click.argument("folder", metavar="DIR")
@click.argument("sql", required=False, metavar="[SQL]")
@click.option(
    "--ask", type=click.Choice(_READY), help="Ask a question that is ready; without SQL and this a prompt opens."
)
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV, all rows; a table shows 1,000.")
def query(folder: str, sql: str | None, ask: str | None, *, as_csv: bool) -> None:
    """Ask the Parquet files in DIR: SQL over the table `findings` (see docs/FORMATS.md for its columns), by DuckDB.

    Without SQL and --ask a prompt opens.

    --ask listeners: which listeners serve IPv4 on AF_INET6. --ask would-break: which clients would be refused with
    IPV6_V6ONLY. --ask since: since when.
    """
    if sql is not None and ask is not None:
        die(Exit.USAGE, "either SQL or --ask")
    findings = findings_of(folder)
    from correlator.fleet.findings import FAILURES, QUESTIONS  # noqa: PLC0415  an extra; findings_of has said so

    if sql is None and ask is None:
        _prompt(findings)
        return
    try:
        _answer(findings, sql if sql is not None else QUESTIONS[ask or ""].sql, as_csv=as_csv)
    except FAILURES as error:
        die(Exit.USAGE, in_short(error))


def findings_of(folder: str) -> "DuckDBPyConnection":
    """The findings of a folder. Ends the program where there are none, or DuckDB is missing."""
    try:
        from correlator.fleet.findings import FAILURES, NothingThereError, opened  # noqa: PLC0415  an extra
    except ModuleNotFoundError as error:
        if error.name != "duckdb":
            raise
        die(Exit.USAGE, "this needs DuckDB: pip install 'correlator[query]'")
    left_out: list[str] = []
    try:
        findings = opened(folder, left_out)
    except NothingThereError as error:
        die(Exit.UNREADABLE, str(error))
    except FAILURES as error:
        die(Exit.UNREADABLE, f"{folder}: {in_short(error)}")
    for name in left_out:
        say(f"{name}: has no findings of ours; it is left out")
    return findings


def in_short(error: Exception) -> str:
    """What DuckDB says, in a line."""
    return " ".join(str(error).split())


def done(findings: "DuckDBPyConnection", work: Callable[[], T]) -> T:
    """Have DuckDB do something that Ctrl-C ends: in its own code it hears no signal."""
    with ThreadPoolExecutor(1) as pool:
        doing = pool.submit(work)
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    return doing.result(_TURN)
        except KeyboardInterrupt:
            findings.interrupt()
            raise


def _answer(findings: "DuckDBPyConnection", sql: str, *, as_csv: bool = False) -> None:
    """Carry out SQL and write what comes of it."""
    done(findings, lambda: findings.execute(sql))
    names = [terminal(column[0]) for column in findings.description or []]
    rows = rows_of(findings)
    if as_csv:
        write_csv(names, rows)
        return
    shown = [[terminal(_text(value)) for value in row] for row in islice(rows, _SHOWN)]
    for line in table(names, shown):
        sys.stdout.write(line + "\n")
    if next(rows, None) is not None:
        say(f"only the first {_SHOWN} rows are shown; --csv writes all")


def write_csv(names: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows on standard output; text is safe for spreadsheets, numbers are numbers."""
    writer = csv.writer(sys.stdout)
    writer.writerow(map(cell, names))
    writer.writerows([cell(value) if isinstance(value, str) else _text(value) for value in row] for row in rows)


def rows_of(findings: "DuckDBPyConnection") -> Iterator[tuple[Any, ...]]:
    """What comes of the last question, row by row."""
    while rows := done(findings, lambda: findings.fetchmany(_SHOWN)):
        yield from rows


def _text(value: object) -> str:
    """A cell; times as DuckDB writes them."""
    return "" if value is None else str(value)


def table(names: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of columns that are as wide as they must be."""
    widths = [min(_WIDEST, max(map(len, column))) for column in zip(names, *rows, strict=True)]
    return ["  ".join(map(_fitted, row, widths)).rstrip() for row in (names, *rows)]


def _fitted(value: str, width: int) -> str:
    return value.ljust(width) if len(value) <= width else value[: width - 1] + "…"


def _prompt(findings: "DuckDBPyConnection") -> None:
    """Read SQL, which ends with a semicolon, and answer it, until the input ends."""
    from correlator.fleet.findings import FAILURES, QUESTIONS  # noqa: PLC0415  as above

    is_asked = sys.stdin.isatty()
    if is_asked:
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401, PLC0415  input() then has a history
        for name, question in QUESTIONS.items():
            say(f".{name}: {question.help}")
        say("SQL over the table findings ends with ;  and Ctrl-D ends this")
    text = ""
    while True:
        try:
            line = input((_MORE if text else _PROMPT) if is_asked else "")
        except EOFError:
            break
        if not text and line.strip().removeprefix(".") in QUESTIONS:
            line = QUESTIONS[line.strip().removeprefix(".")].sql + ";"
        text += line + "\n"
        if line.rstrip().endswith(";"):
            _answer_or_say(findings, text, FAILURES)
            text = ""
    if text.strip():
        _answer_or_say(findings, text, FAILURES)


def _answer_or_say(findings: "DuckDBPyConnection", sql: str, failures: tuple[type[Exception], ...]) -> None:
    try:
        _answer(findings, sql)
    except failures as error:
        say(in_short(error))
    except KeyboardInterrupt:
        say("interrupted")
