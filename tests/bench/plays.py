"""What the load plays: kinds of listeners, what happens on a connection, and the networks that it happens on."""

import socket
from dataclasses import dataclass

BACKLOG = 4096


@dataclass(frozen=True, slots=True)
class Network:
    """Addresses of a load: IPv4 by the first two bytes of the servers' and the client's own; IPv6 of both."""

    servers: str
    client: str
    server_six: str
    client_six: str


LOOPBACK = Network("127.0", "127.0.0.1", "::1", "::1")
VETH = Network("10.77", "10.78.0.2", "fd77::1", "fd78::2")
"""Clients in another namespace than the servers, behind a veth pair."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A kind of listening socket."""

    name: str
    family: socket.AddressFamily
    address: str
    v6only: bool | None = None
    accepts: bool = True

    def open(self, network: Network) -> socket.socket:
        """The socket, on a port of the kernel's choice."""
        opened = socket.socket(self.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        if self.v6only is not None:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, self.v6only)
        opened.bind((self.address.format(network.servers), 0))
        opened.listen(BACKLOG)
        return opened


INET, INET6 = socket.AF_INET, socket.AF_INET6
LISTENERS = (
    Listener("inet", INET, "0.0.0.0"),
    Listener("dual", INET6, "::", v6only=False),
    Listener("v6only", INET6, "::", v6only=True),
    Listener("mapped", INET6, "::ffff:{}.0.1", v6only=False),
    Listener("bound", INET, "{}.0.1"),
    Listener("deaf", INET6, "::", v6only=False, accepts=False),
)
WILD = {"inet", "dual", "deaf"}  # any address of the servers reaches them

FIN_CLIENT, FIN_SERVER, RST_CLIENT, RST_SERVER = b"c", b"s", b"C", b"S"
ADDRFORM_SERVER = b"a"


@dataclass(frozen=True, slots=True)
class Play:
    """What happens on a connection, and what is true of it."""

    listener: str
    client: str  # inet, mapped, inet6
    close: str
    kept: float = 0.0  # seconds, at the most
    addrform: str = ""
    reused: bool = False
    refused: bool = False

    @property
    def wire(self) -> str:
        """The IP version on the wire."""
        return "ipv6" if self.client == "inet6" else "ipv4"


def plays() -> list[tuple[int, Play]]:
    """All plays with their weights."""
    pairs = [
        *(("inet", client) for client in ("inet", "mapped")),
        *(("dual", client) for client in ("inet", "mapped", "inet6")),
        ("v6only", "inet6"),
        *(("mapped", client) for client in ("inet", "mapped")),
        ("bound", "inet"),
    ]
    made: list[tuple[int, Play]] = []
    for listener, client in pairs:
        made += [(20, Play(listener, client, close)) for close in ("csCS")]
        made += [(1, Play(listener, client, close, kept=kept)) for close in "cs" for kept in (0.01, 0.1, 1.0, 3.0)]
        if client == "mapped":
            made += [
                (3, Play(listener, client, "c", addrform="client")),
                (1, Play(listener, client, "s", 0.5, "client")),
            ]
        if listener in {"dual", "mapped"} and client != "inet6":
            made.append((3, Play(listener, client, "a", addrform="server")))
    made += [(6, Play("deaf", client, "c")) for client in ("inet", "mapped", "inet6")]
    # what a client gets that comes while the deaf listener is opened anew: nobody chooses it
    made += [(0, Play("deaf", client, "c", refused=True)) for client in ("inet", "mapped", "inet6")]
    made += [(6, Play("bound", client, "C", refused=True)) for client in ("inet", "mapped")]
    made += [(6, Play("dual", client, close, reused=True)) for client in ("inet", "mapped") for close in "CSc"]
    return made


PLAYS = plays()
