"""Analyses a large capture in several processes."""

import os
from concurrent.futures import BrokenExecutor
from contextlib import AsyncExitStack

from correlator.capture.cut import head_of
from correlator.capture.files import CaptureFile, Span
from correlator.cli.inputs import Inputs, progress
from correlator.cli.outputs import Built, Wanted
from correlator.cli.part import OF_THE_CAPTURE
from correlator.cli.processes import Process
from correlator.cli.scratch import scratch
from correlator.cli.shares.course import MORE_SLOTS, Course, MisfitError, Sharing, cut, room
from correlator.cli.shares.sheets import names
from correlator.cli.shares.slots import Shared, make
from correlator.cli.shares.words import Job
from correlator.report.lines import header
from correlator.report.record import Record
from correlator.run import Run, added
from correlator.wire.skips import in_order

_FAILURES = (MisfitError, BrokenExecutor, OSError, ValueError)


async def in_shares(
    wanted: Wanted, tables: tuple[str, ...], shares: int, capture: str, built: Built, inputs: Inputs, run: Run
) -> None:
    """Analyse a capture in so many processes; in this one where that cannot be right, or is not worth it."""
    spans = cut(CaptureFile(capture, inputs.interfaces).size or 0, shares + MORE_SLOTS)
    shares = min(shares, len(spans))  # more would have nothing to decode
    if len(spans) < 2 or not head_of(capture):
        await inputs.take(run, [capture])
        return
    outputs = _Outputs(wanted, built)
    try:
        with scratch() as folder:
            slots = tuple(os.path.join(folder, str(number)) for number in range(shares + MORE_SLOTS))
            for slot in slots:
                make(slot, room(spans), spans[0].end)
            job = Job(capture, wanted, tables, shares, slots, room(spans))
            await _in_shares(job, spans, outputs, built, inputs, run)
    except* _FAILURES:  # the slow way is always right, and leaves out what is there already
        outputs.expect_again()
        await inputs.take(run, [capture])


async def _in_shares(job: Job, spans: list[Span], outputs: "_Outputs", built: Built, inputs: Inputs, run: Run) -> None:
    """Have processes do it. Raises a group of MisfitError, BrokenExecutor, OSError, or ValueError."""
    how_far = _HowFar(spans[-1].begin)
    slots = [Shared(name, job.room, job.shares) for name in job.slots]
    processes = [Process() for _ in range(job.shares)]
    sharing = [Sharing(share, job, process) for share, process in enumerate(processes)]
    async with AsyncExitStack() as ending:
        for process in processes:
            ending.push_async_callback(process.end)
        with progress(how_far) as progressed:

            async def put(output: int, lines: bytes, count: int) -> None:
                await outputs.put(output, lines, count)
                how_far.bytes_read = course.next_at
                progressed()

            def is_over() -> bool:
                return inputs.stop.is_set() or built.outputs.is_gone

            course = Course(spans, sharing, slots, len(outputs.writers), put, is_over)
            wholes = await course.run()
    inputs.taken += 1
    of_pieces = {"packets": course.packets, "segments": course.segments, "skipped": in_order(course.skipped)}
    counters: Record = {}
    for share, whole in enumerate(wholes):
        counters = added(counters, whole.counters | (OF_THE_CAPTURE if share else of_pieces))
        built.summary.add(whole.tally)
        built.fail_on.met = built.fail_on.met or whole.is_met
    run.add(counters | {"verdicts": dict(sorted(counters["verdicts"].items()))})
    inputs.troubles += wholes[0].troubles
    if course.damage is not None:
        inputs.note_damage(job.capture, course.damage)
    inputs.note_interruption(job.capture)


class _HowFar:
    """How far the capture has been tracked."""

    def __init__(self, size: int) -> None:
        self.size: int | None = size
        self.bytes_read = 0


class _Outputs:
    """Where the lines go, and how many have gone there."""

    def __init__(self, wanted: Wanted, built: Built) -> None:
        writers = {writer.name: writer for writer in built.outputs.writers}
        self.writers = [writers[name] for name in names(wanted)]
        self._headers = [header().encode() + b"\n" if name == wanted.screen else b"" for name in names(wanted)]
        self._counts = [0] * len(self.writers)

    async def put(self, output: int, lines: bytes, count: int) -> None:
        """Take the next lines of an output, so many."""
        writer = self.writers[output]
        if count and self._headers[output]:
            writer.put(self._headers[output])
            self._headers[output] = b""
            self._counts[output] += 1
        writer.put(lines)
        self._counts[output] += count
        await writer.flush()

    def expect_again(self) -> None:
        """The same lines will come once more, and others behind them."""
        for writer, count in zip(self.writers, self._counts, strict=True):
            writer.expect_again(count)
