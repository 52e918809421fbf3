"""The asyncio pipeline: the one place that knows all rooms. capture → decode → engine ⇄ kernel → sinks.

Structured: every task lives in a TaskGroup and ends with it. The queues are bounded: the kernel's ring before us,
each writer's batches behind us.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from correlator.core.annotation import Kept
from correlator.core.engine import Engine
from correlator.core.model import Finding, Lookup, Packet, Statement
from correlator.report.columns import Record
from correlator.report.pcapng import PcapngSink
from correlator.report.text_sinks import EvidenceSink
from correlator.report.writer import Writer
from correlator.wire.decode import Decoder

TICK = 0.05  # seconds: the engine's first second look at a connection comes after 50 ms
_SECOND = 1_000_000_000
# Time is told to the engine this late (ns), so that the packets that passed until then have come: the order of the
# findings is then the same when the run is replayed.
LATENCY = 50_000_000


class FindingSink(Protocol):
    """Takes findings."""

    def begin(self, run: Record) -> None:
        """The run starts."""

    def finding(self, finding: Finding) -> None:
        """A finding, provisional or final."""

    def end(self, counters: Record) -> None:
        """The run has ended."""


class PacketSource(Protocol):
    """Gives packets."""

    def batches(self) -> AsyncIterator[list[Packet]]:
        """Lists of packets in order of capture."""


class SavedCapture(PacketSource, Protocol):
    """Gives the packets of a file."""

    @property
    def kept(self) -> Kept | None:
        """What a live run of ours kept, where one wrote it."""


class LiveCapture(PacketSource, Protocol):
    """Gives packets while they pass, and counts what it loses."""

    received: int
    dropped: int

    def count_drops(self) -> None:
        """Bring the counts up to date."""


class LiveEvidence(Protocol):
    """States what the kernel says."""

    @property
    def lost(self) -> int:
        """How often evidence was lost."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin."""

    def stop(self) -> None:
        """Stop listening."""

    def lookup(self, lookups: Iterable[Lookup]) -> None:
        """Carry out lookups."""

    def read_destroyed(self) -> None:
        """Take in what waits."""

    def snapshot(self) -> None:
        """State every socket there is."""

    def find_owners(self, *, at_once: bool = False) -> None:
        """Look for the owners that are not known yet."""


@dataclass(slots=True)
class Outputs:
    """Where a run's results go."""

    sinks: list[FindingSink] = field(default_factory=list)
    packets: PcapngSink | None = None
    every_packet: bool = False
    """Write all packets of a connection, not only those of its handshake and close."""
    evidence: EvidenceSink | None = None
    writers: list[Writer] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        """The outputs that failed, and why."""
        return [writer.failure for writer in self.writers if writer.failure]

    async def flush(self) -> None:
        """Hand full batches to the writers."""
        for writer in self.writers:
            await writer.flush()


@asynccontextmanager
async def writing(outputs: Outputs) -> AsyncIterator[None]:
    """Runs the writers' tasks; on leaving, all files are complete."""
    async with asyncio.TaskGroup() as tasks:
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
        self.statistics: tuple[int, int] | None = None
        self._past: Record = {}

    def state(self, statement: Statement) -> None:
        """Take in a statement about a socket, and record it."""
        self.engine.evidence(statement)
        if self.outputs.evidence is not None:
            self.outputs.evidence.statement(statement)

    def take(self, packets: list[Packet]) -> None:
        """Decode and track packets."""
        self.packets += len(packets)
        decode, segment, sink, every = (
            self.decoder.decode,
            self.engine.segment,
            self.outputs.packets,
            self.outputs.every_packet,
        )
        for packet in packets:
            decoded = decode(packet)
            if decoded is None:
                continue
            step = segment(decoded)
            if sink is not None and (every or step.notable):
                sink.packet(packet, step.flow.number, from_client=step.from_client)

    def deliver(self) -> list[Lookup]:
        """Hand findings to the sinks; returns the lookups that the engine wants."""
        lookups = []
        for item in self.engine.take():
            if isinstance(item, Lookup):
                lookups.append(item)
                continue
            for sink in self.outputs.sinks:
                sink.finding(item)
            if self.outputs.packets is not None:
                self.outputs.packets.finding(item)
        return lookups

    def finish(self) -> None:
        """Report what is open: the input has ended."""
        self.engine.finish()
        self.deliver()
        self._past = self.counters()

    def next_input(self, engine: Engine) -> None:
        """Go on with another input and its engine; the outputs and counters stay."""
        self.engine = engine
        self.decoder.skipped.clear()
        self.packets = 0

    def begin(self, record: Record) -> None:
        """Tell the sinks of the run."""
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
        counters = self._past | lost
        if self.outputs.packets is not None:
            counters |= {
                "packets_written": self.outputs.packets.queued,
                "packets_annotated": self.outputs.packets.annotated,
            }
        for sink in self.outputs.sinks:
            sink.end(counters)
        if self.outputs.evidence is not None:
            self.outputs.evidence.end(counters)
        return counters

    def counters(self) -> Record:
        """The counters of all inputs so far."""
        engine = self.engine
        counted: Record = {
            "packets": self.packets,
            "segments": engine.counters.segments,
            "connections": engine.tracker.seen,
            "findings": engine.counters.findings,
            "matched": engine.counters.matched,
            "unmatched": engine.counters.unmatched,
            "ambiguous": engine.counters.ambiguous,
            "verdicts": {str(verdict): count for verdict, count in sorted(engine.counters.by_verdict.items())},
            "copies": engine.tracker.copies,
            "evicted": engine.tracker.evicted,
            "lookups": engine.counters.lookups,
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


async def analyse(run: Run, source: SavedCapture, stop: asyncio.Event, progress: Callable[[], None]) -> None:
    """Correlate a saved capture until its end or until told to stop; the evidence is already stated."""
    async for packets in source.batches():
        if source.kept is not None:
            run.engine.set_recorded(counted=source.kept is Kept.ALL)
        run.take(packets)
        if packets:
            run.engine.tick(packets[-1].at)
        run.deliver()
        progress()
        await run.outputs.flush()
        if stop.is_set():
            break
    run.finish()


@dataclass(slots=True)
class Until:
    """When a live run ends, besides `stop`."""

    stop: asyncio.Event
    duration: float | None = None
    """Seconds."""
    count: int | None = None
    """Connections."""


async def live(run: Run, capture: LiveCapture, evidence: LiveEvidence, until: Until, ready: Callable[[], None]) -> None:
    """Capture and correlate until told to stop. Raises OSError where the capture fails, after all is reported."""
    evidence.start(asyncio.get_running_loop())
    failure: list[OSError] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            workers = [
                tasks.create_task(_until_it_fails(work, until, failure))
                for work in (_capture(run, capture, evidence, until), _tick(run, capture, evidence, until))
            ]
            ready()
            try:
                async with asyncio.timeout(until.duration):
                    await until.stop.wait()
            except TimeoutError:
                pass
            for worker in workers:
                worker.cancel()
    finally:
        evidence.read_destroyed()
        evidence.stop()
        capture.count_drops()
        run.statistics = (capture.received, capture.dropped)
        evidence.lookup(run.deliver())
        evidence.snapshot()  # what is open is reported as it is now: a family can change (IPV6_ADDRFORM)
        evidence.find_owners(at_once=True)
        run.finish()
    if failure:
        raise failure[0]


async def _until_it_fails(work: Coroutine[None, None, None], until: Until, failure: list[OSError]) -> None:
    """Carry out work; an error of the system ends the run in order, with all that was seen reported."""
    try:
        await work
    except OSError as error:
        failure.append(error)
        until.stop.set()


async def _capture(run: Run, capture: LiveCapture, evidence: LiveEvidence, until: Until) -> None:
    async for packets in capture.batches():
        evidence.read_destroyed()  # what ended before these packets is known before them
        run.take(packets)
        evidence.lookup(run.deliver())
        await run.outputs.flush()
        if until.count is not None and run.engine.tracker.seen >= until.count:
            until.stop.set()


async def _tick(run: Run, capture: LiveCapture, evidence: LiveEvidence, until: Until) -> None:
    counted_at = 0
    while not until.stop.is_set():
        await asyncio.sleep(TICK)
        now = time.time_ns()
        evidence.find_owners()
        run.engine.tick(now - LATENCY)
        evidence.lookup(run.deliver())
        if run.outputs.packets is not None:
            run.outputs.packets.tick(now)
        if now - counted_at > _SECOND:
            counted_at = now
            capture.count_drops()
        await run.outputs.flush()
