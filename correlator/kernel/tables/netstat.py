"""`netstat -tupan` of net-tools on Linux, with or without -e, -o and -W.

Without -W an address that does not fit is cut: address and port together fill 22 characters
(addr_do_one in netstat.c). A cell of that length may be whole or cut.
"""

import re
from collections.abc import Iterable, Iterator

from correlator.core.address import ANY_PORT, IPV4_LENGTH, mapped, parse, parse_port
from correlator.core.model import Clipped, Evidence, Family, Owner, Socket, Source, Statement, TcpState
from correlator.kernel.states import STATES
from correlator.kernel.tables.numbers import number

_FULL_CELL = 23  # 22 characters and the colon
_PROGRAM = re.compile(r"(?P<pid>\d{1,10})/(?P<name>.*)", re.ASCII)
_TIMER = re.compile(r"\s(?:off|keepalive|on|timewait|probe|unkn-\d+) \([\d./]*\)$", re.ASCII)
_ROW = re.compile(
    r"(?P<proto>tcp6?)\s+\d+\s+\d+\s+(?P<local>\S+)\s+(?P<remote>\S+)\s+(?P<state>[A-Z_0-9]+)\b\s*(?P<rest>.*)$"
)
_EXTENDED = re.compile(r"(?P<user>\S+)\s+(?P<inode>\d{1,20})\s*(?P<rest>.*)$", re.ASCII)
_UID = re.compile(r"\d{1,10}$", re.ASCII)


def recognises(head: str) -> bool:
    """Whether the text is netstat's."""
    return bool(re.search(r"^Proto\s+Recv-Q\s+Send-Q\s+Local Address", head, re.MULTILINE)) or any(
        _ROW.match(line) for line in head.splitlines()
    )


def parse_lines(lines: Iterable[str]) -> Iterator[Statement | None]:
    """A statement for each TCP row; None for a TCP row that makes no sense."""
    kept = [line.rstrip() for line in lines if line.startswith(("Proto", "tcp"))]
    rows = [_ROW.match(line) for line in kept]
    # One cell that is longer than a cut one can be: -W was given, and no cell is cut.
    wide = any(row and max(len(row["local"]), len(row["remote"])) > _FULL_CELL for row in rows)
    extended = False
    for line, row in zip(kept, rows, strict=True):
        if line.startswith("Proto"):
            extended = "Inode" in line
        else:
            yield _statement(row, extended=extended, wide=wide) if row else None


def _statement(row: re.Match[str], *, extended: bool, wide: bool) -> Statement | None:
    state = STATES.get(row["state"])
    if state is None:
        return None
    rest, inode, uid = row["rest"], None, None
    if extended and (fields := _EXTENDED.match(rest)):
        rest, inode = fields["rest"], number(fields["inode"]) or None
        uid = int(fields["user"]) if _UID.match(fields["user"]) and state is not TcpState.TIME_WAIT else None
    program = _PROGRAM.match(_TIMER.sub("", rest))
    owner = Owner(int(program["pid"]), program["name"].strip()) if program else None
    family = Family.INET6 if row["proto"] == "tcp6" else Family.INET
    local_text, local_port = _cell(row["local"])
    remote_text, remote_port = _cell(row["remote"])
    if local_port is None or remote_port is None:
        return None
    may_be_cut = not wide and family is Family.INET6 and _FULL_CELL in {len(row["local"]), len(row["remote"])}
    local, remote = _address(local_text, family), _address(remote_text, family)
    if local is None or remote is None or may_be_cut:
        if family is Family.INET:
            return None
        socket = Socket(family, b"", local_port, b"", remote_port, state, inode, uid)
        return Clipped(Evidence(None, Source.TABLE, socket, owner=owner), local_text, remote_text)
    socket = Socket(family, local, local_port, remote, remote_port, state, inode, uid)
    return Evidence(None, Source.TABLE, socket, owner=owner)


def _cell(cell: str) -> tuple[str, int | None]:
    address, _, port = cell.rpartition(":")
    try:
        return address, ANY_PORT if port == "*" else parse_port(port)
    except ValueError:
        return address, None


def _address(value: str, family: Family) -> bytes | None:
    """The packed address; a tcp6 row may have a mapped address as a bare dotted quad."""
    try:
        packed = parse(value)
    except ValueError:
        return None
    if family is Family.INET6:
        return mapped(packed)
    return packed if len(packed) == IPV4_LENGTH else None
