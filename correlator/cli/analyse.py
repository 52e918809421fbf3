"""`correlator analyse`: saved captures, saved socket tables."""

import contextlib
import gc
import os
import resource
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NoReturn

import click

from correlator.capture.names import STANDARD_INPUT, UnreadableError, expand
from correlator.cli.exits import INTERRUPTED, Exit, die, say, show
from correlator.cli.inputs import Inputs
from correlator.cli.outputs import Built, Wanted, build, output_options, run_record
from correlator.cli.selection import selecting, selection
from correlator.cli.signals import run_until_told
from correlator.cli.tables import LIVE, PSUTIL, Tables, beside_capture
from correlator.core.config import Config
from correlator.report.record import Record
from correlator.run import Run, writing
from correlator.wire.interfaces import Interfaces


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
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Use so many processes: for several captures (as many as there are cores), or, if asked, for one large "
    "capture. Without -w, --html, --parquet, --merge and --follow.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Have it done by a Dask cluster, tcp://HOST:8786, or by one of this machine's cores, `local`: a task a file.",
)
@click.option("--to", "folder", metavar="DIR", help="With --scheduler: write DIR/part-*.parquet, also s3://...")
@output_options
@selecting
def analyse(  # click's options
    captures: tuple[str, ...],
    tables: tuple[str, ...],
    *,
    merge: bool,
    follow: bool,
    jobs: int | None,
    **options: Any,  # noqa: ANN401
) -> None:
    """Correlate saved captures (pcap, pcapng, also compressed; folders, patterns, - for standard input) with saved
    socket tables.

    A PREFIX.sockets.jsonl beside PREFIX.pcapng, as `live -w PREFIX` writes it, is used by itself.
    """  # noqa: D205  the help has the summary in one paragraph
    chosen = selection(options.pop("verdicts"), options.pop("ports"), options.pop("processes"), options.pop("pids"))
    scheduler, folder = options.pop("scheduler"), options.pop("folder")
    wanted = Wanted(**options, selection=chosen)
    if scheduler is not None or folder is not None:
        _on_a_cluster(scheduler, folder, captures, tables, wanted, merge=merge, is_plain=not (follow or jobs))
    if "" in captures:
        die(Exit.USAGE, "a capture needs a name (is a variable empty?)")
    try:
        names = expand(list(captures))
    except UnreadableError as error:
        die(Exit.UNREADABLE, str(error))
    if follow and (merge or len(names) > 1):
        die(Exit.USAGE, "--follow follows one capture")
    passing = [name for name in names if name == STANDARD_INPUT or (os.path.exists(name) and not os.path.isfile(name))]
    if merge:
        _open_as_many_as_may_be()
    if merge and passing:
        die(Exit.USAGE, f"--merge looks into its captures twice, which {passing[0]} does not allow: it is no file")
    gc.disable()  # connections make no cycles, and with a million of them its visits would take most of the time
    gc.freeze()  # what is there stays: the collections between captures need not visit it
    named = Tables()
    for table in tables:
        named.add(table)
    beside = [found for name in names if (found := beside_capture(name)) is not None]
    inputs = Inputs(Interfaces(), named, Config(announce=wanted.prefix is not None), follow=follow)
    inputs.troubles += named.damaged
    record = run_record(time.time_ns(), captures=names, sources=["table"] if tables else [])
    groups = [names] if merge else [[name] for name in names]
    are_files = all(os.path.isfile(name) for name in (*names, *tables))  # what comes through a pipe comes once
    apart = are_files and not (wanted.prefix or wanted.html or wanted.parquet or merge or follow)
    work = partial(_one_by_one, groups)
    if apart and (jobs or len(groups) > 1):
        from correlator.cli.jobs import Job, at_once  # noqa: PLC0415  processes are slow to import, too
        from correlator.cli.part import cores  # noqa: PLC0415
        from correlator.cli.shares.command import in_shares  # noqa: PLC0415

        _open_as_many_as_may_be()
        some = min(jobs or cores(), len(groups))
        if some > 1:
            work = partial(at_once, Job(wanted, tables), groups, some)
        elif jobs and jobs > 1 and len(groups) == 1:
            work = partial(in_shares, wanted, tables, jobs, names[0])
    raise SystemExit(run_until_told(_analyse(wanted, inputs, record, names, [*tables, *beside], work), inputs.stop))


def _on_a_cluster(
    scheduler: str | None,
    folder: str | None,
    captures: tuple[str, ...],
    tables: tuple[str, ...],
    wanted: Wanted,
    *,
    merge: bool,
    is_plain: bool,
) -> NoReturn:
    """Have the captures analysed elsewhere. Ends the program."""
    if scheduler is None or folder is None:
        die(Exit.USAGE, "--scheduler ADDRESS and --to DIR go together")
    others = {wanted.csv, wanted.jsonl, wanted.html, wanted.parquet, wanted.prefix}
    if others != {None} or not is_plain or set(tables) & {LIVE, PSUTIL} or STANDARD_INPUT in captures:
        die(Exit.USAGE, "--scheduler takes captures and tables that are files, and writes --to DIR only")
    try:
        from correlator.cli.corpus import command  # noqa: PLC0415  an extra
    except ModuleNotFoundError as error:
        if error.name not in {"distributed", "dask", "fsspec", "pyarrow"}:
            raise
        die(Exit.USAGE, f"--scheduler needs {error.name}: pip install 'correlator[fleet]'")
    raise SystemExit(command.run(scheduler, folder, captures, tables, wanted, merge=merge))


def _open_as_many_as_may_be() -> None:
    """Captures that overlap are open at once, processes have pipes: up to the hard limit, which is there for that."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _one_by_one(groups: list[list[str]], built: Built, inputs: Inputs, run: Run) -> None:
    """Analyse the groups, each on a timeline of its own."""
    for number, group in enumerate(groups):
        if number:
            gc.collect()
        await inputs.take(run, group)
        if inputs.stop.is_set() or built.outputs.is_gone:
            break


async def _analyse(
    wanted: Wanted,
    inputs: Inputs,
    record: Record,
    captures: list[str],
    tables: list[str],
    work: Callable[[Built, Inputs, Run], Awaitable[None]],
) -> int:
    """Do the work between the first line of the outputs and the last. The exit status."""
    built = build(wanted, inputs.interfaces.names, [*captures, *tables])
    built.summary.tables = tables
    outputs, count = built.outputs, len(captures)
    run = Run(*inputs.parts(first=True), outputs)
    async with writing(outputs):
        run.begin(record)
        await work(built, inputs, run)
        counters = run.end({})
        is_read = len(inputs.unread) < count
        text = summarise(built, counters, inputs.troubles) if is_read else ""
        if not is_read:
            for writer in outputs.writers:
                writer.forget()
    show(text)  # now that all findings are out
    for trouble in inputs.troubles:
        say(trouble)
    return exit_status(
        built, unread=len(inputs.unread), inputs=count, troubles=inputs.troubles, interrupted=inputs.is_interrupted
    )


def summarise(built: Built, counters: Record, notes: list[str]) -> str:
    """The summary, for standard error; written to PREFIX.txt, with the notes."""
    text = built.text or built.outputs.summary()
    if text is not None:
        text.put(built.summary.text(counters, notes).encode("utf-8", "replace"))
    return built.summary.text(counters, [])


def exit_status(built: Built, *, unread: int, inputs: int, troubles: list[str], interrupted: bool) -> int:
    """The status that the run deserves: the worst comes first."""
    for failure in built.outputs.failures:
        say(failure)
    if built.outputs.failures or built.outputs.is_gone:
        return Exit.OUTPUT
    if inputs and unread == inputs:
        return Exit.UNREADABLE
    if interrupted:
        return INTERRUPTED
    if troubles:
        return Exit.DAMAGED
    return Exit.FOUND if built.fail_on.met else Exit.DONE
