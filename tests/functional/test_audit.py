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

Audit = Callable[..., "subprocess.CompletedProcess[str]"]


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


@pytest.mark.parametrize("by", ["nft", "iptables"])
def test_a_port_that_is_closed_for_ipv6_only(inside: list[str], by: str, program: Callable[[str], str]) -> None:
    """And one that is closed for both."""
    program(by)
    rules = {
        "nft": [
            "nft add table ip6 f",
            "nft add chain ip6 f in { type filter hook input priority 0 ; }",
            "nft add rule ip6 f in tcp dport { 8001-8002, 9 } drop",
            "nft add table inet g",
            "nft add chain inet g in { type filter hook input priority 0 ; }",
            "nft add rule inet g in tcp dport 8002 drop",
        ],
        "iptables": [
            "ip6tables -N mine",
            "ip6tables -A INPUT -j mine",
            "ip6tables -A mine -p tcp -m multiport --dports 9,8001:8002 -j DROP",
            "iptables -A INPUT -p tcp --dport 8002 -j DROP",
        ],
    }[by]
    for rule in rules:
        subprocess.run([*inside, *rule.split()], check=True)
    found = listeners(inside)
    assert [found[f"[::]:{port}"]["ipv4_rules"] for port in (8001, 8002, 8003)] == [0, 1, 0]
    assert [found[f"[::]:{port}"]["ipv6_rules"] for port in (8001, 8002, 8003)] == [1, 2 if by == "nft" else 1, 0]
    flagged = {name for name, one in found.items() if "ip6-rules-only" in one["remarks"]}
    assert flagged == {"[::]:8001"}
    done = run(inside, "--fail-on", "ip6-rules-only")
    assert done.returncode == 1
    assert "over IPv4 it is open" in done.stdout
    subprocess.run([*inside, "iptables", "-P", "INPUT", "DROP"], check=True)
    assert run(inside, "--fail-on", "ip6-rules-only").returncode == 0


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
    assert "The packet filter is unknown. Not asked: nft: " in " ".join(found.stdout.split())
    assert {one["ipv4_rules"] for one in json.loads(run([*inside, *nobody], "--json").stdout)} == {None}
