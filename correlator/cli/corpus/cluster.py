"""The cluster: what is asked of it, and how far it has come."""

import logging
import secrets
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import TypeVar

from distributed import Client, Future, LocalCluster, as_completed

from correlator.cli.corpus.places import PutError
from correlator.cli.corpus.plan import Met, Survey
from correlator.cli.corpus.work import Done
from correlator.cli.exits import Exit, die
from correlator.cli.part import cores
from correlator.report.escape import terminal

LOCAL = "local"
"""The scheduler that is a cluster of this machine's own cores."""
_RETRIES = 2
_SIGNALS = (signal.SIGINT, signal.SIGHUP)  # workers are ended with SIGTERM

_Asked = TypeVar("_Asked")
_Found = TypeVar("_Found", Done, Met, Survey)
Told = Callable[[Sequence[str]], None]
"""Takes what is wrong with what was done, a task at a time."""


def workers_of(client: Client) -> int:
    """How many things can be done at once."""
    return max(1, sum(map(int, client.nthreads().values())))


@dataclass(frozen=True)
class Calls:
    """Has workers do things."""

    client: Client
    told: Told

    def each(
        self,
        function: Callable[..., _Found],
        asked: Sequence[_Asked],
        words: Callable[[_Asked], tuple[object, ...]],
        otherwise: Callable[[_Asked, str], _Found],
    ) -> list[_Found]:
        """Have something done for each of them. `otherwise`: what is found of one where nothing could be done, and why.

        A task that a worker was lost with is done again by another one. Raises PutError.
        """
        token = secrets.token_hex(8)
        waiting: dict[Future, int] = {}
        for number, one in enumerate(asked):
            key = f"correlator-{function.__name__}-{token}-{number}"
            future = self.client.submit(function, *words(one), key=key, pure=False, retries=_RETRIES)
            waiting[future] = number
        found: dict[int, _Found] = {}
        for future in as_completed(waiting):
            number = waiting[future]
            try:
                found[number] = future.result()
            except PutError:
                raise
            except Exception as error:  # noqa: BLE001  whatever happened to a worker costs its own captures only
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                found[number] = otherwise(asked[number], f"could not be analysed: {reason[:200]}")
            finally:
                future.release()
            self.told_of(found[number])
        return [found[number] for number in range(len(asked))]

    def told_of(self, found: Done | Met | Survey) -> None:
        """What came of a task."""
        self.told(found.messages)


@contextmanager
def cluster(scheduler: str) -> Iterator[Client]:
    """A client of a scheduler, or of a cluster of this machine's cores. Ends the program where nobody answers."""
    logging.disable(logging.CRITICAL)  # what matters of what its libraries say is told by us
    with ExitStack() as opened:
        try:
            if scheduler == LOCAL:
                scheduler = opened.enter_context(_local())
            client = opened.enter_context(Client(scheduler, timeout=10))
        except (OSError, ValueError) as error:
            die(Exit.UNREADABLE, f"--scheduler {scheduler}: {error or 'nobody answers'}")
        yield client


def _local() -> LocalCluster:
    """A cluster of this machine's cores. A terminal's Ctrl-C goes to all processes: they do not hear it."""
    resource_tracker.ensure_running()  # else the first process lets its thread hear them again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # a process, and a thread, inherit what is blocked
    try:
        return LocalCluster(
            n_workers=cores(), threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def told(count: int) -> Iterator[Told]:
    """A bar on standard error, where that is a terminal; what fails is told at once."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415  as in `inputs`
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, troubled = bar.add_task("", total=count), 0

        def progressed(messages: Sequence[str]) -> None:
            nonlocal troubled
            troubled += bool(messages)
            bar.update(task, advance=1, description=f"{troubled} with troubles" if troubled else "")
            for message in messages:
                bar.console.print(terminal(message), markup=False, highlight=False)

        yield progressed
