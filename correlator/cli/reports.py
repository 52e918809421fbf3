"""Reports as they are read back: a .jsonl, or an annotated capture with the evidence beside it or its own comments."""

import os
import stat
from codecs import BOM_UTF8
from collections.abc import AsyncIterator

from correlator.capture.files import CaptureFile
from correlator.capture.names import UnreadableError
from correlator.cli.tables import Tables
from correlator.core.annotation import Annotation, Kept, parse_comment
from correlator.core.config import Config
from correlator.core.engine import Engine
from correlator.core.finding import Finding
from correlator.core.model import Side, Verdict
from correlator.report.read import NotAReportError, ReportReader
from correlator.report.record import Record
from correlator.report.rows import extended
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces


class Report:
    """A report, JSON Lines or an annotated capture, as records."""

    def __init__(self, name: str) -> None:
        """Nothing is read yet."""
        self.name = name
        self.trouble: str | None = None
        """What was wrong with it."""
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
                self.trouble = f"{self.name}: {'; '.join(parts)}; the rest is used"
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
        engine.finish()
        if source.damage is not None:
            self.trouble = (
                f"{self.name}: byte {source.damage.offset}: {source.damage.reason}; what came before it is used"
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
    if not stat.S_ISREG(os.stat(name).st_mode):  # it is opened twice
        raise UnreadableError("is no regular file; save the report to one first")
    with open(name, "rb") as file:
        return not file.read(len(BOM_UTF8) + 1).removeprefix(BOM_UTF8).startswith(b"{")
