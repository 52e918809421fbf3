"""Which process holds a socket open: inodes found in /proc, facts through psutil.

A socket's inode is found by reading the links in /proc/PID/fd. A full scan of a busy host takes tens of
milliseconds, so it is never made for one connection: first the processes that owned sockets lately (a server's next
connection is its own again), then one scan for all inodes that are still unknown, at most every `SCAN_EVERY`.
"""

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator

import psutil

from correlator.core.model import Owner
from correlator.kernel.cgroups import container_of, path_of_process

SCAN_EVERY = 0.25  # seconds
# An inode that several scans did not find belongs to a socket that no process holds (the kernel's own, NFS), or to
# a process that this user may not look into.
_TRIES = 3
_LIKELY = 16  # processes looked into before a scan
_MAX_INODES = 32_768
_MAX_TEXT = 4096
_KTHREADD = 2
_TRUSTED = 1.0  # seconds for which a thread's number is not that of another: they are given out in turn
_SOCKET_LINK = "socket:["


class Owners:
    """Owners of sockets by inode, and the facts of processes, cached."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.scans = 0
        self.recorded: Callable[[int], tuple[int, str] | None] | None = None
        """Tells the process and the name of a thread that is gone, or None: in a moment."""
        self._by_inode: OrderedDict[int, Owner] = OrderedDict()
        self._tries: OrderedDict[int, int] = OrderedDict()
        self._likely: OrderedDict[int, None] = OrderedDict()
        self._facts: OrderedDict[int, tuple[float, Owner]] = OrderedDict()
        self._threads: OrderedDict[int, tuple[float, Owner | None]] = OrderedDict()
        self._scanned_at = float("-inf")

    def known(self, inode: int) -> Owner | None:
        """The owner of an inode that was found before."""
        return self._by_inode.get(inode)

    def is_given_up(self, inode: int) -> bool:
        """Whether an inode was looked for so often that nobody can be told to hold it."""
        return self._tries.get(inode, 0) >= _TRIES

    def find(self, inodes: Iterable[int], *, at_once: bool = False) -> dict[int, Owner]:
        """The owners of those inodes that can be told now; ask again later for the rest.

        `at_once` scans even if the last scan was a moment ago.
        """
        wanted = {inode for inode in inodes if self._tries.get(inode, 0) < _TRIES}
        found = {inode: owner for inode in wanted if (owner := self._by_inode.get(inode)) is not None}
        wanted -= found.keys()
        if wanted:
            self._look_into(list(reversed(self._likely)), wanted, found)
        if wanted and (at_once or time.monotonic() - self._scanned_at >= SCAN_EVERY):
            self.scans += 1
            self._look_into(_pids(), wanted, found)
            self._scanned_at = time.monotonic()
            for inode in wanted:
                self._tries[inode] = self._tries.get(inode, 0) + 1
                _bound(self._tries, _MAX_INODES)
        return found

    def recheck(self, inodes: Iterable[int]) -> dict[int, Owner | None]:
        """Who holds sockets now whose owners were found before; None where the owner holds it no more.

        Each owner's descriptors are read once, and its facts anew: it may have executed another program.
        """
        by_pid: dict[int, list[int]] = {}
        for inode in inodes:
            owner = self._by_inode.get(inode)
            if owner is not None:
                by_pid.setdefault(owner.pid, []).append(inode)
        found: dict[int, Owner | None] = {}
        for pid, asked in by_pid.items():
            held = set(_held(pid))
            self._facts.pop(pid, None)
            fresh = self.facts(pid)
            for inode in asked:
                if fresh is not None and inode in held:
                    self._by_inode[inode] = found[inode] = fresh
                else:
                    del self._by_inode[inode]
                    found[inode] = None
        return found

    def of_thread(self, thread: int) -> Owner | None:
        """The process of a thread, as far as `knows` found it out."""
        cached = self._threads.get(thread) if self.knows(thread) else None
        return cached[1] if cached is not None else None

    def knows(self, thread: int) -> bool:
        """Find out the process of a thread, which may be gone by now; False where it can only be told in a moment."""
        now = time.monotonic()
        cached = self._threads.get(thread)
        if cached is not None and now - cached[0] < _TRUSTED:
            return True
        pid, name = _process_of(thread), ""
        if pid is None and cached is None and self.recorded is not None:
            recorded = self.recorded(thread)
            if recorded is None:
                return False
            pid, name = recorded
        owner = self.facts(thread if pid is None else pid)
        if owner is None:
            owner = cached[1] if cached is not None else Owner(thread if pid is None else pid, name)
        elif _KTHREADD in {owner.ppid, owner.pid}:
            owner = None  # a thread of the kernel's own did what it did for somebody else
        self._threads[thread] = (now, owner)
        _bound(self._threads, _MAX_INODES)
        return True

    def facts(self, pid: int) -> Owner | None:
        """What is known of a process; None where it is gone."""
        try:
            process = psutil.Process(pid)
            started = process.create_time()
            cached = self._facts.get(pid)
            if cached is not None and cached[0] == started:
                return cached[1]
            owner = _describe(process, started)
        except (psutil.Error, OSError):
            return None
        self._facts[pid] = (started, owner)
        _bound(self._facts, _MAX_INODES)
        return owner

    def _look_into(self, pids: Iterable[int], wanted: set[int], found: dict[int, Owner]) -> None:
        """Move from `wanted` to `found` what the processes hold; the lowest PID of several is the one told."""
        for pid in pids:
            held = wanted.intersection(_held(pid)) if wanted else set()
            if not held:
                continue
            owner = self.facts(pid)
            if owner is None:
                continue
            for inode in held:
                found[inode] = self._by_inode[inode] = owner
            _bound(self._by_inode, _MAX_INODES)
            wanted -= held
            self._likely[pid] = None
            self._likely.move_to_end(pid)
            _bound(self._likely, _LIKELY)


def _bound(
    table: OrderedDict[int, object]
    | OrderedDict[int, Owner]
    | OrderedDict[int, int]
    | OrderedDict[int, None]
    | OrderedDict[int, tuple[float, Owner]]
    | OrderedDict[int, tuple[float, Owner | None]],
    most: int,
) -> None:
    while len(table) > most:
        table.popitem(last=False)


def _process_of(thread: int) -> int | None:
    """The process (thread group) of a thread; None where it is gone."""
    try:
        with open(f"/proc/{thread}/status", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("Tgid:"):
                    return int(line[5:])
    except (OSError, ValueError):
        pass
    return None


def _pids() -> list[int]:
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def _held(pid: int) -> Iterator[int]:
    """The inodes of the sockets that a process holds; none where it is gone or not ours to see."""
    try:
        folder = os.open(f"/proc/{pid}/fd", os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    try:
        for name in os.listdir(folder):
            try:
                link = os.readlink(name, dir_fd=folder)  # a third faster than by its whole path
            except OSError:
                continue
            if link.startswith(_SOCKET_LINK):
                yield int(link[len(_SOCKET_LINK) : -1])
    except OSError:
        pass
    finally:
        os.close(folder)


def _describe(process: psutil.Process, started: float) -> Owner:
    with process.oneshot():
        name = process.name()
        cmdline = _try(lambda: " ".join(process.cmdline()))
        user = _try(process.username)
        path = _try(process.exe)
        ppid = process.ppid()
    try:
        with open(f"/proc/{process.pid}/cgroup", encoding="utf-8", errors="replace") as file:
            cgroup = path_of_process(file.read(65_536))
    except OSError:
        cgroup = ""
    return Owner(
        process.pid,
        name,
        cmdline[:_MAX_TEXT],
        user,
        cgroup,
        container_of(cgroup),
        path,
        ppid,
        int(started * 1_000_000_000),
    )


def _try(fact: Callable[[], str]) -> str:
    """A fact that another user's process may keep to itself."""
    try:
        return fact()
    except (psutil.Error, OSError, KeyError):
        return ""
