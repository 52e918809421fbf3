"""What this process may do (capabilities(7)), and how it gives up what it needs no more."""

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Collection
from typing import NamedTuple

_STATUS = "/proc/self/status"
# Of include/uapi/linux/capability.h those that something here needs.
CAPABILITIES = {
    "CAP_DAC_READ_SEARCH": 2,
    "CAP_NET_ADMIN": 12,
    "CAP_NET_RAW": 13,
    "CAP_SYS_PTRACE": 19,
    "CAP_SYS_ADMIN": 21,
}
KEPT = tuple(CAPABILITIES)
"""What a live run needs after its beginning: interfaces that come back (NET_RAW), the sockets of namespaces that come
(SYS_ADMIN, SYS_PTRACE to find them, NET_ADMIN for the size of their buffers), owners (SYS_PTRACE, DAC_READ_SEARCH)."""

_CHANGING = {"CAP_SETGID": 6, "CAP_SETUID": 7}  # what it takes to become another user
# linux/prctl.h, linux/capability.h; the system calls' numbers are libc's business: it has capset(2) itself
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_SET_NO_NEW_PRIVS = 1, 8, 38
_VERSION_3 = 0x20080522


class Account(NamedTuple):
    """A user to become."""

    name: str
    uid: int
    gid: int


class _Header(ctypes.Structure):
    """Struct __user_cap_header_struct."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    """Struct __user_cap_data_struct; there are two, for the lower and the upper 32 capabilities."""

    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def capabilities() -> set[str] | None:
    """Those of interest that this process has in effect; None where nothing tells."""
    bits = _in_effect()
    return None if bits is None else {name for name, bit in CAPABILITIES.items() if bits >> bit & 1}


def sees_all() -> bool:
    """Whether other users' processes can be looked into (ptrace(2), access mode checks); a container's root may not."""
    held = capabilities()
    return os.geteuid() == 0 if held is None else "CAP_SYS_PTRACE" in held


def account(name: str) -> Account:
    """The user with a name or a number. Raises KeyError where there is none."""
    entry = pwd.getpwuid(int(name)) if name.isascii() and name.isdigit() else pwd.getpwnam(name)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def missing_to_become(user: Account) -> list[str]:
    """The capabilities without which this process cannot become a user."""
    if user.uid == os.geteuid() == os.getuid():
        return []
    bits = _in_effect()
    if bits is None:
        return [] if os.geteuid() == 0 else list(_CHANGING)
    return [name for name, bit in _CHANGING.items() if not bits >> bit & 1]


def give_up(user: Account | None, keep: Collection[str] = KEPT) -> None:
    """Become a user, keep no capability but some of those that are held, and let no program that is run have more.

    Threads that there are keep what they have: it is done before there are any. Root that stays root keeps all.
    Raises OSError, with all done or as good as nothing.
    """
    if sys.platform != "linux":
        if user is not None:
            _become(user)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    held = _in_effect() or 0
    if user is not None:
        _check(libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
        _become(user)
    if os.geteuid() != 0:
        wanted = sum(1 << CAPABILITIES[name] for name in keep) & held
        halves = (_Data * 2)(*(_Data(half, half, 0) for half in (wanted & 0xFFFFFFFF, wanted >> 32)))
        _check(libc.capset(ctypes.byref(_Header(_VERSION_3, 0)), halves))
    _check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def end_with(parent: int) -> None:
    """Have this process killed when the one that started it is gone, however it went (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _become(user: Account) -> None:
    if user.uid == os.geteuid() == os.getuid():
        return
    os.initgroups(user.name, user.gid)
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)


def _check(result: int) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _in_effect() -> int | None:
    """The bits of the effective capabilities; None where nothing tells."""
    try:
        with open(_STATUS, encoding="ascii", errors="replace") as file:
            lines = dict(line.split(":", 1) for line in file if ":" in line)
        return int(lines["CapEff"], 16)
    except (OSError, KeyError, ValueError):
        return None
