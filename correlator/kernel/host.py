"""This host's socket table now, with owners: for `sockets`, and for `analyse --sockets live`."""

import time

import psutil

from correlator.core.address import is_loopback, parse
from correlator.core.model import Evidence, Owner, Ownership, Socket, Statement
from correlator.kernel import netns, portable
from correlator.kernel.cgroups import CgroupPaths
from correlator.kernel.owners import Owners
from correlator.kernel.sock_diag import SockDiag

_BINDV6ONLY = "/proc/sys/net/ipv6/bindv6only"


def bindv6only() -> bool | None:
    """What IPV6_V6ONLY is for sockets whose program does not say (ip-sysctl); None where it cannot be read."""
    try:
        with open(_BINDV6ONLY, encoding="ascii") as file:
            return file.read().strip() != "0"
    except OSError:
        return None


def is_own(address: bytes) -> bool:
    """Whether packets to an address, in the wire's form, end on this host."""
    if is_loopback(address):
        return True
    found = (one.address for several in psutil.net_if_addrs().values() for one in several)
    return any(address == _parsed(one) for one in found)


def _parsed(value: str) -> bytes:
    """An interface's address; none of a link layer's."""
    try:
        return parse(value)
    except ValueError:
        return b""


def with_owners(statements: list[Statement]) -> list[tuple[Socket, Owner | None]]:
    """The sockets of a table, each with its owner where one is known: listeners first, by port."""
    owners = {statement.inode: statement.owner for statement in statements if isinstance(statement, Ownership)}
    rows = [
        (statement.socket, statement.owner or owners.get(statement.socket.inode or 0))
        for statement in statements
        if isinstance(statement, Evidence)
    ]
    return sorted(
        rows,
        key=lambda row: (not row[0].is_listener, row[0].local_port, row[0].local, row[0].remote, row[0].remote_port),
    )


def host_table(*, by_psutil: bool = False) -> list[Statement]:
    """Every TCP socket, then the owners that can be seen. Raises OSError or psutil.Error."""
    owners = Owners()
    if by_psutil:
        return list(portable.snapshot(owners))
    name = netns.current()
    diag = SockDiag(CgroupPaths().path, name)
    try:
        rows: list[Evidence] = list(diag.dump())
    finally:
        diag.close()
    inodes = {row.socket.inode for row in rows if row.socket.inode}
    at = time.time_ns()
    held = [Ownership(at, inode, owner, name) for inode, owner in owners.find(inodes, at_once=True).items()]
    return [*rows, *held]
