"""How a live run begins: a capture is opened, then what is needed no more is given up."""

import errno
import re
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from correlator.capture.portable import PortableCapture
from correlator.capture.ring import ANY, RingCapture, is_pattern
from correlator.cli.exits import Exit, die
from correlator.kernel.privileges import Account, account, give_up, missing_to_become
from correlator.wire.interfaces import Interfaces

if TYPE_CHECKING:
    from correlator.fleet.server import Server

Capture = RingCapture | PortableCapture


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a run begins with, besides its outputs."""

    names: list[str]
    duration: float | None
    count: int | None
    ring: int
    user: Account | None
    portable: bool
    publish: "tuple[Server, str, int] | None"
    """The server, the spool's folder and its bytes."""
    metrics: tuple[str, int] | None
    """Where Prometheus is answered: address and port."""


def account_of(name: str | None) -> Account | None:
    """The user to become. Ends the program where there is none, or it may not be."""
    if name is None:
        return None
    try:
        user = account(name)
    except (KeyError, OverflowError, ValueError):
        die(Exit.USAGE, f"--user: there is no user {name[:64]!r}")
    missing = missing_to_become(user)
    if missing:
        die(Exit.FORBIDDEN, f"--user {name} needs {' and '.join(missing)}: run it with sudo")
    return user


def give_up_privileges(user: Account | None) -> None:
    """Go on as a user, with what is still needed. Ends the program where that fails."""
    try:
        give_up(user)
    except OSError as error:
        die(Exit.FORBIDDEN, f"privileges cannot be given up: {error.strerror or error}")


def open_capture(names: list[str], interfaces: Interfaces, ring: int, *, portable: bool, every_packet: bool) -> Capture:
    """The capture. Ends the program with one line and status 2 or 5 where it cannot be opened."""
    use_ring = sys.platform == "linux" and not portable
    if not use_ring and ANY in names:
        die(Exit.USAGE, "`any` needs AF_PACKET: name the interfaces")
    known = {name for _number, name in socket.if_nameindex()}
    for name in names:
        if use_ring and name not in known and is_pattern(name):
            _check(name)
        elif name != ANY and name not in known:
            die(Exit.USAGE, f"no interface {name!r}; there are: {', '.join(sorted(known))}, any")
        elif name != ANY and use_ring and not _is_up(name):
            die(Exit.USAGE, f"the interface {name} is down; bring it up first: ip link set {name} up")
    try:
        if use_ring:
            return RingCapture(names, interfaces, ring=ring, every_packet=every_packet)
        return PortableCapture(names, interfaces)
    except PermissionError:
        _forbidden(names)
    except OSError as error:
        if error.errno in {errno.EPERM, errno.EACCES}:
            _forbidden(names)
        die(Exit.USAGE, f"capture on {', '.join(names)}: {error.strerror or error}")


def _check(pattern: str) -> None:
    """End the program where a regular expression is none."""
    try:
        re.compile(pattern)
    except re.error as error:
        die(Exit.USAGE, f"{pattern!r} is no regular expression: {error}")


def _is_up(name: str) -> bool:
    """Whether an interface has IFF_UP (netdevice(7))."""
    try:
        return bool(int(Path(f"/sys/class/net/{name}/flags").read_text(encoding="ascii"), 16) & 1)
    except (OSError, ValueError):
        return True  # bind(2) will tell


def _forbidden(names: list[str]) -> NoReturn:
    die(
        Exit.FORBIDDEN,
        f"capture on {', '.join(names)} needs CAP_NET_RAW: run it with sudo, "
        "or give the capability to a copy of the interpreter (setcap cap_net_raw+ep)",
    )
