"""Socket tables as netstat prints them, and with the truth beside."""

from collections.abc import Mapping

from correlator.core.address import endpoint_text, is_any, is_mapped, unmapped
from correlator.core.model import Family, Owner, Socket, TcpState
from correlator.report.buffer import Buffer
from correlator.report.escape import terminal

_NETSTAT = "%-5s  %-23s  %-23s  %-11s  %s"
_UNITS = (".service", ".socket", ".scope")
# how wide the cells of the other table are at the least, but the last
_PROTOCOL, _WIRE, _END, _STATE, _V6ONLY = 7, 11, 30, 12, 7
_BETWEEN = 2  # spaces
_NEW_LINE = ord("\n")

# netstat's names (tcp_state[] in net-tools' netstat.c)
_NAMES: Mapping[TcpState, str] = {state: state.name for state in TcpState} | {
    TcpState.NEW_SYN_RECV: "SYN_RECV",
    TcpState.BOUND_INACTIVE: "CLOSE",
}


def netstat_header() -> str:
    """The header of `netstat -tan`, without the queues."""
    return _row(("Proto", "Local Address", "Foreign Address", "State", "PID/Program name"))


def netstat_line(socket: Socket, owner: Owner | None) -> str:
    """A socket as netstat prints it: mapped addresses bare, the family as tcp or tcp6."""
    return _row(
        (
            protocol(socket),
            bare(socket.local, socket.local_port),
            bare(socket.remote, socket.remote_port),
            state_name(socket),
            program(owner),
        )
    )


def truth_table(rows: list[tuple[Socket, Owner | None]]) -> str:
    """Sockets with what netstat leaves out: the IP versions they speak, their addresses as in the kernel, V6ONLY.

    No text is made of a cell: a host may have 100,000 sockets.
    """
    table, at = Buffer(), 0
    names = ("netstat", _PROTOCOL), ("wire", _WIRE), ("local", _END), ("remote", _END), ("state", _STATE)
    for name, width in (*names, ("v6only", _V6ONLY)):
        table.put(name)
        at = _end_cell(table, at, width)
    table.put("owner\n")
    for socket, owner in rows:
        at = table.end
        table.put(protocol(socket))
        at = _end_cell(table, at, _PROTOCOL)
        table.put(wire(socket))
        at = _end_cell(table, at, _WIRE)
        table.put_endpoint(socket.local, socket.local_port)
        at = _end_cell(table, at, _END)
        table.put_endpoint(socket.remote, socket.remote_port)
        at = _end_cell(table, at, _END)
        table.put(state_name(socket))
        at = _end_cell(table, at, _STATE)
        table.put(v6only_text(socket))
        _end_cell(table, at, _V6ONLY)
        table.put_bytes(program(owner).rstrip().encode("utf-8", "backslashreplace"))
        table.put_byte(_NEW_LINE)
    return table.take().decode()


def _end_cell(table: Buffer, begin: int, width: int) -> int:
    """Fill a cell, which is never cut, and tell where the next one begins."""
    table.pad(max(begin + width, table.end) + _BETWEEN)
    return table.end


def truth_cells(socket: Socket, owner: Owner | None) -> tuple[str, ...]:
    """The cells of such a table."""
    return (
        protocol(socket),
        wire(socket),
        socket.local_text,
        socket.remote_text,
        state_name(socket),
        v6only_text(socket),
        program(owner),
    )


def protocol(socket: Socket) -> str:
    """What netstat calls it."""
    return "tcp6" if socket.family is Family.INET6 else "tcp"


def wire(socket: Socket) -> str:
    """The IP versions that its packets have: by its addresses, for a wildcard listener by IPV6_V6ONLY."""
    if socket.family is Family.INET or is_mapped(socket.local):
        return "ipv4"
    if socket.is_listener and is_any(socket.local):
        return "ipv6" if socket.v6only else "ipv4+ipv6" if socket.v6only is not None else "ipv6, ipv4?"
    return "ipv6"


def v6only_text(socket: Socket) -> str:
    """IPV6_V6ONLY in a word."""
    return "-" if socket.v6only is None else "on" if socket.v6only else "off"


def unit_of(cgroup: str) -> str:
    """The systemd unit that a control group's path names; empty for none."""
    name = cgroup.rstrip("/").rpartition("/")[2]
    return name if name.endswith(_UNITS) else ""


def state_name(socket: Socket) -> str:
    """The state as netstat names it."""
    return _NAMES[socket.state]


def program(owner: Owner | None) -> str:
    """PID and program, `-` where no process is known."""
    return f"{owner.pid}/{terminal(owner.process)}" if owner else "-"


def bare(address: bytes, port: int) -> str:
    """An address and port as netstat has them: mapped ones as IPv4, no brackets."""
    shown = unmapped(address)
    return endpoint_text(shown, port).replace("[", "").replace("]", "")


def _row(values: tuple[str, ...]) -> str:
    return (_NETSTAT % values).rstrip()
