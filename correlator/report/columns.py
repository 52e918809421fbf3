"""The columns of a report: one row a finding, the same for CSV, JSON Lines and whatever comes.

A record is a dict in column order with JSON's types; unknown is None. docs/FORMATS.md says what each column means.
"""

from collections.abc import Mapping
from typing import Any

from correlator.core.connection import Connection
from correlator.core.finding import Finding
from correlator.core.handshake import CLOSE_TOKEN, HANDSHAKE_TOKEN, Closing, State
from correlator.core.model import Cause, TcpState, WireFamily
from correlator.report.cells import Cells
from correlator.report.community import CommunityHash
from correlator.report.escape import cell

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

SHARED = COLUMNS.index("interface") + 1
"""So many columns are the connection's, the others a finding's own."""

_RTT = frozenset({"syn_rtt_us", "ack_rtt_us"})
_STATES = {int(state): state.name for state in TcpState}
_ON, _OFF = "on", "off"
# Plain strings: those of an enumeration are slower to read.
_HANDSHAKES = tuple(str(HANDSHAKE_TOKEN[state]) for state in State)
_CLOSES = tuple(str(CLOSE_TOKEN[closing]) for closing in Closing)
_NATIVE, _IPV4, _IPV6 = Cause.NATIVE, str(WireFamily.IPV4), str(WireFamily.IPV6)

_HASH = CommunityHash()


def put_connection(cells: Cells, connection: Connection) -> None:
    """The cells that all findings of a connection share."""
    near, far = connection.client_place, connection.server_place
    cells.time(connection.opened_at)
    cells.time(connection.closed_at)
    cells.token(_IPV6 if connection.is_ipv6 else _IPV4)
    cells.address(connection.high[near], connection.low[near], connection.is_ipv6)
    cells.count(connection.port[near])
    cells.address(connection.high[far], connection.low[far], connection.is_ipv6)
    cells.count(connection.port[far])
    cells.token(_HANDSHAKES[connection.state])
    cells.interval(connection.syn_rtt)
    cells.interval(connection.ack_rtt)
    cells.count(connection.syn_count)
    cells.count(connection.syn_ack_count)
    cells.token(_CLOSES[connection.closing])
    if connection.counted:
        cells.count(connection.packets[near])
        cells.count(connection.packets[far])
        cells.count(connection.payload[near])
        cells.count(connection.payload[far])
    else:
        for _ in range(4):
            cells.nothing()
    cells.count(connection.client_isn())
    cells.count(connection.server_isn())
    cells.encoded("1:", _HASH.of(connection))
    cells.text(connection.interface)


def put_finding(cells: Cells, finding: Finding) -> None:
    """The cells of a finding's own."""
    socket, owner, listener, v6only = finding.socket, finding.owner, finding.listener, finding.v6only
    cells.token(finding.side)
    cells.token(finding.verdict)
    cells.token(finding.cause)
    cells.token(finding.evidence or "")
    if socket is None:
        for _ in range(4):
            cells.nothing()
    else:
        cells.token(socket.family)
        cells.endpoint(socket.local, socket.local_port)
        cells.endpoint(socket.remote, socket.remote_port)
        cells.token(_STATES[socket.state])
    cells.token("" if v6only is None else _ON if v6only else _OFF)
    if listener is None:
        cells.nothing()
    else:
        cells.endpoint(listener.local, listener.local_port)
    cells.number(owner.pid if owner else None)
    cells.token(finding.owner_by)
    cells.text(owner.process if owner else "")
    cells.text(owner.cmdline if owner else "")
    cells.text(owner.user if owner else "")
    if socket is None:
        for _ in range(4):
            cells.nothing()
    else:
        cells.number(socket.uid)
        cells.number(socket.inode)
        cells.number(socket.cookie)
        cells.text(socket.netns)
    cgroup = socket.cgroup if socket else ""
    cells.text(cgroup or (owner.cgroup if owner else ""))
    cells.text(owner.container if owner else "")
    if finding.cause is _NATIVE:
        cells.text(finding.explanation)  # few different ones
    else:
        cells.prose(finding.explanation)


def cells_of(row: Mapping[str, Any]) -> list[str]:
    """A record that was read from a file as CSV cells: unknown is empty, text is safe for spreadsheets."""
    return [_cell(name, row.get(name)) for name in COLUMNS]


def _cell(name: str, value: Any) -> str:  # noqa: ANN401  JSON's types
    if value is None:
        return ""
    if name in _RTT:
        return f"{value:.3f}"
    return cell(value) if isinstance(value, str) else str(value)
