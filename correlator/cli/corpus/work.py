"""What a worker does: analyse a piece of a corpus, track what reaches over edges.

Each writes what it finds into a Parquet file of its own, and returns what it has counted. What tasks leave for one
another lies in the same folder; who does a piece again, because a worker was lost, puts it over what may be there.
"""

import asyncio
import gc
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from correlator import __version__
from correlator.cli.corpus.places import PutError, captures_of, evidence_of, opened, put
from correlator.cli.corpus.plan import Job, Step
from correlator.cli.inputs import Inputs
from correlator.cli.outputs import Wanted, run_record
from correlator.cli.part import Part, failed, part_of
from correlator.cli.scratch import scratch
from correlator.core.annotation import Kept
from correlator.core.edges import ROW, Edges, replay
from correlator.core.tracker import Tracker
from correlator.run import Run
from correlator.wire.interfaces import Described, Interfaces

_BLOCK = ROW * 4096  # bytes of rows


@dataclass(frozen=True)
class Task:
    """A piece that is to be analysed."""

    job: Job
    step: Step
    part: str
    """The name of what it writes."""
    evidence: tuple[str, ...] | None = None
    aside: str = ""
    """Where others' connections are known, what it is to set aside for them; the filter's name is in `known`."""
    known: str = ""


@dataclass(frozen=True)
class Done:
    """What came of a task."""

    part: Part
    name: str = ""
    """Of what was written; "" where nothing was."""
    left: int = 0
    """Connections of its own that were under way at the end."""
    most: int = 0
    """Connections that it held at once."""
    aside: int = 0
    """Bytes of what was set aside."""
    interfaces: tuple[Described, ...] = ()
    seconds: float = 0.0
    peak: int = 0
    """Bytes of memory that the worker had at the most by then; 0 where it is not known (proc(5))."""

    @property
    def messages(self) -> list[str]:
        """What is wrong with what was done."""
        return [*self.part.troubles, *self.part.failures]


@dataclass(frozen=True)
class Reach:
    """What was set aside, of which a share is to be tracked."""

    job: Job
    part: str
    steps: tuple[tuple[Step, str, tuple[Described, ...]], ...]
    """With the names of what was set aside, and the captures' interfaces."""
    kept: Kept | None
    evidence: tuple[str, ...] | None
    share: int = 0
    shares: int = 1


def work(task: Task) -> Done:
    """Analyse a piece."""
    names = list(task.step.piece.names)
    return _carried_out(task.job, names, task.part, lambda folder: _work(task, folder))


def reach(task: Reach) -> Done:
    """Track what reaches over edges."""
    names = [name for step, _, _ in task.steps for name in step.piece.names]
    return _carried_out(task.job, names[:1], task.part, lambda folder: _reach(task, folder))


def _carried_out(job: Job, names: list[str], part: str, work: Callable[[str], Coroutine[None, None, Done]]) -> Done:
    """Do work in a folder of its own; what keeps it from being done is what comes of it."""
    if job.version != __version__:
        return Done(failed(names, trouble=f"{names[0]}: a worker has correlator {__version__}, not {job.version}"))
    began = time.monotonic()
    gc.disable()  # as in `analyse`; the worker's own loop has its turn again between two tasks
    try:
        with scratch() as folder:
            done = asyncio.run(work(folder))
    except SystemExit:  # it has said why, where it runs
        done = Done(failed(names, failure=f"{part}: could not be written"))
    except PutError as error:
        done = Done(failed(names, failure=str(error)))
    finally:
        gc.enable()
    return replace(done, seconds=time.monotonic() - began, peak=_peak())


async def _work(task: Task, folder: str) -> Done:
    step, interfaces = task.step, Interfaces()
    captures = captures_of(step.piece, folder)
    evidence = evidence_of(task.evidence, step.piece, folder)
    own, aside = os.path.join(folder, "part.parquet"), os.path.join(folder, "aside")
    tracked: list[Tracker] = []
    with open(aside, "wb") as rows:
        edges = Edges(task.job.seed, _filter(task.known), rows.write, step.newest) if task.aside else None

        async def take(inputs: Inputs, run: Run) -> None:
            run.sieve = edges
            names = [local for local, _ in captures]
            await inputs.take(run, names, evidence=evidence, span=step.piece.span, newest=step.newest)
            tracked.append(run.engine.tracker)

        part = await _part(task.job, folder, own, list(step.piece.names), take, interfaces)
        if edges is not None:
            edges.flush()
    troubles = [_renamed(trouble, captures) for trouble in part.troubles]
    done = Done(
        replace(part, troubles=troubles),
        left=tracked[0].left,
        most=tracked[0].most,
        aside=os.path.getsize(aside),
        interfaces=tuple(interfaces.described()),
    )
    if len(part.unread) == len(captures) or part.failures:
        return done
    if edges is not None:
        put(aside, task.aside)
    put(own, task.part)
    return replace(done, name=task.part)


async def _reach(task: Reach, folder: str) -> Done:
    own, interfaces = os.path.join(folder, "part.parquet"), Interfaces()
    names = [name for step, _, _ in task.steps for name in step.piece.names]
    evidence = evidence_of(task.evidence, task.steps[0][0].piece, folder)
    tracked: list[Tracker] = []

    async def track(inputs: Inputs, run: Run) -> None:
        inputs.state(run, evidence)
        if task.kept is not None:
            run.engine.set_recorded(counted=task.kept is Kept.ALL)
        for step, aside, described in task.steps:
            numbers = interfaces.join(list(described))
            files, path = opened(aside)
            with files.open(path, "rb") as rows:
                while block := rows.read(_BLOCK):
                    replay(run.engine, block, numbers, step.before, task.share, task.shares)
                    run.deliver()
                    await run.outputs.flush()
        while run.finish():
            await run.outputs.flush()
        tracked.append(run.engine.tracker)

    part = await _part(task.job, folder, own, names, track, interfaces)
    if part.failures:
        return Done(part)
    put(own, task.part)
    return Done(part, task.part, most=tracked[0].most)


async def _part(
    job: Job,
    folder: str,
    own: str,
    names: list[str],
    work: Callable[[Inputs, Run], Awaitable[None]],
    interfaces: Interfaces,
) -> Part:
    """Do work whose findings go into a file of its own. `names`: of the captures that it is about."""
    wanted = Wanted(parquet=own, quiet=True, selection=job.selection, fail_on=job.fail_on)
    record = run_record(time.time_ns(), captures=names, sources=["table"] if job.tables else [])
    return await part_of(wanted, _tables(job, folder), work, interfaces=interfaces, record=record)


def _tables(job: Job, folder: str) -> list[str]:
    """The tables, as files of this machine."""
    tables = []
    for place, (name, content) in enumerate(job.tables):
        tables.append(os.path.join(folder, f"{place}-{os.path.basename(name)}"))
        Path(tables[-1]).write_bytes(content)
    return tables


def _renamed(trouble: str, captures: list[tuple[str, str]]) -> str:
    for local, name in captures:
        trouble = trouble.replace(local, name)
    return trouble


def _peak() -> int:
    """Bytes of memory that this process had at the most; getrusage(2) would count those of the one that started it."""
    with suppress(OSError), open("/proc/self/status", encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


@lru_cache(maxsize=1)
def _filter(name: str) -> bytes:
    """What knows the four-tuples at edges; the next task of the same analysis asks again."""
    files, path = opened(name)
    bits: bytes = files.cat_file(path)
    return bits
