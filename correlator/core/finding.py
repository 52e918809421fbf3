"""What the engine finds."""

from dataclasses import dataclass

from correlator.core.connection import Connection
from correlator.core.four_tuple import Ends
from correlator.core.model import Cause, Family, Owner, OwnerBy, Side, Socket, Source, Verdict
from correlator.core.tcp_info import TcpNumbers

_SERVER, _NONE = Side.SERVER, Side.NONE
_NO_SOCKET, _NATIVE, _BY_NONE = Verdict.NO_SOCKET, Cause.NATIVE, OwnerBy.NONE


@dataclass  # not frozen, so that `unmatched` can make one in half the time; nothing changes it afterwards
class Finding:
    """The answer for one termination, or for a connection that no known socket terminates."""

    connection: Connection
    side: Side
    verdict: Verdict
    cause: Cause
    explanation: str
    evidence: Source | None = None
    socket: Socket | None = None  # facts of all its evidence put together
    listener: Socket | None = None
    owner: Owner | None = None
    owner_by: OwnerBy = OwnerBy.NONE
    tcp_info: TcpNumbers | None = None
    was: Family | None = None  # the family before IPV6_ADDRFORM changed it
    final: bool = True  # False: the connection goes on; a final finding follows
    leg: Ends | None = None  # the four-tuple, from the client's side, with which NAT led the connection to the socket

    @property
    def v6only(self) -> bool | None:
        """IPV6_V6ONLY of the listener for a server side, of the socket itself for a client."""
        bearer = self.listener if self.side is _SERVER else self.socket
        return bearer.v6only if bearer else None


def unmatched(connection: Connection, explanation: str, final: bool) -> Finding:  # noqa: FBT001  compiled
    """The finding for a connection that no known socket terminates."""
    found = Finding.__new__(Finding)
    found.connection, found.explanation, found.final = connection, explanation, final
    found.side, found.verdict, found.cause, found.owner_by = _NONE, _NO_SOCKET, _NATIVE, _BY_NONE
    found.evidence = found.socket = found.listener = found.owner = None
    found.tcp_info = found.was = found.leg = None
    return found
