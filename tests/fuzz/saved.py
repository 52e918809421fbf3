"""What files from others hold: tables, evidence, reports, rules, compressed streams, comments."""

import asyncio
import os
import tempfile

from correlator.capture.compressed import MAGICS, CompressionError, Inflater
from correlator.capture.names import UnreadableError
from correlator.cli.reports import Report
from correlator.core.annotation import parse_comment
from correlator.core.model import Evidence, Gap, Ownership
from correlator.core.records import from_record, to_record
from correlator.kernel.tables import UnknownTableError, read_table
from correlator.report.page.sink import HtmlSink
from correlator.report.policy import PolicyError, Subject
from correlator.report.policy import parse as parse_policy
from correlator.report.text_sinks import CsvSink, JsonlSink
from correlator.report.writer import Writer
from tests.fuzz.outcome import outcome
from tests.fuzz.scene import engine_with

_PIECE = 1 << 20  # of what is inflated
_MOST = 8 << 20
_FOLDER = "/dev/shm" if os.path.isdir("/dev/shm") else None


def tables(data: bytes) -> object:
    """Saved tables of netstat, ss, /proc/net and evidence files: statements, and rows that make no sense."""
    try:
        table = read_table(data.decode("utf-8", "replace"))
    except UnknownTableError:
        return None
    for one in table.statements:
        if isinstance(one, Evidence | Ownership | Gap):
            record = to_record(one)
            read = from_record(record)
            assert isinstance(read, Evidence | Ownership | Gap)
            assert to_record(read) == record, "a statement that is written down is read as another"
    return table.form, len(table.statements), table.damaged, outcome(engine_with(table.statements))


def reports(data: bytes) -> object:
    """A report, .jsonl or annotated capture, exported in all forms."""
    with tempfile.NamedTemporaryFile(dir=_FOLDER, prefix="correlator-fuzz-") as file:
        file.write(data)
        file.flush()
        return asyncio.run(_export(file.name))


async def _export(name: str) -> object:
    report, writer, rows, misfits = Report(name), Writer("-"), 0, 0
    sinks = (CsvSink(writer), JsonlSink(writer), HtmlSink(writer))
    try:
        async for row in report.records():
            rows += 1
            for sink in sinks:
                try:
                    sink.row(row)
                except ValueError:
                    misfits += 1  # cli/export.py counts them
    except UnreadableError as error:
        return str(error).replace(name, "")
    for sink in sinks:
        sink.begin(dict(report.run))
        sink.end(dict(report.counters))
    return rows, misfits, report.trouble and report.trouble.replace(name, "")


def rules(data: bytes) -> object:
    """A file of rules."""
    try:
        policy = parse_policy(data.decode("utf-8", "replace"))
    except PolicyError as error:
        return str(error)
    return [policy.refusal(Subject(port, "::", "java", "x.service", "")) for port in (0, 443, 65535)]


def compressed(data: bytes) -> object:
    """A compressed stream, by pieces: none is longer than its bound."""
    if not data:
        return None
    form = list(MAGICS.values())[data[0] % len(MAGICS)]
    inflater, given, total = Inflater(form), data[1:], 0
    try:
        for at in range(0, len(given), 100):
            inflater.give(given[at : at + 100])
            while piece := inflater.take():
                assert len(piece) <= _PIECE
                total += len(piece)
                if total > _MOST:
                    return "much"
        inflater.close()
    except CompressionError as error:
        return total, type(error).__name__
    return total


def comments(data: bytes) -> object:
    """A comment of a packet."""
    return parse_comment("correlator: verdict=" + data.decode("utf-8", "replace"))
