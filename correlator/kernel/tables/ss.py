"""`ss -tanpe` of iproute2, with or without -H, -O and a Netid column.

`*:80` is an AF_INET6 listener that takes both families, `[::]:80` one with IPV6_V6ONLY, `0.0.0.0:80` AF_INET
(inet_addr_print in misc/ss.c). Before iproute2 4.12 `*:80` was AF_INET and `:::80` AF_INET6.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from correlator.core.address import ANY_PORT, IPV4_LENGTH, IPV6_LENGTH, parse, parse_port
from correlator.core.model import Evidence, Family, Owner, Socket, Source, Statement, TcpState
from correlator.kernel.states import STATES, UNOWNED
from correlator.kernel.tables.numbers import number

_STATE_NAMES = "|".join(sorted((name for name in STATES if "_" not in name), key=len, reverse=True))
_ROW = re.compile(
    rf"(?:(?P<netid>tcp)\s+)?(?P<state>{_STATE_NAMES})\s+\d+\s+\d+\s+(?P<local>\S+:(?:\d+|\*))\s+(?P<remote>\S+:(?:\d+|\*))(?P<rest>\s.*)?$"
)
_INET, _INET6, _TABLE, _LISTEN = Family.INET, Family.INET6, Source.TABLE, TcpState.LISTEN  # a look costs 90 ns
_OTHER_NETID = re.compile(r"(?:udp|raw|u_\w+|nl|p_\w+|icmp6|sctp|mptcp|v_\w+|xdp|tipc)\s")
_USER = re.compile(r'\("(?P<name>(?:[^"\\]|\\.)*)",(?:pid=)?(?P<pid>\d{1,10}),(?:fd=)?\d+\)')
_DETAILS = frozenset({"uid", "ino", "sk", "cgroup", "v6only"})


def recognises(head: str) -> bool:
    """Whether the text is ss's."""
    return any(line.startswith(("State ", "Netid ")) or _ROW.match(line) for line in head.splitlines())


def parse_lines(lines: Iterable[str]) -> Iterator[Statement | None]:
    """A statement for each TCP row; None for a row that makes no sense."""
    rows = list(_rows(lines))
    matches = [_ROW.match(row) for row in rows]
    old = any(match and ":::" in {match["local"][:3], match["remote"][:3]} for match in matches)
    for match in matches:
        yield _statement(match, old=old) if match else None


def _rows(lines: Iterable[str]) -> Iterator[str]:
    """The rows about TCP, those of several lines in one: without -O details may be on lines of their own."""
    row: str | None = None
    for line in lines:
        text = line.rstrip()
        if text[:1].isspace():
            row = None if row is None else f"{row} {text.strip()}"
            continue
        if row is not None:
            yield row
        is_ours = text and not text.startswith(("State ", "Netid ")) and not _OTHER_NETID.match(text)
        row = text if is_ours else None
    if row is not None:
        yield row


def _statement(row: re.Match[str], *, old: bool) -> Statement | None:
    named, near, far, rest = row["state"], row["local"], row["remote"], row["rest"] or ""
    state = STATES[named]
    local = _cell(near, old=old)
    if local is None:
        return None
    family = _INET if len(local[0]) == IPV4_LENGTH else _INET6
    remote = (bytes(len(local[0])), ANY_PORT) if state is _LISTEN else _cell(far, old=old)
    if remote is None or len(remote[0]) != len(local[0]):
        return None
    users = _USER.search(rest)
    details = _details(rest.rpartition("))")[2])
    inode = number(details.get("ino"))
    known = inode is not None and state not in UNOWNED  # ss leaves out uid:0
    v6only = details.get("v6only")
    implied = None
    if state is _LISTEN and not old:
        implied = {"[::]": True, "*": False}.get(near.rpartition(":")[0].partition("%")[0])
    socket = Socket(
        family,
        local[0],
        local[1],
        remote[0],
        remote[1],
        state,
        inode or None,
        (number(details.get("uid")) or 0) if known else None,
        number(details.get("sk"), 16),
        v6only == "1" if v6only else implied,
        details.get("cgroup", "").removeprefix("unreachable"),
    )
    owner = _owner(users["pid"], users["name"]) if users else None
    return Evidence(None, _TABLE, socket, None, owner)


def _details(text: str) -> dict[str, str]:
    """What `-e` adds: words of the form `uid:33`."""
    found = {}
    for word in text.split():
        key, _, value = word.partition(":")
        if value and key in _DETAILS:
            found[key] = value
    return found


@lru_cache(maxsize=4096)
def _owner(pid: str, name: str) -> Owner:
    return Owner(int(pid), name)


def _cell(cell: str, *, old: bool) -> tuple[bytes, int] | None:
    address, _, port = cell.rpartition(":")
    try:
        if address[:1] == "[":
            packed = parse(address[1:].replace("]", "", 1))
        elif address.partition("%")[0] == "*":
            packed = bytes(IPV4_LENGTH if old else IPV6_LENGTH)
        else:
            packed = parse(address)
        return packed, ANY_PORT if port == "*" else parse_port(port)
    except ValueError:
        return None
