"""One plain sentence for each finding. The prose may change; the tokens beside it do not."""

from correlator.core.address import endpoint_text
from correlator.core.model import Cause, Connection, Family, Handshake, Owner, Side, Socket, Verdict

_NO_SOCKET = {
    Handshake.REFUSED: "The connection was refused, and no socket on this host is known for either end.",
    Handshake.UNANSWERED: "The SYN was never answered, and no socket on this host is known for either end.",
}


def explain(  # noqa: PLR0913  every fact that a sentence may name
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
    if verdict is Verdict.NO_SOCKET:
        return _NO_SOCKET.get(connection.handshake, "No socket with this four-tuple was seen here: forwarded, another host's, or too short for the evidence at hand.")
    if verdict is Verdict.AMBIGUOUS or socket is None:
        return "Entries for this four-tuple disagree about the socket's family, and nothing tells which of them was this connection."
    who = f"{owner.process or 'PID ' + str(owner.pid)}'s" if owner else "The"
    sentence = f"{who} {side} socket {_MEANING[verdict](connection, cause, socket, listener)}"
    if was is not None:
        sentence += f"; it was {was} until setsockopt(IPV6_ADDRFORM) changed it"
    elif side is Side.SERVER and socket.family is Family.INET and listener is not None and listener.family is Family.INET6:
        sentence += "; its listener is AF_INET6, so setsockopt(IPV6_ADDRFORM) has changed its family"
    return sentence + "."


def _ipv4_on_inet6(connection: Connection, cause: Cause, socket: Socket, listener: Socket | None) -> str:
    peer = socket.remote_text
    if cause is Cause.MAPPED_CONNECT:
        return f"is AF_INET6 and was connected to the IPv4-mapped address {peer}: the wire carries IPv4"
    if cause is Cause.MAPPED_LISTENER and listener is not None:
        return f"is AF_INET6, accepted from a listener bound to the IPv4-mapped address {listener.local_text}: it takes IPv4 only and sees the client as {peer}"
    if cause is Cause.UNKNOWN:
        return f"is AF_INET6 on an IPv4 connection, but the listener seen on its port is AF_INET: another one accepted it; it sees the client as {peer}"
    where = f" {listener.local_text}" if listener else ""
    return f"is AF_INET6, accepted from a dual-stack listener{where} (IPV6_V6ONLY off): netstat shows tcp6, the client {endpoint_text(connection.client.address, connection.client.port)} came over IPv4 and is seen as {peer}"


def _ipv4_on_inet(connection: Connection, cause: Cause, socket: Socket, listener: Socket | None) -> str:
    del connection, cause, socket, listener
    return "is AF_INET: IPv4 on the wire and in the kernel"


def _ipv6_on_inet6(connection: Connection, cause: Cause, socket: Socket, listener: Socket | None) -> str:
    del connection, cause, socket, listener
    return "is AF_INET6: IPv6 on the wire and in the kernel"


def _anomaly(connection: Connection, cause: Cause, socket: Socket, listener: Socket | None) -> str:
    del connection, cause, socket, listener
    return "is listed as AF_INET on an IPv6 connection, which no kernel can do: the table or the capture is not what it seems"


_MEANING = {
    Verdict.IPV4_ON_INET6: _ipv4_on_inet6,
    Verdict.IPV4_ON_INET: _ipv4_on_inet,
    Verdict.IPV6_ON_INET6: _ipv6_on_inet6,
    Verdict.ANOMALY: _anomaly,
}
