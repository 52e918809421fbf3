"""A run: one engine with its decoder and outputs, and the counters of all its inputs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from correlator.core.engine import Engine
from correlator.core.finding import Finding
from correlator.core.frames import Frames
from correlator.core.model import Lookup, Statement, Verdict
from correlator.report.record import Record
from correlator.report.writer import OutputError, Writer
from correlator.wire.decode import Decoder

if TYPE_CHECKING:  # most runs have none of them
    from correlator.report.annotated import PcapngSink
    from correlator.report.evidence_sink import EvidenceSink
    from correlator.report.rotation import Rotation

_AT_ONCE = 8192  # connections: their findings and rows wait in memory


class FindingSink(Protocol):
    """Takes findings."""

    def begin(self, run: Record) -> None:
        """The run starts."""

    def findings(self, found: list[Finding]) -> None:
        """Findings, provisional and final."""

    def end(self, counters: Record) -> None:
        """The run has ended."""


class Sieve(Protocol):
    """Knows whose connections are whose."""

    def sift(self, frames: Frames) -> None:
        """Note of each segment of frames whether another tracker has its connection."""


class Outputs:
    """Where a run's results go."""

    def __init__(
        self,
        sinks: list[FindingSink] | None = None,
        packets: "PcapngSink | None" = None,
        *,
        every_packet: bool = False,
        writers: list[Writer] | None = None,
        rotation: "Rotation | None" = None,
    ) -> None:
        """`every_packet`: write all packets of a connection, not only those of its handshake and close."""
        self.sinks = [] if sinks is None else sinks
        self.packets = packets
        self.every_packet = every_packet
        self.evidence: EvidenceSink | None = None
        self.writers = [] if writers is None else writers
        self.rotation = rotation
        self.tasks: asyncio.TaskGroup | None = None
        self.finished: list[Writer] = []
        """Of sets that were rotated away: those that failed."""
        self.scratch_failures: list[str] = []
        """Of what other processes wrote for these outputs."""

    async def rotate(self, now: int, run: Record, counters: Record) -> bool:
        """Begin the next set of files if it is due; tells whether it was. One that cannot be opened ends rotation."""
        if self.rotation is None or self.tasks is None or not self.rotation.is_due(now):
            return False
        try:
            changed = self.rotation.turn(now, run, counters)
        except OutputError as error:
            self.writers[0].failure = self.writers[0].failure or str(error)
            self.rotation = None
            return False
        for old, new in changed:
            await old.end()
            self.writers[self.writers.index(old)] = new
            if old.failure:
                self.finished.append(old)
            self.tasks.create_task(new.run())
        self.rotation.drop_old()
        return True

    @property
    def failures(self) -> list[str]:
        """The outputs that failed, and why."""
        writers = (*self.finished, *self.writers)
        return [
            *self.scratch_failures,
            *(writer.failure for writer in writers if writer.failure and not writer.is_gone),
        ]

    @property
    def is_gone(self) -> bool:
        """Whether whoever read standard output has left: then there is nobody to work for."""
        return any(writer.is_stdout and writer.failure for writer in self.writers)

    def summary(self) -> Writer | None:
        """The file for the summary of all sets, begun: it belongs to the last of them."""
        if self.rotation is None or self.tasks is None:
            return None
        writer = self.rotation.writer(".txt")
        self.writers.append(writer)
        self.tasks.create_task(writer.run())
        return writer

    async def flush(self, *, all_of_it: bool = False) -> None:
        """Hand full batches, or all there is, to the writers."""
        for writer in self.writers:
            await writer.flush(all_of_it=all_of_it)


@asynccontextmanager
async def writing(outputs: Outputs) -> AsyncIterator[None]:
    """Runs the writers' tasks; on leaving, all files are complete."""
    async with asyncio.TaskGroup() as tasks:
        outputs.tasks = tasks
        for writer in outputs.writers:
            tasks.create_task(writer.run())
        try:
            yield
        finally:
            for writer in outputs.writers:
                await writer.end()


class Run:
    """One engine with its decoder and outputs: what offline and live have in common."""

    def __init__(self, engine: Engine, decoder: Decoder, outputs: Outputs) -> None:
        """Nothing has been read yet."""
        self.engine = engine
        self.decoder = decoder
        self.outputs = outputs
        self.packets = 0
        self.sieve: Sieve | None = None
        """Where others track some of the connections, what tells which."""
        self.statistics: tuple[int, int] | None = None
        self.record: Record = {}
        self._past: Record = {}
        self._lookups: list[Lookup] = []

    def state(self, statements: list[Statement]) -> None:
        """Take in statements about sockets, and record them."""
        for statement in statements:
            self.engine.evidence(statement)
        if self.outputs.evidence is not None:
            self.outputs.evidence.statements(statements)

    def take(self, frames: Frames) -> None:
        """Decode and track frames."""
        self.packets += frames.count
        self.decoder.decode(frames)
        if self.sieve is not None:
            self.sieve.sift(frames)
        if self.outputs.packets is None:
            self.engine.take_in(frames)
        else:
            self._take_each(frames, self.outputs.packets)
        self.deliver()

    def _take_each(self, frames: Frames, sink: "PcapngSink") -> None:
        """Track the segments of frames, with a look at each: whether it is to be written."""
        every, segments = self.outputs.every_packet, frames.segments
        engine, tracker = self.engine, self.engine.tracker
        for number in range(frames.count):
            segment = segments[number]
            if not segment.is_decoded:
                continue
            flow = engine.segment(segment)
            if every or tracker.notable:
                if engine.has_output:
                    self.deliver()  # before this packet tells the sink that time has passed
                sink.packet(frames.packet(number), flow.number, from_client=tracker.from_client)

    def lookups(self) -> list[Lookup]:
        """The lookups that the engine wants since the last call."""
        wanted, self._lookups = self._lookups, []
        return wanted

    def deliver(self) -> None:
        """Hand findings to the sinks, and keep the lookups."""
        found: list[Finding] = []
        for item in self.engine.take():
            if isinstance(item, Finding):
                found.append(item)
            else:
                self._lookups.append(item)
        if not found:
            return
        for sink in self.outputs.sinks:
            sink.findings(found)
        if self.outputs.packets is not None:
            self.outputs.packets.findings(found)

    def finish(self) -> bool:
        """Report what is open, as many as go at once: the input has ended. Tells whether there are more."""
        more = self.engine.finish(_AT_ONCE)
        self.deliver()
        if not more:
            self._past = self.counters()
        return more

    @property
    def total(self) -> Record:
        """The counters of the inputs that have ended."""
        return self._past

    def add(self, counters: Record) -> None:
        """Count what another process has done."""
        self._past = added(self._past, counters)

    def next_input(self, engine: Engine, decoder: Decoder) -> None:
        """Go on with another input, its engine and decoder; the outputs and counters stay."""
        self.engine = engine
        self.decoder = decoder
        self.packets = 0

    def begin(self, record: Record) -> None:
        """Tell the sinks of the run."""
        self.record = record
        for sink in self.outputs.sinks:
            sink.begin(record)
        if self.outputs.evidence is not None:
            self.outputs.evidence.begin(record)

    def end(self, lost: Record) -> Record:
        """Write the packets that wait, and tell the sinks the counters, which it returns.

        `lost`: counters of the shells.
        """
        if self.outputs.packets is not None:
            self.outputs.packets.end(self.statistics)
        counters = (self._past or self.counters()) | lost
        if self.outputs.packets is not None:
            kept = self.outputs.packets
            counters["packets_written"] = kept.queued
            counters["packets_annotated"], counters["packets_bare"] = kept.annotated, kept.released
        for sink in self.outputs.sinks:
            sink.end(counters)
        if self.outputs.evidence is not None:
            self.outputs.evidence.end(counters)
        return counters

    def counters(self) -> Record:
        """The counters of all inputs so far."""
        engine, counters = self.engine, self.engine.counters
        verdicts = {
            **counters.by_verdict,
            Verdict.NO_SOCKET: counters.unmatched,
            Verdict.AMBIGUOUS: counters.ambiguous,
        }
        counted: Record = {
            "packets": self.packets,
            "segments": engine.tracker.moment,
            "connections": engine.tracker.seen,
            "findings": counters.matched + counters.unmatched + counters.ambiguous,
            "matched": counters.matched,
            "unmatched": counters.unmatched,
            "ambiguous": counters.ambiguous,
            "verdicts": {str(verdict): count for verdict, count in sorted(verdicts.items()) if count},
            "copies": engine.tracker.copies,
            "evicted": engine.tracker.evicted,
            "lookups": counters.lookups,
            "statements": engine.index.statements,
            "evidence_dropped": engine.index.dropped,
            "skipped": dict(self.decoder.skipped),
        }
        return added(self._past, counted)


def added(one: Record, other: Record) -> Record:
    """The sums of two records of counters, and of the records in them."""
    return {
        name: added(one.get(name, {}), value) if isinstance(value, dict) else one.get(name, 0) + value
        for name, value in (one | other).items()
        if name in other
    } | {name: value for name, value in one.items() if name not in other}
