"""Statements about one socket that agree, folded into one value with the span of time for which it was seen."""

from dataclasses import dataclass

from correlator.core.model import Evidence, Owner, OwnerBy, Socket, Source
from correlator.core.tcp_info import TcpNumbers

UNKNOWN = -1
"""A time that no statement told."""
# Constants of a module's own can be C integers when it is compiled.
_UNKNOWN, _BOTH = UNKNOWN, 2


@dataclass
class Known:
    """One or more statements that agree, and the times of the first and the last of them (`UNKNOWN` where none)."""

    socket: Socket
    source: Source
    first_at: int
    last_at: int
    owner: Owner | None = None
    owner_by: OwnerBy = OwnerBy.INODE
    tcp_info: TcpNumbers | None = None
    born: int = _UNKNOWN
    foreign: bool = False
    uses: int = 0  # connections that a statement without a time was a candidate for

    def within(self, start: int, end: int) -> bool:
        """Whether any of it was seen in a span of time; what has no time is not excluded by one."""
        return self.last_at == _UNKNOWN or (self.last_at >= start and self.first_at <= end)


def is_aged(rows: list[Known], evidence: Evidence, age: int) -> bool:
    """Whether evidence is so much older than a new statement that no connection can want it any more."""
    last, at = rows[-1], evidence.at
    return last.last_at != _UNKNOWN and at is not None and last.last_at + age < at


def fold_into(rows: list[Known], evidence: Evidence) -> None:
    """Add a statement to those of one key, or widen the span of one that says the same of the same socket.

    Without a cookie or an inode two equal statements may be about two sockets, and what lies between their times
    is not known: they stay apart.
    """
    socket, at, since = evidence.socket, _time(evidence.at), _since(evidence)
    for known in rows:
        if known.source is evidence.source and known.owner == evidence.owner and known.socket == socket:
            timed = (at != _UNKNOWN) + (known.last_at != _UNKNOWN)
            if not timed:
                return
            if timed == _BOTH and (socket.cookie is not None or socket.inode):
                known.first_at, known.last_at = min(known.first_at, since), max(known.last_at, at)
                if evidence.tcp_info is not None:
                    known.tcp_info = evidence.tcp_info
                return
    rows.append(known_of(evidence))


def _time(told: int | None) -> int:
    return _UNKNOWN if told is None else told


def _since(evidence: Evidence) -> int:
    """When a socket was there at the earliest."""
    if evidence.born is not None:
        return evidence.born
    return _time(evidence.at if evidence.since is None else evidence.since)


def known_of(evidence: Evidence) -> Known:
    """A statement by itself."""
    return Known(
        evidence.socket,
        evidence.source,
        _since(evidence),
        _time(evidence.at),
        evidence.owner,
        evidence.owner_by,
        evidence.tcp_info,
        _time(evidence.born),
        evidence.foreign,
    )
