"""From a connection to the socket that terminates it: which evidence counts, and what it says put together.

Only a socket with the connection's own four-tuple, seen while the connection lived, is a match. A listener that
would take the connection is none: behind a DNAT rule (docker's) the wire shows the host's listening port, and the
socket is in another namespace.
"""

from dataclasses import dataclass

from correlator.core.address import is_loopback
from correlator.core.connection import Connection
from correlator.core.evidence import EvidenceIndex
from correlator.core.facts import merged, same_socket
from correlator.core.known import UNKNOWN, Known
from correlator.core.model import Family, Handshake, Owner, OwnerBy, Side, Socket, Source, TcpState
from correlator.core.tcp_info import TcpNumbers

# Members that every finding needs, looked up once: in Python 3.11 the look costs 90 ns.
_FROM_DESTROY = Source.DESTROY
_HANDSHAKE_MIDSTREAM = Handshake.MIDSTREAM
_SIDE_CLIENT = Side.CLIENT
_STATE_TIME_WAIT = TcpState.TIME_WAIT

# Linux keeps the four-tuple of a closed connection in TIME_WAIT for 60 s (TCP_TIMEWAIT_LEN): evidence from then is
# about the connection that closed.
TIME_WAIT = 60_000_000_000

# A segment is captured before the kernel's TCP takes it in, and a dump takes some time.
_GRACE = 100_000_000
_FOREVER = 1 << 62
_CLOCKS = 1_000_000  # between the clock of packets and that of events
_OPEN_STATES = frozenset({TcpState.ESTABLISHED, TcpState.SYN_SENT, TcpState.SYN_RECV, TcpState.NEW_SYN_RECV})

_UNKNOWN = UNKNOWN
_STRENGTH = {source: rank for rank, source in enumerate(Source)}


@dataclass(frozen=True)
class Match:
    """What terminates one end of a connection, as far as the evidence goes."""

    socket: Socket | None  # None: candidates disagree about the family
    source: Source
    was: Family | None = None  # its family before IPV6_ADDRFORM
    owner: Owner | None = None
    owner_by: OwnerBy = OwnerBy.NONE
    tcp_info: TcpNumbers | None = None


def match(index: EvidenceIndex, connection: Connection, side: Side, patience: int = TIME_WAIT) -> Match | None:
    """The socket that terminates one side of a connection; None where no evidence knows one.

    `patience`: for how long after the close (ns) evidence still counts.
    """
    candidates = _candidates(index, connection, side, patience)
    if not candidates:
        return None
    if len(candidates) == 1:
        known = candidates[0]
        if known.uses <= 1 or known.last_at != _UNKNOWN:
            owner, by = index.owners(candidates)
            return Match(known.socket, known.source, None, owner, by, known.tcp_info)
    candidates.sort(key=_last_at)
    source = min([known.source for known in candidates], key=_STRENGTH.__getitem__)
    families = [known.socket.family for known in candidates]
    if [known for known in candidates if known.uses > 1 and known.last_at == _UNKNOWN]:
        # A table without a time, and a four-tuple that was used more than once: either connection may be meant.
        return Match(None, source)
    was = None
    if len(set(families)) > 1:
        if not _is_one_socket(candidates):
            return Match(None, source)
        was = families[0] if families[0] is not families[-1] else None
    socket = merged([known.socket for known in _by_close(candidates, connection)], families[-1])
    owner, by = index.owners(candidates)
    told = [known.tcp_info for known in candidates if known.tcp_info is not None]
    return Match(socket, source, was, owner, by, told[-1] if told else None)


def _has_no_birth(known: Known) -> bool:
    return known.born == _UNKNOWN


def _last_at(known: Known) -> int:
    return known.last_at


def _candidates(index: EvidenceIndex, connection: Connection, side: Side, patience: int) -> list[Known]:
    knowns = index.sockets(connection.key(side))
    if not knowns:
        return []
    start, end = span(connection, patience)
    opened_at = connection.opened_at
    if len(knowns) == 1:  # the usual case: nothing else tells that it is gone
        known = knowns[0]
        if known.born != _UNKNOWN and not known.foreign and start and opened_at <= known.last_at <= end:
            fits = _is_its_birth(known.born, connection, side) and not _is_too_lively(known, connection)
            return [known] if fits else []
    gone = []
    for known in knowns:
        if known.source is _FROM_DESTROY and _UNKNOWN < known.last_at < opened_at:
            gone.append(known.socket.cookie)  # noqa: PERF401  a loop is faster here when compiled
    found: list[Known] = []
    foreign = 0
    for known in sorted(knowns, key=_has_no_birth) if len(knowns) > 1 else knowns:
        if not known.within(start, end) or _is_too_lively(known, connection):
            continue
        if known.born == _UNKNOWN and index.has_gaps and _may_be_anothers(index, known, opened_at):
            continue
        if known.born != _UNKNOWN and start and not _is_its_birth(known.born, connection, side):
            gone.append(known.socket.cookie)
            continue
        if not gone or known.socket.cookie is None or known.socket.cookie not in gone:
            found.append(known)
            foreign += known.foreign
    if side is _SIDE_CLIENT and len(found) > 1:
        found = _latest_born(found)
    if not foreign:
        return found
    # A socket of another namespace terminates what passes an interface here, but what this namespace has itself: nor
    # does anything from another's loopback interface pass here.
    own = [known for known in found if not known.foreign]
    return own if own or is_loopback(connection.address(connection.server_place)) else found


def _may_be_anothers(index: EvidenceIndex, known: Known, opened_at: int) -> bool:
    """Whether packets were lost before the first sight of a socket: another connection may have its four-tuple."""
    return known.first_at != _UNKNOWN and index.has_gap(opened_at, known.first_at)


def _latest_born(found: list[Known]) -> list[Known]:
    """Of sockets that were all made before the SYN the last: an RST frees a port before its socket is closed."""
    newest = _UNKNOWN
    for known in found:
        newest = max(newest, known.born)
    older = []
    for known in found:
        if _UNKNOWN != known.born < newest:
            older.append(known.socket.cookie)  # noqa: PERF401  as above
    if not older:
        return found
    return [known for known in found if known.socket.cookie is None or known.socket.cookie not in older]


def _is_its_birth(born: int, connection: Connection, side: Side) -> bool:
    """Whether a socket that was made at a time may be the connection's: before its SYN, or by its handshake.

    Where packets were lost, the four-tuple may have been used again unseen.
    """
    if side is _SIDE_CLIENT or connection.simultaneous:
        return born <= connection.opened_at + _CLOCKS
    if _UNKNOWN in (connection.syn_rtt, connection.ack_rtt):
        return born >= connection.opened_at
    return 0 <= born - connection.opened_at <= connection.syn_rtt + connection.ack_rtt + _GRACE


def _is_too_lively(known: Known, connection: Connection) -> bool:
    """Whether an entry was open when the wire had closed the connection: one that took the four-tuple over."""
    if known.source is _FROM_DESTROY or _UNKNOWN in (connection.closed_at, known.first_at):
        return False
    return known.socket.state in _OPEN_STATES and known.first_at > connection.closed_at + _GRACE


def span(connection: Connection, patience: int) -> tuple[int, int]:
    """The time in which evidence about the four-tuple is evidence about this connection, from 0 where nobody knows."""
    start = 0 if connection.handshake is _HANDSHAKE_MIDSTREAM else connection.opened_at
    if connection.superseded_at != _UNKNOWN:
        return start, connection.superseded_at - 1
    return start, _FOREVER if connection.closed_at == _UNKNOWN else connection.closed_at + patience


def _is_one_socket(candidates: list[Known]) -> bool:
    """Whether entries of two families are one socket that changed: the same identity, and times that order them.

    What a socket leaves behind in TIME_WAIT has no identity of its own, and the family that the socket had.
    """
    lasting = [known for known in candidates if known.socket.state is not _STATE_TIME_WAIT]
    families = {known.socket.family for known in lasting}
    if not all(known.socket.family in families for known in candidates):
        return False
    first = lasting[0]
    return all(
        known.last_at != _UNKNOWN and (known is first or same_socket(first.socket, known.socket) is True)
        for known in lasting
    )


def _by_close(candidates: list[Known], connection: Connection) -> list[Known]:
    """The candidates so that the state while the connection was open comes last: what is shown of it."""
    closed_at = connection.closed_at
    if closed_at == _UNKNOWN:
        return candidates
    living = [
        known
        for known in candidates
        if known.source is not _FROM_DESTROY
        and known.socket.state is not _STATE_TIME_WAIT
        and known.first_at <= closed_at
    ]
    return [known for known in candidates if known not in living] + living
