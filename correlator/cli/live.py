"""`correlator live`: capture, correlate, show."""

import asyncio
import contextlib
import gc
import math
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from correlator.capture.ring import DEFAULT_RING
from correlator.cli.analyse import exit_status, summarise
from correlator.cli.exits import Exit, die, say, show
from correlator.cli.metrics import metrics_of, place_of
from correlator.cli.nats import publish_of, publish_options, publisher_of
from correlator.cli.notify import notify, watched
from correlator.cli.outputs import Built, Wanted, build, output_options, prepare, run_record
from correlator.cli.selection import selecting, selection
from correlator.cli.signals import run_until_told
from correlator.cli.start import Capture, Start, account_of, give_up_privileges, open_capture
from correlator.core.config import Config
from correlator.core.engine import Engine
from correlator.core.evidence import Bounds
from correlator.core.limits import LINGER, LIVE_SETTLE, Limits
from correlator.kernel.live import LOSSES, KernelEvidence
from correlator.kernel.portable import PortableEvidence
from correlator.pipeline import Until
from correlator.pipeline import live as run_live
from correlator.report.board import Board
from correlator.report.writer import STANDARD_OUTPUT
from correlator.run import FindingSink, Outputs, Run, writing
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces

if TYPE_CHECKING:
    from correlator.cli.view import View
    from correlator.fleet.publish import Publisher

# Who is to miss nothing must be let in when the machine is busy; what it takes is little. Needs CAP_SYS_NICE.
_NICE = -10

# At the most about 40 MB of connections. At 15,000/s that remembers a closed one for a second and a half after its
# report.
MAX_CONNECTIONS = 40_960
_REPORTS = ("csv", "jsonl", "html")
_NO_END = 1 << 40  # segments: time alone says how long a closed connection waits
# Other namespaces' sockets, too, which no connection here may ask for: three seconds of 10,000 connections/s there.
_MAX_EVIDENCE = 65_536


@click.command()
@click.option(
    "-i",
    "--interface",
    "names",
    multiple=True,
    required=True,
    metavar="IFACE",
    help="Interface to capture on, or a regular expression for names, 'veth.*'; again for more; `any` for all.",
)
@click.option("--duration", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop after so long.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="Stop after so many connections.")
@click.option(
    "--ring",
    default=DEFAULT_RING >> 20,
    show_default=True,
    type=click.IntRange(1, 4096),
    metavar="MB",
    help="Size of the capture ring of each interface.",
)
@click.option(
    "--rotate-size",
    type=click.IntRange(min=1),
    metavar="MB",
    help="With -w: begin a new set of files, PREFIX-00001.*, when one is so large; behind those that there are.",
)
@click.option(
    "--rotate-every",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="With -w: begin a new set of files so often.",
)
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Keep the latest N sets of PREFIX's files.")
@click.option("--no-color", is_flag=True, help="No colours on a terminal; NO_COLOR in the environment says the same.")
@click.option(
    "--user",
    metavar="NAME",
    help="Once everything is open, go on as this user, with just the capabilities that are still needed.",
)
@click.option("--metrics", metavar="ADDRESS:PORT", help="Answer Prometheus there, as 127.0.0.1:9464.")
@publish_options
@click.option("--portable", is_flag=True, help="Capture through Scapy's sockets instead of AF_PACKET.")
@output_options
@selecting
def live(
    names: tuple[str, ...],
    duration: float | None,
    count: int | None,
    ring: int,
    rotate_size: int | None,
    rotate_every: float | None,
    keep: int | None,
    *,
    portable: bool,
    **options: Any,  # noqa: ANN401  click's options
) -> None:
    """Capture TCP handshakes on interfaces and show which socket terminates each connection.

    On a terminal it is a table that is kept up to date (keys: q quits, p pauses, v chooses a verdict, / searches);
    elsewhere, as in `| cat`, a line for each finding.

    Ends on Ctrl-C or SIGTERM, or as --duration and --count say, with a summary. Without -w, --csv, --jsonl or --html
    nothing is saved.
    """
    if duration is not None and math.isnan(duration):
        die(Exit.USAGE, "--duration needs a number of seconds")
    chosen = selection(options.pop("verdicts"), options.pop("ports"), options.pop("processes"), options.pop("pids"))
    rotates = rotate_size is not None or rotate_every is not None
    if (rotates and not options["prefix"]) or (keep is not None and not rotates):
        die(Exit.USAGE, "--rotate-size and --rotate-every go with -w PREFIX, --keep goes with one of them")
    publish = publish_of(options)
    place = place_of(options.pop("metrics"))
    user = account_of(options.pop("user"))
    has_view = can_be_drawn_on() and not options["quiet"] and "-" not in {options[name] for name in _REPORTS}
    wanted = Wanted(
        **options,
        board=Board() if has_view else None,
        selection=chosen,
        evidence=True,
        rotate_size=None if rotate_size is None else rotate_size << 20,
        rotate_every=rotate_every,
        keep=keep,
    )
    start = Start(
        names=list(dict.fromkeys(names)),
        duration=duration,
        count=count,
        ring=ring << 20,
        user=user,
        portable=portable,
        publish=publish,
        metrics=place,
    )
    stop = asyncio.Event()
    raise SystemExit(run_until_told(_live(start, wanted, stop), stop))


async def _live(start: Start, wanted: Wanted, stop: asyncio.Event) -> int:
    interfaces = Interfaces()
    capture = open_capture(
        start.names, interfaces, start.ring, portable=start.portable, every_packet=wanted.every_packet
    )
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    # The garbage that this makes is freed by its reference counts: what the collector looks for is next to nothing.
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
    try:
        until = Until(stop, start.duration, start.count)
        run = Run(Engine(live_config(counted=wanted.every_packet), interfaces.names), Decoder(interfaces), Outputs())
        with _evidence(run) as evidence:
            # No byte of a stranger's was looked at so far, and no file of ours opened.
            if start.user is not None:
                prepare(wanted, publishes=start.publish is not None, counts=start.metrics is not None)
            give_up_privileges(start.user)
            async with contextlib.AsyncExitStack() as others:
                publisher = publisher_of(*start.publish) if start.publish is not None else None
                sinks: list[FindingSink] = []
                if publisher is not None:
                    sinks.append(publisher)
                    await others.enter_async_context(publisher.running())
                if start.metrics is not None:
                    metrics = metrics_of(start.metrics, run, capture, evidence, publisher)
                    sinks.append(metrics)
                    others.callback(metrics.close)
                await others.enter_async_context(watched())
                wanted = wanted._replace(others=sinks)
                built = build(wanted, interfaces.names)
                run.outputs = built.outputs
                status = await _run(start, capture, evidence, run, built, until, wanted)
            return status if publisher is None else _published(publisher, status)
    finally:
        capture.close()


async def _run(
    start: Start,
    capture: Capture,
    evidence: KernelEvidence | PortableEvidence,
    run: Run,
    built: Built,
    until: Until,
    wanted: Wanted,
) -> int:
    names = start.names
    troubles: list[str] = []
    async with writing(built.outputs):
        run.engine.set_eager(eager=not evidence.tells_of_ends)
        view = _view(names, run, capture, evidence, until, wanted)
        for missing in evidence.missing:
            say(f"note: {missing}")
        run.begin(run_record(time.time_ns(), interfaces=names, sources=list(evidence.sources)))
        try:
            async with contextlib.nullcontext() if view is None else view.shown(evidence.missing):
                await run_live(run, capture, evidence, until, _ready(start, is_told=view is None))
        except OSError as error:
            troubles.append(f"capture on {', '.join(names)} failed: {error.strerror or error}")
        notify("STOPPING=1")
        notes = [f"{name} went down or away; the run went on" for name in dict.fromkeys(capture.gone)]
        lost = {"received": capture.received, "dropped": capture.dropped, "evidence_lost": evidence.lost}
        counters = run.end(lost)
        lost_at = [f"{times} {LOSSES[stage]}" for stage, times in evidence.losses.items() if times]
        if lost_at:
            troubles.append(f"evidence lost: {', '.join(lost_at)}")
        if lost["dropped"] or lost["evidence_lost"] or counters["evidence_dropped"]:
            troubles.append("packets or evidence were lost (counted above): try a larger --ring, or fewer interfaces")
        text = summarise(built, counters, [*evidence.missing, *troubles])
    show(text)  # now that all findings are out
    for note in [*notes, *_saved(built, wanted)]:
        say(note)
    for trouble in troubles:
        say(trouble)
    return exit_status(built, unread=0, inputs=1, troubles=troubles, interrupted=False)


def _published(publisher: "Publisher", status: int) -> int:
    """Say what became of what was to be published. The status that the run deserves."""
    for message in (*publisher.told, *publisher.troubles):
        say(message)
    return Exit.DAMAGED if publisher.troubles and status in {Exit.DONE, Exit.FOUND} else status


def _saved(built: Built, wanted: Wanted) -> list[str]:
    """What there is to say of files."""
    names = [writer.name for writer in built.outputs.writers if not writer.is_stdout and not writer.failure]
    if names:
        return [f"wrote {', '.join(names)}"]
    if wanted.others:
        return []
    if STANDARD_OUTPUT in {wanted.csv, wanted.jsonl, wanted.html}:
        return []
    return ["nothing was saved; -w PREFIX saves packets, evidence and findings"]


def can_be_drawn_on() -> bool:
    """Whether standard output is a terminal, and one that moves its cursor."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in {"", "dumb"}


def _view(
    names: list[str],
    run: Run,
    capture: Capture,
    evidence: KernelEvidence | PortableEvidence,
    until: Until,
    wanted: Wanted,
) -> "View | None":
    """What is drawn, if anything."""
    if wanted.board is None:
        return None
    from correlator.cli.view import Numbers, View  # noqa: PLC0415  rich is slow to import

    def numbers() -> Numbers:
        tracker = run.engine.tracker
        return Numbers(tracker.seen, capture.dropped, evidence.lost, tracker.evicted)

    return View(wanted.board, names, numbers, until.stop, no_color=wanted.no_color)


def _evidence(run: Run) -> KernelEvidence | PortableEvidence:
    """The kernel's own evidence, or psutil's where the kernel has none to give."""
    try:
        return KernelEvidence(run.state)
    except (OSError, AttributeError):  # no NETLINK_SOCK_DIAG; no AF_NETLINK at all
        return PortableEvidence(run.state)


def live_config(*, counted: bool) -> Config:
    """How the engine works live."""
    limits = Limits(MAX_CONNECTIONS, segments=_NO_END, settle=LIVE_SETTLE, linger=LINGER, counted=counted)
    return Config(limits, Bounds(tuples=_MAX_EVIDENCE, aged=2 * LIVE_SETTLE), lookups=True, announce=True)


def _ready(start: Start, *, is_told: bool) -> Callable[[], None]:
    def ready() -> None:
        if is_told:
            who = f" as user {start.user.name}" if start.user else ""
            say(f"capturing on {', '.join(start.names)}{who}; Ctrl-C ends it")
        notify("READY=1")

    return ready
