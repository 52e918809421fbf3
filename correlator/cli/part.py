"""A part of an analysis, which another process puts together with others: some captures, or a share of one."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from correlator.cli.inputs import Inputs
from correlator.cli.outputs import Wanted, build
from correlator.cli.tables import Tables
from correlator.core.config import Config
from correlator.report.record import Record
from correlator.report.summary import Summary
from correlator.run import Run, writing
from correlator.wire.interfaces import Interfaces

OF_THE_CAPTURE: Record = {"packets": 0, "segments": 0, "skipped": {}, "statements": 0, "evidence_dropped": 0}
"""What every share of a capture counts alike, as nothing."""


@dataclass(frozen=True)
class Part:
    """What was done."""

    counters: Record
    tally: dict[str, Any]
    is_met: bool
    """Whether --fail-on is."""
    troubles: list[str]
    unread: list[str]
    failures: list[str]


def failed(group: Iterable[str], *, trouble: str = "", failure: str = "") -> Part:
    """Of captures that could not be analysed: why, or which output was the reason."""
    troubles, failures = ([text] if text else [] for text in (trouble, failure))
    return Part({}, Summary().tally(), is_met=False, troubles=troubles, unread=[*group], failures=failures)


def cores() -> int:
    """How many parts can be analysed at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def part_of(
    wanted: Wanted,
    tables: Iterable[str],
    work: Callable[[Inputs, Run], Awaitable[None]],
    *,
    interfaces: Interfaces | None = None,
    stop: asyncio.Event | None = None,
    record: Record | None = None,
) -> Part:
    """Do work that is part of an analysis. `record`: what the outputs are told of the run; without, they are fragments.

    `tables`: for all captures.
    """
    named, interfaces = Tables(), interfaces or Interfaces()
    for table in tables:
        named.add(table)
    built = build(wanted, interfaces.names)
    inputs = Inputs(interfaces, named, Config())
    inputs.stop = stop or inputs.stop
    run = Run(*inputs.parts(first=True), built.outputs)
    async with writing(built.outputs):
        if record is not None:
            run.begin(record)
        await work(inputs, run)
        if record is not None:
            run.end({})
            if inputs.is_void:
                for writer in built.outputs.writers:
                    writer.forget()
    failures = built.outputs.failures
    return Part(run.total, built.summary.tally(), built.fail_on.met, inputs.troubles, inputs.unread, failures)
