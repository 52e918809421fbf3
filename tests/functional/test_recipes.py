"""The README's recipes as they stand there, in a network namespace with an interface that is called eth0."""

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAY = """
import socket, time
server = socket.create_server(("::", 4243), family=socket.AF_INET6, dualstack_ipv6=True)
end = time.monotonic() + {seconds}
while time.monotonic() < end:
    with socket.create_connection(("10.9.9.1", 4243)) as client:
        accepted, _ = server.accept()
        time.sleep(0.1)
        accepted.close()
"""


def recipe(title: str) -> str:
    """The first block of commands behind a title of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```\n(.*?)```", text[text.index(title) :], re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def shell(tmp_path: Path, program: Callable[[str], str]) -> Iterator[Callable[[str], subprocess.CompletedProcess[str]]]:
    """Runs a recipe. sudo and ssh lead nowhere else, and what would run until Ctrl-C runs for five seconds."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name, text in {
        "sudo": 'exec "$@"',
        "ssh": 'shift; exec "$@"',
        "tcpdump": f'exec timeout --preserve-status -s INT 5 {program("tcpdump")} "$@"',
        "correlator": f'exec {sys.executable} -m correlator "$@"',
    }.items():
        (bin_ / name).write_text(f"#!/bin/sh\n{text}\n")
        (bin_ / name).chmod(0o755)
    name = f"recipe-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    inside = ["ip", "netns", "exec", name]
    for line in (
        "link set lo up",
        "link add eth0 type veth peer name eth1",
        "link set eth0 up",
        "link set eth1 up",
        "addr add 10.9.9.1/24 dev eth0",
    ):
        subprocess.run(["ip", "-n", name, *line.split()], check=True)

    def run(commands: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PATH": f"{bin_}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [*inside, "bash", "-m", "-c", commands],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    with contextlib.ExitStack() as stack:
        stack.callback(subprocess.run, ["ip", "netns", "del", name], check=True)
        play = subprocess.Popen([*inside, sys.executable, "-c", PLAY.format(seconds=60)])
        stack.callback(play.wait)
        stack.callback(play.kill)
        yield run


def test_beside_tcpdump(shell: Callable[[str], subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    """A capture, the table that was recorded with it, and the page: the case is in it, with its owner."""
    commands = recipe("**Beside tcpdump.**").replace("-i eth0", "-i lo")  # where a host's own packets go
    done = shell(commands.replace("--html web.html", "--html web.html --jsonl web.jsonl"))
    assert "of IPv4 on AF_INET6 sockets" in done.stderr, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "web.jsonl").read_text().splitlines()]
    mixed = [row for row in rows if row.get("verdict") == "ipv4-on-af_inet6"]
    assert len(mixed) > 10
    assert {row["server_port"] for row in mixed} == {4243}
    assert any(row["pid"] for row in mixed)
    assert (tmp_path / "web.html").read_text().startswith("<!DOCTYPE html>")


def test_a_check(shell: Callable[[str], subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    """What its exit status says."""
    (tmp_path / "audit.toml").write_text("[[deny]]\nport = 4243\n")
    first = recipe("**A check for CI and cron.**").splitlines()[0]
    done = shell(first)
    assert done.stdout.endswith("see above\n")
    assert "denied" in done.stdout
    (tmp_path / "audit.toml").write_text("[[allow]]\nport = 4243\n")
    assert "see above" not in shell(first).stdout


def test_a_fleet(shell: Callable[[str], subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    """Each host's report, and what they say together."""
    commands = recipe("**A fleet.**").replace("--duration 600", "--duration 4")
    done = shell("\n".join(commands.splitlines()[:-1]))
    assert (tmp_path / "db1.jsonl").stat().st_size
    assert "dual-stack listener" in done.stdout, done.stderr
    assert "[::]:4243" in done.stdout


def test_why(shell: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    """The answer as the README tells it."""
    done = shell(recipe("**Why does netstat say tcp6?**"))
    told = " ".join(done.stdout.split())
    for sentence in ("it is a dual-stack listener", "clients now 1 over IPv4 (10.9.9.1)", "What can be done"):
        assert sentence in told
