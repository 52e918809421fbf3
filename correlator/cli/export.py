"""`correlator export`: a report into another form."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol

import click

from correlator.capture.names import UnreadableError
from correlator.cli.exits import INTERRUPTED, Exit, die, say
from correlator.cli.outputs import PARQUET, check_names, discard_all, open_all, parquet_sink
from correlator.cli.reports import Report
from correlator.cli.selection import Selection, selecting, selection
from correlator.cli.signals import run_until_told
from correlator.cli.tables import beside_capture
from correlator.report.page.sink import HtmlSink
from correlator.report.record import Record
from correlator.report.text_sinks import CsvSink, JsonlSink
from correlator.report.writer import Writer
from correlator.run import Outputs, writing

_TURN = 256  # findings after which the loop hears signals


@click.command()
@click.argument("report", metavar="REPORT")
@click.option("--csv", "csv", metavar="FILE", help="Write CSV; - is standard output.")
@click.option("--jsonl", "jsonl", metavar="FILE", help="Write JSON Lines; - is standard output.")
@click.option("--html", "html", metavar="FILE", help="Write a report for the browser: one file, complete.")
@PARQUET
@click.option("--force", is_flag=True, help="Overwrite output files.")
@selecting
def export(
    report: str,
    csv: str | None,
    jsonl: str | None,
    html: str | None,
    parquet: str | None,
    *,
    force: bool,
    **options: Any,  # noqa: ANN401  click's options
) -> None:
    """Turn REPORT, a .jsonl report or an annotated .pcapng, into CSV, JSON Lines, Parquet or a page for the browser."""
    if {csv, jsonl, html, parquet} == {None}:
        die(Exit.USAGE, "nothing to write: give --csv FILE, --jsonl FILE, --html FILE or --parquet FILE")
    chosen = selection(options.pop("verdicts"), options.pop("ports"), options.pop("processes"), options.pop("pids"))
    names = check_names(csv, jsonl, html, parquet)
    kinds: list[type[Sink]] = [CsvSink, JsonlSink, HtmlSink, *([parquet_sink()] if parquet else [])]
    wanted = [
        (kind, Writer(name, force=force, whole=kind not in {CsvSink, JsonlSink}))
        for kind, name in zip(kinds, names, strict=False)
        if name is not None
    ]
    stop = asyncio.Event()
    raise SystemExit(run_until_told(_export(report, wanted, chosen, stop), stop))


class Sink(Protocol):
    """Takes the records of a report."""

    writer: Writer

    def __init__(self, writer: Writer) -> None:
        """Writes to it."""

    def begin(self, run: Record) -> None:
        """The report's first line."""

    def row(self, row: Record) -> None:
        """A finding. Raises ValueError where it can make nothing of it."""

    def end(self, counters: Record) -> None:
        """The report's last line."""


async def _export(name: str, wanted: list[tuple[type[Sink], Writer]], chosen: Selection, stop: asyncio.Event) -> int:
    report, writers = Report(name), [writer for _, writer in wanted]
    beside = beside_capture(name)
    open_all(writers, [name, *([beside] if beside else [])])
    rows = report.records()
    try:
        first = await anext(rows, None)
    except UnreadableError as error:
        discard_all(writers)
        die(Exit.UNREADABLE, f"{name}: {error}")
    sinks = [kind(writer) for kind, writer in wanted]
    async with writing(Outputs(writers=writers)):
        for sink in sinks:
            sink.begin({key: value for key, value in report.run.items() if key not in {"type", "schema"}})
        count, is_whole = await _copied(rows, first, sinks, report, chosen, stop)
        for sink in sinks:
            sink.end({key: value for key, value in report.counters.items() if key != "type"})
    if report.misfits:
        report.trouble = (
            report.trouble or f"{name}: {report.misfits} findings that no run of ours makes are not in the page"
        )
    if not is_whole:
        report.trouble = f"{name}: interrupted; the first {count} findings are exported"
    outputs = Outputs(writers=writers)
    for message in (*outputs.failures, *([report.trouble] if report.trouble else [])):
        say(message)
    if outputs.failures or outputs.is_gone:
        return Exit.OUTPUT
    if not is_whole:
        return INTERRUPTED
    return Exit.DAMAGED if report.trouble else Exit.DONE


async def _copied(
    rows: AsyncIterator[Record],
    first: Record | None,
    sinks: list[Sink],
    report: Report,
    chosen: Selection,
    stop: asyncio.Event,
) -> tuple[int, bool]:
    """Give the chosen findings to the sinks: how many were looked at, and whether that was all."""
    row, count = first, 0
    while row is not None and not stop.is_set():
        if chosen.takes_record(row):
            for sink in sinks:
                try:
                    sink.row(row)
                except ValueError:
                    report.misfits += 1
                await sink.writer.flush()
        row = await anext(rows, None)
        count += 1
        if count % _TURN == 0:
            await asyncio.sleep(0)
    return count, row is None
