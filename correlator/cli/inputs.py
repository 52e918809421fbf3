"""The captures of an analysis, each read with the tables that are named and those that lie beside it."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from correlator.capture.files import CaptureFile, Span
from correlator.capture.names import UnreadableError
from correlator.cli.tables import Tables, beside_capture
from correlator.core.config import Config
from correlator.core.engine import Engine
from correlator.pipeline import analyse
from correlator.run import Run
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces
from correlator.wire.reader import Damage

if TYPE_CHECKING:
    from rich.progress import Progress

    from correlator.capture.merge import MergedCaptures

_PROGRESS_AFTER = 1.0  # seconds: a bar that comes and goes at once is noise
_PROGRESS_EVERY = 0.1


class Inputs:
    """What was read, and what was wrong with it."""

    def __init__(self, interfaces: Interfaces, named: Tables, config: Config, *, follow: bool = False) -> None:
        """`named`: the tables for all captures. `follow`: wait for more at the end of each."""
        self.interfaces = interfaces
        self.config = config
        self.stop = asyncio.Event()
        self.troubles: list[str] = []
        self.unread: list[str] = []
        """Captures of which nothing could be read."""
        self.taken = 0
        """Captures so far."""
        self._named = named
        self._follow = follow
        self._first = 1

    @property
    def is_interrupted(self) -> bool:
        """Whether it was told to stop before the end, which a followed capture has none of."""
        return self.stop.is_set() and not self._follow

    @property
    def is_void(self) -> bool:
        """Whether nothing could be read of any capture."""
        return len(self.unread) == self.taken > 0

    def parts(self, *, first: bool = False) -> tuple[Engine, Decoder]:
        """An engine and a decoder for the next captures."""
        number = 1 if first else self._first
        return Engine(self.config, self.interfaces.names, number), Decoder(self.interfaces)

    def state(self, run: Run, evidence: Iterable[str]) -> None:
        """State what is in the tables, and in evidence files that nobody named."""
        own = Tables()
        for name in evidence:
            own.add_found(name)
        self.troubles += own.damaged
        for statement in (*self._named.statements, *own.statements):
            run.engine.evidence(statement)

    async def take(
        self,
        run: Run,
        group: list[str],
        *,
        evidence: Iterable[str] | None = None,
        span: Span | None = None,
        newest: int = 0,
    ) -> None:
        """Analyse captures of one timeline.

        `evidence`: that for all of them; without, what lies beside each. `span`: the part of the one capture that is
        wanted. `newest`: of the times (ns) in what comes before them.
        """
        self.taken += len(group)
        run.next_input(*self.parts())
        run.engine.tracker.go_to(0, newest)
        beside = (found for name in dict.fromkeys(group) if (found := beside_capture(name)) is not None)
        self.state(run, beside if evidence is None else evidence)
        source = self.source(group, span, is_whole=run.outputs.packets is not None)
        try:
            with progress(source) as progressed:
                await analyse(run, source, self.stop, progressed)
        except UnreadableError as error:
            self.unread.append(group[0])
            self.troubles.append(f"{group[0]}: {error}")
        if isinstance(source, CaptureFile):
            source.end()
        self._note_damage(source)
        self.note_interruption(group[0])
        self._first += run.engine.tracker.moment

    def source(self, group: list[str], span: Span | None, *, is_whole: bool = True) -> "CaptureFile | MergedCaptures":
        """Captures of one timeline, opened when they are read. `is_whole`: the bytes of their packets are wanted."""
        if len(group) > 1:
            from correlator.capture.merge import MergedCaptures  # noqa: PLC0415  most analyses merge nothing

            return MergedCaptures(group, self._open)
        return CaptureFile(group[0], self.interfaces, stop=self.stop, follow=self._follow, span=span, is_whole=is_whole)

    def _open(self, name: str) -> CaptureFile:
        return CaptureFile(name, self.interfaces, stop=self.stop, is_alone=False)

    def _note_damage(self, source: "CaptureFile | MergedCaptures") -> None:
        captures = [source] if isinstance(source, CaptureFile) else source.sources
        if not isinstance(source, CaptureFile):
            self.unread += source.unread
            self.troubles += [f"{name}: {reason}" for name, reason in source.unread.items()]
        for capture in captures:
            if capture.damage is not None and capture.name not in self.unread:
                self.note_damage(capture.name, capture.damage)

    def note_damage(self, name: str, damage: Damage) -> None:
        """A capture makes no sense from somewhere on."""
        self.troubles.append(f"{name}: byte {damage.offset}: {damage.reason}; what came before it is reported")

    def note_interruption(self, name: str) -> None:
        """If it was told to stop, it was while a capture was read."""
        if self.is_interrupted:
            self.troubles.append(f"{name}: interrupted; what was read is reported")


class Measured(Protocol):
    """Something that is read."""

    @property
    def bytes_read(self) -> int:
        """So far."""

    @property
    def size(self) -> int | None:
        """In bytes, where that is known."""


@contextmanager
def progress(source: Measured) -> Iterator[Callable[[], None]]:
    """A bar on standard error for a file that takes long, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    started = shown = time.monotonic()
    bar: Progress | None = None

    def update() -> None:
        nonlocal shown, bar
        now = time.monotonic()
        if now - started < _PROGRESS_AFTER or now - shown < _PROGRESS_EVERY:
            return
        shown = now
        bar = bar or _bar(source.size)
        bar.update(bar.task_ids[0], completed=source.bytes_read, refresh=True)

    try:
        yield update
    finally:
        if bar is not None:
            bar.stop()


def _bar(size: int | None) -> "Progress":
    """A bar that is shown. `size`: bytes."""
    from rich.console import Console  # noqa: PLC0415  as long as a million packets
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn  # noqa: PLC0415

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
    bar.add_task("", total=size)
    bar.start()
    return bar
