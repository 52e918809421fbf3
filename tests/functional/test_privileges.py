"""What works with fewer privileges, and what is said of the rest."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Program = Callable[[str], str]


@pytest.fixture
def without(program: Program) -> Callable[..., list[str]]:
    """The command line that runs correlator with no capabilities but some."""
    setpriv = program("setpriv")

    def command(*arguments: str | Path, keep: str = "") -> list[str]:
        bounds = "-all" + (f",+{keep}" if keep else "")
        return [
            setpriv,
            f"--bounding-set={bounds}",
            "--inh-caps=-all",
            sys.executable,
            "-m",
            "correlator",
            *map(str, arguments),
        ]

    return command


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run it; no traceback."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_live_says_which_capability_it_needs(without: Callable[..., list[str]]) -> None:
    """One line, status 5, no files."""
    done = run(without("live", "-i", "lo", "--duration", "1"))
    assert done.returncode == 5
    assert len(done.stderr.splitlines()) == 1
    assert "CAP_NET_RAW" in done.stderr


def test_the_demo_falls_back_on_the_sample(without: Callable[..., list[str]]) -> None:
    """And says so."""
    done = run(without("demo"))
    assert done.returncode == 0
    assert "CAP_NET_RAW" in done.stderr
    assert "31307/java" in done.stdout


def test_doctor_says_what_is_missing(without: Callable[..., list[str]]) -> None:
    """What is tried fails without its capability, and works with it; the rest is as before."""
    few, more = (
        {check["name"]: check for check in json.loads(run(without("doctor", "--json", keep=keep)).stdout)}
        for keep in ("sys_admin", "sys_admin,+net_raw")
    )
    assert (few["capture"]["status"], more["capture"]["status"]) == ("missing", "ok")
    assert few["capture"]["remedy"] == "CAP_NET_RAW"
    assert "no packets are seen" in few["capture"]["loss"]
    assert "CAP_NET_RAW" not in few["privileges"]["found"]
    assert "CAP_NET_RAW" in more["privileges"]["found"]
    assert few["lookups"]["status"] == more["lookups"]["status"] == "ok"


def test_doctor_leaves_nothing_behind() -> None:
    """The instance of tracefs that it tries is removed."""
    instances = Path("/sys/kernel/tracing/instances")
    before = sorted(instances.glob("correlator-*")) if instances.is_dir() else []
    done = run([sys.executable, "-m", "correlator", "doctor"])
    assert done.returncode == 0
    assert "ok       state events" in done.stdout
    assert sorted(instances.glob("correlator-*")) == before


def test_sockets_are_listed_without_privileges(without: Callable[..., list[str]]) -> None:
    """sock_diag asks for none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = run(without("sockets", "--port", str(server.getsockname()[1])))
    assert done.returncode == 0
    assert "LISTEN" in done.stdout


def test_an_unreadable_capture(without: Callable[..., list[str]], tmp_path: Path) -> None:
    """One line and status 3."""
    path = tmp_path / "x.pcap"
    path.write_bytes(b"")
    path.chmod(0)
    done = run(without("analyse", path))
    assert done.returncode == 3
    assert done.stderr == f"correlator: {path}: Permission denied\n"


def test_live_with_the_one_capability(without: Callable[..., list[str]], tmp_path: Path) -> None:
    """CAP_NET_RAW is enough to capture, look up and name our own processes."""
    command = without("live", "-i", "lo", "-q", "--csv", str(tmp_path / "x.csv"), keep="net_raw")
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    while "capturing on" not in process.stderr.readline():
        assert process.poll() is None
    with socket.socket(socket.AF_INET6) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", 0))
        server.listen()
        with socket.create_connection(("127.0.0.1", server.getsockname()[1])), server.accept()[0]:
            time.sleep(0.7)
    time.sleep(1.2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert "ipv4-on-af_inet6,dual-stack-listener" in (tmp_path / "x.csv").read_text()
