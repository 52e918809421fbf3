"""Who comes to each listener, and over which IP version: what IPV6_V6ONLY would change, and for whom."""

from dataclasses import dataclass, field

from correlator.core.address import text
from correlator.report.termination import Endpoint, Termination

MAX_LISTENERS = 16_384
MAX_CLIENTS = 1024
"""Addresses that are kept of a listener and IP version; further ones are counted as `others`."""

Key = tuple[str, str, Endpoint, str, str]


@dataclass(slots=True)
class Clients:
    """Those of one IP version."""

    connections: int = 0
    addresses: dict[bytes, int] = field(default_factory=dict)
    """Connections of each, up to MAX_CLIENTS of them."""
    others: int = 0
    """Connections of addresses beyond these."""
    last_seen: int | None = None
    """When the newest was opened, ns."""

    def count(self, address: bytes, at: int | None, connections: int = 1) -> None:
        """More connections of one address, the newest opened at a time (ns)."""
        self.connections += connections
        if address in self.addresses:
            self.addresses[address] += connections
        elif len(self.addresses) < MAX_CLIENTS:
            self.addresses[address] = connections
        else:
            self.others += connections
        if at is not None and (self.last_seen is None or at > self.last_seen):
            self.last_seen = at

    def told(self, shown: int) -> str:
        """The addresses with the most connections, so many of them, and how many more there are."""
        most = sorted(self.addresses, key=lambda address: -self.addresses[address])
        more = f" and {len(most) - shown} more" if len(most) > shown else ""
        return ", ".join(text(address) for address in most[:shown]) + more + (" and others" if self.others else "")

    def add(self, other: "Clients") -> None:
        """Those of another count."""
        for address, connections in other.addresses.items():
            self.count(address, other.last_seen, connections)
        self.connections += other.others
        self.others += other.others


@dataclass(slots=True)
class Use:
    """A listener, as its connections tell of it."""

    family: str
    """Of the sockets that it made: `AF_INET`, `AF_INET6`."""
    where: Endpoint
    """Its address and port; where it was not seen, those that its clients connected to."""
    is_seen: bool
    """Whether the listener itself was seen."""
    process: str
    netns: str
    host: str = ""
    """Whose it is, where several are told of."""
    pid: int | None = None
    unit: str = ""
    container: str = ""
    v6only: bool | None = None
    ipv4: Clients = field(default_factory=Clients)
    ipv6: Clients = field(default_factory=Clients)

    @property
    def connections(self) -> int:
        """Over either version."""
        return self.ipv4.connections + self.ipv6.connections

    @property
    def ipv4_share(self) -> float:
        """Of its connections, 0 to 1."""
        return self.ipv4.connections / self.connections if self.connections else 0.0


class Usage:
    """The use of all listeners that server sides came from."""

    def __init__(self) -> None:
        """None yet."""
        self.uses: dict[Key, Use] = {}
        self.uncounted = 0
        """Connections of listeners beyond MAX_LISTENERS."""

    def count(self, one: Termination, host: str = "") -> None:
        """Take in a finding, of a host; only those of server sides say something of a listener."""
        if one.side != "server" or not one.family:
            return
        where = one.listener or one.server
        key = (host, one.family, where, one.process, one.netns)
        use = self.uses.get(key)
        if use is None:
            if len(self.uses) >= MAX_LISTENERS:
                self.uncounted += 1
                return
            use = self.uses[key] = Use(one.family, where, one.listener is not None, one.process, one.netns, host)
        use.pid = one.pid if one.pid is not None else use.pid
        use.unit, use.container = one.unit or use.unit, one.container or use.container
        use.v6only = one.v6only if one.v6only is not None else use.v6only
        (use.ipv6 if one.is_ipv6 else use.ipv4).count(one.client, one.at)

    def busiest(self) -> list[Use]:
        """All of them: AF_INET6 with IPv4 clients first, then the others, each by their connections."""
        return sorted(
            self.uses.values(),
            key=lambda use: (use.family != "AF_INET6" or not use.ipv4.connections, -use.connections),
        )
