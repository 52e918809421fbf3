"""Output in sets of files, each complete in itself: PREFIX-00001.pcapng, .csv, ..., then PREFIX-00002.

A set ends by its size or by its time. Of those that are finished the oldest are removed where only so many are kept.
"""

import contextlib
import os
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from correlator.report.record import Record
from correlator.report.writer import Writer, beside

_NAME = re.compile(r"-([0-9]{5}|[1-9][0-9]{5,6})((?:\.sockets)?\.(?:csv|jsonl|pcapng)|\.txt)")  # behind the prefix
_EACH = frozenset({".csv", ".jsonl", ".pcapng"})  # what every set of ours has, the last of a run .txt as well


class Renewable(Protocol):
    """A sink that can go on in another file."""

    writer: Writer

    def renew(self, writer: Writer) -> None:
        """Go on in a new file, which stands by itself."""


class Reporting(Renewable, Protocol):
    """A sink that frames its file with the run and the counters."""

    def begin(self, run: Record) -> None:
        """The run starts."""

    def end(self, counters: Record) -> None:
        """The run has ended."""


@dataclass(slots=True)
class Rotation:
    """Which files there are, and when the next set is due."""

    prefix: str
    size: int | None = None
    """Bytes of a set's largest file, at which it ends."""
    every: int | None = None
    """Nanoseconds for which a set lasts."""
    keep: int | None = None
    """Sets that are kept, the one that is being written among them."""
    force: bool = False
    reports: list[tuple[str, Reporting]] = field(default_factory=list)  # with their suffixes
    packets: list[tuple[str, Renewable]] = field(default_factory=list)
    number: int = 1
    _begun_at: int | None = None
    _finished: deque[list[str]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Go on behind the sets that an earlier run left: it may have been this service's before it was restarted."""
        left = _sets(self.prefix)
        if left:
            self.number = max(left) + 1
            self._finished.extend(left[number] for number in sorted(left))

    def writer(self, suffix: str) -> Writer:
        """The file of the current set with a suffix; not opened yet."""
        return Writer(beside(self.prefix, f"-{self.number:05d}{suffix}"), force=self.force)

    def is_due(self, now: int) -> bool:
        """Whether the set ends. `now`: ns."""
        if self._begun_at is None:
            self._begun_at = now
        if self.every is not None and now - self._begun_at >= self.every:
            return True
        return self.size is not None and max(sink.writer.total for _, sink in self._sinks()) >= self.size

    def turn(self, now: int, run: Record, counters: Record) -> list[tuple[Writer, Writer]]:
        """Begin the next set: the old and the new writer of each file. Raises OutputError."""
        self._begun_at = now
        self.number += 1
        fresh = [(suffix, self.writer(suffix)) for suffix, _ in self._sinks()]
        for _, writer in fresh:
            writer.open()
        for _, report in self.reports:
            report.end(counters)
        changed = []
        for (_, sink), (_, writer) in zip(self._sinks(), fresh, strict=True):
            changed.append((sink.writer, writer))
            sink.renew(writer)
        for _, report in self.reports:
            report.begin(run)
        self._finished.append([old.name for old, _ in changed])
        return changed

    def drop_old(self) -> None:
        """Remove the sets that are not kept."""
        while self.keep is not None and len(self._finished) >= self.keep:
            for name in self._finished.popleft():
                with contextlib.suppress(OSError):
                    os.unlink(name)

    def _sinks(self) -> list[tuple[str, Renewable]]:
        return [*self.packets, *self.reports]


def _sets(prefix: str) -> dict[int, list[str]]:
    """The files of the sets that there are, by number."""
    folder, base = os.path.split(prefix)
    found: dict[int, dict[str, str]] = {}
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        return {}  # opening the first file will tell
    for name in names:
        match = _NAME.fullmatch(name[len(base) :]) if name.startswith(base) else None
        if match is not None:
            found.setdefault(int(match[1]), {})[match[2]] = os.path.join(folder, name)
    return {number: list(files.values()) for number, files in found.items() if files.keys() >= _EACH}
