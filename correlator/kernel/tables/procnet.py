"""Copies of /proc/net/tcp and /proc/net/tcp6, one or both in a file (proc_net_tcp(5), get_tcp4_sock in tcp_ipv4.c)."""

import re
import struct
from collections.abc import Iterable, Iterator

from correlator.core.model import TCP_STATES, Evidence, Family, Socket, Source, Statement
from correlator.kernel.states import UNOWNED
from correlator.kernel.tables.numbers import number

_HEADER = re.compile(r"\s*sl\s+local_address")
_ROW = re.compile(
    r"\s*\d+:\s+(?P<local>(?:[0-9A-F]{8}){1,4}):(?P<local_port>[0-9A-F]{4})\s+(?P<remote>(?:[0-9A-F]{8}){1,4}):(?P<remote_port>[0-9A-F]{4})"
    r"\s+(?P<state>[0-9A-F]{2})\s+\S+\s+\S+\s+\S+\s+(?P<uid>\d{1,10})\s+\d+\s+(?P<inode>\d{1,20})\b",
    re.ASCII,
)
_HOST_WORDS, _NET_WORDS = struct.Struct("<4I"), struct.Struct(">4I")
_INET, _INET6, _TABLE = Family.INET, Family.INET6, Source.TABLE  # looked up once: a look costs 90 ns
_WORD = 8  # hex digits of a 32-bit word, printed in the host's byte order
_IPV4_DIGITS, _IPV6_DIGITS = _WORD, _WORD * 4


def recognises(head: str) -> bool:
    """Whether the text is a copy of /proc/net/tcp or tcp6."""
    return any(_HEADER.match(line) or _ROW.match(line) for line in head.splitlines())


def parse_lines(lines: Iterable[str]) -> Iterator[Statement | None]:
    """A statement for each row; None for a row that makes no sense."""
    for line in lines:
        if line.strip() and not _HEADER.match(line):
            row = _ROW.match(line)
            yield _statement(row) if row else None


def _statement(row: re.Match[str]) -> Statement | None:
    local, remote = row["local"], row["remote"]
    state = TCP_STATES.get(int(row["state"], 16))
    if len(local) != len(remote) or len(local) not in {_IPV4_DIGITS, _IPV6_DIGITS} or state is None:
        return None
    socket = Socket(
        _INET if len(local) == _IPV4_DIGITS else _INET6,
        _packed(local),
        int(row["local_port"], 16),
        _packed(remote),
        int(row["remote_port"], 16),
        state,
        number(row["inode"]) or None,
        None if state in UNOWNED else int(row["uid"]),
    )
    return Evidence(None, _TABLE, socket)


def _packed(digits: str) -> bytes:
    """The address of words in little-endian hex, as every common Linux host prints them."""
    data = bytes.fromhex(digits)
    if len(digits) == _IPV4_DIGITS:
        return data[::-1]
    return _NET_WORDS.pack(*_HOST_WORDS.unpack(data))
