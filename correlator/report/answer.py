"""The answer in words: what a socket is, why netstat says tcp6, who comes over which IP version, what would change it.

Facts are those of one table of sockets; what it does not tell is said to be unknown, with what to run to know.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from correlator.core.address import IPV4_LENGTH, endpoint_text, is_any, is_mapped, text, unmapped
from correlator.core.firewall import IPV4, IPV6, Fate, Firewall
from correlator.core.model import Family, Owner, Socket, TcpState
from correlator.core.timetext import time_text
from correlator.report.escape import terminal
from correlator.report.settings import DECIDED, settings
from correlator.report.socket_lines import bare, protocol, unit_of
from correlator.report.table import Row

FATES = {Fate.OPEN: "open", Fate.CLOSED: "closed", Fate.DEPENDS: "open to some (it depends on more than the port)"}
"""What the packet filter does with connections from outside, in words."""
_COMMAND = 160  # characters of a command line
_EXAMPLE = "192.0.2.7"  # RFC 5737
_OUTDONE = (
    "an AF_INET6 socket on the wildcard address with IPV6_V6ONLY off. It would take IPv4 as well (RFC 3493 §5.3), but "
    "IPv4 goes to the AF_INET listener on 0.0.0.0 beside it, which the kernel prefers: IPv6 comes here."
)
_SHOWN = 5  # addresses of clients
_SECONDS = 19  # of a time's text
_FINISHED = frozenset({TcpState.TIME_WAIT, TcpState.CLOSE, TcpState.NEW_SYN_RECV, TcpState.BOUND_INACTIVE})
WHY = (
    "netstat's tcp6 means that the program opened an IPv6-type socket (AF_INET6). Such a socket may serve IPv4 "
    "clients, too (RFC 3493 §3.7, ipv6(7))."
)
_IN_SHORT = (
    "nothing is wrong: one socket serves IPv4 and IPv6. ::ffff:a.b.c.d is the IPv4 address a.b.c.d as an IPv6 socket "
    "writes it. What to look at are allow-lists, logs, and the firewall's rules for IPv4."
)
_WHY_MAPPED = (
    "netstat's tcp6 means that the program opened an IPv6-type socket (AF_INET6). This one has IPv4-mapped addresses: "
    "what it sends and gets is IPv4 (RFC 3493 §3.7, ipv6(7))."
)
_WHY_NOT = "netstat's tcp6 means that the program opened an IPv6-type socket (AF_INET6); this one carries IPv6 only."
_FIREWALL = (
    "an IPv4 client's packets as IPv4: iptables rules and those of nft's `ip` and `inet` tables apply to them. "
    "ip6tables and nft's `ip6` tables do not: a port that is closed only there is open to IPv4."
)
_CONNECT = (
    "where the program opened it: connect to the IPv4 address with an AF_INET socket (Java: "
    "`-Djava.net.preferIPv4Stack=true`): the same packets, and netstat shows tcp. The other end sees IPv4 either way."
)


@dataclass(frozen=True, slots=True)
class Host:
    """What holds for all sockets."""

    bindv6only: bool | None
    """net.ipv6.bindv6only: the IPV6_V6ONLY of sockets whose program does not say; None where it cannot be read."""
    sees_all: bool
    """Whether other users' processes can be seen."""
    firewall: Firewall | None = None
    """The packet filter; None where it may not be read."""


@dataclass(slots=True)
class Answer:
    """What there is to say of one socket: paragraphs with their headings."""

    title: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    advice: list[tuple[str, str]] = field(default_factory=list)
    brief: str = ""
    """The same in a line."""


def about_listeners(rows: Sequence[Row], others: Sequence[Row], host: Host, asked: Sequence[Socket] = ()) -> Answer:
    """What a listener takes, or several that share an address and port (SO_REUSEPORT).

    `others`: the host's sockets with its port. `asked`: the connections for whose sake it is told of.
    """
    (socket, owner), port = rows[0], rows[0][0].local_port
    children = [other for other, _ in others if is_child(other, socket)]
    over_ipv4 = [child for child in children if is_ipv4(child)]
    over_ipv6 = [child for child in children if not is_ipv4(child)]
    rivals = [other for other in others if other[0].is_listener and shared(other[0]) != shared(socket)]
    outdone = any(is_any(other.local) and other.family is Family.INET for other, _ in rivals)
    may_take_ipv4 = takes_ipv4_on_inet6(socket) and not (outdone and _is_wildcard6(socket))
    answer = Answer(f"{_holders(rows)} on {endpoint_text(socket.local, port)}")
    if may_take_ipv4:
        answer.facts.append(("in short", _IN_SHORT))
    answer.facts += [("you asked for", _client(one)) for one in asked[:_SHOWN]]
    answer.facts.append(("netstat shows", f"{protocol(socket)}  {bare(socket.local, port)}  LISTEN"))
    if socket.family is Family.INET6:
        answer.facts.append(("why", _why(may_take_ipv4=may_take_ipv4, outdone=outdone, port=port)))
    answer.facts += [
        ("it is", _OUTDONE if takes_ipv4_on_inet6(socket) and not may_take_ipv4 else _listener_kind(socket)),
        *_owner_facts(owner, host),
        (
            "clients now",
            f"{_clients(over_ipv4, over_ipv6)}. `sudo correlator live -i any --port {port}` shows new ones.",
        ),
        *(
            ("beside it", f"{_who(keeper)} on {other.local_text}: {_takes(other, beside=socket)}")
            for other, keeper in _once(rivals)
        ),
    ]
    shown = f"{protocol(socket):<4}  {bare(socket.local, port):<23}"
    answer.brief = f"{shown}  {_holders(rows)}: {_clients(over_ipv4, over_ipv6)}"
    if not may_take_ipv4:
        if _is_wildcard6(socket) and not outdone:
            more = f"listen on 0.0.0.0:{port} as well, or clear IPV6_V6ONLY before bind() (RFC 3493 §5.3)."
            answer.advice.append(("IPv4, too", more))
        return answer
    example = text(unmapped(over_ipv4[0].remote)) if over_ipv4 else _EXAMPLE
    answer.facts += [("its logs see", _logs(example)), ("the firewall sees", _FIREWALL + _rules(port, host.firewall))]
    if is_mapped(socket.local):
        answer.advice.append(
            ("IPv4 as IPv4", "bind the IPv4 address with an AF_INET socket: it takes the same clients.")
        )
    else:
        answer.advice += _choices(owner, port, over_ipv4, over_ipv6, host)
    return answer


def _why(*, may_take_ipv4: bool, outdone: bool, port: int) -> str:
    """Why netstat calls a listener tcp6, and what that means."""
    if may_take_ipv4:
        return f"{WHY} This one does. Its connections are tcp6, too; netstat leaves out the ::ffff: of their addresses."
    return f"{_WHY_NOT[:-1]}, for 0.0.0.0:{port} beside it takes the IPv4." if outdone else _WHY_NOT


def _client(socket: Socket) -> str:
    """One of a listener's connections."""
    where = endpoint_text(unmapped(socket.remote), socket.remote_port)
    if socket.family is Family.INET6 and is_ipv4(socket):
        return f"{where}, its client over IPv4; the program sees it as {socket.remote_text}."
    return f"{where}, its client over {'IPv4' if is_ipv4(socket) else 'IPv6'}."


def shared(socket: Socket) -> tuple[object, ...]:
    """What listeners have in common that share a port."""
    return socket.family, socket.local, socket.local_port, socket.v6only, socket.netns


def _holders(rows: Sequence[Row]) -> str:
    """Who listens."""
    if len(rows) == 1:
        return f"{_who(rows[0][1])} listens"
    pids = list(dict.fromkeys(str(owner.pid) for _, owner in rows if owner))
    told = ", ".join(pids[:_SHOWN]) + (f" and {len(pids) - _SHOWN} more" if len(pids) > _SHOWN else "")
    names = sorted({terminal(owner.process) for _, owner in rows if owner})
    who = f"{'/'.join(names)} (PID {told})" if pids else "An unknown process"
    return f"{who} listens with {len(rows)} sockets (SO_REUSEPORT)"


def _once(rivals: Iterable[Row]) -> Iterable[Row]:
    """One of those that share an address."""
    return {shared(row[0]): row for row in rivals}.values()


def about_connection(row: Row, host: Host, *, was_connected: bool = False) -> Answer:
    """What a connection is whose listener is not there: most often this end has opened it.

    `was_connected`: its other end is here, and a listener's.
    """
    socket, owner = row
    answer = Answer(f"{_who(owner)} has a connection {socket.local_text} to {socket.remote_text}")
    shown = f"{bare(socket.local, socket.local_port)}  {bare(socket.remote, socket.remote_port)}"
    answer.facts.append(("netstat shows", f"{protocol(socket)}  {shown}  {socket.state.name}"))
    carries = ": IPv4 on an AF_INET6 socket" if socket.family is Family.INET6 and is_ipv4(socket) else ""
    answer.brief = f"{protocol(socket):<4}  {shown}  {_who(owner)}{carries}"
    if socket.family is Family.INET:
        answer.facts.append(("it is", "an AF_INET socket: IPv4 in the kernel and on the wire."))
    elif is_ipv4(socket):
        kind = (
            "an AF_INET6 socket with IPv4-mapped addresses: its packets are IPv4. "
            f"{'It' if was_connected else 'Either it'} was connected to {text(socket.remote)}"
            f"{'.' if was_connected else ', or a listener accepted it that is not here any more.'}"
        )
        answer.facts += [("why", _WHY_MAPPED), ("it is", kind)]
        answer.advice.append(("IPv4 as IPv4", _CONNECT))
    else:
        answer.facts.append(("it is", "an AF_INET6 socket with IPv6 addresses: IPv6 in the kernel and on the wire."))
    answer.facts += _owner_facts(owner, host)
    return answer


def is_ipv4(socket: Socket) -> bool:
    """Whether a connection's packets are IPv4."""
    return socket.family is Family.INET or is_mapped(socket.remote)


def is_child(socket: Socket, listener: Socket) -> bool:
    """Whether a listener may have accepted a connection: it has its family and port, and its address fits."""
    return (
        not socket.is_listener
        and socket.state not in _FINISHED
        and (socket.family, socket.local_port, socket.netns) == (listener.family, listener.local_port, listener.netns)
        and (is_any(listener.local) or listener.local == socket.local)
        and not (listener.v6only and is_ipv4(socket))
    )


def takes(listener: Socket, address: bytes) -> bool:
    """Whether a wildcard listener may take what comes to an address, in the wire's form."""
    if not is_any(listener.local):
        return False
    if len(address) == IPV4_LENGTH:
        return listener.family is Family.INET or takes_ipv4_on_inet6(listener)
    return _is_wildcard6(listener)


def takes_ipv4_on_inet6(socket: Socket) -> bool:
    """Whether a listener may take IPv4 though netstat calls it tcp6: what is unknown is told as if it did."""
    return socket.family is Family.INET6 and (is_mapped(socket.local) or (_is_wildcard6(socket) and not socket.v6only))


def _listener_kind(socket: Socket) -> str:
    """What a listener takes, and why."""
    if socket.family is Family.INET:
        return "an AF_INET socket: IPv4 in the kernel and on the wire."
    if is_mapped(socket.local):
        return f"an AF_INET6 socket bound to the IPv4-mapped address {text(socket.local)}: it takes IPv4 only."
    if not is_any(socket.local):
        return f"an AF_INET6 socket bound to the IPv6 address {text(socket.local)}: it takes IPv6 only."
    if socket.v6only is None:
        return (
            "an AF_INET6 socket on the wildcard address. Whether it takes IPv4, too, depends on its IPV6_V6ONLY, which "
            "is not known here: `sudo correlator explain` or `ss -tlne` (v6only:0 or 1) tells."
        )
    if socket.v6only:
        return "an AF_INET6 socket on the wildcard address with IPV6_V6ONLY on: it takes IPv6 only (RFC 3493 §5.3)."
    return (
        "a dual-stack listener: an AF_INET6 socket on the wildcard address with IPV6_V6ONLY off. It takes IPv6, and "
        "IPv4 as well (RFC 3493 §5.3, RFC 4038 §4.2)."
    )


def _takes(socket: Socket, beside: Socket) -> str:
    """The IP versions that a listener takes, in a word, beside another one."""
    if socket.family is Family.INET or is_mapped(socket.local):
        return "IPv4"
    if _is_wildcard6(socket) and not socket.v6only and beside.family is Family.INET and is_any(beside.local):
        return "IPv6 (the IPv4 comes here)"
    if _is_wildcard6(socket) and not socket.v6only:
        return "IPv6 and IPv4" if socket.v6only is not None else "IPv6, perhaps IPv4"
    return "IPv6"


def _rules(port: int, firewall: Firewall | None) -> str:
    """What the packet filter does with a port now."""
    if firewall is None:
        return " (It may not be read here: `sudo nft list ruleset`.)"
    fates = [f"{FATES[firewall.fate(port, version)]} for IPv{version}" for version in (IPV4, IPV6)]
    return f" Port {port} is now {' and '.join(fates)}."


def _is_wildcard6(socket: Socket) -> bool:
    return socket.family is Family.INET6 and is_any(socket.local) and not is_mapped(socket.local)


def _who(owner: Owner | None) -> str:
    return f"{terminal(owner.process) or 'a process'} (PID {owner.pid})" if owner else "An unknown process"


def _owner_facts(owner: Owner | None, host: Host) -> Iterable[tuple[str, str]]:
    if owner is None:
        unknown = "the kernel or a process that has ended" if host.sees_all else "unknown, for it is another user's"
        more = "" if host.sees_all else "; run it with sudo to see it"
        yield "it belongs to", f"{unknown}{more}."
        return
    names = [f"user {terminal(owner.user)}"] if owner.user else []
    if owner.container:
        names.append(f"container {terminal(owner.container)}")
    if unit := unit_of(owner.cgroup):
        names.append(f"unit {terminal(unit)}")
    if names:
        command = terminal(owner.cmdline or owner.process)
        yield "it belongs to", f"{', '.join(names)}: {command[:_COMMAND]}{'…' if len(command) > _COMMAND else ''}"
    if owner.started_at is not None:
        since = time_text(owner.started_at)[:_SECONDS].replace("T", " ")
        yield "since", f"not known; not before {since} UTC, when the process began."


def _logs(client: str) -> str:
    such = f"an IPv4 client, {client} for example," if client == _EXAMPLE else f"the IPv4 client {client}"
    return (
        f"{such} as ::ffff:{client}, which is what getpeername(2) gives (RFC 3493 §3.7). An allow-list that says "
        f"{client} may not match: put both forms into it (a network 10.0.0.0/8 is ::ffff:10.0.0.0/104)."
    )


def _clients(over_ipv4: list[Socket], over_ipv6: list[Socket]) -> str:
    told = [
        f"{len(found)} over {version} ({_addresses(found)})"
        for found, version in ((over_ipv4, "IPv4"), (over_ipv6, "IPv6"))
        if found
    ]
    return " and ".join(told) or "none"


def _addresses(sockets: list[Socket]) -> str:
    """The clients' addresses, each once, a few of them."""
    found = list(dict.fromkeys(text(unmapped(socket.remote)) for socket in sockets))
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more


def _choices(
    owner: Owner | None, port: int, over_ipv4: list[Socket], over_ipv6: list[Socket], host: Host
) -> list[tuple[str, str]]:
    """What would change a dual-stack listener, and what would break."""
    name = owner.process if owner else ""
    of_ipv6, of_ipv4, of_both = settings(name, port)
    hit = f" (connected now: {_addresses(over_ipv4)})" if over_ipv4 else ""
    lost = f" (connected now: {_addresses(over_ipv6)})" if over_ipv6 else ""
    apart = (
        f"the usual way, where ::ffff: is a nuisance: two sockets, [::]:{port} with IPV6_V6ONLY and 0.0.0.0:{port}. "
        f"{of_both}. The same clients are served, and logs, allow-lists and netstat show IPv4 as IPv4; what expects "
        "::ffff: must change."
    )
    restricted = (
        f"setsockopt(IPV6_V6ONLY) before bind(). {of_ipv6}. {_by_default(name, host)} New IPv4 clients are then "
        f"refused{hit}, unless another socket listens on 0.0.0.0:{port}."
    )
    return [
        ("nothing", "it works as it is: a server with an IPv6 socket may serve IPv4 in this way (RFC 4038 §4.2)."),
        ("separate sockets", apart),
        ("IPv6 only", restricted),
        ("IPv4 only", f"bind 0.0.0.0. {of_ipv4}. New IPv6 clients are then refused{lost}."),
    ]


def _by_default(name: str, host: Host) -> str:
    """What net.ipv6.bindv6only has to do with it."""
    if name in DECIDED:
        return f"(`net.ipv6.bindv6only` changes nothing: {name} sets IPV6_V6ONLY itself.)"
    if host.bindv6only:
        return "(`net.ipv6.bindv6only` is 1 already: its program sets IPV6_V6ONLY itself, or is older than that.)"
    now = "unknown here" if host.bindv6only is None else "0 now"
    return (
        "System-wide, for every program that does not choose and from its next start on: "
        f"`sysctl net.ipv6.bindv6only=1` ({now})."
    )
