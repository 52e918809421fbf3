"""Several captures at once, a process each; their outputs are put together in the order of the captures.

Each process writes what it finds into files of a folder of its own, which the one that started it copies and removes:
the output is the same as that of one process, and the memory that of so many captures as are read at once.
"""

import asyncio
import gc
import multiprocessing
import os
import signal
import tempfile
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from correlator.cli.inputs import Inputs
from correlator.cli.outputs import Built, Wanted, build
from correlator.cli.tables import Tables
from correlator.core.engine import Config
from correlator.report.columns import Record
from correlator.report.writer import Writer
from correlator.run import Run, writing
from correlator.wire.interfaces import Interfaces


@dataclass(frozen=True)
class Job:
    """What each process is to do."""

    wanted: Wanted
    tables: tuple[str, ...]


@dataclass(frozen=True)
class _Part:
    """What a process has done."""

    counters: Record
    tally: dict[str, Any]
    is_met: bool
    troubles: list[str]
    unread: list[str]
    failures: list[str]


async def at_once(job: Job, built: Built, inputs: Inputs, groups: list[list[str]], jobs: int, run: Run) -> None:
    """Analyse the groups in processes, and take in what they found, in the order of the groups."""
    spawned = multiprocessing.get_context("spawn")  # a fork would carry this loop and its threads along
    with (
        tempfile.TemporaryDirectory(prefix="correlator-") as folder,
        ProcessPoolExecutor(jobs, mp_context=spawned) as pool,
    ):
        loop = asyncio.get_running_loop()
        coming: list[asyncio.Future[_Part]] = []
        for number, group in enumerate(groups):
            while len(coming) < min(number + jobs + 1, len(groups)):  # few that are done wait here for their turn
                place = len(coming)
                coming.append(loop.run_in_executor(pool, work, job, groups[place], _stem(folder, place)))
            try:
                part = await coming[number]
            except BrokenExecutor:
                inputs.troubles.append(f"{group[0]}: the process that analysed it was killed")
                inputs.unread += group
                continue
            inputs.troubles += part.troubles + part.failures
            inputs.unread += part.unread
            run.add(part.counters)
            built.summary.add(part.tally)
            built.fail_on.met = built.fail_on.met or part.is_met
            for name, writer in _names(job.wanted, _stem(folder, number), built):
                await _copy(name, writer)
            if inputs.stop.is_set() or run.outputs.is_gone:
                pool.shutdown(cancel_futures=True)
                left = [name for later in groups[number + 1 :] for name in later]
                inputs.troubles += [f"{name}: interrupted; it was left out" for name in left if inputs.stop.is_set()]
                break


def _stem(folder: str, number: int) -> str:
    return os.path.join(folder, str(number))


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
    return replace(
        wanted,
        csv=wanted.csv and stem + ".csv",
        jsonl=wanted.jsonl and stem + ".jsonl",
        quiet=wanted.quiet or "-" in {wanted.csv, wanted.jsonl},
        screen=stem + ".txt",
    )


async def _copy(name: str, writer: Writer) -> None:
    """Add a file to an output, without the header that the output has already, and remove it."""
    await writer.append(name, without_header=name.endswith(".csv") or (name.endswith(".txt") and writer.total > 0))
    os.unlink(name)


def work(job: Job, group: list[str], stem: str) -> _Part:
    """Analyse captures in this process."""
    gc.disable()  # as in `analyse`
    return asyncio.run(_work(job, group, stem))


async def _work(job: Job, group: list[str], stem: str) -> _Part:
    named, interfaces = Tables(), Interfaces()
    for table in job.tables:
        named.add(table)
    built = build(_own(job.wanted, stem), interfaces.names)
    inputs = Inputs(interfaces, named, Config())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, inputs.stop.set)
    run = Run(*inputs.parts(first=True), built.outputs)
    async with writing(built.outputs):
        await inputs.take(run, group)
    gc.collect()
    failures = built.outputs.failures
    return _Part(run.total, built.summary.tally(), built.fail_on.met, inputs.troubles, inputs.unread, failures)
