"""The command: which captures, which tables, and what is said at the end."""

import os
import secrets
import signal
from pathlib import Path

from correlator.capture.files import Span
from correlator.cli.corpus import places
from correlator.cli.corpus.analysis import Corpus, Result
from correlator.cli.corpus.cluster import Calls, cluster, told, workers_of
from correlator.cli.corpus.plan import Job, Piece, Timeline
from correlator.cli.exits import Exit, die, say, show
from correlator.cli.outputs import Wanted
from correlator.cli.tables import Tables, beside_capture
from correlator.core.edges import hashes_of_keys
from correlator.core.evidence import EvidenceIndex
from correlator.wire.cut import head_length

PIECE = 1 << 30
"""Bytes of a large file for each task."""
_END = 1 << 62


def timelines_of(names: list[str], workers: int, *, merge: bool) -> list[Timeline]:
    """One for each file, or one for all: their parts are named by it. What would keep all others waiting is cut."""
    if merge:
        return [Timeline("part-000001", tuple(Piece((name,)) for name in names))]
    sizes = [places.size_of(name) for name in names]
    most = max(PIECE, sum(sizes) // max(1, workers))
    return [
        Timeline(f"part-{number:06d}", _pieces(name, size) if size > most else (Piece((name,)),))
        for number, (name, size) in enumerate(zip(names, sizes, strict=True), 1)
    ]


def _pieces(name: str, size: int) -> tuple[Piece, ...]:
    if head_length(places.head_of(name)) is None:  # compressed, or none of ours
        return (Piece((name,)),)
    begins = range(0, size, PIECE)
    return tuple(
        Piece((name,), Span(begin, min(begin + PIECE, size) if begin + PIECE < size else _END)) for begin in begins
    )


def tables_of(names: tuple[str, ...]) -> tuple[tuple[tuple[str, bytes], ...], Tables]:
    """The tables' contents, as they are and as they were read. Ends the program where they are no tables."""
    read = Tables()
    for name in names:
        if os.path.exists(name) and not os.path.isfile(name):
            die(Exit.USAGE, f"--scheduler gives tables to others, which {name} does not allow: it is no file")
        read.add(name)
    return tuple((name, Path(name).read_bytes()) for name in names), read


def corpus_of(calls: Calls, folder: str, tables: tuple[tuple[str, bytes], ...], read: Tables, wanted: Wanted) -> Corpus:
    """A corpus whose parts go into a folder, with tables for all captures: their contents, and what was read."""
    index = EvidenceIndex()
    for statement in read.statements:
        index.add(statement)
    job = Job(folder, tables, wanted.selection, wanted.fail_on, secrets.randbits(64))
    return Corpus(calls, job, hashes_of_keys(job.seed, index.timeless()), index.has_clipped)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def run(
    scheduler: str, to: str, captures: tuple[str, ...], tables: tuple[str, ...], wanted: Wanted, *, merge: bool
) -> int:
    """Analyse a corpus, and say what came of it. The exit status."""
    names, (contents, read) = places.names_of(captures), tables_of(tables)
    passing = [
        name for name in names if not places.is_remote(name) and os.path.exists(name) and not os.path.isfile(name)
    ]
    if passing and merge:
        die(Exit.USAGE, f"--merge looks into its captures twice, which {passing[0]} does not allow: it is no file")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    folder = ""
    try:
        with cluster(scheduler) as client:
            folder = places.prepared(to, force=wanted.force)  # now that somebody is there to fill it
            timelines = timelines_of(names, workers_of(client), merge=merge)
            count = sum(len(one.pieces) * (2 if len(one.pieces) > 1 else 1) for one in timelines)
            with told(count) as progress:
                result = corpus_of(Calls(client, progress), folder, contents, read, wanted).analysed(timelines)
    except places.PutError as error:
        die(Exit.OUTPUT, str(error))
    finally:
        if folder:
            places.tidy(folder)  # now that no worker of ours leaves anything there
    result.troubles += read.damaged
    beside = [found for name in names if not places.is_remote(name) and (found := beside_capture(name)) is not None]
    result.summary.tables = [*tables, *beside]
    return _told(result, len(names), to)


def _told(result: Result, count: int, to: str) -> int:
    """Say what came of so many captures. The exit status."""
    if result.parts:
        show(result.summary.text(result.counters, []))
        say(f"wrote {len(result.parts)} parts into {to}")
    for message in (*result.notes, *result.failures, *result.troubles):
        say(message)
    if result.failures:
        return Exit.OUTPUT
    if result.unread == count:
        return Exit.UNREADABLE
    if result.troubles:
        return Exit.DAMAGED
    return Exit.FOUND if result.is_met else Exit.DONE
