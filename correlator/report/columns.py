"""The columns of a report: one record a finding, the same for CSV, JSON Lines and whatever comes.

A record is a dict in column order with JSON's types; unknown is None. docs/FORMATS.md says what each column means.
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha1
from typing import Any

from correlator.core.address import endpoint_text, text
from correlator.core.model import Connection, Finding, TcpState
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

# Of a finding's own columns those whose text others have chosen, or that is prose; the rest holds no comma, no quote
# and nothing that a terminal or a spreadsheet would obey.
_STRANGERS = frozenset({"interface", "process", "cmdline", "user", "netns", "cgroup", "container", "explanation"})
_CELLS = tuple((name, name in _STRANGERS, name in _RTT) for name in COLUMNS)
_SHARED = COLUMNS.index("interface") + 1  # so many columns are the connection's
_SHARED_CELLS, _OWN_CELLS = _CELLS[:_SHARED], _CELLS[_SHARED:]
_SHORT = 100  # names come again and again, explanations never
_STATES = {int(state): state.name for state in TcpState}


def connection_record(connection: Connection) -> Record:
    """The columns that all findings of a connection share."""
    client, server = connection.client, connection.server
    return {
        "opened_at": time_text(connection.opened_at) or None,
        "closed_at": time_text(connection.closed_at) or None,
        "wire_family": str(connection.wire_family),
        "client_ip": text(client.address),
        "client_port": client.port,
        "server_ip": text(server.address),
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
    }


def finding_record(finding: Finding) -> Record:
    """The columns of a finding's own."""
    socket, owner, listener, v6only = finding.socket, finding.owner, finding.listener, finding.v6only
    row: Record = {
        "side": str(finding.side) or None,
        "verdict": str(finding.verdict),
        "cause": str(finding.cause) or None,
        "evidence": str(finding.evidence) if finding.evidence else None,
        "socket_family": None,
        "socket_local": None,
        "socket_remote": None,
        "socket_state": None,
        "v6only": None if v6only is None else "on" if v6only else "off",
        "listener": listener.local_text if listener else None,
        "pid": None,
        "owner_by": str(finding.owner_by) or None,
        "process": None,
        "cmdline": None,
        "user": None,
        "uid": None,
        "inode": None,
        "cookie": None,
        "netns": None,
        "cgroup": None,
        "container": None,
        "explanation": finding.explanation,
    }
    if socket is not None:
        row["socket_family"] = str(socket.family)
        row["socket_local"] = socket.local_text
        row["socket_remote"] = socket.remote_text
        row["socket_state"] = _STATES[socket.state]
        row["uid"], row["inode"], row["cookie"] = socket.uid, socket.inode, socket.cookie
        row["netns"], row["cgroup"] = socket.netns or None, socket.cgroup or None
    if owner is not None:
        row["pid"] = owner.pid
        row["process"], row["cmdline"], row["user"] = owner.process or None, owner.cmdline or None, owner.user or None
        row["cgroup"], row["container"] = row["cgroup"] or owner.cgroup or None, owner.container or None
    return row


def record(finding: Finding) -> Record:
    """The record of a finding."""
    return {**connection_record(finding.connection), **finding_record(finding)}


class Rows:
    """The extended record of the last finding: every sink of a run asks for the same one.

    The findings of a connection come together, so that what they share is made once.
    """

    def __init__(self) -> None:
        """Nothing is asked for yet."""
        self._finding: Finding | None = None
        self._connection: Connection | None = None
        self._shared: Record = {}
        self._shared_csv = ""
        self._row: Record = {}

    def of(self, finding: Finding) -> Record:
        """The record of a finding; not to be changed."""
        if finding is not self._finding:
            self._share(finding.connection)
            row = {**self._shared, **finding_record(finding)}
            self._finding, self._row = finding, _with_more(row, finding)
        return self._row

    def csv_line(self, finding: Finding) -> str:
        """The CSV line (RFC 4180) of a finding: unknown is empty, text is safe.

        What was read from a file goes through `cells` instead, which trusts no column.
        """
        self._share(finding.connection)
        if not self._shared_csv:
            self._shared_csv = _joined(self._shared, _SHARED_CELLS)
        row = self._row if finding is self._finding else finding_record(finding)
        return f"{self._shared_csv},{_joined(row, _OWN_CELLS)}\r\n"

    def _share(self, connection: Connection) -> None:
        if connection is not self._connection:
            self._connection, self._shared, self._shared_csv = connection, connection_record(connection), ""


def extended(finding: Finding) -> Record:
    """The record with what JSON Lines has beside the columns."""
    return _with_more(record(finding), finding)


def _with_more(row: Record, finding: Finding) -> Record:
    if finding.tcp_info:
        row["tcp_info"] = dict(finding.tcp_info)
    if finding.was:
        row["was_family"] = str(finding.was)
    if finding.leg:
        client, client_port, server, server_port = finding.leg
        row["leg"] = [endpoint_text(client, client_port), endpoint_text(server, server_port)]
    return row


def _joined(row: Record, columns: tuple[tuple[str, bool, bool], ...]) -> str:
    parts = []
    for name, is_strangers, is_rtt in columns:
        value = row[name]
        if value is None:
            parts.append("")
        elif is_strangers:
            parts.append(_seen_before(value) if len(value) < _SHORT else _quoted(value))
        elif is_rtt:
            parts.append(f"{value:.3f}")
        else:
            parts.append(str(value))
    return ",".join(parts)


@lru_cache(maxsize=4096)
def _seen_before(value: str) -> str:
    return _quoted(value)


def _quoted(value: str) -> str:
    safe = cell(value)
    if '"' in safe or "," in safe:
        return '"' + safe.replace('"', '""') + '"'
    return safe


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


def community_id(source: bytes, destination: bytes, source_port: int, destination_port: int) -> str:
    """Community ID v1 of a TCP connection, the same for both directions.

    As https://github.com/corelight/community-id-spec has it: seed 0, the lower end first. By hand because it stands in
    every row, and the communityid package takes 40 µs each; a test holds the two together.
    """
    one, other = source + source_port.to_bytes(2, "big"), destination + destination_port.to_bytes(2, "big")
    if one > other:
        source, source_port, destination, destination_port = destination, destination_port, source, source_port
    data = b"".join(
        (
            b"\0\0",
            source,
            destination,
            b"\6\0",
            source_port.to_bytes(2, "big"),
            destination_port.to_bytes(2, "big"),
        )
    )
    return "1:" + b64encode(sha1(data, usedforsecurity=False).digest()).decode("ascii")
