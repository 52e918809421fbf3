"""`ss -tanpe` of iproute2, with or without -H, -O and a Netid column.

`*:80` is an AF_INET6 listener that takes both families, `[::]:80` one with IPV6_V6ONLY, `0.0.0.0:80` AF_INET
(inet_addr_print in misc/ss.c). Before iproute2 4.12 `*:80` was AF_INET and `:::80` AF_INET6.
"""

import re
from collections.abc import Iterable, Iterator

from correlator.core.address import ANY_PORT, IPV4_LENGTH, IPV6_LENGTH, parse, parse_port
from correlator.core.model import Evidence, Family, Owner, Socket, Source, Statement, TcpState
from correlator.kernel.tables.states import STATES, UNOWNED

_STATE_NAMES = "|".join(sorted((name for name in STATES if "_" not in name), key=len, reverse=True))
_ROW = re.compile(
    rf"(?:(?P<netid>tcp)\s+)?(?P<state>{_STATE_NAMES})\s+\d+\s+\d+\s+(?P<local>\S+:(?:\d+|\*))\s+(?P<remote>\S+:(?:\d+|\*))(?P<rest>\s.*)?$"
)
_OTHER_NETID = re.compile(r"(?:udp|raw|u_\w+|nl|p_\w+|icmp6|sctp|mptcp|v_\w+|xdp|tipc)\s")
_USER = re.compile(r'\("(?P<name>(?:[^"\\]|\\.)*)",(?:pid=)?(?P<pid>\d{1,10}),(?:fd=)?\d+\)')
_DETAIL = re.compile(r"(?<!\S)(?P<key>uid|ino|sk|cgroup|v6only):(?P<value>\S+)")


def recognises(head: str) -> bool:
    """Whether the text is ss's."""
    return any(line.startswith(("State ", "Netid ")) or _ROW.match(line) for line in head.splitlines())


def parse_lines(lines: Iterable[str]) -> Iterator[Statement | None]:
    """A statement for each TCP row; None for a row that makes no sense."""
    pending: str | None = None
    old = False
    for line in lines:
        text = line.rstrip()
        if pending is not None and text[:1].isspace() and text.strip():
            pending += " " + text.strip()  # without -O details may be on lines of their own
            continue
        if pending is not None:
            old = old or ":::" in pending
            yield _statement(pending, old=old)
        pending = text if text and not text.startswith(("State ", "Netid ")) and not _OTHER_NETID.match(text) else None
    if pending is not None:
        yield _statement(pending, old=old)


def _statement(text: str, *, old: bool) -> Statement | None:
    row = _ROW.match(text)
    if row is None:
        return None
    state = STATES[row["state"]]
    local = _cell(row["local"], old=old)
    if local is None:
        return None
    family = Family.INET if len(local[0]) == IPV4_LENGTH else Family.INET6
    remote = (bytes(len(local[0])), ANY_PORT) if state is TcpState.LISTEN else _cell(row["remote"], old=old)
    if remote is None or len(remote[0]) != len(local[0]):
        return None
    rest = row["rest"] or ""
    users = _USER.search(rest)
    details = {found["key"]: found["value"] for found in _DETAIL.finditer(rest.rpartition("))")[2])}
    inode = _number(details.get("ino"), 10)
    known = inode is not None and state not in UNOWNED  # ss leaves out uid:0
    v6only = details.get("v6only")
    implied = True if row["local"].startswith("[::]:") else False if row["local"].startswith("*:") else None
    socket = Socket(
        family,
        *local,
        *remote,
        state,
        inode or None,
        (_number(details.get("uid"), 10) or 0) if known else None,
        _number(details.get("sk"), 16),
        v6only == "1"
        if v6only
        else implied
        if state is TcpState.LISTEN and family is Family.INET6 and not old
        else None,
        details.get("cgroup", "").removeprefix("unreachable"),
    )
    owner = Owner(int(users["pid"]), users["name"]) if users else None
    return Evidence(None, Source.TABLE, socket, owner=owner)


def _cell(cell: str, *, old: bool) -> tuple[bytes, int] | None:
    address, _, port = cell.rpartition(":")
    try:
        if address == "*":
            packed = bytes(IPV4_LENGTH if old else IPV6_LENGTH)
        else:
            packed = parse(address.replace("[", "").replace("]", ""))
        return packed, ANY_PORT if port == "*" else parse_port(port)
    except ValueError:
        return None


def _number(value: str | None, base: int) -> int | None:
    try:
        return None if value is None else int(value, base)
    except ValueError:
        return None
