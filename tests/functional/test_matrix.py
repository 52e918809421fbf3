"""Every pair of client and server families that can meet, in one live run."""

import itertools
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest

from tests.functional.conftest import LiveRun

IPV6_ADDRFORM = 1  # include/uapi/linux/in6.h

# name → family, address, V6ONLY, which wire families reach it
SERVERS = {
    "AF_INET": (socket.AF_INET, "127.0.0.1", None, {"ipv4"}),
    "dual-stack": (socket.AF_INET6, "::", False, {"ipv4", "ipv6"}),
    "v6only": (socket.AF_INET6, "::", True, {"ipv6"}),
    "mapped": (socket.AF_INET6, "::ffff:127.0.0.1", False, {"ipv4"}),
}
# name → family, address to connect to, wire family
CLIENTS = {
    "AF_INET": (socket.AF_INET, "127.0.0.1", "ipv4"),
    "mapped": (socket.AF_INET6, "::ffff:127.0.0.1", "ipv4"),
    "native": (socket.AF_INET6, "::1", "ipv6"),
}
MEETINGS = [
    (client, server)
    for client, server in itertools.product(CLIENTS, SERVERS)
    if CLIENTS[client][2] in SERVERS[server][3]
]
CLIENT_VERDICT = {
    "AF_INET": ("ipv4-on-af_inet", ""),
    "mapped": ("ipv4-on-af_inet6", "mapped-connect"),
    "native": ("ipv6-on-af_inet6", ""),
}


def serve(name: str) -> socket.socket:
    """A listener of a kind."""
    family, address, v6only, _ = SERVERS[name]
    server = socket.socket(family)
    if v6only is not None:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
    server.bind((address, 0))
    server.listen()
    return server


def connect(name: str, port: int) -> socket.socket:
    """A client of a kind."""
    family, address, _ = CLIENTS[name]
    client = socket.socket(family)
    client.connect((address, port))
    return client


@dataclass
class Ran:
    """A live run that has ended, and the client ports by what they did."""

    live: LiveRun
    ports: dict[object, int]
    status: int


def reset(connection: socket.socket) -> None:
    """Close with RST (SO_LINGER 0)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:  # noqa: PLR0915  one run, a scene a paragraph
    """All meetings and all odd cases in one run."""
    start = start_of(tmp_path_factory)
    ports: dict[object, int] = {}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(closing(serve(name))) for name in SERVERS}
        live = next(start)
        late = stack.enter_context(closing(serve("dual-stack")))  # opened after the run began
        for client_name, server_name in MEETINGS:
            client = stack.enter_context(closing(connect(client_name, servers[server_name].getsockname()[1])))
            stack.enter_context(closing(servers[server_name].accept()[0]))
            ports[client_name, server_name] = client.getsockname()[1]

        dual = servers["dual-stack"].getsockname()[1]
        client = connect("AF_INET", dual)
        ports["at once"] = client.getsockname()[1]
        accepted = servers["dual-stack"].accept()[0]
        client.close()
        accepted.close()

        client = connect("AF_INET", dual)
        ports["reset"] = client.getsockname()[1]
        accepted = servers["dual-stack"].accept()[0]
        time.sleep(0.1)
        reset(accepted)
        client.close()

        client = connect("AF_INET", dual)
        ports["addrform"] = client.getsockname()[1]
        accepted = stack.enter_context(closing(servers["dual-stack"].accept()[0]))
        time.sleep(0.2)
        accepted.setsockopt(socket.IPPROTO_IPV6, IPV6_ADDRFORM, socket.AF_INET)
        stack.enter_context(closing(client))

        client = stack.enter_context(closing(connect("mapped", late.getsockname()[1])))
        ports["late"] = client.getsockname()[1]
        stack.enter_context(closing(late.accept()[0]))

        with socket.socket() as refused, pytest.raises(ConnectionRefusedError):
            refused.bind(("127.0.0.1", 0))
            ports["refused"] = refused.getsockname()[1]
            with closing(serve("AF_INET")) as gone:
                port = gone.getsockname()[1]
            refused.connect(("127.0.0.1", port))
        device = serve("dual-stack")
        device.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        client = stack.enter_context(closing(connect("AF_INET", device.getsockname()[1])))
        ports["device"] = client.getsockname()[1]
        stack.enter_context(closing(device.accept()[0]))
        stack.enter_context(closing(device))

        client = stack.enter_context(closing(connect("AF_INET", dual)))
        ports["handed on"] = client.getsockname()[1]
        accepted = servers["dual-stack"].accept()[0]
        time.sleep(0.2)
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[accepted.fileno()])
        ports["child"] = child.pid
        accepted.close()

        never = stack.enter_context(closing(connect("AF_INET", dual)))
        ports["never accepted"] = never.getsockname()[1]

        time.sleep(1.2)
        status = live.end()
        child.communicate(b"\n")
    yield Ran(live, ports, status)
    next(start, None)


def start_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRun]:
    """The fixture's generator, for the module's one run."""
    from tests.functional.conftest import start_live

    make: Callable[..., Iterator[Callable[..., LiveRun]]] = start_live.__wrapped__  # type: ignore[attr-defined]
    starting = make(tmp_path_factory.mktemp("matrix"))
    yield next(starting)()
    next(starting, None)


def test_the_run_ends_well(ran: Ran) -> None:
    """Ctrl-C: status 0, nothing lost."""
    assert ran.status == 0, ran.live.error
    assert "lost: nothing" in ran.live.error


@pytest.mark.parametrize(("client", "server"), MEETINGS)
def test_the_clients_end(ran: Ran, client: str, server: str) -> None:
    """Verdict, cause, family, PID and inode of the connecting socket."""
    row = ran.live.of(ran.ports[client, server], "client")
    assert (row["verdict"], row["cause"]) == CLIENT_VERDICT[client]
    assert (row["pid"], row["owner_by"]) == (str(os.getpid()), "inode")
    assert (row["handshake"], row["wire_family"], row["v6only"]) == ("complete", CLIENTS[client][2], "")
    assert row["socket_family"] == ("AF_INET" if client == "AF_INET" else "AF_INET6")


@pytest.mark.parametrize(("client", "server"), MEETINGS)
def test_the_servers_end(ran: Ran, client: str, server: str) -> None:
    """Verdict, cause, listener, V6ONLY, PID and inode of the accepted socket."""
    row = ran.live.of(ran.ports[client, server], "server")
    wire = CLIENTS[client][2]
    expected = {
        ("AF_INET", "ipv4"): ("ipv4-on-af_inet", "", "", "127.0.0.1:"),
        ("dual-stack", "ipv4"): ("ipv4-on-af_inet6", "dual-stack-listener", "off", "[::]:"),
        ("dual-stack", "ipv6"): ("ipv6-on-af_inet6", "", "off", "[::]:"),
        ("v6only", "ipv6"): ("ipv6-on-af_inet6", "", "on", "[::]:"),
        ("mapped", "ipv4"): ("ipv4-on-af_inet6", "mapped-listener", "off", "[::ffff:127.0.0.1]:"),
    }[server, wire]
    assert (row["verdict"], row["cause"], row["v6only"]) == expected[:3]
    assert row["listener"] == expected[3] + row["server_port"]
    assert (row["pid"], row["owner_by"]) == (str(os.getpid()), "inode")


def test_a_connection_that_closes_at_once(ran: Ran) -> None:
    """Both ends known though they were gone before anyone could look; the server's PID at least by its listener."""
    port = ran.ports["at once"]
    client, server = ran.live.of(port, "client"), ran.live.of(port, "server")
    assert (client["verdict"], server["verdict"]) == ("ipv4-on-af_inet", "ipv4-on-af_inet6")
    assert (server["cause"], server["v6only"], server["close"]) == ("dual-stack-listener", "off", "fin")
    assert server["pid"] == str(os.getpid())
    assert server["owner_by"] in {"inode", "state-event", "listener"}
    assert client["pid"] in {"", str(os.getpid())}


def test_a_connection_that_is_never_accepted(ran: Ran) -> None:
    """Its socket has no inode yet: the owner is the listener's, and the row says so."""
    row = ran.live.of(ran.ports["never accepted"], "server")
    assert (row["verdict"], row["cause"], row["v6only"]) == ("ipv4-on-af_inet6", "dual-stack-listener", "off")
    assert (row["pid"], row["owner_by"], row["inode"]) == (str(os.getpid()), "listener", "")
    assert ran.live.of(ran.ports["never accepted"], "client")["pid"] == str(os.getpid())


def test_a_connection_closed_by_rst(ran: Ran) -> None:
    """Who reset, and both sockets."""
    port = ran.ports["reset"]
    client, server = ran.live.of(port, "client"), ran.live.of(port, "server")
    assert client["close"] == server["close"] == "rst-server"
    assert (client["verdict"], server["verdict"]) == ("ipv4-on-af_inet", "ipv4-on-af_inet6")
    assert server["pid"] == client["pid"] == str(os.getpid())


def test_a_connection_after_addrform(ran: Ran) -> None:
    """The family is a fact at a time: AF_INET now, and what it was stands in the explanation."""
    row = ran.live.of(ran.ports["addrform"], "server")
    assert (row["verdict"], row["cause"], row["socket_family"]) == ("ipv4-on-af_inet", "", "AF_INET")
    assert "IPV6_ADDRFORM" in row["explanation"]
    assert (row["listener"], row["v6only"]) == ("[::]:" + row["server_port"], "off")
    assert row["pid"] == str(os.getpid())


def test_a_listener_that_was_opened_during_the_run(ran: Ran) -> None:
    """The dump at the start did not have it: the kernel is asked."""
    port = ran.ports["late"]
    row = ran.live.of(port, "server")
    assert (row["verdict"], row["cause"], row["v6only"]) == ("ipv4-on-af_inet6", "dual-stack-listener", "off")
    assert row["listener"] == "[::]:" + row["server_port"]
    assert ran.live.of(port, "client")["cause"] == "mapped-connect"


def test_a_listener_that_is_bound_to_a_device(ran: Ran) -> None:
    """Found by the interface that its packets come in by."""
    row = ran.live.of(ran.ports["device"], "server")
    assert (row["verdict"], row["cause"], row["v6only"]) == ("ipv4-on-af_inet6", "dual-stack-listener", "off")
    assert (row["pid"], row["owner_by"], row["listener"]) == (str(os.getpid()), "inode", "[::]:" + row["server_port"])


def test_a_connection_that_is_handed_on_to_a_child(ran: Ran) -> None:
    """A server that forks for each connection: its holder is the child."""
    row = ran.live.of(ran.ports["handed on"], "server")
    assert (row["pid"], row["owner_by"]) == (str(ran.ports["child"]), "inode")


def test_a_refused_connection(ran: Ran) -> None:
    """Nothing terminates the server's end; the client's socket was reset before anyone could ask for it."""
    (row,) = [row for row in ran.live.rows if row["client_port"] == str(ran.ports["refused"])]
    assert (row["handshake"], row["close"]) == ("refused", "rst-server")
    assert (row["side"], row["verdict"]) in {("client", "ipv4-on-af_inet"), ("", "no-socket")}
