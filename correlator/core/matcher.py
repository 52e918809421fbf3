"""From a connection to the socket that terminates it: which evidence counts, and what it says put together.

Only a socket with the connection's own four-tuple, seen while the connection lived, is a match. A listener that
would take the connection is none: behind a DNAT rule (docker's) the wire shows the host's listening port, and the
socket is in another namespace.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from correlator.core.address import is_any, is_loopback, unmapped
from correlator.core.evidence import EvidenceIndex, Known, same_socket
from correlator.core.model import (
    Connection,
    Family,
    Handshake,
    Owner,
    OwnerBy,
    Side,
    Socket,
    Source,
    TcpState,
    WireFamily,
)

# Members that every finding needs, looked up once: in Python 3.11 the look costs 90 ns.
_FROM_DESTROY = Source.DESTROY
_HANDSHAKE_MIDSTREAM = Handshake.MIDSTREAM
_INET = Family.INET
_INET6 = Family.INET6
_SIDE_CLIENT = Side.CLIENT
_STATE_TIME_WAIT = TcpState.TIME_WAIT
_WIRE_IPV4 = WireFamily.IPV4

# Linux keeps the four-tuple of a closed connection in TIME_WAIT for 60 s (TCP_TIMEWAIT_LEN): evidence from then is
# about the connection that closed.
TIME_WAIT = 60_000_000_000

# A segment is captured before the kernel's TCP takes it in, and a dump takes some time.
_GRACE = 100_000_000
_CLOCKS = 1_000_000  # between the clock of packets and that of events
_OPEN_STATES = frozenset({TcpState.ESTABLISHED, TcpState.SYN_SENT, TcpState.SYN_RECV, TcpState.NEW_SYN_RECV})

_T = TypeVar("_T")

_STRENGTH = {source: rank for rank, source in enumerate(Source)}


@dataclass(frozen=True)
class Match:
    """What terminates one end of a connection, as far as the evidence goes."""

    socket: Socket | None  # None: candidates disagree about the family
    source: Source
    knowns: tuple[Known, ...]
    was: Family | None = None  # its family before IPV6_ADDRFORM
    owner: Owner | None = None
    owner_by: OwnerBy = OwnerBy.NONE

    @property
    def tcp_info(self) -> Mapping[str, int] | None:
        """The last that is known of it."""
        for known in reversed(self.knowns):
            if known.tcp_info:
                return known.tcp_info
        return None


def match(index: EvidenceIndex, connection: Connection, side: Side, patience: int = TIME_WAIT) -> Match | None:
    """The socket that terminates one side of a connection; None where no evidence knows one.

    `patience`: for how long after the close (ns) evidence still counts.
    """
    candidates = _candidates(index, connection, side, patience)
    if not candidates:
        return None
    if len(candidates) == 1:
        known = candidates[0]
        if known.uses <= 1 or known.last_at is not None:
            return Match(known.socket, known.source, (known,), None, *index.owners(candidates))
    candidates.sort(key=_last_at)
    source = min([known.source for known in candidates], key=_STRENGTH.__getitem__)
    families = [known.socket.family for known in candidates]
    if [known for known in candidates if known.uses > 1 and known.last_at is None]:
        # A table without a time, and a four-tuple that was used more than once: either connection may be meant.
        return Match(None, source, tuple(candidates))
    was = None
    if len(set(families)) > 1:
        if not _is_one_socket(candidates):
            return Match(None, source, tuple(candidates))
        was = families[0] if families[0] is not families[-1] else None
    socket = merged([known.socket for known in _by_close(candidates, connection)], families[-1])
    return Match(socket, source, tuple(candidates), was, *index.owners(candidates))


def _has_no_birth(known: Known) -> bool:
    return known.born is None


def _last_at(known: Known) -> int:
    return known.last_at or 0


def listener(
    index: EvidenceIndex, connection: Connection, family: Family | None, netns: str = ""
) -> tuple[Socket, Owner | None] | None:
    """The listener that a server side came from, and its owner; None where it was not seen.

    A lookup that was answered with a listener names it for this very connection. Otherwise the kernel's own choice is
    repeated (compute_score in net/ipv4/inet_hashtables.c): the bound address before the wildcard, AF_INET before
    AF_INET6. `family` and `netns` are those of the accepted socket, where known: a listener's children have its own.
    """
    if connection.simultaneous:
        return None
    start, end = _span(connection, TIME_WAIT)
    answers = []
    if index.has_answers(connection.server.port):
        answers = [known for known in index.answers(connection.listener_tuple.key) if known.within(start, end)]
    there = []
    for known in index.listeners(connection.server.port):
        elsewhere = netns and known.socket.netns and known.socket.netns != netns
        if not elsewhere and not index.is_gone(known, connection.opened_at):
            there.append(known)
    if answers:
        # Of an SO_REUSEPORT group the kernel chooses by a hash that has the client's port in it: all of them are meant.
        rows = answers[:1] + [known for known in there if _are_siblings(known.socket, answers[0].socket)]
    elif len(there) == 1 and takes(there[0].socket, connection):
        return there[0].socket, index.owners(there)[0]
    else:
        able = [known for known in there if takes(known.socket, connection)]
        able = [known for known in able if known.socket.family is family] or able
        rows = _nearest(able, connection.opened_at)  # before the preference: what has been closed takes nothing
    if not rows:
        return None
    best = max([_preference(known.socket) for known in rows])
    rows = [known for known in rows if _preference(known.socket) == best]
    owner, _ = index.owners(rows)
    return merged([known.socket for known in rows], rows[-1].socket.family), owner


def takes(socket: Socket, connection: Connection) -> bool:
    """Whether a listener accepts the connection's SYN (inet_lookup_listener, inet6_lookup_listener)."""
    if connection.wire_family is _WIRE_IPV4:
        if is_any(socket.local):
            return not (socket.family is _INET6 and socket.v6only)
        return unmapped(socket.local) == connection.server.address
    return socket.family is _INET6 and (socket.local == connection.server.address or not any(socket.local))


def oriented(index: EvidenceIndex, connection: Connection) -> Connection:
    """The connection with its roles settled where no SYN told them.

    The end with a listener on its port is the server; without one, or with two, the end with the lower port is.
    """
    if connection.oriented:
        return connection
    turned = connection.turned_round()
    listens = any(takes(known.socket, connection) for known in index.listeners(connection.server.port))
    turned_listens = any(takes(known.socket, turned) for known in index.listeners(turned.server.port))
    if listens != turned_listens:
        return connection if listens else turned
    return connection if connection.server.port <= turned.server.port else turned


def merged(sockets: list[Socket], family: Family) -> Socket:
    """One entry out of several, oldest first: the last known of each fact, nothing where two sockets disagree."""
    result = sockets[-1]
    for older in reversed(sockets[:-1]):
        if same_socket(older, result) is False:
            result = _with_facts(
                result,
                _agreed(result.inode, older.inode),
                _agreed(result.uid, older.uid),
                _agreed(result.cookie, older.cookie),
                _agreed(result.v6only, older.v6only),
                result.cgroup,
                _agreed(result.netns, older.netns) or "",
            )
        else:
            result = _with_facts(
                result,
                result.inode or older.inode,
                older.uid if result.uid is None else result.uid,
                older.cookie if result.cookie is None else result.cookie,
                older.v6only if result.v6only is None else result.v6only,
                result.cgroup or older.cgroup,
                result.netns or older.netns,
            )
    if result.family is family:
        return result
    shape = [socket for socket in sockets if socket.family is family][-1]
    return replace(result, family=family, local=shape.local, remote=shape.remote)


def _with_facts(
    socket: Socket,
    inode: int | None,
    uid: int | None,
    cookie: int | None,
    v6only: bool | None,  # noqa: FBT001  a fact, not a switch
    cgroup: str,
    netns: str,
) -> Socket:
    """The socket with other facts: dataclasses.replace would take longer than all else that a finding costs."""
    near, far = socket.local, socket.remote
    return Socket(
        socket.family,
        near,
        socket.local_port,
        far,
        socket.remote_port,
        socket.state,
        inode,
        uid,
        cookie,
        v6only,
        cgroup,
        netns,
    )


def _agreed(one: _T, other: _T) -> _T | None:
    return one if one == other else None


def _candidates(index: EvidenceIndex, connection: Connection, side: Side, patience: int) -> list[Known]:
    start, end = _span(connection, patience)
    knowns = index.sockets(connection.key(side))
    opened_at = connection.opened_at
    gone = []
    for known in knowns:
        if known.source is _FROM_DESTROY and known.last_at is not None and known.last_at < opened_at:
            gone.append(known.socket.cookie)  # noqa: PERF401  a loop is faster here when compiled
    found: list[Known] = []
    foreign = 0
    for known in sorted(knowns, key=_has_no_birth) if len(knowns) > 1 else knowns:
        if not known.within(start, end) or _is_too_lively(known, connection):
            continue
        if known.born is not None and start is not None and not _is_its_birth(known.born, connection, side):
            gone.append(known.socket.cookie)
            continue
        if known.socket.cookie is None or known.socket.cookie not in gone:
            found.append(known)
            foreign += known.foreign
    if side is _SIDE_CLIENT and len(found) > 1:
        found = _latest_born(found)
    if not foreign:
        return found
    # A socket of another namespace terminates what passes an interface here, but what this namespace has itself: nor
    # does anything from another's loopback interface pass here.
    own = [known for known in found if not known.foreign]
    return own if own or is_loopback(connection.server.address) else found


def _latest_born(found: list[Known]) -> list[Known]:
    """Of sockets that were all made before the SYN the last: an RST frees a port before its socket is closed."""
    births = [known.born for known in found if known.born is not None]
    newest = max(births, default=0)
    older = {known.socket.cookie for known in found if known.born is not None and known.born < newest}
    return [known for known in found if known.socket.cookie is None or known.socket.cookie not in older]


def _is_its_birth(born: int, connection: Connection, side: Side) -> bool:
    """Whether a socket that was made at a time may be the connection's: before its SYN, or by its handshake.

    Where packets were lost, the four-tuple may have been used again unseen.
    """
    if side is _SIDE_CLIENT or connection.simultaneous:
        return born <= connection.opened_at + _CLOCKS
    if connection.syn_rtt is None or connection.ack_rtt is None:
        return born >= connection.opened_at
    return 0 <= born - connection.opened_at <= connection.syn_rtt + connection.ack_rtt + _GRACE


def _is_too_lively(known: Known, connection: Connection) -> bool:
    """Whether an entry was open when the wire had closed the connection: one that took the four-tuple over."""
    if connection.closed_at is None or known.first_at is None or known.source is _FROM_DESTROY:
        return False
    return known.socket.state in _OPEN_STATES and known.first_at > connection.closed_at + _GRACE


def _span(connection: Connection, patience: int) -> tuple[int | None, int | None]:
    """The time in which evidence about the four-tuple is evidence about this connection."""
    start = None if connection.handshake is _HANDSHAKE_MIDSTREAM else connection.opened_at
    if connection.superseded_at is not None:
        return start, connection.superseded_at - 1
    return start, None if connection.closed_at is None else connection.closed_at + patience


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
        known.last_at is not None and (known is first or same_socket(first.socket, known.socket) is True)
        for known in lasting
    )


def _by_close(candidates: list[Known], connection: Connection) -> list[Known]:
    """The candidates so that the state while the connection was open comes last: what is shown of it."""
    closed_at = connection.closed_at
    if closed_at is None:
        return candidates
    living = [
        known
        for known in candidates
        if known.source is not _FROM_DESTROY
        and known.socket.state is not _STATE_TIME_WAIT
        and (known.first_at is None or known.first_at <= closed_at)
    ]
    return [known for known in candidates if known not in living] + living


def _are_siblings(one: Socket, other: Socket) -> bool:
    """Whether two listeners are different sockets on one address and port."""
    return (one.family, one.local) == (other.family, other.local) and same_socket(one, other) is False


def _preference(socket: Socket) -> tuple[bool, bool]:
    return not is_any(socket.local), socket.family is _INET


def _nearest(rows: list[Known], at: int) -> list[Known]:
    """Of listeners seen at different times those that were there when the connection opened, else the nearest."""

    def distance(known: Known) -> int:
        if known.first_at is None or known.last_at is None or known.first_at <= at <= known.last_at:
            return 0
        return at - known.last_at if known.last_at < at else known.first_at - at

    least = min((distance(known) for known in rows), default=0)
    return [known for known in rows if distance(known) == least]
