"""`correlator audit` of real listeners, behind real packet filters, in a network namespace of the test's own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SERVER = """
import socket, sys
servers = [socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True) for port in (8001, 8002, 8003)]
servers.append(socket.create_server(("::", 8004), family=socket.AF_INET6))
clients = [socket.create_connection(("127.0.0.1", 8001)), socket.create_connection(("::1", 8001))]
accepted = [servers[0].accept() for _ in clients]
print("ready", flush=True)
sys.stdin.read()
"""

TRY = """
import json, socket
def can(address, port):
    try:
        socket.create_connection((address, port), 0.7).close()
    except OSError:
        return False
    return True
print(json.dumps([(port, can("10.9.9.1", port), can("fd00::1", port)) for port in (8001, 8002, 8003)]))
"""


@pytest.fixture
def inside(program: Callable[[str], str]) -> Iterator[list[str]]:
    """Words that run a program in a namespace with three dual-stack listeners and one with IPV6_V6ONLY."""
    program("ip")
    name = f"audit-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    words = ["ip", "netns", "exec", name]
    try:
        subprocess.run([*words, "ip", "link", "set", "lo", "up"], check=True)
        server = subprocess.Popen(
            [*words, sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert server.stdout
        assert server.stdout.readline() == "ready\n"
        yield words
        server.communicate("")
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.fixture
def outside(inside: list[str], program: Callable[[str], str]) -> Iterator[list[str]]:
    """Words that run a program in another host's place."""
    for name in ("nft", "iptables"):
        program(name)
    here = inside[-1]
    there = here + "-o"
    subprocess.run(["ip", "netns", "add", there], check=True)
    try:
        for line in (
            f"-n {here} link add eth0 type veth peer name eth0 netns {there}",
            *(f"-n {name} link set eth0 up" for name in (here, there)),
            f"-n {here} addr add 10.9.9.1/24 dev eth0",
            f"-n {there} addr add 10.9.9.2/24 dev eth0",
            f"-n {here} addr add fd00::1/64 dev eth0 nodad",
            f"-n {there} addr add fd00::2/64 dev eth0 nodad",
            # who asks for neighbours is let in or not like everybody: here they are known
            f"-n {here} -6 neigh add fd00::2 lladdr 02:00:00:00:00:02 dev eth0",
            f"-n {there} -6 neigh add fd00::1 lladdr 02:00:00:00:00:01 dev eth0",
            f"-n {here} link set eth0 address 02:00:00:00:00:01",
            f"-n {there} link set eth0 address 02:00:00:00:00:02",
        ):
            subprocess.run(["ip", *line.split()], check=True)
        yield ["ip", "netns", "exec", there]
    finally:
        subprocess.run(["ip", "netns", "del", there], check=True)


def run(inside: list[str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [*inside, sys.executable, "-m", "correlator", "audit", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def listeners(inside: list[str], *arguments: str | Path) -> dict[str, dict[str, Any]]:
    """What --json says, by listener."""
    return {one["listener"]: one for one in json.loads(run(inside, "--json", *arguments).stdout)}


def test_clients_and_those_who_have_none(inside: list[str]) -> None:
    """Who would be refused; which listeners nobody uses over IPv4; the one with V6ONLY is none of them."""
    found = listeners(inside)
    assert set(found) == {"[::]:8001", "[::]:8002", "[::]:8003"}
    assert found["[::]:8001"]["ipv4"]["clients"] == {"127.0.0.1": 1}
    assert found["[::]:8001"]["ipv6"]["clients"] == {"::1": 1}
    assert found["[::]:8001"]["remarks"] == ["ipv4-clients"]
    assert found["[::]:8002"]["remarks"] == ["ipv4-unused"]
    text = " ".join(run(inside).stdout.split())
    assert "3 dual-stack listeners: 1 with clients over IPv4; 2 that nobody was seen to use over IPv4." in text
    assert "these would be refused: 127.0.0.1." in text


# Rules, and the ports that they close over IPv4 and IPv6 for the one who tries.
RULES: dict[str, list[str]] = {
    "nothing": [],
    "ip6 drop": ["ip6tables -A INPUT -p tcp -m multiport --dports 9,8001:8002 -j DROP"],
    "ip6 policy": [
        "ip6tables -P INPUT DROP",
        "ip6tables -A INPUT -p ipv6-icmp -j ACCEPT",
        "ip6tables -A INPUT -p tcp --dport 8002 -j ACCEPT",
    ],
    "both": ["ip6tables -A INPUT -p tcp --dport 8001 -j DROP", "iptables -A INPUT -p tcp --dport 8001 -j REJECT"],
    "chains": [
        "ip6tables -N mine",
        "ip6tables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "ip6tables -A INPUT -i lo -j ACCEPT",
        "ip6tables -A INPUT -j mine",
        "ip6tables -A mine -p tcp ! --dport 8003 -j DROP",
    ],
    "ip4 policy": ["iptables -P INPUT DROP", "iptables -A INPUT -p tcp --dport 8003 -j ACCEPT"],
    "nft ip6": [
        "nft add table ip6 f",
        "nft add chain ip6 f in { type filter hook input priority 0 ; }",
        "nft add rule ip6 f in tcp dport { 8001-8002, 9 } drop",
    ],
    "nft inet": [
        "nft add table inet f",
        "nft add chain inet f in { type filter hook input priority 0 ; policy drop ; }",
        "nft add set inet f open { type inet_service ; flags interval ; }",
        "nft add element inet f open { 8002-8003 }",
        "nft add rule inet f in ct state established,related accept",
        "nft add rule inet f in meta l4proto ipv6-icmp accept",
        "nft add rule inet f in meta nfproto ipv4 tcp dport 8001 accept",
        "nft add rule inet f in tcp dport @open accept",
    ],
    "nft maps": [
        "nft add table inet f",
        "nft add chain inet f in { type filter hook input priority 0 ; }",
        "nft add chain inet f six",
        "nft add rule inet f six tcp dport vmap { 8001 : drop, 8002 : accept, 8003 : drop }",
        "nft add rule inet f in meta nfproto vmap { ipv6 : jump six }",
    ],
    "nft by iptables' name": [
        "nft add table ip filter",
        "nft add chain ip filter INPUT { type filter hook input priority 0 ; policy drop ; }",
        "nft add rule ip filter INPUT tcp dport { 22, 8002 } accept",
    ],
    "nft comparisons": [
        "nft add table ip f",
        "nft add chain ip f in { type filter hook input priority 0 ; }",
        "nft add rule ip f in tcp dport >= 8003 drop",
        "nft add rule ip f in tcp dport < 8002 reject",
        "nft add table ip6 f",
        "nft add chain ip6 f in { type filter hook input priority 0 ; }",
        "nft add rule ip6 f in tcp dport vmap { 8001 : accept, * : drop }",
    ],
    "comments": [
        "iptables -A INPUT -p tcp --dport 8001 -m comment --comment a\u2028b -j DROP",
        "ip6tables -A INPUT -p tcp -m comment --comment --dport -j DROP",
    ],
    "nft opposite": [
        "nft add table ip f",
        "nft add chain ip f in { type filter hook input priority 0 ; }",
        "nft add rule ip f in tcp dport != 8002 reject",
        "nft add table ip6 f",
        "nft add chain ip6 f pre { type filter hook prerouting priority -300 ; }",
        "nft add rule ip6 f pre tcp dport 8002 drop",
    ],
}


@pytest.mark.parametrize("name", RULES)
def test_the_packet_filter_as_it_is(name: str, outside: list[str], inside: list[str]) -> None:
    """What is said of each port is what happens to a connection from another host."""
    for rule in RULES[name]:
        subprocess.run([*inside, *rule.split(" ")], check=True)
    told = {
        int(listener.rpartition(":")[2]): (one["ipv4_filter"], one["ipv6_filter"], "ipv4-unfiltered" in one["remarks"])
        for listener, one in listeners(inside).items()
    }
    tried = subprocess.run([*outside, sys.executable, "-c", TRY], capture_output=True, text=True, check=True)
    seen = {
        port: ("open" if four else "closed", "open" if six else "closed")
        for port, four, six in json.loads(tried.stdout)
    }
    assert {port: fates[:2] for port, fates in told.items()} == seen
    assert {port: fates[2] for port, fates in told.items()} == {
        port: four == "open" and six == "closed" for port, (four, six) in seen.items()
    }
    done = run(inside, "--fail-on", "ipv4-unfiltered")
    assert done.returncode == int(any(fates[2] for fates in told.values()))


def test_a_table_that_sleeps(inside: list[str], program: Callable[[str], str]) -> None:
    """Closes nothing; where nft cannot tell that it sleeps, nobody can."""
    program("nft")
    for rule in (
        "nft add table ip6 f { flags dormant ; }",
        "nft add chain ip6 f in { type filter hook input priority 0 ; policy drop ; }",
    ):
        subprocess.run([*inside, *rule.split()], check=True)
    assert {one["ipv6_filter"] for one in listeners(inside).values()} <= {"open", "depends"}


def test_a_rule_that_asks_for_more(inside: list[str], program: Callable[[str], str]) -> None:
    """Who knows who asks: it depends, and is said so."""
    program("ip6tables")
    subprocess.run(
        [*inside, *["ip6tables", "-A", "INPUT", "-s", "2001:db8::/32", "-p", "tcp", "--dport", "8001", "-j", "DROP"]],
        check=True,
    )
    found = listeners(inside)["[::]:8001"]
    assert (found["ipv4_filter"], found["ipv6_filter"]) == ("open", "depends")
    assert "ipv4-unfiltered" in found["remarks"]
    assert "it depends on more than the port" in " ".join(run(inside).stdout.split())


def test_rules_make_it_a_check(inside: list[str], tmp_path: Path) -> None:
    """Its exit status is 1 where one is broken."""
    rules = tmp_path / "audit.toml"
    rules.write_text('[[allow]]\nport = "8001-8003"\n')
    assert run(inside, "--rules", rules).returncode == 0
    rules.write_text('[[allow]]\nport = "8001-8003"\n[[deny]]\nport = 8002\nnote = "old"\n')
    done = run(inside, "--rules", rules)
    assert done.returncode == 1
    assert "deny 1: old." in done.stdout
    rules.write_text("[[deny]]\nprots = 1\n")
    done = run(inside, "--rules", rules)
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)
    assert "'prots'" in done.stderr
    assert run(inside, "--rules", tmp_path / "missing").returncode == 3


def test_reports(inside: list[str], tmp_path: Path) -> None:
    """Who came while a run was recorded; a damaged report is said to be."""
    root = Path(__file__).resolve().parents[2] / "captures"
    report = tmp_path / "x.jsonl"
    command = [sys.executable, "-m", "correlator", "analyse", "-q", root / "jessie.pcap"]
    subprocess.run([*map(str, command), "--sockets", root / "jessie.netstat.txt", "--jsonl", report], check=True)
    found = listeners(inside, report)
    assert list(found) == ["10.0.0.12:4243"]
    assert found["10.0.0.12:4243"]["is_listening"] is None
    both = listeners(inside, report, "--sockets", "live")
    assert both["10.0.0.12:4243"]["is_listening"] is False
    assert both["[::]:8001"]["is_listening"] is True
    report.write_text("".join(report.read_text().splitlines(keepends=True)[:-1]))
    assert run(inside, report).returncode == 4
    assert run(inside, tmp_path / "missing").returncode == 3
    assert run(inside, "--sockets", tmp_path / "missing").returncode == 3


def test_what_may_not_be_read_is_said(inside: list[str], program: Callable[[str], str]) -> None:
    """Without CAP_NET_ADMIN the packet filter is unknown, not empty."""
    setpriv = program("setpriv")
    nobody = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    found = run([*inside, *nobody])
    assert found.returncode == 0, found.stderr
    assert "The packet filter is unknown. Not asked: iptables-save: " in " ".join(found.stdout.split())
    assert {one["ipv4_filter"] for one in json.loads(run([*inside, *nobody], "--json").stdout)} == {None}
