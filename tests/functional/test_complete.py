"""Nothing is missed: short connections, their owners, and what a killed run leaves behind."""

import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from correlator.core.model import Evidence, Source, Statement
from correlator.kernel import live as live_evidence
from tests.functional.conftest import LiveRun

Start = Callable[..., LiveRun]
INSTANCES = Path("/sys/kernel/tracing/instances")


def test_the_truth() -> None:
    """A load of every kind on a loopback of its own: every connection, every family, every owner."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.truth", "--connections", "3000"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lost: nothing" in done.stdout
    told = {line.split()[0]: line.split()[2:] for line in done.stdout.splitlines() if line.count("%") == 2}
    for column in ("row", "socket_family", "verdict", "cause", "v6only", "listener", "pid"):
        assert told[column] == ["100.0000%", "100.0000%"], done.stdout


@pytest.mark.parametrize("how", ["refused", "aborted"])
def test_what_leaves_no_four_tuple_behind(start_live: Start, how: str) -> None:
    """A client that is refused, or aborts at once: the kernel forgets its remote end before the destroy event."""
    live = start_live()
    with socket.socket(socket.AF_INET6) as client, socket.create_server(("127.0.0.1", 0)) as server:
        port = 9 if how == "refused" else server.getsockname()[1]
        client.bind(("::ffff:127.0.0.1", 0))
        own = client.getsockname()[1]
        if how == "refused":
            with pytest.raises(ConnectionRefusedError):
                client.connect(("::ffff:127.0.0.1", port))
        else:
            client.connect(("::ffff:127.0.0.1", port))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
    assert live.end() == 0, live.error
    row = live.of(own, "client")
    assert (row["verdict"], row["cause"]) == ("ipv4-on-af_inet6", "mapped-connect")
    assert (row["pid"], row["owner_by"]) == (str(os.getpid()), "state-event")


THREADED = """
import socket, threading
server = socket.create_server(("127.0.0.1", 0))
def serve():
    accepted, _ = server.accept()
    accepted.recv(1)
    accepted.close()
def connect():
    with socket.create_connection(server.getsockname()) as client:
        print(client.getsockname()[1])
for work in (serve, connect):
    thread = threading.Thread(target=work)
    thread.start()
    if work is connect:
        thread.join()
"""


def test_threads_and_processes_that_are_gone_at_once(start_live: Start) -> None:
    """A thread is its process's, and a process has a name, although neither is there any more."""
    live = start_live()
    done = subprocess.Popen([sys.executable, "-c", THREADED], stdout=subprocess.PIPE, text=True)
    out, _ = done.communicate()
    assert live.end() == 0, live.error
    for side in ("client", "server"):
        row = live.of(int(out), side)
        assert (row["pid"], row["owner_by"]) == (str(done.pid), "state-event")
        assert row["process"].startswith("python")


def test_a_killed_run_leaves_no_tracing_behind(start_live: Start) -> None:
    """SIGKILL leaves no time to clean up: the helper does."""
    live = start_live()
    (own,) = [path for path in INSTANCES.iterdir() if path.name.startswith(f"correlator-{live.process.pid}-")]
    live.process.kill()
    live.process.communicate()
    for _ in range(50):
        if not own.exists():
            break
        time.sleep(0.1)
    assert not own.exists()


def test_a_stale_instance_is_removed_at_the_next_start(start_live: Start) -> None:
    """Even where the helper was killed too."""
    stale = INSTANCES / "correlator-1-test"
    stale.mkdir()
    live = start_live()
    assert not stale.exists()
    assert live.end() == 0, live.error
    assert not list(INSTANCES.glob(f"correlator-{live.process.pid}-*"))


def test_runs_that_begin_at_one_time() -> None:
    """As services do at boot: none takes another's instance for that of a run that was killed."""
    command = [sys.executable, "-m", "correlator", "live", "-i", "lo", "-q", "--duration", "0.3"]
    for _ in range(4):
        runs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(6)]
        said = [run.communicate(timeout=60)[1] for run in runs]
        assert [run.returncode for run in runs] == [0] * 6
        assert not [text for text in said if "state events" in text]


def test_lost_evidence_is_counted_by_stage_and_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A netlink buffer for three messages, and sixty sockets that end: what is left is dumped.

    If more is lost soon after, the dump waits its turn, but for the run's end.
    """
    monkeypatch.setattr(live_evidence, "DESTROY_BUFFER", 1)
    monkeypatch.setattr(live_evidence, "_RESYNC_SHARE", 10**9)
    stated: list[Statement] = []
    dumps: list[bool] = []
    with live_evidence.KernelEvidence(stated.extend) as evidence:
        if "destroy" not in evidence.sources:
            pytest.skip("this kernel asks CAP_NET_ADMIN for destroy events")
        assert evidence.lost == 0
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            for last in (False, False, True):
                lost = evidence.lost
                for _ in range(60):
                    with socket.create_connection(server.getsockname()), server.accept()[0]:
                        pass
                time.sleep(0.2)
                stated.clear()
                evidence.read_events(last=last)
                assert evidence.lost > lost
                dumped = [one for one in stated if isinstance(one, Evidence) and one.source is Source.SNAPSHOT]
                dumps.append(port in {one.socket.local_port for one in dumped})
        assert dumps == [True, False, True]
        assert evidence.losses["netlink"] > 0
        assert evidence.lost == sum(evidence.losses.values())
