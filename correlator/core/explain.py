"""One plain sentence for each finding. The prose may change; the tokens beside it do not."""

from functools import lru_cache

from correlator.core.address import endpoint_text
from correlator.core.connection import Connection
from correlator.core.four_tuple import Ends
from correlator.core.handshake import HANDSHAKE_TOKEN, State
from correlator.core.model import Cause, Family, Handshake, Owner, Side, Socket, Verdict

_REFUSED = "The connection was refused, and no socket on this host is known for either end."
_UNANSWERED = "The SYN was never answered, and no socket on this host is known for either end."
_NOT_SEEN = (
    "No socket with this four-tuple was seen here: forwarded, another host's, or too short for the evidence at hand."
)
_OF_HANDSHAKE = {Handshake.REFUSED: _REFUSED, Handshake.UNANSWERED: _UNANSWERED}
_ALONE = tuple(_OF_HANDSHAKE.get(HANDSHAKE_TOKEN[state], _NOT_SEEN) for state in State)
_AMBIGUOUS = (
    "Entries for this four-tuple disagree about its socket's family, or the four-tuple was used more than once and "
    "nothing tells which connection is meant."
)

# Members that every finding needs, looked up once: in Python 3.11 the look costs 90 ns.
_VERDICT_AMBIGUOUS = Verdict.AMBIGUOUS
_CAUSE_MAPPED_CONNECT = Cause.MAPPED_CONNECT
_CAUSE_MAPPED_LISTENER = Cause.MAPPED_LISTENER
_CAUSE_UNKNOWN = Cause.UNKNOWN
_INET = Family.INET
_INET6 = Family.INET6
_IPV4_ON_INET6 = Verdict.IPV4_ON_INET6

_SAME = {
    Verdict.IPV4_ON_INET: "is AF_INET: IPv4 on the wire and in the kernel",
    Verdict.IPV6_ON_INET6: "is AF_INET6: IPv6 on the wire and in the kernel",
    Verdict.ANOMALY: (
        "is listed as AF_INET on an IPv6 connection, which no kernel can do: table or capture is not what it seems"
    ),
}
"""What there is to say where nothing more is to be named."""


def explain(  # every fact that a sentence may name
    connection: Connection,
    side: Side,
    verdict: Verdict,
    cause: Cause,
    socket: Socket | None,
    listener: Socket | None,
    owner: Owner | None,
    was: Family | None,
) -> str:
    """What a finding means, in one sentence."""
    if verdict is _VERDICT_AMBIGUOUS or socket is None:
        return _AMBIGUOUS
    changed = ""
    if was is not None:
        changed = f"; it was {was} until setsockopt(IPV6_ADDRFORM) changed it"
    elif socket.family is _INET and listener is not None and listener.family is _INET6:
        changed = "; its listener is AF_INET6, so setsockopt(IPV6_ADDRFORM) has changed its family"
    elif verdict is not _IPV4_ON_INET6:
        return _plain(_who(owner), side, verdict)
    meaning = _mixed(connection, cause, socket, listener) if verdict is _IPV4_ON_INET6 else _SAME[verdict]
    return f"{_who(owner)} {side} socket {meaning}{changed}."


def without_socket(connection: Connection) -> str:
    """What it means that no known socket terminates a connection."""
    return _ALONE[connection.state]


def _who(owner: Owner | None) -> str:
    return f"{owner.process or f'PID {owner.pid}'}'s" if owner else "The"


@lru_cache(maxsize=1024)
def _plain(who: str, side: Side, verdict: Verdict) -> str:
    """The sentence for a socket of the wire's own family: the same for all of a process."""
    return f"{who} {side} socket {_SAME[verdict]}."


def through_nat(connection: Connection, leg: Ends) -> str:
    """How a connection that was seen with one four-tuple comes to a socket with another."""
    client, server = connection.client, connection.server
    seen = f"{endpoint_text(client.address, client.port)} to {endpoint_text(server.address, server.port)}"
    inside = f"{endpoint_text(leg[0], leg[1])} to {endpoint_text(leg[2], leg[3])}"
    return f" NAT leads {seen} to this socket as {inside}: both have the same initial sequence numbers."


def _mixed(connection: Connection, cause: Cause, socket: Socket, listener: Socket | None) -> str:
    """How IPv4 comes to an AF_INET6 socket."""
    peer = endpoint_text(socket.remote, socket.remote_port)
    if cause is _CAUSE_MAPPED_CONNECT:
        return f"is AF_INET6 and was connected to the IPv4-mapped address {peer}: the wire carries IPv4"
    if cause is _CAUSE_UNKNOWN:
        return (
            f"is AF_INET6 on an IPv4 connection and sees the client as {peer}, but the listener seen on its port is "
            "AF_INET: another one accepted it"
        )
    if cause is _CAUSE_MAPPED_LISTENER and listener is not None:
        return (
            f"is AF_INET6, accepted from a listener bound to the IPv4-mapped address {listener.local_text}: it takes "
            f"IPv4 only and sees the client as {peer}"
        )
    where = f" {endpoint_text(listener.local, listener.local_port)}" if listener is not None else ""
    client = endpoint_text(connection.client.address, connection.client.port)
    return (
        f"is AF_INET6, accepted from a dual-stack listener{where} (IPV6_V6ONLY off): netstat shows tcp6, the client "
        f"{client} came over IPv4 and is seen as {peer}"
    )
