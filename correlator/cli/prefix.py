"""The files of `-w PREFIX`: one set, or sets that follow one another."""

from collections.abc import Sequence

from correlator.core.annotation import Kept
from correlator.report.annotated import PcapngSink
from correlator.report.evidence_sink import EvidenceSink
from correlator.report.rotation import Rotation
from correlator.report.text_sinks import CsvSink, JsonlSink
from correlator.report.writer import Writer, beside
from correlator.run import Outputs

_SECOND = 1_000_000_000


class Prefixed:
    """A set of files in a run's outputs."""

    def __init__(self, outputs: Outputs, prefix: str, rotation: Rotation | None, *, force: bool) -> None:
        """Raises OutputError for a prefix that is none. Nothing is opened yet."""
        beside(prefix, "")
        self._outputs = outputs
        self._prefix = prefix
        self._force = force
        self._rotation = outputs.rotation = rotation

    def reports(self) -> list[CsvSink | JsonlSink]:
        """The sinks of findings."""
        sinks: list[tuple[str, CsvSink | JsonlSink]] = [
            (".csv", CsvSink(self._writer(".csv"))),
            (".jsonl", JsonlSink(self._writer(".jsonl"))),
        ]
        if self._rotation is not None:
            self._rotation.reports += sinks
        return [sink for _, sink in sinks]

    def packets(self, interfaces: Sequence[str], hold: float) -> None:
        """The annotated capture. `hold`: seconds."""
        kept = Kept.ALL if self._outputs.every_packet else Kept.NOTABLE
        sink = PcapngSink(self._writer(".pcapng"), interfaces, hold=int(hold * _SECOND), kept=kept)
        self._outputs.packets = sink
        if self._rotation is not None:
            self._rotation.packets.append((".pcapng", sink))

    def evidence(self) -> None:
        """The record of the evidence."""
        sink = EvidenceSink(self._writer(".sockets.jsonl"))
        self._outputs.evidence = sink
        if self._rotation is not None:
            self._rotation.reports.append((".sockets.jsonl", sink))

    def text(self) -> Writer | None:
        """The file of the summary; that of all sets is begun when they are complete (`Outputs.summary`)."""
        if self._rotation is not None:
            return None
        made = Writer(beside(self._prefix, ".txt"), force=self._force)
        self._outputs.writers.append(made)
        return made

    def _writer(self, suffix: str) -> Writer:
        if self._rotation is None:
            made = Writer(beside(self._prefix, suffix), force=self._force)
        else:
            made = self._rotation.writer(suffix)
        self._outputs.writers.append(made)
        return made
