"""psutil's socket table: for systems without sock_diag, and to check against."""

import socket
import time
from collections.abc import Iterator

import psutil

from correlator.core.address import ANY_PORT, parse
from correlator.core.model import Evidence, Family, Owner, Socket, Source, TcpState
from correlator.kernel.owners import Owners
from correlator.kernel.tables.states import STATES

_FAMILIES = {socket.AF_INET: Family.INET, socket.AF_INET6: Family.INET6}


def snapshot(owners: Owners) -> Iterator[Evidence]:
    """Every TCP socket that psutil lists, with its owner where psutil may see it. Raises psutil.Error or OSError."""
    at = time.time_ns()
    for row in psutil.net_connections(kind="tcp"):
        family = _FAMILIES[socket.AddressFamily(row.family)]
        width = 4 if family is Family.INET else 16
        local, local_port = (parse(row.laddr[0]), row.laddr[1]) if row.laddr else (bytes(width), ANY_PORT)
        remote, remote_port = (parse(row.raddr[0]), row.raddr[1]) if row.raddr else (bytes(width), ANY_PORT)
        state = STATES.get(row.status, TcpState.CLOSE)
        owner = None if row.pid is None else owners.facts(row.pid) or Owner(row.pid)
        yield Evidence(at, Source.PSUTIL, Socket(family, local, local_port, remote, remote_port, state), owner=owner)
