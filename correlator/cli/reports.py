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
from correlator.core.frames import Frames
from correlator.core.model import Side, Verdict
from correlator.report.read import NotAReportError, ReportReader
from correlator.report.record import Record
from correlator.report.rows import extended
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces

_WAITING = 8192  # connections


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
                async for record in self._from_capture():
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

    async def _from_capture(self) -> AsyncIterator[Record]:
        """Findings from the evidence beside a capture, or from its own comments, as its connections end."""
        interfaces = Interfaces()
        source, engine = CaptureFile(self.name, interfaces, comments=True), Engine(Config(), interfaces.names)
        annotated = _Annotated(engine, Decoder(interfaces), source)
        tables = Tables()
        tables.add_beside(self.name)
        self.trouble = next(iter(tables.damaged), None)
        for statement in tables.statements:
            engine.evidence(statement)
        waiting: list[Record] = []  # until it is clear that somebody says whose the connections are
        is_known = bool(tables.statements)
        async for batch in source.batches():
            if source.kept is not None:
                engine.set_recorded(counted=source.kept is Kept.ALL)
            for frames in batch:
                annotated.take(frames)
            is_known = is_known or annotated.has_any
            waiting += annotated.rows()
            if is_known:
                for row in waiting:
                    yield row
                waiting.clear()
            elif len(waiting) > _WAITING:
                break
        if source.damage is not None:
            self.trouble = (
                f"{self.name}: byte {source.damage.offset}: {source.damage.reason}; what came before it is used"
            )
        if not is_known:
            message = "no annotated capture, and no evidence lies beside it: see correlator analyse"
            raise UnreadableError(message)
        more = True
        while more:
            more = engine.finish(_WAITING)
            for row in annotated.rows():
                yield row


class _Annotated:
    """Follows the connections of a capture, and what its comments say of them."""

    def __init__(self, engine: Engine, decoder: Decoder, source: CaptureFile) -> None:
        self.has_any = False
        """Whether any comment was one of ours."""
        self._engine = engine
        self._decoder = decoder
        self._source = source
        self._annotations: dict[int, dict[Side, Annotation]] = {}  # of connections that are not reported yet
        self._count = 0  # packets

    def take(self, frames: Frames) -> None:
        """Frames with the comments of their packets."""
        self._decoder.decode(frames)
        for place in range(frames.count):
            comments = self._source.comments_of(self._count + place)
            segment = frames.segments[place]
            if not segment.is_decoded:
                continue
            number = self._engine.segment(segment).number
            told = [one for comment in comments if (one := parse_comment(comment)) is not None]
            if told:
                self.has_any = True
                self._annotations.setdefault(number, {}).update({one.side: one for one in told})
        self._count += frames.count

    def rows(self) -> list[Record]:
        """The records of the findings since the last call."""
        found = [item for item in self._engine.take() if isinstance(item, Finding)]
        rows = [row for one in found for row in _annotated(one, self._annotations.get(one.connection.number))]
        for one in found:
            self._annotations.pop(one.connection.number, None)
        return rows


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
