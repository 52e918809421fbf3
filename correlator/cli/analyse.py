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

from correlator.capture.files import CaptureFile, UnreadableError, expand
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
@output_options
@selecting
def analyse(captures: tuple[str, ...], tables: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401  click's options
    """Correlate saved captures (pcap, pcapng, folders, - for standard input) with saved socket tables.

    A PREFIX.sockets.jsonl beside PREFIX.pcapng, as `live -w PREFIX` writes it, is used by itself.
    """
    chosen = selection(options.pop("verdicts"), options.pop("ports"), options.pop("processes"), options.pop("pids"))
    wanted = Wanted(**options, selection=chosen)
    if "" in captures:
        die(Exit.USAGE, "a capture needs a name (is a variable empty?)")
    try:
        names = expand(list(captures))
    except UnreadableError as error:
        die(Exit.UNREADABLE, str(error))
    gc.disable()  # connections make no cycles, and with a million of them its visits would take most of the time
    raise SystemExit(asyncio.run(_analyse(names, tables, wanted)))


async def _analyse(names: list[str], tables: tuple[str, ...], wanted: Wanted) -> int:
    interfaces = Interfaces()
    named = Tables()
    for table in tables:
        named.add(table)
    beside = [found for name in names if (found := beside_capture(name)) is not None]
    built = build(wanted, interfaces.names, [*names, *tables, *beside])
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    config = Config(announce=built.outputs.packets is not None)
    run = Run(Engine(config, interfaces.names), Decoder(interfaces), built.outputs)
    troubles: list[str] = [*named.damaged]
    unread = 0
    async with writing(built.outputs):
        run.begin(run_record(time.time_ns(), captures=names, sources=["table"] if tables else []))
        first = 1
        for name in names:
            engine = Engine(config, interfaces.names, first)
            run.next_input(engine, Decoder(interfaces))
            source = CaptureFile(name, interfaces, stop=stop)
            own = Tables()
            own.add_beside(name)
            troubles += own.damaged
            for statement in (*named.statements, *own.statements):
                engine.evidence(statement)
            try:
                with _progress(source) as progressed:
                    await analyse_capture(run, source, stop, progressed)
            except UnreadableError as error:
                unread += 1
                troubles.append(f"{name}: {error}")
                continue
            if source.damage is not None:
                troubles.append(
                    f"{name}: byte {source.damage.offset}: {source.damage.reason}; what came before it is reported"
                )
            first += engine.tracker.seen
            gc.collect()
            if stop.is_set():
                troubles.append(f"{name}: interrupted; what was read is reported")
                break
            if built.outputs.is_gone:
                break
        counters = run.end({})
        if unread < len(names):
            summarise(built, counters, troubles)
    if unread == len(names):
        for writer in built.outputs.writers:
            writer.remove()
    for trouble in troubles:
        say(trouble)
    return exit_status(built, unread=unread, inputs=len(names), troubles=troubles, interrupted=stop.is_set())


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
def _progress(source: CaptureFile) -> Iterator[Callable[[], None]]:
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
