"""The asyncio pipeline: the one place that knows all rooms. capture → decode → engine ⇄ kernel → sinks.

Structured: every task lives in a TaskGroup and ends with it. The queues are bounded: the kernel's ring before us,
each writer's batches behind us.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from typing import Protocol

from correlator.core.annotation import Kept
from correlator.core.frames import Frames
from correlator.core.model import Gap, Lookup
from correlator.run import Run

TICK = 0.05  # seconds: the engine's first second look at a connection comes after 50 ms
# Whoever wakes up finds cold caches, which costs as much as some dozens of connections. So a busy run takes few long
# turns: it pauses for so many times as long as the last one took, up to a tick. An idle one reacts at once.
_PAUSE = 10
_SECOND = 1_000_000_000
# Where evidence was lost, all connections are asked about. While it is lost again and again, the asking takes at the
# most one part in so many of the time: it would be what the next is lost for.
_ASKING_SHARE = 10
_LAST_READS = 16  # of what waits at the end: under a flood there would be no end
_STEP = 100_000_000  # ns by which the wall's clock is not read late, but was set
# Time is told to the engine this late (ns), so that the packets that passed until then have come: the order of the
# findings is then the same when the run is replayed.
LATENCY = 50_000_000
# A capture out of a pipe with packets of the last minute (ns) is being made, or as good as that.
_JUST_NOW = 60 * _SECOND


class PacketSource(Protocol):
    """Gives packets."""

    def batches(self) -> AsyncGenerator[Iterable[Frames], None]:
        """Frames in order of capture, each good until the next."""


class SavedCapture(PacketSource, Protocol):
    """Gives the packets of a file."""

    @property
    def is_growing(self) -> bool:
        """Whether it may be written just now."""

    @property
    def kept(self) -> Kept | None:
        """What a live run of ours kept, where one wrote it."""


class LiveCapture(PacketSource, Protocol):
    """Gives packets while they pass, and counts what it loses."""

    received: int
    dropped: int
    last_at: int
    """Time of the last packet (ns)."""
    opened_at: int
    """When it was opened, by the wall's time (ns): no packet is older, unless the clock was set."""

    @property
    def is_idle(self) -> bool:
        """Whether all packets that came were taken."""

    @property
    def patience(self) -> float:
        """For how long (s) packets can wait to be read."""

    def read(self) -> list[Frames]:
        """Frames that wait to be read, as many as go at once."""

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

    def read_events(self, until: int | None = None, *, last: bool = False) -> None:
        """State the events that wait, up to a time (ns since the epoch); all, if these are the last."""

    def find_owners(self, *, at_once: bool = False) -> None:
        """Look for the owners that are not known yet."""

    def restate(self) -> None:
        """State what there is again, for a record that begins anew."""


async def analyse(run: Run, source: SavedCapture, stop: asyncio.Event, progress: Callable[[], None]) -> None:
    """Correlate a saved capture until its end or until told to stop; the evidence is already stated."""
    newest, heard_at, is_awaited = 0, time.time_ns(), False
    async with contextlib.aclosing(source.batches()) as batches:
        async for batch in batches:
            now = time.time_ns()
            if source.kept is not None:
                run.engine.set_recorded(counted=source.kept is Kept.ALL)
            if source.is_growing and (not batch or abs(now - newest) < _JUST_NOW):
                run.engine.set_prompt()  # somebody waits, or the packets are new: who reads it wants to see them
                is_awaited = True
            for frames in batch:
                run.take(frames)
                newest, heard_at = max(newest, frames.last_at), now
                if is_awaited:  # else segments alone tell the time: what is found does not depend on where blocks end
                    run.engine.tick(frames.last_at)
            if source.is_growing and not batch and newest:
                run.engine.tick(newest + now - heard_at)
            run.deliver()
            progress()
            await run.outputs.flush()
            if (stop.is_set() and not source.is_growing) or run.outputs.is_gone:
                break  # one that grows ends by itself, with what is there by now
    while run.finish():
        await run.outputs.flush()


class Until:
    """When a live run ends."""

    def __init__(self, stop: asyncio.Event, duration: float | None = None, count: int | None = None) -> None:
        """When it is told to stop; else after so many seconds, or connections."""
        self.stop, self.duration, self.count = stop, duration, count


async def live(run: Run, capture: LiveCapture, evidence: LiveEvidence, until: Until, ready: Callable[[], None]) -> None:
    """Capture and correlate until told to stop. Raises OSError where the capture fails, after all is reported."""
    begun = time.time_ns()
    evidence.start()
    failure: list[OSError] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            turns = _Turns(run, capture, evidence, until, begun)
            workers = [
                tasks.create_task(_until_it_fails(work, until, failure)) for work in (turns.capture(), turns.tick())
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
        with contextlib.suppress(OSError):  # a capture that has failed has nothing more
            for _ in range(_LAST_READS):
                for frames in capture.read():
                    run.take(frames)
        evidence.read_events(last=True)
        capture.count_drops()
        run.statistics = (capture.received, capture.dropped)
        run.engine.ask_all()  # what is open is reported as it is now: a family can change (IPV6_ADDRFORM)
        run.deliver()
        evidence.lookup(run.lookups())
        evidence.find_owners(at_once=True)
        while run.finish():
            await run.outputs.flush()
    if failure:
        raise failure[0]


async def _until_it_fails(work: Coroutine[None, None, None], until: Until, failure: list[OSError]) -> None:
    """Carry out work; an error of the system ends the run in order, with all that was seen reported."""
    try:
        await work
    except OSError as error:
        failure.append(error)
        until.stop.set()


class _Turns:
    """What a live run does again and again: with the packets that come, and as time passes."""

    def __init__(self, run: Run, capture: LiveCapture, evidence: LiveEvidence, until: Until, begun: int) -> None:
        self._run = run
        self._begun = begun  # ns: what was captured before, nobody can say anything of
        self._capture = capture
        self._evidence = evidence
        self._until = until
        self._offset = time.time_ns() - time.monotonic_ns()
        self._ticked_at = 0.0
        self._counted_at = self._lost = 0
        self._is_to_ask = False
        self._asks_at = 0.0
        self._looked_at = time.time_ns()

    async def capture(self) -> None:
        """Take in the packets."""
        run = self._run
        async for batch in self._capture.batches():
            begun = time.monotonic()
            self._note_gap()
            # Before the packets: who closes a socket may be gone by the next tick. No further than the packets go: the
            # evidence of what is to come would take the place of theirs.
            self._read_events()
            for frames in batch:
                run.take(self._of_the_run(frames))
            self._evidence.lookup(run.lookups())
            await run.outputs.flush()
            if self._until.count is not None and run.engine.tracker.seen >= self._until.count:
                self._until.stop.set()
            await self._tick()
            pause = min(TICK, self._capture.patience, (time.monotonic() - begun) * _PAUSE)
            await asyncio.sleep(pause)

    def _of_the_run(self, frames: Frames) -> Frames:
        """Those of frames that were captured since the evidence began: others would be taken for another host's."""
        if not self._begun or not frames.count or frames.segments[0].at >= self._begun:
            if frames.count and frames.segments[0].at > self._begun + _SECOND:
                self._begun = 0  # no ring has an older one any more
            return frames
        is_set = abs(time.time_ns() - time.monotonic_ns() - self._offset) > _STEP
        if is_set or frames.segments[0].at < self._capture.opened_at:  # or was, for a moment
            self._begun = 0  # nor does its time tell any more when a packet came
            return frames
        first = next((place for place in range(frames.count) if frames.segments[place].at >= self._begun), frames.count)
        return frames.part(first, frames.count)

    async def tick(self) -> None:
        """Let time pass where no packets do."""
        while not self._until.stop.is_set():
            await asyncio.sleep(TICK)
            await self._tick()

    def _read_events(self) -> None:
        self._evidence.read_events(None if self._capture.is_idle else self._capture.last_at or None)

    def _note_gap(self) -> None:
        """Where packets were lost, what the kernel says of a four-tuple may be about a connection that was not seen."""
        now, dropped = time.time_ns(), self._capture.dropped
        self._capture.count_drops()
        if self._capture.dropped > dropped:
            self._run.state([Gap(self._looked_at, now)])
        self._looked_at = now

    async def _tick(self) -> None:
        """Let time pass, if a tick has passed."""
        if time.monotonic() - self._ticked_at < TICK:
            return
        self._ticked_at = time.monotonic()
        run, capture = self._run, self._capture
        # the wall's time, as the packets have it; where that is set back, time goes on all the same
        now = max(time.time_ns(), time.monotonic_ns() + self._offset)
        self._note_gap()
        self._read_events()  # what ended before now is known before its time is up
        if self._evidence.lost != self._lost:
            self._lost = self._evidence.lost
            self._is_to_ask = True
        asks = self._is_to_ask and self._ticked_at >= self._asks_at
        if asks:
            self._is_to_ask = False
            run.engine.ask_all()
        # where packets wait, no more time has passed for the engine than up to the last that was taken
        run.engine.tick(now - LATENCY if capture.is_idle else min(now - LATENCY, capture.last_at))
        run.deliver()
        begun = time.monotonic()
        self._evidence.lookup(run.lookups())
        if asks:
            self._asks_at = begun + (time.monotonic() - begun) * _ASKING_SHARE
        if run.outputs.packets is not None:
            run.outputs.packets.tick(now)
        second_passed = now - self._counted_at > _SECOND
        if second_passed:
            self._counted_at = now
            capture.follow()
        await run.outputs.flush(all_of_it=second_passed)  # a run that is killed loses a second at most
        if await run.outputs.rotate(now, run.record, run.counters()):
            self._evidence.restate()
        if run.outputs.is_gone:
            self._until.stop.set()
