"""`analyse --scheduler`: a corpus of captures on a Dask cluster (https://distributed.dask.org), a task for each file.

Each worker writes what it finds into a Parquet file of its own, and returns what it has counted. A file that a lost
worker had is analysed again, and its part put in the place of what may be there by then: nothing is there twice. A file
that is large is shared out as `--jobs` does it (`jobs.py`): each task decodes all and tracks its share of the
connections.
"""

import asyncio
import gc
import logging
import os
import posixpath
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import fsspec
from distributed import Client, Future, LocalCluster, as_completed
from fsspec.implementations.local import LocalFileSystem

from correlator import __version__
from correlator.capture.names import UnreadableError, expand
from correlator.cli.exits import Exit, die, say, show
from correlator.cli.outputs import Wanted, run_record
from correlator.cli.part import OF_THE_CAPTURE, Part, cores, failed, fit_together, part_of
from correlator.cli.scratch import scratch
from correlator.cli.selection import Selection
from correlator.cli.tables import EVIDENCE_SUFFIX, Tables, beside_capture
from correlator.report.escape import terminal
from correlator.report.record import Record
from correlator.report.summary import Summary
from correlator.run import added

LOCAL = "local"
"""The scheduler that is a cluster of this machine's own cores."""
_LARGE = 2 << 30
"""Bytes of a file for each task."""
_RETRIES = 2
_REMOTE = "://"


@dataclass(frozen=True)
class Task:
    """What a worker is to do."""

    name: str
    number: int
    """Of the file among all."""
    to: str
    tables: tuple[tuple[str, bytes], ...]
    """Names and contents: a worker elsewhere has no such files."""
    selection: Selection
    share: int = 0
    shares: int = 1
    instead_of: int = 0
    """So many shares that do not fit together: what they have written goes."""
    version: str = __version__

    @property
    def part(self) -> str:
        """The name of the file with what is found."""
        which = f"-{self.share + 1}-of-{self.shares}" if self.shares > 1 else ""
        return _joined(self.to, f"part-{self.number + 1:06d}{which}.parquet")


@dataclass(frozen=True)
class Done:
    """What a worker has done, and what that took."""

    task: Task
    part: Part
    seconds: float = 0.0
    peak: int = 0
    """Bytes of memory that the worker had at the most by then."""


@dataclass
class Result:
    """What came of a corpus."""

    counters: Record = field(default_factory=dict)
    summary: Summary = field(default_factory=Summary)
    troubles: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unread: int = 0
    parts: list[str] = field(default_factory=list)


def names_of(captures: tuple[str, ...]) -> list[str]:
    """The captures, with folders and patterns taken apart. Ends the program where there are none."""
    found = []
    for name in captures:
        if _REMOTE in name:
            try:
                files, paths = fsspec.core.url_to_fs(name)
                inside = sorted(files.find(paths)) if files.isdir(paths) else sorted(files.glob(paths))
            except (OSError, ValueError, ImportError) as error:
                die(Exit.UNREADABLE, f"{name}: {error}")
            found += [files.unstrip_protocol(path) for path in inside]
            if not inside:
                die(Exit.UNREADABLE, f"{name}: matches no file")
        else:
            try:
                found += [os.path.abspath(one) for one in expand([name])]
            except UnreadableError as error:
                die(Exit.UNREADABLE, str(error))
    return found


def prepared(to: str, *, force: bool) -> str:
    """The folder for the parts, which are no others'. Ends the program where it cannot be used."""
    folder = to if _REMOTE in to else os.path.abspath(to)
    try:
        files, path = fsspec.core.url_to_fs(folder)
        files.makedirs(path, exist_ok=True)
        there = list(files.glob(posixpath.join(path, "part-*.parquet")))
        if there and not force:
            die(Exit.OUTPUT, f"{to}: has parts of another analysis; use --force to replace them")
        for one in there:
            files.rm_file(one)
    except (OSError, ValueError, ImportError) as error:
        die(Exit.OUTPUT, f"{to}: {getattr(error, 'strerror', None) or error}")
    return folder


def tables_of(names: tuple[str, ...]) -> tuple[tuple[tuple[str, bytes], ...], list[str]]:
    """The tables' contents, and what is wrong with them. Ends the program where they are no tables."""
    read = Tables()
    for name in names:
        read.add(name)
    return tuple((name, Path(name).read_bytes()) for name in names), read.damaged


@contextmanager
def cluster(scheduler: str) -> Iterator[Client]:
    """A client of a scheduler, or of a cluster of this machine's cores. Ends the program where nobody answers."""
    logging.disable(logging.CRITICAL)  # what matters of what its libraries say is told by us
    with ExitStack() as opened:
        try:
            if scheduler == LOCAL:
                local = LocalCluster(
                    n_workers=cores(), threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
                )
                scheduler = opened.enter_context(local)
            client = opened.enter_context(Client(scheduler, timeout=10))
        except (OSError, ValueError) as error:
            die(Exit.UNREADABLE, f"--scheduler {scheduler}: {error or 'nobody answers'}")
        yield client


def analysed(client: Client, tasks: list[Task], progress: Callable[[Done], None]) -> Result:
    """Have the tasks done, and put together what they count."""
    done: dict[int, dict[int, Done]] = {}  # by file and share
    waiting = {_submitted(client, task): task for task in tasks}
    coming = as_completed(waiting)
    for future in coming:
        task = waiting.pop(future)
        shares = done.setdefault(task.number, {})
        shares[task.share] = _result(future, task)
        progress(shares[task.share])
        if len(shares) == task.shares > 1 and not fit_together([one.part for one in shares.values()]):
            shares.clear()
            whole = replace(task, share=0, shares=1, instead_of=task.shares)
            again = _submitted(client, whole)
            waiting[again] = whole
            coming.add(again)
    return _together([one for _, shares in sorted(done.items()) for _, one in sorted(shares.items())])


def _submitted(client: Client, task: Task) -> Future:
    return client.submit(work, task, key=f"correlator-{os.path.basename(task.part)}", pure=False, retries=_RETRIES)


def _result(future: Future, task: Task) -> Done:
    try:
        done: Done = future.result()
    except Exception as error:  # noqa: BLE001  whatever happened to a worker costs its own file only
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Done(task, failed([task.name], trouble=f"{task.name}: could not be analysed: {reason[:200]}"))
    finally:
        future.release()
    return done


def _together(done: list[Done]) -> Result:
    result = Result()
    for one in done:
        part, is_first = one.part, one.task.share == 0
        result.counters = added(result.counters, part.counters if is_first else part.counters | OF_THE_CAPTURE)
        result.summary.add(part.tally)
        result.failures += part.failures
        if is_first:
            result.troubles += part.troubles
            result.unread += bool(part.unread)
        if not part.unread:
            result.parts.append(one.task.part)
    return result


def tasks_of(names: list[str], to: str, tables: tuple[tuple[str, bytes], ...], selection: Selection) -> list[Task]:
    """A task a file, several for a large one."""
    tasks = []
    for number, name in enumerate(names):
        shares = min(64, 1 + _size(name) // _LARGE)
        whole = Task(name, number, to, tables, selection, shares=shares)
        tasks += [replace(whole, share=share) for share in range(shares)]
    return tasks


def _size(name: str) -> int:
    try:
        files, path = fsspec.core.url_to_fs(name)
        return int(files.size(path) or 0)
    except (OSError, ValueError, ImportError):
        return 0  # reading it tells


def work(task: Task) -> Done:
    """Analyse a file: what a worker does."""
    if task.version != __version__:
        trouble = f"{task.name}: a worker has correlator {__version__}, not {task.version}"
        return Done(task, failed([task.name], trouble=trouble))
    began = time.monotonic()
    gc.disable()  # as in `analyse`; the worker's own loop has its turn again between two tasks
    try:
        with scratch() as folder:
            part = asyncio.run(_work(task, folder))
    except SystemExit:  # it has said why, where it runs
        part = failed([task.name], failure=f"{task.part}: could not be written")
    finally:
        gc.enable()
    return Done(task, part, time.monotonic() - began, getrusage(RUSAGE_SELF).ru_maxrss * 1024)


async def _work(task: Task, folder: str) -> Part:
    _remove([replace(task, share=share, shares=task.instead_of).part for share in range(task.instead_of)])
    capture = _fetched(task.name, folder)
    own = os.path.join(folder, "part.parquet")
    tables = []
    for place, (name, content) in enumerate(task.tables):
        tables.append(os.path.join(folder, f"{place}-{os.path.basename(name)}"))
        Path(tables[-1]).write_bytes(content)
    wanted = Wanted(parquet=own, quiet=True, selection=task.selection)
    record = run_record(time.time_ns(), captures=[task.name], sources=["table"] if tables else [])
    part = await part_of(wanted, tables, [capture], share=task.share, shares=task.shares, record=record)
    if not part.unread and not part.failures:
        _put(own, task.part)
    return replace(part, troubles=[trouble.replace(capture, task.name) for trouble in part.troubles])


def _remove(parts: list[str]) -> None:
    for part in parts:
        files, path = fsspec.core.url_to_fs(part)
        if files.exists(path):
            files.rm_file(path)


def _fetched(name: str, folder: str) -> str:
    """A capture as a file of this machine, with the evidence beside it."""
    if _REMOTE not in name:
        return name
    files, path = fsspec.core.url_to_fs(name)
    local = os.path.join(folder, posixpath.basename(path))
    files.get_file(path, local)
    evidence = os.path.splitext(path)[0] + EVIDENCE_SUFFIX
    if files.exists(evidence):
        files.get_file(evidence, os.path.splitext(local)[0] + EVIDENCE_SUFFIX)
    return local


def _put(own: str, part: str) -> None:
    """Put a part in its place, whole, over what another worker may have put there."""
    files, path = fsspec.core.url_to_fs(part)
    if not isinstance(files, LocalFileSystem):
        files.put_file(own, path)
        return
    interim = f"{os.path.dirname(path)}/.{os.path.basename(path)}.{secrets.token_hex(8)}.new"
    with open(own, "rb") as source, open(os.open(interim, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(target.fileno())
    os.rename(interim, path)


def _joined(folder: str, name: str) -> str:
    return posixpath.join(folder, name) if _REMOTE in folder else os.path.join(folder, name)


@contextmanager
def told(count: int) -> Iterator[Callable[[Done], None]]:
    """A bar on standard error, where that is a terminal; what fails is told at once."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415  as in `inputs`
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, troubled = bar.add_task("", total=count), 0

        def progressed(done: Done) -> None:
            nonlocal troubled
            messages = [*done.part.troubles, *done.part.failures]
            troubled += bool(messages)
            bar.update(task, advance=1, description=f"{troubled} with troubles" if troubled else "")
            for message in messages:
                bar.console.print(terminal(message), markup=False, highlight=False)

        yield progressed


def run(scheduler: str, to: str, captures: tuple[str, ...], tables: tuple[str, ...], wanted: Wanted) -> int:
    """Analyse a corpus, and say what came of it. The exit status."""
    names, (contents, damaged) = names_of(captures), tables_of(tables)
    with cluster(scheduler) as client:
        folder = prepared(to, force=wanted.force)  # now that somebody is there to fill it
        tasks = tasks_of(names, folder, contents, wanted.selection)
        with told(len(tasks)) as progress:
            result = analysed(client, tasks, progress)
    result.troubles += damaged
    beside = [found for name in names if _REMOTE not in name and (found := beside_capture(name)) is not None]
    result.summary.tables = [*tables, *beside]
    if result.parts:
        show(result.summary.text(result.counters, []))
        say(f"wrote {len(result.parts)} parts into {to}")
    for message in (*result.failures, *result.troubles):
        say(message)
    if result.failures:
        return Exit.OUTPUT
    if result.unread == len(names):
        return Exit.UNREADABLE
    if result.troubles:
        return Exit.DAMAGED
    verdicts = set(wanted.fail_on) & {str(verdict) for verdict, count in result.summary.verdicts.items() if count}
    return Exit.FOUND if verdicts else Exit.DONE
