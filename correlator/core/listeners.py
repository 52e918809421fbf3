"""Listeners: which one accepted a connection, and which end is the server because one listens there."""

from correlator.core.address import is_any, unmapped
from correlator.core.connection import Connection
from correlator.core.evidence import EvidenceIndex
from correlator.core.facts import merged, same_socket
from correlator.core.known import UNKNOWN, Known
from correlator.core.matcher import TIME_WAIT, span
from correlator.core.model import Family, Owner, Socket

# Members that every finding needs, looked up once: in Python 3.11 the look costs 90 ns.
_INET = Family.INET
_INET6 = Family.INET6


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
    found = index.sole_listener(connection.server_port())
    if found is not None:
        sole, keeper, known = found
        if not (netns and sole.netns and sole.netns != netns) and takes(sole, connection):
            return None if index.is_gone(known, connection.opened_at) else (sole, keeper)
    start, end = span(connection, TIME_WAIT)
    answers = []
    if index.has_answers(connection.server_port()):
        answers = [known for known in index.answers(connection.listener_tuple.key) if known.within(start, end)]
    there = []
    for known in index.listeners(connection.server_port()):
        elsewhere = netns and known.socket.netns and known.socket.netns != netns
        if not elsewhere and not index.is_gone(known, connection.opened_at):
            there.append(known)
    if answers:
        # Of an SO_REUSEPORT group the kernel chooses by a hash that has the client's port in it: all of them are meant.
        rows = answers[:1] + [known for known in there if _are_siblings(known.socket, answers[0].socket)]
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
    if not connection.is_ipv6:
        if is_any(socket.local):
            return not (socket.family is _INET6 and socket.v6only)
        return unmapped(socket.local) == connection.address(connection.server_place)
    if socket.family is not _INET6:
        return False
    return not any(socket.local) or socket.local == connection.address(connection.server_place)


def oriented(index: EvidenceIndex, connection: Connection) -> Connection:
    """The connection with its roles settled where no SYN told them.

    The end with a listener on its port is the server; without one, or with two, the end with the lower port is.
    """
    return connection if connection.oriented else _by_ports(index, connection)


def _by_ports(index: EvidenceIndex, connection: Connection) -> Connection:
    turned = connection.turned_round()
    listens = any(takes(known.socket, connection) for known in index.listeners(connection.server_port()))
    turned_listens = any(takes(known.socket, turned) for known in index.listeners(turned.server_port()))
    if listens != turned_listens:
        return connection if listens else turned
    return connection if connection.server_port() <= turned.server_port() else turned


def _are_siblings(one: Socket, other: Socket) -> bool:
    """Whether two listeners are different sockets on one address and port."""
    return (one.family, one.local) == (other.family, other.local) and same_socket(one, other) is False


def _preference(socket: Socket) -> tuple[bool, bool]:
    return not is_any(socket.local), socket.family is _INET


def _nearest(rows: list[Known], at: int) -> list[Known]:
    """Of listeners seen at different times those that were there when the connection opened, else the nearest."""

    def distance(known: Known) -> int:
        if known.last_at == UNKNOWN or known.first_at <= at <= known.last_at:
            return 0
        return at - known.last_at if known.last_at < at else known.first_at - at

    least = min((distance(known) for known in rows), default=0)
    return [known for known in rows if distance(known) == least]
