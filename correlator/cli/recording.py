"""`correlator sockets --save`: this host's sockets as an evidence file, once or for as long as `--watch` runs."""

import asyncio
import contextlib
import time

from correlator.cli.exits import Exit, die, say
from correlator.cli.outputs import run_record
from correlator.cli.signals import run_until_told
from correlator.core.model import Evidence, Socket, Statement
from correlator.kernel.live import KernelEvidence
from correlator.report.evidence_sink import EvidenceSink
from correlator.report.writer import OutputError, Writer
from correlator.run import Outputs, writing

_MAX_SEEN = 262_144
_EVERY = 1.0  # seconds between the dumps of --watch; what comes and goes between them, events tell
_READS = 10  # of the events, between two dumps


def save(name: str, statements: list[Statement], *, force: bool) -> int:
    """Write them into a file. The exit status."""
    return asyncio.run(_save(_opened(name, force=force), statements))


def watch(name: str, *, force: bool) -> int:
    """Record into a file until told to stop. The exit status."""
    stop = asyncio.Event()
    return run_until_told(_watch(_opened(name, force=force), stop), stop)


def _opened(name: str, *, force: bool) -> Writer:
    writer = Writer(name, force=force)
    try:
        writer.open()
    except OutputError as error:
        die(Exit.OUTPUT, str(error))
    return writer


async def _save(writer: Writer, statements: list[Statement]) -> int:
    sink = EvidenceSink(writer)
    async with writing(Outputs(writers=[writer])):
        sink.begin(run_record(time.time_ns(), sources=["snapshot"]))
        for statement in statements:
            sink.statements([statement])
            await writer.flush()
        sink.end({"statements": len(statements)})
    return _ended(writer, len(statements))


async def _watch(writer: Writer, stop: asyncio.Event) -> int:
    sink, count = EvidenceSink(writer), 0
    seen: dict[Socket, None] = {}  # a socket that stays as it is needs no second line

    def is_new(statement: Statement) -> bool:
        if not isinstance(statement, Evidence) or statement.source != "snapshot":
            return True
        if statement.socket in seen:
            return False
        seen[statement.socket] = None
        if len(seen) > _MAX_SEEN:
            seen.pop(next(iter(seen)))
        return True

    def state(statements: list[Statement]) -> None:
        nonlocal count
        new = [statement for statement in statements if is_new(statement)]
        count += len(new)
        sink.statements(new)

    async with writing(Outputs(writers=[writer])):
        with KernelEvidence(state) as evidence:
            sink.begin(run_record(time.time_ns(), sources=evidence.sources))
            evidence.start()
            say(f"recording to {writer.name}; Ctrl-C ends it")
            while not stop.is_set():
                for _ in range(_READS):
                    evidence.read_events()
                    await writer.flush(all_of_it=True)
                    if writer.failure:
                        stop.set()  # there is nothing else to write to
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_EVERY / _READS):
                            await stop.wait()
                    if stop.is_set():
                        break
                evidence.snapshot()
                evidence.find_owners()
            evidence.read_events(last=True)
            sink.end({"statements": count, "evidence_lost": evidence.lost})
    return _ended(writer, count)


def _ended(writer: Writer, count: int) -> int:
    if writer.failure:
        say(writer.failure)
        return Exit.OUTPUT
    say(f"{count} statements in {writer.name}")
    return Exit.DONE
