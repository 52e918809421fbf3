"""Network namespaces: which there are, by name (ip-netns(8)) or by inode, and how to work in one (setns(2))."""

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from correlator.kernel.privileges import sees_all

NAMED = Path("/run/netns")
_CLONE_NEWNET = 0x40000000

_T = TypeVar("_T")


class Namespace(NamedTuple):
    """A network namespace that a process is in, or that has a name."""

    inode: int
    name: str
    path: str


def current() -> str:
    """This process's network namespace: its `ip netns` name, else `net:[inode]`; empty where there is no /proc."""
    inode = current_inode()
    return _names().get(inode, (f"net:[{inode}]", ""))[0] if inode else ""


def current_inode() -> int:
    """The number of this process's network namespace; 0 where there is no /proc."""
    try:
        return os.stat("/proc/self/ns/net").st_ino
    except OSError:
        return 0


def may_look() -> bool:
    """Whether this user may tell the namespaces of others' processes (CAP_SYS_PTRACE)."""
    try:
        os.stat("/proc/1/ns/net")
    except PermissionError:
        return sees_all()  # a sandbox may keep its first process even from root
    except OSError:
        return True  # no /proc, or no such process: nothing that a privilege would change
    return True


def all_there_are() -> dict[int, Namespace]:
    """The host's network namespaces by inode, as far as this user may look."""
    found = {inode: Namespace(inode, name, path) for inode, (name, path) in _names().items()}
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            path = f"/proc/{pid}/ns/net"
            try:
                inode = os.stat(path).st_ino
            except OSError:
                continue  # gone, or not ours to look at
            if inode not in found:
                found[inode] = Namespace(inode, f"net:[{inode}]", path)
    return found


def inside(path: str, make: Callable[[], _T]) -> _T:
    """What `make` gives when called in a namespace: in a thread of its own, for a thread's namespace is for good.

    Raises OSError where the namespace is gone or may not be entered, and whatever `make` raises.
    """
    made: list[_T] = []
    failed: list[Exception] = []

    def work() -> None:
        try:
            _enter(path)
            made.append(make())
        except Exception as error:  # noqa: BLE001  raised again by the caller's thread
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]


def _enter(path: str) -> None:
    """setns(2), which os has from Python 3.12 on."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(file, _CLONE_NEWNET):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), path)
    finally:
        os.close(file)


def _names() -> dict[int, tuple[str, str]]:
    """Names and paths of the namespaces that `ip netns` named, by inode."""
    try:
        paths = sorted(NAMED.iterdir())
    except OSError:
        return {}
    found: dict[int, tuple[str, str]] = {}
    for path in paths:
        try:
            found.setdefault(path.stat().st_ino, (path.name, str(path)))
        except OSError:
            continue
    return found
