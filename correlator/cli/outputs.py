"""Builds a run's outputs from the options that `live` and `analyse` share."""

import itertools
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from correlator import __version__
from correlator.cli.exits import Exit, die
from correlator.cli.imports import PUT_OFF, deferred
from correlator.cli.selection import VERDICTS, FailOn, Selected, Selection
from correlator.core.finding import Finding
from correlator.core.model import Verdict
from correlator.core.timetext import time_text
from correlator.report.lines import header, line
from correlator.report.record import Record
from correlator.report.summary import Summary
from correlator.report.writer import STANDARD_OUTPUT, OutputError, Writer
from correlator.run import FindingSink, Outputs

if TYPE_CHECKING:
    from correlator.report.board import Board
    from correlator.report.parquet import ParquetSink

_SECOND = 1_000_000_000


class Screen:
    """Findings on standard output, a line each: an open connection when its sockets are known, others at their end."""

    def __init__(self, writer: Writer) -> None:
        """The header comes with the first finding."""
        self._writer = writer
        self._shown: dict[tuple[int, str], Verdict] = {}
        self._begun = False

    def begin(self, run: Record) -> None:
        """Nothing yet."""

    def findings(self, found: list[Finding]) -> None:
        """Show them, each once; again where the end of the connection has another verdict."""
        for finding in found:
            self._show(finding)

    def _show(self, finding: Finding) -> None:
        key = (finding.connection.number, str(finding.side))
        shown = self._shown.pop(key, None)
        if not finding.final:
            self._shown[key] = finding.verdict
        if shown is finding.verdict:
            return
        if not self._begun:
            self._begun = True
            self._put(header())
        self._put(line(finding))

    def end(self, counters: Record) -> None:
        """The summary goes elsewhere."""

    def _put(self, text: str) -> None:
        self._writer.put(text.encode("utf-8", "backslashreplace") + b"\n")


class Wanted(NamedTuple):
    """The output options."""

    csv: str | None = None
    jsonl: str | None = None
    html: str | None = None
    parquet: str | None = None
    prefix: str | None = None
    force: bool = False
    every_packet: bool = False
    quiet: bool = False
    fail_on: tuple[str, ...] = ()
    hold: float = 2.0
    selection: Selection = Selection()
    evidence: bool = False
    """Record evidence with --write: where it is not a file already."""
    no_color: bool = False
    board: "Board | None" = None
    """Takes the findings in the table's place: a live view shows them."""
    others: Sequence[FindingSink] = ()
    """Sinks that write no file."""
    screen: str = STANDARD_OUTPUT
    """Where the table of findings goes."""
    rotate_size: int | None = None
    """Bytes."""
    rotate_every: float | None = None
    """Seconds."""
    keep: int | None = None


class Built(NamedTuple):
    """Outputs, and what the command wants to know of them afterwards."""

    outputs: Outputs
    summary: Summary
    fail_on: FailOn
    text: Writer | None


PARQUET = click.option(
    "--parquet",
    "parquet",
    metavar="FILE",
    help="Write findings as Parquet, for DuckDB, pandas and others (needs pyarrow): one file, complete.",
)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The output options."""
    options = (
        click.option("--csv", "csv", metavar="FILE", help="Write findings as CSV; - is standard output."),
        click.option(
            "--jsonl",
            "jsonl",
            metavar="FILE",
            help="Write the run, findings and counters as JSON Lines; - is standard output.",
        ),
        click.option("--html", "html", metavar="FILE", help="Write a report for the browser: one file, complete."),
        PARQUET,
        click.option(
            "-w",
            "--write",
            "prefix",
            metavar="PREFIX",
            help="Write PREFIX.pcapng (annotated), .jsonl, .csv, .txt, and live .sockets.jsonl.",
        ),
        click.option(
            "--all-packets",
            "every_packet",
            is_flag=True,
            help="Keep all packets in PREFIX.pcapng, not only handshakes and closes.",
        ),
        click.option(
            "--hold",
            default=2.0,
            show_default=True,
            type=click.FloatRange(0, 3600),
            metavar="SECONDS",
            help="Seconds a packet waits for its finding.",
        ),
        click.option("--force", is_flag=True, help="Overwrite output files."),
        click.option("-q", "--quiet", is_flag=True, help="No table of findings."),
        click.option(
            "--fail-on",
            multiple=True,
            type=VERDICTS,
            metavar="VERDICT",
            help="Exit with 1 if such a finding is made.",
        ),
    )
    for option in reversed(options):  # decorators are applied from the last
        command = option(command)
    return command


def build(wanted: Wanted, interfaces: Sequence[str], inputs: Sequence[str] = ()) -> Built:
    """The sinks and writers, opened. Ends the program with status 2 or 6 where an output cannot be."""
    reports = check_names(wanted.csv, wanted.jsonl, wanted.html, wanted.parquet)
    outputs = Outputs(every_packet=wanted.every_packet)
    summary, fail_on = Summary(), FailOn(wanted.fail_on)
    chosen: list[Any] = [summary, fail_on] if wanted.fail_on else [summary]

    def writer(name: str, *, whole: bool = False) -> Writer:
        made = Writer(name, force=wanted.force, whole=whole)
        outputs.writers.append(made)
        return made

    text = None
    if wanted.board is not None:
        chosen.append(wanted.board)
    elif not wanted.quiet and STANDARD_OUTPUT not in reports:
        chosen.append(Screen(writer(wanted.screen)))
    if wanted.prefix is not None:
        text = _add_set(wanted.prefix, wanted, outputs, chosen, interfaces)
    if wanted.csv or wanted.jsonl:
        with deferred("json"):  # a CSV has no use for it
            from correlator.report.text_sinks import CsvSink, JsonlSink  # noqa: PLC0415  as in _add_set

        names = ((wanted.csv, CsvSink), (wanted.jsonl, JsonlSink))
        chosen += [kind(writer(name)) for name, kind in names if name]
    if wanted.html:
        from correlator.report.page.sink import HtmlSink  # noqa: PLC0415  as above

        chosen.append(HtmlSink(writer(wanted.html, whole=True)))
    chosen += wanted.others
    if wanted.parquet:
        chosen.append(parquet_sink()(writer(wanted.parquet, whole=True)))
    if outputs.writers:
        with deferred("aiofiles.tempfile"):  # it imports shutil, random and what compresses
            import_module("aiofiles")
    takes_all = wanted.selection == Selection()
    outputs.sinks = chosen if takes_all else [Selected(sink, wanted.selection) for sink in chosen]
    open_all(outputs.writers, inputs)
    return Built(outputs, summary, fail_on, text)


def prepare(wanted: Wanted, *, publishes: bool, counts: bool) -> None:
    """Import what the outputs need by name later on: another user may not be able to read it."""
    names = [*PUT_OFF, "aiofiles", "concurrent.futures.thread", "encodings.idna", "encodings.unicode_escape"]
    if wanted.prefix is not None:
        names += ["correlator.cli.prefix", "correlator.report.rotation"]
    if wanted.csv or wanted.jsonl:
        names.append("correlator.report.text_sinks")
    if publishes:
        names += ["correlator.fleet.publish", "correlator.fleet.spool"]
    if counts:
        names.append("correlator.report.metrics")
    if wanted.board is not None:
        names.append("correlator.cli.view")
    if wanted.parquet:
        parquet_sink()
    for name in names:
        import_module(name)
    if wanted.html:
        import_module("correlator.report.page.sink")
        import_module("correlator.report.page.template").prepare()


def parquet_sink() -> "type[ParquetSink]":
    """The sink of --parquet. Ends the program where pyarrow is missing."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # its own keeps 20 MB of what it has had
    try:
        from correlator.report.parquet import ParquetSink  # noqa: PLC0415  as above, and pyarrow is an extra
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        die(Exit.USAGE, "--parquet needs pyarrow: pip install 'correlator[parquet]'")
    return ParquetSink


def check_names(*names: str | None) -> list[str | None]:
    """The names of outputs as they are. Ends the program where one is none, or two want standard output."""
    if "" in names:
        die(Exit.USAGE, "an output needs a name")
    if names.count(STANDARD_OUTPUT) > 1:
        die(Exit.USAGE, "two outputs cannot share standard output (-)")
    return list(names)


def _add_set(
    prefix: str, wanted: Wanted, outputs: Outputs, chosen: list[Any], interfaces: Sequence[str]
) -> Writer | None:
    """Add the sinks of PREFIX's files; the writer of the one for the summary, where there is but one set."""
    from correlator.cli.prefix import Prefixed  # noqa: PLC0415  what a small capture need not wait for
    from correlator.report.rotation import Rotation  # noqa: PLC0415

    check_names(prefix)
    rotation = None
    if wanted.rotate_size is not None or wanted.rotate_every is not None:
        every = None if wanted.rotate_every is None else int(wanted.rotate_every * _SECOND)
        rotation = Rotation(prefix, wanted.rotate_size, every, wanted.keep, wanted.force)
    try:
        files = Prefixed(outputs, prefix, rotation, force=wanted.force)
    except OutputError as error:
        die(Exit.USAGE, str(error))
    chosen += files.reports()
    files.packets(interfaces, wanted.hold)
    if wanted.evidence:
        files.evidence()
    return files.text()


def open_all(writers: list[Writer], inputs: Sequence[str]) -> None:
    """Open all outputs, or none: ends the program where one cannot be opened, or is an input or another output."""
    names = [os.path.realpath(made.name) for made in writers if not made.is_stdout]
    if len(set(names)) != len(names):
        die(Exit.USAGE, "two outputs have the same name")
    try:
        for made in writers:
            made.open()
    except OutputError as error:
        discard_all(writers)
        die(Exit.OUTPUT, str(error))
    for made, name in itertools.product(writers, inputs):
        if made.is_same_file(name):
            discard_all(writers)
            die(Exit.USAGE, f"{made.name}: is the input {name}; choose another name")


def discard_all(writers: list[Writer]) -> None:
    """Leave nothing behind of a run that does not begin."""
    for made in writers:
        made.discard()


def run_record(started: int, **facts: object) -> Record:
    """The first line of a JSON Lines report."""
    system = os.uname()  # the platform module takes longer to import than a small capture to analyse
    return {
        "program": f"correlator {__version__}",
        "host": system.nodename,
        "kernel": f"{system.sysname} {system.release}",
        "started": time_text(started),
        **facts,
    }
