"""The asyncio pipeline: the one place that knows all rooms. capture → decode → engine ⇄ kernel → sinks.

Structured: every task lives in a TaskGroup and ends with it. The queues are bounded: the kernel's ring before us,
each writer's batches behind us.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Protocol

from correlator.core.annotation import Kept
from correlator.core.frames import Frames
from correlator.core.model import Lookup
from correlator.run import Run

TICK = 0.05  # seconds: the engine's first second look at a connection comes after 50 ms
_READ_EVERY = 0.02
_SECOND = 1_000_000_000
# Time is told to the engine this late (ns), so that the packets that passed until then have come: the order of the
# findings is then the same when the run is replayed.
LATENCY = 50_000_000


class PacketSource(Protocol):
    """Gives packets."""

    def batches(self) -> AsyncIterator[list[Frames]]:
        """Frames in order of capture."""


class SavedCapture(PacketSource, Protocol):
    """Gives the packets of a file."""

    @property
    def kept(self) -> Kept | None:
        """What a live run of ours kept, where one wrote it."""


class LiveCapture(PacketSource, Protocol):
    """Gives packets while they pass, and counts what it loses."""

    received: int
    dropped: int
    last_at: int
    """Time of the last packet (ns)."""

    @property
    def is_idle(self) -> bool:
        """Whether all packets that came were taken."""

    def count_drops(self) -> None:
        """Bring the counts up to date."""

    def follow(self) -> None:
        """Take in interfaces that have come."""


class LiveEvidence(Protocol):
    """States what the kernel says."""

    @property
    def lost(self) -> int:
        """How often evidence was lost."""

    def start(self) -> None:
        """State what there is."""

    def lookup(self, lookups: Iterable[Lookup]) -> None:
        """Carry out lookups."""

    def read_events(self, *, last: bool = False) -> None:
        """State the events that wait; those as well, if these are the last, that wait for others."""

    def find_owners(self, *, at_once: bool = False) -> None:
        """Look for the owners that are not known yet."""

    def restate(self) -> None:
        """State what there is again, for a record that begins anew."""


async def analyse(run: Run, source: SavedCapture, stop: asyncio.Event, progress: Callable[[], None]) -> None:
    """Correlate a saved capture until its end or until told to stop; the evidence is already stated."""
    async for batch in source.batches():
        if source.kept is not None:
            run.engine.set_recorded(counted=source.kept is Kept.ALL)
        for frames in batch:
            run.take(frames)
            run.engine.tick(frames.last_at)
        run.deliver()
        progress()
        await run.outputs.flush()
        if stop.is_set() or run.outputs.is_gone:
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
    evidence.start()
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
        evidence.read_events(last=True)
        capture.count_drops()
        run.statistics = (capture.received, capture.dropped)
        run.engine.ask_all()  # what is open is reported as it is now: a family can change (IPV6_ADDRFORM)
        run.deliver()
        evidence.lookup(run.lookups())
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
    read_at = 0.0
    async for batch in capture.batches():
        if time.monotonic() - read_at > _READ_EVERY:  # between the ticks: who closes a socket may be gone by the next
            evidence.read_events()
            read_at = time.monotonic()
        for frames in batch:
            run.take(frames)
        evidence.lookup(run.lookups())
        await run.outputs.flush()
        if until.count is not None and run.engine.tracker.seen >= until.count:
            until.stop.set()


async def _tick(run: Run, capture: LiveCapture, evidence: LiveEvidence, until: Until) -> None:
    counted_at = lost = 0
    offset = time.time_ns() - time.monotonic_ns()
    while not until.stop.is_set():
        await asyncio.sleep(TICK)
        # the wall's time, as the packets have it; where that is set back, time goes on all the same
        now = max(time.time_ns(), time.monotonic_ns() + offset)
        evidence.read_events()  # what ended before now is known before its time is up
        if evidence.lost != lost:
            lost = evidence.lost
            run.engine.ask_all()
        # where packets wait, no more time has passed for the engine than up to the last that was taken
        run.engine.tick(now - LATENCY if capture.is_idle else min(now - LATENCY, capture.last_at))
        run.deliver()
        evidence.lookup(run.lookups())
        if run.outputs.packets is not None:
            run.outputs.packets.tick(now)
        second_passed = now - counted_at > _SECOND
        if second_passed:
            counted_at = now
            capture.count_drops()
            capture.follow()
        await run.outputs.flush(all_of_it=second_passed)  # a run that is killed loses a second at most
        if await run.outputs.rotate(now, run.record, run.counters()):
            evidence.restate()
        if run.outputs.is_gone:
            until.stop.set()
