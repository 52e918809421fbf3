"""Sockets in other network namespaces, and connections that NAT leads to them: with real routers of our own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from tests.functional.conftest import LiveRun

Start = Callable[..., LiveRun]
Program = Callable[[str], str]

SERVE = """
import socket, sys
server = socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True)
server.settimeout(20)
print("listening", flush=True)
while True:
    accepted, _ = server.accept()
    accepted.recv(1)
    accepted.close()
"""
CONNECT = """
import socket, sys, time
client = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
print(client.getsockname()[1], flush=True)
time.sleep(float(sys.argv[3]))
client.close()
"""


def ip(*words: str) -> None:
    """Configure the network."""
    subprocess.run(["ip", *words], check=True)


def inside(namespace: str) -> tuple[str, ...]:
    """The words that run a program in a namespace."""
    return ("ip", "netns", "exec", namespace)


@pytest.fixture
def hosts(program: Program) -> Iterator[tuple[str, str, str]]:
    """Namespaces of a client, a router and a server behind it: 198.18.1.2, 198.18.1.1 and 198.18.2.1, 198.18.2.2."""
    program("ip")
    client, router, server = names = tuple(f"{role}{os.getpid()}" for role in ("cc", "cr", "cs"))
    try:
        for name in names:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        for name, link, net in ((client, "c0", "198.18.1"), (server, "s0", "198.18.2")):
            ip("-n", router, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
            for where, device, address in ((router, link, f"{net}.1"), (name, "eth0", f"{net}.2")):
                ip("-n", where, "addr", "add", f"{address}/24", "dev", device)
                ip("-n", where, "link", "set", device, "up")
            ip("-n", name, "route", "add", "default", "via", f"{net}.1")
        subprocess.run([*inside(router), "sysctl", "-qw", "net.ipv4.ip_forward=1"], check=True)
        yield client, router, server
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False)


@pytest.fixture
def serve(hosts: tuple[str, str, str]) -> Iterator[Callable[[int], int]]:
    """Starts a dual-stack server behind the router; gives its PID."""
    started: list[subprocess.Popen[str]] = []

    def start(port: int) -> int:
        command = [*inside(hosts[2]), sys.executable, "-c", SERVE, str(port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "listening\n"
        return process.pid

    yield start
    for process in started:
        process.kill()
        process.communicate()


def connect(namespace: str, address: str, port: int, seconds: float) -> int:
    """Connect from a namespace, for so long; gives the client's port."""
    command = [*inside(namespace), sys.executable, "-c", CONNECT, address, str(port), str(seconds)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout)


@pytest.mark.parametrize("seconds", [0.0, 0.6])
def test_behind_a_router(
    start_live: Start, hosts: tuple[str, str, str], serve: Callable[[int], int], seconds: float
) -> None:
    """A connection that passes, to a socket in another namespace: its family, listener, owner, namespace."""
    client, router, server = hosts
    pid = serve(80)
    live = start_live(interface="any", inside=inside(router))
    port = connect(client, "198.18.2.2", 80, seconds)
    assert live.end() == 0, live.error
    row = live.of(port, "server")
    assert (row["verdict"], row["cause"], row["v6only"]) == ("ipv4-on-af_inet6", "dual-stack-listener", "off")
    assert (row["netns"], row["listener"], row["pid"]) == (server, "[::]:80", str(pid))
    assert row["owner_by"] in {"inode", "state-event"}
    assert live.of(port, "client")["netns"] == client
    assert len([row for row in live.rows if row["client_port"] == str(port)]) == 2


@pytest.mark.parametrize("seconds", [0.0, 0.6])
def test_both_legs_of_dnat(
    start_live: Start, program: Program, hosts: tuple[str, str, str], serve: Callable[[int], int], seconds: float
) -> None:
    """What docker's -p does: the leg outside gets the finding of the socket inside, and names both four-tuples."""
    iptables, (client, router, server) = program("iptables"), hosts
    rule = ["-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", "8080", "-j", "DNAT", "--to", "198.18.2.2:80"]
    subprocess.run([*inside(router), iptables, *rule], check=True)
    pid = serve(80)
    live = start_live(interface="any", inside=inside(router))
    port = connect(client, "198.18.1.1", 8080, seconds)
    assert live.end() == 0, live.error
    rows = [row for row in live.rows if row["client_port"] == str(port) and row["side"] == "server"]
    assert {(row["server_ip"], row["server_port"]) for row in rows} == {("198.18.1.1", "8080"), ("198.18.2.2", "80")}
    for row in rows:
        assert (row["verdict"], row["cause"], row["netns"]) == ("ipv4-on-af_inet6", "dual-stack-listener", server)
        assert (row["socket_local"], row["pid"]) == ("[::ffff:198.18.2.2]:80", str(pid))
    (outside,) = [row for row in rows if row["server_port"] == "8080"]
    assert "198.18.1.1:8080 to this socket as 198.18.1.2" in outside["explanation"]


def test_a_namespace_that_comes_while_the_run_lasts(start_live: Start, program: Program) -> None:
    """A container that is started: its sockets are seen from then on."""
    program("ip")
    name = f"late{os.getpid()}"
    live = start_live(interface="any")
    try:
        ip("netns", "add", name)
        ip("link", "add", f"v{os.getpid()}", "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("addr", "add", "198.18.3.1/24", "dev", f"v{os.getpid()}")
        ip("link", "set", f"v{os.getpid()}", "up")
        ip("-n", name, "addr", "add", "198.18.3.2/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        command = [*inside(name), sys.executable, "-c", SERVE, "80"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout
            server.stdout.readline()
            time.sleep(1.5)
            done = subprocess.run(
                [sys.executable, "-c", CONNECT, "198.18.3.2", "80", "0"], capture_output=True, text=True, check=True
            )
            assert live.end() == 0, live.error
            server.kill()
        row = live.of(int(done.stdout), "server")
        assert (row["verdict"], row["netns"], row["listener"]) == ("ipv4-on-af_inet6", name, "[::]:80")
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)
