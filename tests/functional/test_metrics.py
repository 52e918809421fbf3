"""A live run that Prometheus asks, and that the service manager watches."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("prometheus_client", reason="prometheus-client is not installed: the extra `metrics`")

LIVE = [sys.executable, "-m", "correlator", "live", "-i", "lo", "-q", "--port", "7447"]


def talk(count: int) -> None:
    """So many connections, IPv4 to a dual-stack listener."""
    with socket.create_server(("::", 7447), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        for _ in range(count):
            with socket.create_connection(("127.0.0.1", 7447)):
                server.accept()[0].close()


def free_port() -> int:
    """A port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_a_run_is_asked() -> None:
    """It tells what it has seen by then; promtool finds nothing to say."""
    port = free_port()
    with subprocess.Popen([*LIVE, "--metrics", f"127.0.0.1:{port}"], stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr
        assert "capturing" in run.stderr.readline()
        talk(7)
        time.sleep(2)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            told = answer.read().decode()
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=20)
    assert run.returncode == 0, said
    lines = told.splitlines()
    labels = 'cause="dual-stack-listener",port="7447",verdict="ipv4-on-af_inet6"'
    assert f"correlator_findings_total{{{labels}}} 7.0" in lines
    assert 'correlator_evidence_lost_total{stage="netlink"} 0.0' in lines
    assert "correlator_packets_dropped_total 0.0" in lines
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian's prometheus)")
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=told, capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("value", ["9464", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", ":9464", "a:b"])
def test_places_that_are_none(value: str) -> None:
    """One line, status 2."""
    done = subprocess.run([*LIVE, "--metrics", value], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "is no ADDRESS:PORT" in done.stderr


def test_a_place_that_is_taken(tmp_path: Path) -> None:
    """One line, status 6, and nothing is left of a run that does not begin."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        words = [*LIVE, "--metrics", place, "-w", str(tmp_path / "x")]
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (6, f"correlator: --metrics {place}: Address already in use\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["x..y", "a" * 300, "192.0.2.1", "no.such.host.invalid"])
def test_addresses_that_are_not_here(address: str) -> None:
    """One line, status 6."""
    done = subprocess.run(
        [*LIVE, "--metrics", f"{address}:9464"], capture_output=True, text=True, timeout=40, check=False
    )
    assert done.returncode == 6
    assert done.stderr.startswith(f"correlator: --metrics {address}:9464: ")
    assert done.stderr.count("\n") == 1


def test_clients_that_send_nothing() -> None:
    """Cost nobody the answer, nor the run its end."""
    port = free_port()
    with subprocess.Popen([*LIVE, "--metrics", f"127.0.0.1:{port}"], stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr
        assert "capturing" in run.stderr.readline()
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            assert b"correlator_packets_total" in answer.read()
        run.send_signal(signal.SIGINT)
        began = time.monotonic()
        run.communicate(timeout=20)
        assert time.monotonic() - began < 10
        for client in idle:
            client.close()
    assert run.returncode == 0


def test_the_watchdog_is_told(tmp_path: Path) -> None:
    """Twice in the time that it waits; not by a process that hangs."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(10)
        told = {**os.environ, "NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"}
        run = subprocess.Popen(LIVE, env=told, stderr=subprocess.DEVNULL)
        words = [manager.recv(100) for _ in range(6)]
        assert words.count(b"WATCHDOG=1") == 5
        assert words.count(b"READY=1") == 1
        began = time.monotonic()
        for _ in range(5):
            assert manager.recv(100) == b"WATCHDOG=1"
        assert 0.6 < time.monotonic() - began < 5
        run.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        manager.settimeout(0.6)
        with pytest.raises(TimeoutError):
            while True:
                manager.recv(100)
        run.kill()
        run.wait()
