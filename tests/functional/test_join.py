"""Both ends of connections on hosts of their own: namespaces on a bridge, with a NAT between, an agent in each."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="DuckDB is not installed: the extra `query`")
pytest.importorskip("pyarrow", reason="pyarrow is not installed: the extra `parquet`")

ROOT = Path(__file__).resolve().parents[2]
# hosts with an agent; one without
AGENTS, ALONE = ("front", "batch", "backend"), "stranger"
ADDRESSES = {"front": "10.1.0.2", "batch": "10.1.0.3", ALONE: "10.1.0.4", "backend": "10.2.0.2"}

_SERVER = """
import socket, threading
listeners = [socket.create_server(("::", 8080), family=socket.AF_INET6, dualstack_ipv6=True, backlog=500),
             socket.create_server(("0.0.0.0", 8081), backlog=500)]
def serve(listener):
    while True:
        connection = listener.accept()[0]
        threading.Thread(target=lambda: (connection.recv(100), connection.close()), daemon=True).start()
for listener in listeners:
    threading.Thread(target=serve, args=(listener,)).start()
print("ready", flush=True)
"""
# Connections that are open at one time for half a second: AF_INET or AF_INET6, by turns.
_CLIENT = """
import json, socket, sys, time
made = []
for number in range(int(sys.argv[1])):
    for address in sys.argv[2:]:
        family = socket.AF_INET6 if number % 3 == 0 else socket.AF_INET
        port = 8080 + number % 2
        one = socket.socket(family)
        one.connect(("::ffff:" + address if family == socket.AF_INET6 else address, port))
        made.append((one, family.name, one.getsockname()[1], address, port))
time.sleep(0.5)
for one, *_ in made:
    one.close()
print(json.dumps([rest for _, *rest in made]))
"""


def run(*command: str) -> str:
    """A program's output."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture
def hosts(program: Callable[[str], str]) -> Iterator[dict[str, str]]:
    """Namespaces by host: three on a bridge, whose router translates what goes to the fourth."""
    program("nft")
    mark = f"j{os.getpid() % 100000}"
    names = {name: f"{mark}-{name}" for name in (*ADDRESSES, "router")}
    try:
        for name in names.values():
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        router = names["router"]
        run("ip", "-n", router, "link", "add", "br0", "type", "bridge")
        for host, address in ADDRESSES.items():
            link = f"to-{host}"
            run("ip", "-n", router, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", names[host])
            run("ip", "-n", names[host], "addr", "add", f"{address}/24", "dev", "eth0")
            run("ip", "-n", names[host], "link", "set", "eth0", "up")
            if host != "backend":
                run("ip", "-n", router, "link", "set", link, "master", "br0")
            run("ip", "-n", router, "link", "set", link, "up")
        for device, address in (("br0", "10.1.0.1"), ("to-backend", "10.2.0.1")):
            run("ip", "-n", router, "addr", "add", f"{address}/24", "dev", device)
        run("ip", "-n", router, "link", "set", "br0", "up")
        for host, address in ADDRESSES.items():
            run("ip", "-n", names[host], "route", "add", "default", "via", address.rsplit(".", 1)[0] + ".1")
        enter = ("ip", "netns", "exec", router)
        run(*enter, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        rules = "add table ip t; add chain ip t c { type nat hook postrouting priority 100; }"
        run(*enter, "nft", f"{rules}; add rule ip t c oifname to-backend masquerade")
        time.sleep(1)
        yield names
    finally:
        for name in names.values():
            subprocess.run(["ip", "netns", "del", name], check=False)


def agent(namespace: str, host: str, report: Path) -> subprocess.Popen[str]:
    """A live run on a host of that name, which sees nothing of the others: neither their namespaces nor the trace."""
    inside = 'hostname "$1"; mount -t tmpfs none /sys/kernel/tracing; mount -t tmpfs none /sys/kernel/debug; shift; exec "$@"'
    own = ["ip", "netns", "exec", namespace, "unshare", "--uts", "--mount", "sh", "-c", inside, "sh", host]
    weak = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
    command = [sys.executable, "-m", "correlator", "live", "-i", "eth0", "-q", "--parquet", str(report)]
    process = subprocess.Popen([*own, *weak, *command], stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stderr
    for line in process.stderr:
        if "capturing" in line:
            break
    return process


def serve(namespace: str) -> subprocess.Popen[str]:
    """A server that listens."""
    command = ["ip", "netns", "exec", namespace, sys.executable, "-c", _SERVER]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def connect(namespace: str, count: int, *addresses: str) -> list[Any]:
    """So many connections to each: family, client's port, address, port."""
    inside = ("ip", "netns", "exec", namespace)
    made: list[Any] = json.loads(run(*inside, sys.executable, "-c", _CLIENT, str(count), *addresses))
    return made


def test_every_connection_is_joined(hosts: dict[str, str], tmp_path: Path) -> None:
    """Through NAT and without, with the families, processes and times that each end has; those of one end say why."""
    servers = {host: serve(hosts[host]) for host in ("backend", "batch")}
    running = [agent(hosts[host], host, tmp_path / f"{host}.parquet") for host in AGENTS]
    truth: dict[tuple[str, str, str, str], tuple[str, str, str]] = {}
    try:
        plan = {"front": ("backend", "batch"), "batch": ("backend",)}
        for client, others in plan.items():
            for family, local, address, port in connect(hosts[client], 60, *(ADDRESSES[other] for other in others)):
                server = next(other for other in others if ADDRESSES[other] == address)
                truth[client, str(local), address, str(port)] = (
                    family,
                    server,
                    "AF_INET6" if port == 8080 else "AF_INET",
                )
        strange = connect(hosts[ALONE], 10, ADDRESSES["batch"], ADDRESSES["backend"])
        time.sleep(2.5)
    finally:
        for process in running:
            process.send_signal(signal.SIGINT)
        said = [process.communicate(timeout=30)[1] for process in running]
        for process in servers.values():
            process.kill()
            process.communicate()
    assert [process.returncode for process in running] == [0, 0, 0], said
    done = subprocess.run(
        [sys.executable, "-m", "correlator", "join", str(tmp_path), "--csv"], capture_output=True, text=True, check=True
    )
    rows = list(csv.DictReader(done.stdout.splitlines()))
    joined = {
        (row["client_host"], row["client_port"], row["server_ip"], row["server_port"]): row
        for row in rows
        if not row["why"]
    }
    assert joined.keys() == truth.keys()
    for key, (family, server, served_by) in truth.items():
        row = joined[key]
        assert (row["client_family"], row["server_host"], row["server_family"]) == (family, server, served_by)
        assert row["nat"] == str(server == "backend")
        assert row["server_pid"] == str(servers[server].pid)
        assert float(row["client_rtt_us"]) > 0
        assert float(row["server_rtt_us"]) > 0
        assert abs(float(row["clock_offset_us"])) < 100_000
    left = Counter((row["why"], row["client_host"], row["server_host"]) for row in rows if row["why"])
    assert left == {("no-agent", "", "batch"): 10, ("no-agent", "", "backend"): 10}
    assert len(strange) == 20
    told = run(sys.executable, "-m", "correlator", "join", str(tmp_path))
    assert told.startswith(f"{len(truth)} connections with both ends, 20 with one\n")
    assert "AF_INET client python" in told
    assert "on front -> IPv4 through NAT -> AF_INET6 dual-stack listener [::]:8080 of python" in told
    asked = run(sys.executable, "-m", "correlator", "query", str(tmp_path), "--ask", "listeners", "--csv")
    listeners = [(row["host"], row["listener"], row["connections"]) for row in csv.DictReader(asked.splitlines())]
    assert listeners == [("backend", "[::]:8080", "65"), ("batch", "[::]:8080", "35")]
