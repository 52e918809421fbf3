"""What IPV6_V6ONLY would break: every dual-stack listener with its clients, and what is to be said of it.

A listener is known from a table of sockets, from reports, or from both; clients are those of the reports and those that
are connected in the table.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from correlator.core.address import endpoint_text, is_any, is_mapped, text, unmapped
from correlator.core.firewall import IPV4, IPV6, Fate, Firewall
from correlator.core.model import Family, Owner, Socket
from correlator.core.timetext import time_text
from correlator.report.answer import is_child, is_ipv4
from correlator.report.policy import Policy, Subject
from correlator.report.record import Record
from correlator.report.socket_lines import unit_of
from correlator.report.table import Row
from correlator.report.usage import Clients, Usage, Use

_INET6 = str(Family.INET6)


class Remark(StrEnum):
    """What an audit may find of a listener: tokens, a contract."""

    IPV4_CLIENTS = "ipv4-clients"
    """It has clients over IPv4: with IPV6_V6ONLY they would be refused."""
    IPV4_UNUSED = "ipv4-unused"
    """It takes IPv4, and nobody was seen to use it."""
    IPV4_UNFILTERED = "ipv4-unfiltered"
    """The packet filter closes or restricts its port for IPv6, and lets everybody in over IPv4."""
    DENIED = "denied"
    """The rules do not allow it."""


@dataclass(slots=True)
class Audited:
    """A dual-stack listener."""

    use: Use
    is_listening: bool | None = None
    """Whether the table has it; None without a table."""
    is_outdone: bool = False
    """Whether an AF_INET listener beside it takes the IPv4."""
    fates: tuple[Fate, Fate] | None = None
    """What the packet filter does with its port, for IPv4 and IPv6; None where that is not known."""
    remarks: list[Remark] = field(default_factory=list)
    refusal: str = ""
    """Why the rules do not allow it."""


def audit(
    usage: Usage,
    rows: Sequence[Row] | None,
    at: int,
    firewall: Firewall | None,
    policy: Policy | None,
    *,
    host: str = "",
) -> list[Audited]:
    """All dual-stack listeners, those with IPv4 clients first.

    `usage`: what reports tell. `rows`: the table of sockets, of the time `at` (ns), if there is one,
    and `host` whose it is; what is told of others does not meet it.
    """
    found = [Audited(use) for use in usage.uses.values() if _is_dual(use)]
    if rows is not None:
        found = list(_in_table(found, rows, at, host))
    for one in found:
        _remark(one, firewall, policy)
    return sorted(found, key=lambda one: (-one.use.ipv4.connections, one.use.where[1], one.use.where[0]))


def _is_dual(use: Use) -> bool:
    """Whether a listener that connections tell of takes both, as far as is known."""
    if use.family != _INET6 or use.v6only:
        return False
    return is_any(use.where[0]) and not is_mapped(use.where[0]) if use.is_seen else bool(use.ipv4.connections)


def _in_table(told: list[Audited], rows: Sequence[Row], at: int, host: str) -> Iterable[Audited]:
    """The listeners of a table with what is told of them; then those that are told of and not there."""
    left = list(told)
    listeners: dict[tuple[object, ...], tuple[Socket, Owner | None]] = {}
    for socket, owner in rows:
        if _is_dual_socket(socket):
            listeners.setdefault((socket.local_port, socket.netns, owner.process if owner else ""), (socket, owner))
    for socket, owner in listeners.values():
        known = [one for one in left if one.use.host == host and _is_of(one.use, socket, owner)]
        left = [one for one in left if one not in known]
        yield _joined(socket, owner, known, rows, at, host)
    for one in left:
        one.is_listening = False if one.use.host == host else None
        yield one


def _is_dual_socket(socket: Socket) -> bool:
    return (
        socket.is_listener
        and socket.family is Family.INET6
        and is_any(socket.local)
        and not is_mapped(socket.local)
        and not socket.v6only
    )


def _is_of(use: Use, socket: Socket, owner: Owner | None) -> bool:
    """Whether connections that reports tell of came to a listener."""
    return (
        use.where[1] == socket.local_port
        and (use.netns == socket.netns or not (use.netns and socket.netns))
        and (not use.process or owner is None or use.process == owner.process)
    )


def _joined(
    socket: Socket, owner: Owner | None, known: list[Audited], rows: Sequence[Row], at: int, host: str
) -> Audited:
    cgroup = (owner.cgroup if owner else "") or socket.cgroup
    use = Use(
        _INET6,
        (socket.local, socket.local_port),
        is_seen=True,
        process=owner.process if owner else "",
        netns=socket.netns,
        host=host,
        pid=owner.pid if owner else None,
        unit=unit_of(cgroup),
        container=owner.container if owner else "",
        v6only=socket.v6only,
    )
    for one in known:
        use.ipv4.add(one.use.ipv4)
        use.ipv6.add(one.use.ipv6)
    made = Audited(use, is_listening=True)
    for other, holder in rows:
        if other.local_port != socket.local_port or other.netns != socket.netns:
            continue
        if other.is_listener:
            made.is_outdone = made.is_outdone or (other.family is Family.INET and is_any(other.local))
        elif is_child(other, socket) and (holder is None or owner is None or holder.process == owner.process):
            (use.ipv4 if is_ipv4(other) else use.ipv6).count(unmapped(other.remote), at)
    return made


def _remark(one: Audited, firewall: Firewall | None, policy: Policy | None) -> None:
    use, port = one.use, one.use.where[1]
    if use.ipv4.connections:
        one.remarks.append(Remark.IPV4_CLIENTS)
    elif not one.is_outdone:
        one.remarks.append(Remark.IPV4_UNUSED)
    if firewall is not None and one.is_listening:
        one.fates = (firewall.fate(port, IPV4), firewall.fate(port, IPV6))
        if one.fates[0] is Fate.OPEN and one.fates[1] is not Fate.OPEN and not one.is_outdone:
            one.remarks.append(Remark.IPV4_UNFILTERED)
    if policy is not None:
        subject = Subject(port, text(use.where[0]), use.process, use.unit, use.container)
        one.refusal = policy.refusal(subject)
        if one.refusal:
            one.remarks.append(Remark.DENIED)


def record(one: Audited) -> Record:
    """A listener's facts by name; None is unknown."""
    use = one.use
    return {
        "host": use.host or None,
        "listener": endpoint_text(*use.where),
        "is_listening": one.is_listening,
        "v6only": use.v6only,
        "pid": use.pid,
        "process": use.process or None,
        "unit": use.unit or None,
        "container": use.container or None,
        "netns": use.netns or None,
        "ipv4": _clients(use.ipv4),
        "ipv6": _clients(use.ipv6),
        "ipv4_share": round(use.ipv4_share, 4) if use.connections else None,
        "ipv4_taken_by_af_inet": one.is_outdone,
        "ipv4_filter": str(one.fates[0]) if one.fates else None,
        "ipv6_filter": str(one.fates[1]) if one.fates else None,
        "remarks": [str(remark) for remark in one.remarks],
        "refusal": one.refusal or None,
    }


def _clients(clients: Clients) -> Record:
    return {
        "connections": clients.connections,
        "clients": {text(address): count for address, count in clients.addresses.items()},
        "others": clients.others,
        "last_seen": time_text(clients.last_seen) or None,
    }
