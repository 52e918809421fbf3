"""`correlator analyse`: saved captures, saved socket tables."""

import asyncio
import gc
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from correlator.capture.files import CaptureFile
from correlator.capture.merge import MergedCaptures
from correlator.capture.names import STANDARD_INPUT, UnreadableError, expand
from correlator.cli.exits import Exit, die, say, show
from correlator.cli.outputs import Built, Wanted, build, output_options, run_record
from correlator.cli.selection import selecting, selection
from correlator.cli.tables import Tables, beside_capture
from correlator.core.engine import Config, Engine
from correlator.pipeline import analyse as analyse_capture
from correlator.report.columns import Record
from correlator.run import Run, writing
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces

_PROGRESS_AFTER = 1.0  # seconds: a bar that comes and goes at once is noise
_PROGRESS_EVERY = 0.1
_INTERRUPTED = 130


@click.command()
@click.argument("captures", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--sockets",
    "tables",
    multiple=True,
    metavar="TABLE",
    help="A saved netstat, ss, /proc/net/tcp or .sockets.jsonl; `live` or `psutil` for this host's sockets now.",
)
@click.option("--merge", is_flag=True, help="Take all captures as one timeline, by the times of their packets.")
@click.option("--follow", is_flag=True, help="Wait for more at the end of a capture that is still being written.")
@output_options
@selecting
def analyse(  # click's options
    captures: tuple[str, ...],
    tables: tuple[str, ...],
    *,
    merge: bool,
    follow: bool,
    **options: Any,  # noqa: ANN401
) -> None:
    """Correlate saved captures (pcap, pcapng, also compressed; folders, patterns, - for standard input) with saved
    socket tables.

    A PREFIX.sockets.jsonl beside PREFIX.pcapng, as `live -w PREFIX` writes it, is used by itself.
    """  # noqa: D205  the help has the summary in one paragraph
    chosen = selection(options.pop("verdicts"), options.pop("ports"), options.pop("processes"), options.pop("pids"))
    wanted = Wanted(**options, selection=chosen)
    if "" in captures:
        die(Exit.USAGE, "a capture needs a name (is a variable empty?)")
    try:
        names = expand(list(captures))
    except UnreadableError as error:
        die(Exit.UNREADABLE, str(error))
    if follow and (merge or len(names) > 1):
        die(Exit.USAGE, "--follow follows one capture")
    if merge and STANDARD_INPUT in names:
        die(Exit.USAGE, "--merge looks into its captures twice, which standard input does not allow")
    gc.disable()  # connections make no cycles, and with a million of them its visits would take most of the time
    analysis = _Analysis(names, tables, wanted, follow=follow)
    raise SystemExit(asyncio.run(analysis.run_all([names] if merge else [[name] for name in names])))


class _Analysis:
    """One run over all captures."""

    def __init__(self, names: list[str], tables: tuple[str, ...], wanted: Wanted, *, follow: bool) -> None:
        self._names = names
        self._follow = follow
        self._interfaces = Interfaces()
        self._named = Tables()
        for table in tables:
            self._named.add(table)
        beside = [found for name in names if (found := beside_capture(name)) is not None]
        self._built = build(wanted, self._interfaces.names, [*names, *tables, *beside])
        self._config = Config(announce=self._built.outputs.packets is not None)
        self._from_tables = bool(tables)
        self._troubles: list[str] = [*self._named.damaged]
        self._unread: set[str] = set()
        self._stop = asyncio.Event()

    async def run_all(self, groups: list[list[str]]) -> int:
        """Analyse the groups, each on a timeline of its own. The exit status."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        outputs = self._built.outputs
        run = Run(Engine(self._config, self._interfaces.names), Decoder(self._interfaces), outputs)
        async with writing(outputs):
            sources = ["table"] if self._from_tables else []
            run.begin(run_record(time.time_ns(), captures=self._names, sources=sources))
            first = 1
            for group in groups:
                run.next_input(Engine(self._config, self._interfaces.names, first), Decoder(self._interfaces))
                await self._analyse(run, group)
                first += run.engine.tracker.seen
                gc.collect()
                if self._stop.is_set() and not self._follow:  # which goes on until then
                    self._troubles.append(f"{group[0]}: interrupted; what was read is reported")
                    break
                if outputs.is_gone:
                    break
            counters = run.end({})
            is_read = len(self._unread) < len(self._names)
            if is_read:
                summarise(self._built, counters, self._troubles)
        if not is_read:
            for writer in outputs.writers:
                writer.remove()
        for trouble in self._troubles:
            say(trouble)
        return exit_status(
            self._built,
            unread=len(self._unread),
            inputs=len(self._names),
            troubles=self._troubles,
            interrupted=self._stop.is_set() and not self._follow,
        )

    def _open(self, name: str) -> CaptureFile:
        return CaptureFile(name, self._interfaces, stop=self._stop, follow=self._follow)

    async def _analyse(self, run: Run, group: list[str]) -> None:
        """Analyse captures of one timeline, with the tables that are named and those that lie beside them."""
        own = Tables()
        for name in group:
            own.add_beside(name)
        self._troubles += own.damaged
        for statement in (*self._named.statements, *own.statements):
            run.engine.evidence(statement)
        source = self._open(group[0]) if len(group) == 1 else MergedCaptures(group, self._open)
        try:
            with _progress(source) as progressed:
                await analyse_capture(run, source, self._stop, progressed)
        except UnreadableError as error:
            self._unread.add(group[0])
            self._troubles.append(f"{group[0]}: {error}")
        if isinstance(source, MergedCaptures):
            self._unread.update(source.unread)
            self._troubles += [f"{name}: {reason}" for name, reason in source.unread.items()]
        for capture in source.sources if isinstance(source, MergedCaptures) else [source]:
            if capture.damage is not None and capture.name not in self._unread:
                where = f"{capture.name}: byte {capture.damage.offset}: {capture.damage.reason}"
                self._troubles.append(f"{where}; what came before it is reported")


def summarise(built: Built, counters: Record, notes: list[str]) -> None:
    """Write the summary to standard error, and to PREFIX.txt."""
    text = built.summary.text(counters, [])
    if built.text is not None:
        built.text.put(built.summary.text(counters, notes).encode("utf-8", "replace"))
    show(text)


def exit_status(built: Built, *, unread: int, inputs: int, troubles: list[str], interrupted: bool) -> int:
    """The status that the run deserves: the worst comes first."""
    for failure in built.outputs.failures:
        say(failure)
    if built.outputs.failures or built.outputs.is_gone:
        return Exit.OUTPUT
    if inputs and unread == inputs:
        return Exit.UNREADABLE
    if interrupted:
        return _INTERRUPTED
    if troubles:
        return Exit.DAMAGED
    return Exit.FOUND if built.fail_on.met else Exit.DONE


@contextmanager
def _progress(source: CaptureFile | MergedCaptures) -> Iterator[Callable[[], None]]:
    """A bar on standard error for a file that takes long, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415  only for a terminal
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn  # noqa: PLC0415

    started = shown = time.monotonic()
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
    task = None

    def update() -> None:
        nonlocal shown, task
        now = time.monotonic()
        if now - started < _PROGRESS_AFTER or now - shown < _PROGRESS_EVERY:
            return
        shown = now
        if task is None:
            task = bar.add_task("", total=source.size)
            bar.start()
        bar.update(task, completed=source.bytes_read, refresh=True)

    try:
        yield update
    finally:
        if task is not None:
            bar.stop()
