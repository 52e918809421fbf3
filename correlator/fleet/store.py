"""A folder of findings as Parquet, by day and host, in which each batch is once, whoever brings it how often.

DIR/day=2026-11-25/HOST/TIME-RANDOM.parquet. Each file tells in its metadata which batches its rows are of. Whoever puts
a file there holds the folder's lock and looks first which of its batches are there already. So a batch that comes again
after a kill, or to another collector, is not taken twice, however late it comes.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from correlator.core.timetext import parse_time
from correlator.fleet.batch import BatchError, findings_of, unpack
from correlator.report.parquet import Rows, metadata_of, write
from correlator.report.record import Record

SUFFIX = ".parquet"
BATCHES = "correlator.batches"
"""The key of a file's metadata: the names of the batches, or parts of batches, that its rows are of."""

_INCOMING = ".incoming"
_SECOND = 1_000_000_000
_PLACES = 4096  # whose files are remembered
_LONGEST = 200  # characters of a folder's name
_UNTIMED = "1970-01-01"


class StoreError(Exception):
    """The folder cannot be used: the message says which and why."""


@dataclass(slots=True)
class Taken:
    """What became of some batches."""

    findings: int = 0
    """That are in the folder by them, and were not before."""
    files: int = 0
    left_out: int = 0
    """Findings with values that no run of ours has."""
    again: int = 0
    """Batches and parts of some that were there, partly or as a whole."""
    refused: dict[str, str] = field(default_factory=dict)
    """Those that are none, by name, and why."""


Place = tuple[str, str]  # day, host
Share = dict[str, list[tuple[int, Record]]]  # of a place: the findings of each batch or part, and which they are


class Store:
    """The folder."""

    def __init__(self, folder: str) -> None:
        """Make it, and remove what collectors that were killed had begun. Raises StoreError."""
        self._folder = folder
        self._known: dict[Place, dict[str, frozenset[str]]] = {}  # the batches of files
        try:
            os.makedirs(os.path.join(folder, _INCOMING), mode=0o700, exist_ok=True)
            self._lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            with self._alone():
                self._remove_stale()
        except OSError as error:
            raise StoreError(f"{error.filename or folder}: {error.strerror}") from None

    def close(self) -> None:
        """Let it go."""
        os.close(self._lock)

    def take(self, batches: dict[str, bytes]) -> Taken:
        """Put batches there, by name. All of them but the refused are on disk afterwards. Raises StoreError."""
        taken, places = Taken(), dict[Place, Share]()
        for name, data in batches.items():
            try:
                run, findings = unpack(data)
            except BatchError as error:
                taken.refused[name] = str(error)
                continue
            host = str(run.get("host") or "unknown")
            begin = findings_of(name)[1]
            for number, finding in enumerate(findings, begin):
                places.setdefault((_day(finding), host), {}).setdefault(name, []).append((number, finding))
        if len(self._known) > _PLACES:
            self._known.clear()
        for place, share in places.items():
            self._put_what_fits(place, share, taken)
        return taken

    def _put_what_fits(self, place: Place, share: Share, taken: Taken) -> None:
        """Put a share there; a batch that nothing can be made of costs its own findings only. Raises StoreError."""
        try:
            self._put(place, share, taken)
        except OSError as error:
            raise StoreError(f"{error.filename or self._folder}: {error.strerror or error}") from None
        except (ValueError, TypeError, OverflowError) as error:
            if len(share) == 1:
                taken.refused[next(iter(share))] = f"nothing can be made of it: {error}"
                return
            for name, findings in share.items():
                self._put_what_fits(place, {name: findings}, taken)

    def _put(self, place: Place, share: Share, taken: Taken) -> None:
        """Put a place's share there, without what is there."""
        day, host = place
        folder = os.path.join(self._folder, f"day={day}", folder_of(host))
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with self._incoming() as (interim, file):
            left_out = _write(file, host, share)
            with self._alone():
                there = self._there(place, folder)
                fresh = _fresh(share, there)
                if fresh != share:
                    taken.again += sum(fresh.get(name) != findings for name, findings in share.items())
                    share = fresh
                    os.ftruncate(file, 0)
                    os.lseek(file, 0, os.SEEK_SET)
                    left_out = _write(file, host, share)
                findings = sum(map(len, share.values())) - left_out
                taken.left_out += left_out
                if findings:
                    os.fsync(file)
                    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(8)}{SUFFIX}"
                    os.rename(interim, os.path.join(folder, name))
                    _sync(folder)
                    self._known[place][name] = frozenset(share)
                    taken.files += 1
                    taken.findings += findings

    def _there(self, place: Place, folder: str) -> frozenset[str]:
        """The batches that are in a place; only new files are looked at."""
        known = self._known.setdefault(place, {})
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if name not in known and name.endswith(SUFFIX) and stat.S_ISREG(os.lstat(path).st_mode):
                known[name] = _batches_of(path)
        return frozenset().union(*known.values())

    @contextlib.contextmanager
    def _incoming(self) -> Iterator[tuple[str, int]]:
        """A file that becomes one of the folder's, if it is renamed."""
        interim = os.path.join(self._folder, _INCOMING, secrets.token_hex(8))
        with self._alone():  # else somebody who begins could take it for one that nobody writes, before it is locked
            file = os.open(interim, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield interim, file
        finally:
            os.close(file)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(interim)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else puts files there meanwhile."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _remove_stale(self) -> None:
        """Remove files that nobody writes."""
        incoming = os.path.join(self._folder, _INCOMING)
        for name in os.listdir(incoming):
            path = os.path.join(incoming, name)
            with contextlib.suppress(OSError):
                file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(path)
                finally:
                    os.close(file)


def folder_of(host: str) -> str:
    """The name of a host's folder: no path, not hidden, no longer than a name may be (NAME_MAX)."""
    quoted = quote(host, safe="", errors="backslashreplace").replace(".", "%2E", host.startswith("."))
    if len(quoted) <= _LONGEST:
        return quoted
    return f"{quoted[: _LONGEST // 2]}-{hashlib.sha256(quoted.encode()).hexdigest()[:32]}"


def _fresh(share: Share, there: frozenset[str]) -> Share:
    """What of a share is not there yet, nor twice in it. A part may come after its batch, or before it."""
    covered: dict[str, list[tuple[int, int]]] = {}
    for name in there:
        whole, begin, end = findings_of(name)
        covered.setdefault(whole, []).append((begin, end))
    found: Share = {}
    for name, findings in share.items():
        whole, begin, end = findings_of(name)
        ranges = covered.setdefault(whole, [])
        left = [one for one in findings if not any(first <= one[0] < last for first, last in ranges)]
        ranges.append((begin, end))
        if left:
            found[name] = left
    return found


def _write(file: int, host: str, share: Share) -> int:
    """Write the findings of a share; how many of them were none that a run of ours makes."""
    rows, refused = Rows(), 0
    for findings in share.values():
        for _, finding in findings:
            try:
                rows.record(finding)
            except ValueError:
                refused += 1
    with os.fdopen(os.dup(file), "wb") as opened:
        write(opened, rows.table(host), {BATCHES: json.dumps(sorted(share))})
    return refused


def _batches_of(path: str) -> frozenset[str]:
    """The batches that a file has rows of. Raises OSError where it cannot be read: then nobody can tell."""
    try:
        told = json.loads(metadata_of(path).get(BATCHES, "[]"))
    except ValueError as error:
        raise OSError(f"{path}: no Parquet file of ours: {error}") from None
    return frozenset(name for name in told if isinstance(name, str)) if isinstance(told, list) else frozenset()


def _day(finding: Record) -> str:
    """The day of a finding, in UTC."""
    told = finding.get("opened_at") or finding.get("closed_at")
    try:
        at = parse_time(told) if told else 0
        return f"{datetime.fromtimestamp(at // _SECOND, UTC):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return _UNTIMED


def _sync(folder: str) -> None:
    """Have the folder's names on disk."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
