"""State events of sockets from a tracefs instance of our own (Documentation/trace/ftrace.rst).

An instance has its own buffers, filters and clock: other users of tracing are not disturbed. It is removed when we
close it; a helper process removes it where we were killed, and the next start removes what even that left behind.
"""

import contextlib
import ctypes
import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from correlator.kernel.trace_pages import DESTROY, STATE, Layout, Trace, layout, missed

_ROOT = Path("/sys/kernel/tracing")
_OLD_ROOT = Path("/sys/kernel/debug/tracing")
_PREFIX = "correlator-"
_BUFFER_KB = 8192  # a CPU: half a second at 100,000 events/s
_BEGINNING = 5.0  # seconds: a beginning takes some ten milliseconds
_PAGES_AT_ONCE = 512  # of a CPU; the others wait in its buffer

# The tracer's tables of threads take a millisecond to read, more where there may be millions of them: at most one part
# in so many of the time.
_ASKING_SHARE = 5
_TRUSTED = 1.0  # seconds for which a number is not another thread's

# Of an attempt to connect the beginning and the end, the birth of a server's socket, and listen(); of the rest what
# runs in a system call: 8 and 16 are TRACE_FLAG_HARDIRQ and TRACE_FLAG_SOFTIRQ. What follows a close says nothing new.
# A reset ends a socket that its process may hold for long: its destroy event may come when nobody waits for it.
_STATE_FILTER = (
    "protocol == 6 && ((oldstate == 2 && newstate != 1) || oldstate == 3 || newstate == 10 || "
    "(newstate == 7 && (oldstate == 1 || oldstate == 8)) || (!(common_flags & 24) && "
    "(newstate == 2 || newstate == 4 || newstate == 9)))"
)
_EVENTS = {"sock/inet_sock_set_state": (STATE, _STATE_FILTER), "tcp/tcp_destroy_sock": (DESTROY, "")}

# The helper waits until its input ends, with us at the latest, then removes the instance.
_REMOVE = 'read -r _; for _ in 1 2 3 4 5 6 7 8 9 10; do rmdir -- "$1" 2>/dev/null && exit; sleep 0.1; done'


class StateEvents:
    """The events of TCP sockets of all namespaces, from now on."""

    def __init__(self) -> None:
        """Makes the instance. Raises OSError without tracefs or permission, ValueError on an old kernel."""
        self.lost = 0
        root = self._root = _mounted()
        self._groups: dict[int, int] = {}
        self._names: dict[int, str] = {}
        self._asked_at = self._asks_at = 0.0
        self._path = root / "instances" / f"{_PREFIX}{os.getpid()}-{time.monotonic_ns():x}"
        self._files: list[int] = []
        with _alone(root) as is_alone:
            if is_alone:
                _remove_stale(root)
            self._begin()

    def _begin(self) -> None:
        """Make the instance, and have its files open: until then anybody can remove it."""
        self._path.mkdir(mode=0o700)
        self._helper = subprocess.Popen(
            ["/bin/sh", "-c", _REMOVE, "sh", str(self._path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,  # whoever reads ours waits for its end
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is not for it
        )
        try:
            layouts = self._set_up()
            for cpu in sorted((self._path / "per_cpu").iterdir()):
                self._files.append(os.open(cpu / "trace_pipe_raw", os.O_RDONLY | os.O_NONBLOCK))
            self._page = int(os.sysconf("SC_PAGE_SIZE"))
            self._trace = Trace(layouts, len(self._files))
        except (OSError, ValueError):
            self.close()
            raise

    def close(self) -> None:
        """Remove the instance."""
        for name in _EVENTS:
            with contextlib.suppress(OSError):
                self._write(f"events/{name}/enable", "0")
        for file in self._files:
            os.close(file)
        self._files.clear()
        if self._helper.stdin is not None:
            self._helper.stdin.close()
        self._helper.wait()

    def read(self, until: int) -> Trace:
        """The events up to a time (ns since the epoch) of all CPUs, in order; what comes later stays where it is."""
        now, offset = time.monotonic_ns(), wall_offset()  # the wall's clock may be set
        for file, pages in zip(self._files, self._trace.cpus, strict=True):
            while pages.count < _PAGES_AT_ONCE:
                try:
                    page = os.read(file, self._page)
                except BlockingIOError:
                    break
                if not page:
                    break
                self.lost += missed(page)
                pages.add(page)
        return self._trace.until(max(0, min(now, until - offset)), offset)

    def recorded(self, thread: int) -> tuple[int, str] | None:
        """The process (thread group) and the name of a thread that may be gone: its own number, "" if not recorded.

        None where the tracer was asked a moment ago, and is to be asked again.
        """
        if thread not in self._groups or time.monotonic() - self._asked_at > _TRUSTED:
            if time.monotonic() < self._asks_at:
                return None
            begun = time.monotonic()
            self._groups = {int(key): int(value) for key, value in self._pairs("saved_tgids")}
            self._names = {int(key): value for key, value in self._pairs("saved_cmdlines")}
            self._asked_at = time.monotonic()
            self._asks_at = self._asked_at + _ASKING_SHARE * (self._asked_at - begun)
        return self._groups.get(thread, thread), self._names.get(thread, "")

    def _pairs(self, name: str) -> list[tuple[str, str]]:
        """The lines of one of the tracer's tables: a number, and what belongs to it."""
        try:
            text = (self._root / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        found = [line.strip().partition(" ") for line in text.splitlines()]
        return [(key, value) for key, _, value in found if key.isdigit() and (name != "saved_tgids" or value.isdigit())]

    def _set_up(self) -> dict[int, Layout]:
        self._write("trace_clock", "mono")
        self._write("buffer_size_kb", str(_BUFFER_KB))
        with contextlib.suppress(OSError):
            self._write("options/record-tgid", "1")  # since Linux 4.13: which process a thread is of
        layouts = []
        for name, (kind, wanted) in _EVENTS.items():
            layouts.append(layout(kind, (self._path / "events" / name / "format").read_text(encoding="ascii")))
            if wanted:
                self._write(f"events/{name}/filter", wanted)
        for name in _EVENTS:
            self._write(f"events/{name}/enable", "1")
        return {made.number: made for made in layouts}

    def _write(self, name: str, value: str) -> None:
        (self._path / name).write_text(value, encoding="ascii")


def wall_offset() -> int:
    """Nanoseconds from the monotonic clock to the epoch: the closest of some tries, as we may be interrupted."""
    best, offset = 1 << 62, 0
    for _ in range(3):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        if after - before < best:
            best, offset = after - before, wall - (before + after) // 2
    return offset


def _mounted() -> Path:
    """Where tracefs is; mounted if it is not, as libtracefs does. Raises OSError."""
    for root in (_ROOT, _OLD_ROOT):
        if (root / "instances").is_dir():
            return root
    if ctypes.CDLL(None, use_errno=True).mount(b"nodev", os.fsencode(_ROOT), b"tracefs", 0, None):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return _ROOT


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[bool]:
    """Nobody else begins meanwhile, who would take our instance for that of a run that was killed.

    False where somebody has been about to begin for so long that we do not wait for it.
    """
    folder = os.open(root / "instances", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        until = time.monotonic() + _BEGINNING
        while not (is_alone := _locked(folder)) and time.monotonic() < until:
            time.sleep(0.01)
        yield is_alone
    finally:
        os.close(folder)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove_stale(root: Path) -> None:
    """Remove the instances of runs that were killed; one that is in use refuses (EBUSY)."""
    for path in (root / "instances").glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            path.rmdir()
