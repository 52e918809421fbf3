"""What overviews count of a finding, whether a run has just made it or a report tells it."""

import contextlib
from dataclasses import dataclass

from correlator.core import tcp
from correlator.core.address import parse, parse_endpoint
from correlator.core.finding import Finding
from correlator.core.model import Family, Side, Verdict
from correlator.core.timetext import parse_time
from correlator.report.record import Record
from correlator.report.socket_lines import unit_of

Endpoint = tuple[bytes, int]
_VERDICTS = frozenset(str(verdict) for verdict in Verdict)
_SIDES = frozenset(str(side) for side in Side)
_FAMILIES = frozenset({"", *(str(family) for family in Family)})
_NAME = 255  # characters: what is longer is no name that a kernel or systemd would take


@dataclass(frozen=True, slots=True)
class Termination:
    """A finding's facts. Addresses are packed bytes, None and empty texts are unknown."""

    verdict: str
    side: str
    is_ipv6: bool
    """On the wire."""
    client: bytes
    client_port: int
    server: Endpoint
    at: int | None
    """When the connection was opened, ns."""
    rtt: int | None
    """From SYN to SYN-ACK, ns."""
    family: str
    """Of the socket."""
    listener: Endpoint | None
    v6only: bool | None
    pid: int | None
    process: str
    unit: str
    container: str
    netns: str


def of_finding(finding: Finding) -> Termination:
    """The facts of a finding."""
    connection, socket, owner, listener = finding.connection, finding.socket, finding.owner, finding.listener
    near, far = connection.client_place, connection.server_place
    cgroup = (socket.cgroup if socket else "") or (owner.cgroup if owner else "")
    return Termination(
        str(finding.verdict),
        str(finding.side),
        bool(connection.is_ipv6),
        connection.address(near),
        connection.client_port(),
        (connection.address(far), connection.server_port()),
        None if connection.opened_at == tcp.UNSEEN else connection.opened_at,
        None if connection.syn_rtt == tcp.UNSEEN else connection.syn_rtt,
        str(socket.family) if socket else "",
        (listener.local, listener.local_port) if listener else None,
        finding.v6only,
        owner.pid if owner else None,
        owner.process if owner else "",
        unit_of(cgroup),
        owner.container if owner else "",
        socket.netns if socket else "",
    )


def of_record(row: Record) -> Termination:
    """The facts of a report's record. Raises ValueError where its addresses or verdict are none."""
    verdict, client, server = (row.get(name) for name in ("verdict", "client_ip", "server_ip"))
    client_port, port = row.get("client_port"), row.get("server_port")
    if not verdict or client is None or server is None or not isinstance(port, int) or not isinstance(client_port, int):
        message = "a finding without a verdict or a four-tuple"
        raise ValueError(message)
    if verdict not in _VERDICTS or (row.get("side") or "") not in _SIDES:
        message = f"no verdict or side: {verdict!r}"
        raise ValueError(message)
    family = row.get("socket_family") or ""
    if family not in _FAMILIES or "%" in client + server:
        message = "a family or a zone that no finding has"
        raise ValueError(message)
    listener, rtt = row.get("listener"), row.get("syn_rtt_us")
    at = None
    with contextlib.suppress(ValueError):  # a time of another form is unknown
        at = parse_time(row.get("opened_at") or "")
    return Termination(
        verdict,
        row.get("side") or "",
        row.get("wire_family") == "ipv6",
        parse(client),
        client_port,
        (parse(server), port),
        at,
        None if rtt is None else round(rtt * 1000),
        family,
        parse_endpoint(listener) if listener else None,
        {"on": True, "off": False}.get(row.get("v6only") or ""),
        row.get("pid"),
        (row.get("process") or "")[:_NAME],
        unit_of(row.get("cgroup") or "")[:_NAME],
        (row.get("container") or "")[:_NAME],
        (row.get("netns") or "")[:_NAME],
    )
