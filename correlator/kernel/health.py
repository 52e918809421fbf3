"""What works on this host for this user: each thing is tried, not guessed from a version or a user's name."""

import contextlib
import errno
import importlib.util
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from correlator import __version__, running_core
from correlator.kernel import netns
from correlator.kernel.firewall import filters
from correlator.kernel.host import bindv6only
from correlator.kernel.privileges import CAPABILITIES, capabilities, sees_all
from correlator.kernel.sock_diag import LISTENERS, DestroyEvents, SockDiag
from correlator.kernel.tracefs import StateEvents

NEEDED = ("CAP_NET_RAW", "CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH", "CAP_SYS_ADMIN")
"""For all that `live` does."""
_OPTIONAL = {"zstd": ("compression.zstd", "backports.zstd"), "lz4": ("lz4.frame",)}
_BUFFER = 1 << 20


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    MISSING = "missing"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that may work or not."""

    name: str
    status: Status
    found: str
    loss: str = ""
    """What does not work without it."""
    remedy: str = ""


def checks() -> Iterator[Check]:
    """All of them, in the order in which a run would need them."""
    system = os.uname()
    yield _core()
    is_linux = system.sysname == "Linux"
    yield Check(
        "kernel",
        Status.OK if is_linux else Status.MISSING,
        f"{system.sysname} {system.release}",
        "" if is_linux else "live capture, lookups and events: only saved captures and psutil's table are left",
        "" if is_linux else "run it on the Linux host whose sockets are asked about",
    )
    yield _privileges()
    yield from _sources()
    yield from _packages()
    yield _default_v6only()


def _sources() -> Iterator[Check]:
    """What packets and evidence come from."""
    yield _tried(
        "capture",
        _open_packet_socket,
        "AF_PACKET sockets open",
        "live: no packets are seen; saved captures are analysed without it",
        "CAP_NET_RAW",
    )
    yield _tried(
        "lookups",
        _dump,
        "the kernel tells the socket of a connection (sock_diag)",
        "exact lookups and dumps: psutil's slower table without IPV6_V6ONLY takes their place",
        "a kernel with CONFIG_INET_DIAG (modprobe tcp_diag)",
    )
    yield _tried(
        "destroy events",
        _subscribe,
        "the kernel tells of sockets that close (sock_diag)",
        "sockets of connections that close at once may be missed",
        "a kernel with CONFIG_INET_DIAG_DESTROY (modprobe tcp_diag)",
    )
    yield _tried(
        "state events",
        _trace,
        "tracefs tells which process opens and closes the shortest connections",
        "PIDs of connections that close at once may be missed",
        "root: tracefs belongs to it (CAP_DAC_OVERRIDE does as well, and is as much)",
    )
    yield _tried(
        "owners",
        _look_at_descriptors,
        "other users' processes can be looked into",
        "PIDs and names of other users' processes are unknown",
        "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
    )
    yield _tried(
        "namespaces",
        _enter_namespace,
        f"network namespaces can be entered ({len(netns.all_there_are())} seen)",
        "sockets in containers are not seen",
        "CAP_SYS_PTRACE and CAP_SYS_ADMIN",
    )
    yield _tried(
        "packet filter",
        _read_filters,
        "nft or iptables-save tells what it does",
        "audit and explain do not know which ports are open from outside",
        "sudo, and nft (apt install nftables): a program that it starts has no capability of its interpreter",
    )


def _core() -> Check:
    found = f"{__version__}, {running_core()}"
    if running_core() == "compiled core":
        return Check("correlator", Status.OK, found)
    return Check(
        "correlator",
        Status.MISSING,
        found,
        "speed: captures take thirty times as long, and live loses packets earlier; results are the same",
        "a C compiler (apt install gcc python3-dev), then install it again; unset CORRELATOR_PURE",
    )


def _privileges() -> Check:
    held = capabilities()
    if held is None:
        return Check("privileges", Status.NOTE, "unknown here: there is no /proc/self/status")
    names = [name for name in CAPABILITIES if name in held]
    return Check(
        "privileges",
        Status.OK if len(names) == len(CAPABILITIES) else Status.NOTE,
        f"user {os.geteuid()} with {', '.join(names) or 'none of the capabilities that something here needs'}",
    )


def _tried(name: str, attempt: Callable[[], None], found: str, loss: str, remedy: str) -> Check:
    try:
        attempt()
    except (OSError, ValueError, AttributeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return Check(name, Status.MISSING, reason, loss, remedy)
    return Check(name, Status.OK, found)


def _open_packet_socket() -> None:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()


def _dump() -> None:
    with contextlib.closing(SockDiag(lambda _: "", "")) as diag:
        for _ in diag.dump(LISTENERS):
            break


def _subscribe() -> None:
    DestroyEvents(lambda _: "", "", _BUFFER).close()


def _trace() -> None:
    StateEvents().close()


def _look_at_descriptors() -> None:
    if not sees_all():
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def _enter_namespace() -> None:
    if not netns.may_look():
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
    netns.inside("/proc/self/ns/net", lambda: None)


def _read_filters() -> None:
    found = filters()
    if not found.read:
        raise OSError("; ".join(found.unread))


def _packages() -> Iterator[Check]:
    for form, modules in _OPTIONAL.items():
        found = next((module for module in modules if _has(module)), None)
        if found is None:
            loss = f".{form} captures cannot be read"
            yield Check(form, Status.MISSING, "not installed", loss, f"pip install 'correlator[{form}]'")
        else:
            yield Check(form, Status.OK, f"{found} is installed")


def _has(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False


def _default_v6only() -> Check:
    default = bindv6only()
    if default is None:
        return Check("bindv6only", Status.NOTE, "unknown here: there is no net.ipv6.bindv6only")
    meaning = (
        "listeners on :: take IPv6 only, unless their program says otherwise"
        if default
        else "listeners on :: take IPv4 too, unless their program says otherwise"
    )
    return Check("bindv6only", Status.NOTE, f"net.ipv6.bindv6only={int(default)}: {meaning}")
