"""psutil's socket table: for systems without sock_diag, and to check against (`--sockets psutil`)."""

import errno
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Self

import psutil

from correlator.core.address import ANY_PORT, parse
from correlator.core.model import Evidence, Family, Lookup, Owner, Socket, Source, Statement, TcpState
from correlator.kernel.owners import Owners
from correlator.kernel.states import STATES

_POLL_EVERY = 0.1  # seconds; psutil takes 0.1 s itself for 10,000 sockets
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


class PortableEvidence(AbstractContextManager["PortableEvidence"]):
    """Evidence where the kernel has no sock_diag: psutil's table, asked again while connections come.

    A connection that comes and goes between two looks is missed.
    """

    lost = lag = 0
    losses: Mapping[str, int] = MappingProxyType({})
    sources = ("psutil",)
    tells_of_ends = False
    missing = ("sock_diag: connections are found by polling psutil's table, and short ones are missed",)

    def __init__(self, emit: Callable[[list[Statement]], None]) -> None:
        """`emit` is called with statements."""
        self._emit = emit
        self._owners = Owners()
        self._looked_at = float("-inf")

    def __enter__(self) -> Self:
        """Ready."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def start(self) -> None:
        """State what there is."""
        self.snapshot()

    def snapshot(self) -> None:
        """State every socket that psutil lists. Raises OSError where it may not."""
        self._looked_at = time.monotonic()
        try:
            for evidence in snapshot(self._owners):
                self._emit([evidence])
        except psutil.Error as error:
            raise PermissionError(errno.EPERM, str(error)) from None

    def restate(self) -> None:
        """State what there is again."""
        self.snapshot()

    def lookup(self, lookups: Iterable[Lookup]) -> None:
        """Look at the table again, at most some times a second."""
        if any(True for _ in lookups) and time.monotonic() - self._looked_at > _POLL_EVERY:
            self.snapshot()

    def read_events(self, until: int | None = None, *, last: bool = False) -> None:
        """No system but Linux tells of destroyed sockets."""

    def find_owners(self, *, at_once: bool = False) -> None:
        """The table names them itself."""
