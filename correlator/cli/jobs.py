"""Several captures at once, a process each; or one large capture, each process with its share of the connections.

Each process writes what it finds into files of a folder of its own, which the one that started it copies, in the order
of the captures, or merges, in the order of the reports, and removes: the output is the same as that of one process.

Of one capture each process decodes all and tracks its share. So nothing is to be joined where the capture would have
been cut, and when a connection is reported depends on no other connection.
"""

import asyncio
import gc
import multiprocessing
import os
import signal
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Self

from correlator.cli.inputs import Inputs
from correlator.cli.outputs import Built, Wanted
from correlator.cli.part import OF_THE_CAPTURE, Part, failed, fit_together, part_of
from correlator.cli.scratch import scratch
from correlator.core.share import Share
from correlator.kernel.privileges import end_with
from correlator.report.lines import header
from correlator.report.merging import merged
from correlator.report.writer import Writer
from correlator.run import Run

_SIGNALS = (signal.SIGINT, signal.SIGHUP)  # the executor ends its processes with SIGTERM
_EVERY = 0.1  # seconds


@dataclass(frozen=True)
class Job:
    """What each process is to do."""

    wanted: Wanted
    tables: tuple[str, ...]
    shares: int = 1
    """Of the connections of one capture."""
    folder: str = ""
    """Where its outputs go, and where a file says that it is to stop."""


class _Processes:
    """Processes that work at what they are given; use it with `async with`.

    They hear no signal: a terminal's Ctrl-C goes to all, also to one that is just beginning. A file in the job's folder
    tells them to stop.
    """

    def __init__(self, count: int, folder: str, stop: asyncio.Event) -> None:
        """So many; none is begun before there is work for it."""
        self._count = count
        self._begin()
        self._file = _stop_file(folder)
        self._stop = stop

    def renew(self) -> None:
        """Others in their place: where one is killed, the executor gives up all."""
        self.pool.shutdown(wait=False)
        self._begin()

    def _begin(self) -> None:
        # a fork would carry this loop and its threads along
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(self._count, mp_context=context, initializer=end_with, initargs=(os.getpid(),))

    async def __aenter__(self) -> Self:
        """Pass the word to stop on, when it comes."""
        self._passing = asyncio.ensure_future(self._pass_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait for them."""
        self._passing.cancel()
        await asyncio.to_thread(self.pool.shutdown)

    async def _pass_on(self) -> None:
        await self._stop.wait()
        with open(self._file, "xb"):
            pass

    def begin(self, job: Job, group: list[str], number: int) -> "asyncio.Future[Part]":
        """Analyse captures in one of them."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # a process inherits what is blocked
        try:
            coming = asyncio.get_running_loop().run_in_executor(self.pool, work, job, group, number)
            coming.add_done_callback(lambda one: None if one.cancelled() else one.exception())  # nobody may wait for it
            return coming
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


async def in_shares(job: Job, group: list[str], built: Built, inputs: Inputs, run: Run) -> None:
    """Analyse one capture in processes, and merge what they found."""
    with scratch() as folder:
        await _in_shares(replace(job, folder=folder), built, inputs, group, run)


async def _in_shares(job: Job, built: Built, inputs: Inputs, group: list[str], run: Run) -> None:
    async with _Processes(job.shares, job.folder, inputs.stop) as processes:
        try:
            parts = await asyncio.gather(*(processes.begin(job, group, share) for share in range(job.shares)))
        except BrokenExecutor:
            inputs.troubles.append(f"{group[0]}: a process that analysed it was killed")
            inputs.unread += group
            return
        if not fit_together(parts):
            await inputs.take(run, group)  # the slow way is always right
            return
        inputs.troubles += parts[0].troubles
        built.outputs.scratch_failures += [_told(failure) for part in parts for failure in part.failures]
        inputs.unread += parts[0].unread
        for share, part in enumerate(parts):
            run.add(part.counters if share == 0 else part.counters | OF_THE_CAPTURE)
            built.summary.add(part.tally)
            built.fail_on.met = built.fail_on.met or part.is_met
        for place, (_, writer) in enumerate(_names(job.wanted, _stem(job.folder, 0), built)):
            names = [_names(job.wanted, _stem(job.folder, share), built)[place][0] for share in range(job.shares)]
            await _merge(names, writer)


async def _merge(names: list[str], writer: Writer) -> None:
    """Add the lines of some files to an output, in order."""
    with ExitStack() as opened:
        files = [opened.enter_context(open(name, "rb")) for name in names]
        is_screen = names[0].endswith(".txt")
        for lines in merged(files):
            if is_screen and not writer.total:
                writer.put(header().encode("utf-8") + b"\n")
            writer.put(lines)
            await writer.flush()


async def at_once(job: Job, groups: list[list[str]], jobs: int, built: Built, inputs: Inputs, run: Run) -> None:
    """Analyse the groups in processes, and take in what they found, in the order of the groups."""
    with scratch() as folder:
        await _at_once(replace(job, folder=folder), built, inputs, groups, jobs, run)


async def _at_once(job: Job, built: Built, inputs: Inputs, groups: list[list[str]], jobs: int, run: Run) -> None:
    async with _Processes(jobs, job.folder, inputs.stop) as processes:
        coming: dict[int, asyncio.Future[Part]] = {}
        for number, group in enumerate(groups):
            try:
                for later in range(number, min(number + jobs + 1, len(groups))):  # few that are done wait here
                    if later not in coming:
                        coming[later] = processes.begin(job, groups[later], later)
                part: Part | None = await coming.pop(number)
            except BrokenExecutor:
                coming.clear()  # they were given up, too; some other one may have been killed
                part = await _alone(processes, job, group, number)
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
                processes.pool.shutdown(wait=False, cancel_futures=True)
                left = [name for later in groups[number + 1 :] for name in later]
                inputs.troubles += [f"{name}: interrupted; it was left out" for name in left if inputs.stop.is_set()]
                break


async def _alone(processes: _Processes, job: Job, group: list[str], number: int) -> Part | None:
    """Analyse captures while nothing else is; None where that process is killed as well: by no other's fault."""
    processes.renew()
    try:
        return await processes.begin(job, group, number)
    except BrokenExecutor:
        processes.renew()
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


def _own(wanted: Wanted, stem: str, shares: int = 1) -> Wanted:
    """The same outputs, in files of one's own."""
    return wanted._replace(
        force=True,  # over what one that was killed has left
        csv=wanted.csv and stem + ".csv",
        jsonl=wanted.jsonl and stem + ".jsonl",
        quiet=wanted.quiet or "-" in {wanted.csv, wanted.jsonl},
        screen=stem + ".txt",
        keyed=shares > 1,
    )


async def _copy(name: str, writer: Writer) -> None:
    """Add a file to an output, without the header that the output has already, and remove it."""
    await writer.append(name, without_header=name.endswith(".csv") or (name.endswith(".txt") and writer.total > 0))
    os.unlink(name)


def work(job: Job, group: list[str], number: int) -> Part:
    """Analyse captures in this process. `number`: of the captures, or of the share of one."""
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
    wanted = _own(job.wanted, _stem(job.folder, number), job.shares)

    async def take(inputs: Inputs, run: Run) -> None:
        run.sieve = Share(number, job.shares) if job.shares > 1 else None
        await inputs.take(run, group)

    try:
        return await part_of(wanted, job.tables, take, stop=stop)
    finally:
        stopping.cancel()


def _told(failure: str) -> str:
    """What to do about a scratch file that could not be written."""
    return f"{failure} (a scratch file: TMPDIR names a folder with more room)"
