"""This host's socket table now, with owners: for `sockets`, and for `analyse --sockets live`."""

import time

from correlator.core.model import Evidence, Ownership, Statement
from correlator.kernel import netns, portable
from correlator.kernel.cgroups import CgroupPaths
from correlator.kernel.owners import Owners
from correlator.kernel.sock_diag import SockDiag


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
