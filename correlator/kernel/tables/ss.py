"""`ss -tanpe` of iproute2, with or without -H, -O, -T, -Z and a Netid column.

`*:80` is an AF_INET6 listener that takes both families, `[::]:80` one with IPV6_V6ONLY, `0.0.0.0:80` AF_INET
(inet_addr_print in misc/ss.c). Before iproute2 4.12 `*:80` was AF_INET and `:::80` AF_INET6.

Behind the ends of a row stand users, uid, inode, cookie, cgroup and IPV6_V6ONLY, in this order (inet_show_sock).
Whoever names a process or a cgroup can write there what looks like the others: each is looked for in its place only.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from correlator.core.address import ANY_PORT, IPV4_LENGTH, IPV6_LENGTH, parse, parse_port
from correlator.core.model import Evidence, Family, Owner, Socket, Source, Statement, TcpState
from correlator.kernel.states import STATES, UNOWNED
from correlator.kernel.tables.numbers import number

_STATES = {name: state for name, state in STATES.items() if "_" not in name}
_INET, _INET6, _TABLE, _LISTEN = Family.INET, Family.INET6, Source.TABLE, TcpState.LISTEN  # a look costs 90 ns
_HEADERS = ("State ", "Netid ")
_NETID = "tcp"
_OTHER_NETID = re.compile(r"(?:udp|raw|u_\w+|nl|p_\w+|icmp6|sctp|mptcp|v_\w+|xdp|tipc)\s")
_ROW_WORDS = 5  # a state, two queues, two ends
# A user, and the beginning of what must follow: the kernel keeps 15 bytes of a process's name, too few to hold both.
_USERS = "users:("
_NAME = r'\("(.{0,15}?)"'
_USER = re.compile(
    rf'{_NAME},pid=(\d{{1,10}})(?:,(?:tid|proc_ctx)=[^()"]*)?,fd=\d+(?:,sock_ctx=[^()"]*)?\)'
    rf'(?:,(?={_NAME},pid=)|\)(?!\s+"))',
    re.ASCII,
)
_OLD_USER = re.compile(rf"{_NAME},(\d{{1,10}}),\d+\)(?:,(?={_NAME},\d)|\))", re.ASCII)  # of versions without pid=
_V6ONLY = " v6only:"


def recognises(head: str) -> bool:
    """Whether the text is ss's."""
    return any(line.startswith(_HEADERS) or _words(line) for line in head.splitlines())


def parse_lines(lines: Iterable[str]) -> Iterator[Statement | None]:
    """A statement for each TCP row; None for a row that makes no sense."""
    rows = _rows(lines)
    old = any(":::" in row and any(cell.startswith(":::") for cell in _words(row)[1:3]) for row in rows)
    for row in rows:
        yield _statement(row, old=old)


def _rows(lines: Iterable[str]) -> list[str]:
    """The rows about TCP, those of several lines in one: without -O details may be on lines of their own."""
    rows: list[str] = []
    more: list[str] = []  # of the last row, which may be the text of many lines
    goes_on = False
    for line in lines:
        text = line.rstrip()
        if text[:1].isspace():
            if goes_on:
                more.append(text.strip())
            continue
        if more:
            rows[-1] = " ".join([rows[-1], *more])
            more = []
        goes_on = _is_about_tcp(text)
        if goes_on:
            rows.append(text)
    if more:
        rows[-1] = " ".join([rows[-1], *more])
    return rows


def _is_about_tcp(text: str) -> bool:
    """Whether a line begins a row, if perhaps one that makes no sense, and no other protocol's."""
    if not text or text.startswith(_HEADERS):
        return False
    return not (text[0].islower() and _OTHER_NETID.match(text))


def _words(row: str) -> list[str]:
    """State, local end, remote end, and the rest, which may be empty; no words where it is no row about TCP."""
    begin = 1 if row.startswith(_NETID) else 0
    words = row.split(None, begin + _ROW_WORDS)
    if len(words) < begin + _ROW_WORDS or (begin and words[0] != _NETID) or words[begin] not in _STATES:
        return []
    if not (words[begin + 1].isdecimal() and words[begin + 2].isdecimal()):
        return []
    rest = words[begin + _ROW_WORDS] if len(words) > begin + _ROW_WORDS else ""
    return [words[begin], words[begin + 3], words[begin + 4], rest]


def _statement(row: str, *, old: bool) -> Evidence | None:
    words = _words(row)
    if not words:
        return None
    state = _STATES[words[0]]
    near, far, rest = words[1], words[2], words[3]
    try:
        local, local_port = _address(near, old), _port(near)
        remote, remote_port = _address(far, old), _port(far)
    except ValueError:
        return None
    if state is _LISTEN:  # whose `*:*` may be of either family
        remote = bytes(len(local))
    if len(remote) != len(local):
        return None
    owner, details = _first_user(rest)
    known, _, behind = details.partition(" cgroup:")
    inode = number(_value(known, " ino:"))
    socket = Socket(
        _INET if len(local) == IPV4_LENGTH else _INET6,
        local,
        local_port,
        remote,
        remote_port,
        state,
        inode or None,
        None if inode is None or state in UNOWNED else number(_value(known, " uid:")) or 0,  # ss leaves out uid:0
        number(_value(known, " sk:"), 16),
        _v6only(details, near, implied=state is _LISTEN and not old),
        behind.partition(" ")[0].removeprefix("unreachable"),
    )
    return Evidence(None, _TABLE, socket, None, owner)


def _address(end: str, old: bool) -> bytes:  # noqa: FBT001  one argument that is called by its place, for C
    """The packed address of `10.0.0.1:80`, `[fe80::1]%eth0:80`, `*:80`. Raises ValueError."""
    if end.startswith("["):
        return parse(end[1 : end.index("]")])
    host = end[: end.rfind(":")]
    if host.startswith("*") and host.partition("%")[0] == "*":
        return bytes(IPV4_LENGTH if old else IPV6_LENGTH)
    return parse(host)


def _port(end: str) -> int:
    """The port of an end; `*` is any. Raises ValueError."""
    port = end[end.rfind(":") + 1 :]
    return ANY_PORT if port == "*" else parse_port(port)


def _first_user(rest: str) -> tuple[Owner | None, str]:
    """The first of the processes that hold the socket, and what stands behind all of them."""
    begin = rest.find(_USERS)
    if begin < 0 or (begin and " cgroup:" in rest[:begin]):
        return None, " " + rest
    pattern = _USER if ",pid=" in rest else _OLD_USER
    user = first = pattern.match(rest, begin + len(_USERS))
    end = user.end() if user else 0
    while user and rest[end - 1] == ",":
        user = pattern.match(rest, end)
        end = user.end() if user else 0
    owner = _owner(first[2], first[1]) if first else None
    return owner, rest[end:] if end else rest.rpartition("))")[2]


@lru_cache(maxsize=4096)
def _owner(pid: str, name: str) -> Owner:
    return Owner(int(pid), name)


def _value(details: str, key: str) -> str:
    """The word behind a key; empty where there is none."""
    begin = details.find(key)
    if begin < 0:
        return ""
    begin += len(key)
    end = details.find(" ", begin)
    return details[begin:] if end < 0 else details[begin:end]


def _v6only(details: str, local_end: str, *, implied: bool) -> bool | None:
    """IPV6_V6ONLY in words, else as the way implies in which a listener's wildcard address is printed."""
    place = details.rfind(_V6ONLY)
    if place >= 0:
        return details[place + len(_V6ONLY) :][:1] == "1"
    return {"[::]": True, "*": False}.get(local_end.rpartition(":")[0].partition("%")[0]) if implied else None
