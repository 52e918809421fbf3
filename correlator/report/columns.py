"""The columns of a report: one record a finding, the same for CSV, JSON Lines and whatever comes.

A record is a dict in column order with JSON's types; unknown is None. docs/FORMATS.md says what each column means.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from communityid import CommunityID, FlowTuple

from correlator.core.address import text
from correlator.core.model import Finding
from correlator.core.timetext import time_text
from correlator.report.escape import cell

Record = dict[str, Any]

COLUMNS = (
    *("opened_at", "closed_at", "wire_family", "client_ip", "client_port", "server_ip", "server_port", "handshake"),
    *("syn_rtt_us", "ack_rtt_us", "syn_count", "syn_ack_count", "close"),
    *("client_packets", "server_packets", "client_bytes", "server_bytes", "client_isn", "server_isn"),
    *("community_id", "interface", "side", "verdict", "cause", "evidence"),
    *("socket_family", "socket_local", "socket_remote", "socket_state", "v6only", "listener"),
    *("pid", "owner_by", "process", "cmdline", "user", "uid", "inode", "cookie", "netns", "cgroup", "container"),
    "explanation",
)
"""The CSV's header, in order: a contract."""

_RTT = frozenset({"syn_rtt_us", "ack_rtt_us"})
_community = CommunityID()


def record(finding: Finding) -> Record:
    """The record of a finding."""
    connection, socket, owner, listener = finding.connection, finding.socket, finding.owner, finding.listener
    client, server = connection.client, connection.server
    client_ip, server_ip = text(client.address), text(server.address)
    return {
        "opened_at": time_text(connection.opened_at) or None,
        "closed_at": time_text(connection.closed_at) or None,
        "wire_family": str(connection.wire_family),
        "client_ip": client_ip,
        "client_port": client.port,
        "server_ip": server_ip,
        "server_port": server.port,
        "handshake": str(connection.handshake),
        "syn_rtt_us": _microseconds(connection.syn_rtt),
        "ack_rtt_us": _microseconds(connection.ack_rtt),
        "syn_count": connection.syn_count,
        "syn_ack_count": connection.syn_ack_count,
        "close": str(connection.close),
        "client_packets": client.packets,
        "server_packets": server.packets,
        "client_bytes": client.payload,
        "server_bytes": server.payload,
        "client_isn": client.isn,
        "server_isn": server.isn,
        "community_id": community_id(client.address, server.address, client.port, server.port),
        "interface": connection.interface or None,
        "side": str(finding.side) or None,
        "verdict": str(finding.verdict),
        "cause": str(finding.cause) or None,
        "evidence": str(finding.evidence) if finding.evidence else None,
        "socket_family": str(socket.family) if socket else None,
        "socket_local": socket.local_text if socket else None,
        "socket_remote": socket.remote_text if socket else None,
        "socket_state": socket.state.name if socket else None,
        "v6only": None if finding.v6only is None else "on" if finding.v6only else "off",
        "listener": listener.local_text if listener else None,
        "pid": owner.pid if owner else None,
        "owner_by": str(finding.owner_by) or None,
        "process": (owner.process if owner else None) or None,
        "cmdline": (owner.cmdline if owner else None) or None,
        "user": (owner.user if owner else None) or None,
        "uid": socket.uid if socket else None,
        "inode": socket.inode if socket else None,
        "cookie": socket.cookie if socket else None,
        "netns": (socket.netns if socket else None) or None,
        "cgroup": (socket.cgroup if socket else "") or (owner.cgroup if owner else "") or None,
        "container": (owner.container if owner else None) or None,
        "explanation": finding.explanation,
    }


class Rows:
    """The extended record of the last finding: every sink of a run asks for the same one."""

    def __init__(self) -> None:
        """Nothing is asked for yet."""
        self._finding: Finding | None = None
        self._row: Record = {}

    def of(self, finding: Finding) -> Record:
        """The record of a finding; not to be changed."""
        if finding is not self._finding:
            self._finding, self._row = finding, extended(finding)
        return self._row


def extended(finding: Finding) -> Record:
    """The record with what JSON Lines has beside the columns."""
    row = record(finding)
    if finding.tcp_info:
        row["tcp_info"] = dict(finding.tcp_info)
    if finding.was:
        row["was_family"] = str(finding.was)
    return row


def cells(row: Mapping[str, Any]) -> list[str]:
    """A record as CSV cells: unknown is empty, text is safe for spreadsheets."""
    return [_cell(name, row.get(name)) for name in COLUMNS]


def _cell(name: str, value: Any) -> str:  # noqa: ANN401  JSON's types
    if value is None:
        return ""
    if name in _RTT:
        return f"{value:.3f}"
    return cell(value) if isinstance(value, str) else str(value)


def _microseconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1000


# A loopback connection asks twice, and an open one again when it closes.
@lru_cache(maxsize=1024)
def community_id(source: bytes, destination: bytes, source_port: int, destination_port: int) -> str:
    """Community ID v1 of a TCP connection, the same for both directions."""
    flow = FlowTuple.make_tcp(source, destination, source_port, destination_port)
    return str(_community.calc(flow))
