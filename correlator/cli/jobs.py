"""Several captures at once, a process each.

Each process writes what it finds into files of a folder of its own, which the one that started it copies, in the order
of the captures, and removes: the output is the same as that of one process. A file in the folder tells them to stop.
"""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from concurrent.futures import BrokenExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from correlator.cli.inputs import Inputs
from correlator.cli.outputs import Built, Wanted
from correlator.cli.part import Part, failed, part_of
from correlator.cli.processes import Processes
from correlator.cli.scratch import scratch
from correlator.report.writer import Writer
from correlator.run import Run

_EVERY = 0.1  # seconds


@dataclass(frozen=True)
class Job:
    """What each process is to do."""

    wanted: Wanted
    tables: tuple[str, ...]
    folder: str = ""
    """Where its outputs go, and where a file says that it is to stop."""


@asynccontextmanager
async def _processes(count: int, folder: str, stop: asyncio.Event) -> AsyncIterator[Processes]:
    """Processes that are told to stop when we are."""

    async def pass_on() -> None:
        await stop.wait()
        with open(_stop_file(folder), "xb"):
            pass

    processes = Processes(count)
    passing = asyncio.ensure_future(pass_on())
    try:
        yield processes
    finally:
        passing.cancel()
        await processes.end()


async def at_once(job: Job, groups: list[list[str]], jobs: int, built: Built, inputs: Inputs, run: Run) -> None:
    """Analyse the groups in processes, and take in what they found, in the order of the groups."""
    with scratch() as folder:
        await _at_once(replace(job, folder=folder), built, inputs, groups, jobs, run)


async def _at_once(job: Job, built: Built, inputs: Inputs, groups: list[list[str]], jobs: int, run: Run) -> None:
    async with _processes(jobs, job.folder, inputs.stop) as processes:
        coming: dict[int, asyncio.Task[Part | None]] = {}
        for number, group in enumerate(groups):
            for later in range(number, min(number + jobs + 1, len(groups))):  # few that are done wait here
                if later not in coming:
                    coming[later] = asyncio.create_task(_done(processes, job, groups[later], later))
            part = await coming.pop(number)
            if part is None:
                inputs.troubles.append(f"{group[0]}: the process that analysed it was killed")
                inputs.unread += group
                continue
            inputs.troubles += part.troubles
            built.outputs.scratch_failures += map(_told, part.failures)
            inputs.unread += part.unread
            run.add(part.counters)
            built.summary.add(part.tally)
            built.fail_on.met = built.fail_on.met or part.is_met
            for name, writer in _names(job.wanted, _stem(job.folder, number), built):
                if os.path.exists(name) or not part.failures:  # where it could not be made, that is told
                    await _copy(name, writer)
            if inputs.stop.is_set() or run.outputs.is_gone:
                for one in coming.values():
                    one.cancel()
                left = [name for later in groups[number + 1 :] for name in later]
                inputs.troubles += [f"{name}: interrupted; it was left out" for name in left if inputs.stop.is_set()]
                break


async def _done(processes: Processes, job: Job, group: list[str], number: int) -> Part | None:
    """Have captures analysed; None where the process is killed, and the next one as well: it may be their fault."""
    for _ in range(2):
        try:
            return await processes.ask(work, job, group, number)
        except BrokenExecutor:
            pass
    return None


def _stem(folder: str, number: int) -> str:
    return os.path.join(folder, str(number))


def _stop_file(folder: str) -> str:
    return os.path.join(folder, "stop")


def _names(wanted: Wanted, stem: str, built: Built) -> list[tuple[str, Writer]]:
    """The files of one process, and where each goes."""
    writers = {writer.name: writer for writer in built.outputs.writers}
    mine = _own(wanted, stem)
    pairs = [(mine.csv, wanted.csv), (mine.jsonl, wanted.jsonl)]
    if not mine.quiet:
        pairs.append((mine.screen, wanted.screen))
    return [(own, writers[whole]) for own, whole in pairs if own is not None and whole is not None]


def _own(wanted: Wanted, stem: str) -> Wanted:
    """The same outputs, in files of one's own."""
    return wanted._replace(
        force=True,  # over what one that was killed has left
        csv=wanted.csv and stem + ".csv",
        jsonl=wanted.jsonl and stem + ".jsonl",
        quiet=wanted.quiet or "-" in {wanted.csv, wanted.jsonl},
        screen=stem + ".txt",
    )


async def _copy(name: str, writer: Writer) -> None:
    """Add a file to an output, without the header that the output has already, and remove it."""
    await writer.append(name, without_header=name.endswith(".csv") or (name.endswith(".txt") and writer.total > 0))
    os.unlink(name)


def work(job: Job, group: list[str], number: int) -> Part:
    """Analyse captures in this process. `number`: of the captures."""
    gc.disable()  # as in `analyse`
    gc.freeze()
    try:
        return asyncio.run(_work(job, group, number))
    except SystemExit:  # it has said why; the others go on
        return failed(group, failure=f"{job.folder}: {group[0]} could not be analysed in a process of its own")
    finally:
        gc.collect()


async def _stopping(file: str, stop: asyncio.Event) -> None:
    """Wait for the word to stop."""
    while not os.path.exists(file):  # noqa: ASYNC110  there is no event between processes
        await asyncio.sleep(_EVERY)
    stop.set()


async def _work(job: Job, group: list[str], number: int) -> Part:
    stop = asyncio.Event()
    stopping = asyncio.ensure_future(_stopping(_stop_file(job.folder), stop))
    wanted = _own(job.wanted, _stem(job.folder, number))

    async def take(inputs: Inputs, run: Run) -> None:
        await inputs.take(run, group)

    try:
        return await part_of(wanted, job.tables, take, stop=stop)
    finally:
        stopping.cancel()


def _told(failure: str) -> str:
    """What to do about a scratch file that could not be written."""
    return f"{failure} (a scratch file: TMPDIR names a folder with more room)"
