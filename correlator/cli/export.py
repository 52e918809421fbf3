"""`correlator export`: a report into another form."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol

import click

from correlator.capture.files import CaptureFile
from correlator.capture.names import UnreadableError
from correlator.cli.exits import Exit, die, say
from correlator.cli.outputs import check_names, discard_all, open_all
from correlator.cli.selection import Selection, selecting, selection
from correlator.cli.tables import Tables, beside_capture
from correlator.core.annotation import Annotation, Kept, parse_comment
from correlator.core.config import Config
from correlator.core.engine import Engine
from correlator.core.finding import Finding
from correlator.core.model import Side, Verdict
from correlator.report.page.sink import HtmlSink
from correlator.report.read import NotAReportError, ReportReader
from correlator.report.record import Record
from correlator.report.rows import extended
from correlator.report.text_sinks import CsvSink, JsonlSink
from correlator.report.writer import Writer
from correlator.run import Outputs, writing
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces


@click.command()
@click.argument("report", metavar="REPORT")
@click.option("--csv", "csv", metavar="FILE", help="Write CSV; - is standard output.")
@click.option("--jsonl", "jsonl", metavar="FILE", help="Write JSON Lines; - is standard output.")
@click.option("--html", "html", metavar="FILE", help="Write a report for the browser: one file, complete.")
@click.option("--force", is_flag=True, help="Overwrite output files.")
@selecting
def export(
    report: str,
    csv: str | None,
    jsonl: str | None,
    html: str | None,
    *,
    force: bool,
    **options: Any,  # noqa: ANN401  click's options
) -> None:
    """Turn REPORT, a .jsonl report or an annotated .pcapng, into CSV, JSON Lines or a page for the browser."""
    if csv is None and jsonl is None and html is None:
        die(Exit.USAGE, "nothing to write: give --csv FILE, --jsonl FILE or --html FILE")
    chosen = selection(options.pop("verdicts"), options.pop("ports"), options.pop("processes"), options.pop("pids"))
    kinds: list[type[Sink]] = [CsvSink, JsonlSink, HtmlSink]
    wanted = [
        (kind, Writer(name, force=force))
        for kind, name in zip(kinds, check_names(csv, jsonl, html), strict=True)
        if name is not None
    ]
    beside = beside_capture(report)
    open_all([writer for _, writer in wanted], [report, *([beside] if beside else [])])
    raise SystemExit(asyncio.run(_export(report, wanted, chosen)))


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


class _Report:
    """A report of either kind, as records."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.trouble: str | None = None
        self.misfits = 0
        """Records that a sink could make nothing of."""
        self.run: Record = {}
        self.counters: Record = {}

    async def records(self) -> AsyncIterator[Record]:
        """The findings. Raises UnreadableError where nothing can be read."""
        try:
            if _is_capture(self.name):
                for record in await self._from_capture():
                    yield record
                return
            reader = ReportReader(self.name)
            async for record in reader.findings():
                self.run = reader.run
                yield {name: value for name, value in record.items() if name != "type"}
            self.run, self.counters = reader.run, reader.counters or {}
            if reader.damaged or reader.counters is None:
                parts = (
                    [f"{reader.damaged} damaged lines, the first is line {reader.first_damage}"]
                    if reader.damaged
                    else []
                )
                parts += [] if reader.counters is not None else ["it ends before its last line"]
                self.trouble = f"{self.name}: {'; '.join(parts)}; the rest is exported"
        except (NotAReportError, UnreadableError) as error:
            raise UnreadableError(str(error)) from None
        except OSError as error:
            raise UnreadableError(error.strerror or str(error)) from None

    async def _from_capture(self) -> list[Record]:
        """Findings from the evidence beside a capture, or from its own comments."""
        interfaces = Interfaces()
        source, engine = CaptureFile(self.name, interfaces, comments=True), Engine(Config(), interfaces.names)
        decoder, annotations, count = Decoder(interfaces), dict[int, dict[Side, Annotation]](), 0
        tables = Tables()
        tables.add_beside(self.name)
        self.trouble = next(iter(tables.damaged), None)
        for statement in tables.statements:
            engine.evidence(statement)
        async for batch in source.batches():
            if source.kept is not None:
                engine.set_recorded(counted=source.kept is Kept.ALL)
            for frames in batch:
                decoder.decode(frames)
                for place in range(frames.count):
                    segment = frames.segments[place]
                    if segment.is_decoded:
                        number = engine.segment(segment).number
                        told = [parse_comment(comment) for comment in source.comments_of(count + place)]
                        annotations.setdefault(number, {}).update({one.side: one for one in told if one is not None})
                count += frames.count
                engine.tick(frames.last_at)
        engine.finish()
        if source.damage is not None:
            self.trouble = (
                f"{self.name}: byte {source.damage.offset}: {source.damage.reason}; what came before it is exported"
            )
        if not any(annotations.values()) and not tables.statements:
            message = "no annotated capture, and no evidence lies beside it: see correlator analyse"
            raise UnreadableError(message)
        found = [item for item in engine.take() if isinstance(item, Finding)]
        return [row for finding in found for row in _annotated(finding, annotations.get(finding.connection.number))]


def _annotated(finding: Finding, annotations: dict[Side, Annotation] | None) -> list[Record]:
    """The records of a finding; one without evidence is told by the comments of its packets."""
    row = extended(finding)
    if finding.verdict is not Verdict.NO_SOCKET or not annotations:
        return [row]
    return [row | _facts(annotations[side]) for side in Side if side in annotations]


def _facts(annotation: Annotation) -> Record:
    return {
        "side": str(annotation.side) or None,
        "verdict": str(annotation.verdict),
        "cause": str(annotation.cause) or None,
        "socket_family": str(annotation.family) if annotation.family else None,
        "socket_local": annotation.local or None,
        "pid": annotation.pid,
        "process": annotation.process or None,
        "explanation": "As the capture's comments say; the evidence itself is not beside it.",
    }


def _is_capture(name: str) -> bool:
    with open(name, "rb") as file:
        return file.read(1) != b"{"


async def _export(name: str, wanted: list[tuple[type[Sink], Writer]], chosen: Selection) -> int:
    report, writers = _Report(name), [writer for _, writer in wanted]
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
        row = first
        while row is not None:
            if chosen.takes_record(row):
                for sink in sinks:
                    try:
                        sink.row(row)
                    except ValueError:
                        report.misfits += 1
                    await sink.writer.flush()
            row = await anext(rows, None)
        for sink in sinks:
            sink.end({key: value for key, value in report.counters.items() if key != "type"})
    if report.misfits:
        report.trouble = report.trouble or f"{name}: {report.misfits} findings without addresses are not in the page"
    outputs = Outputs(writers=writers)
    for message in (*outputs.failures, *([report.trouble] if report.trouble else [])):
        say(message)
    if outputs.failures or outputs.is_gone:
        return Exit.OUTPUT
    return Exit.DAMAGED if report.trouble else Exit.DONE
