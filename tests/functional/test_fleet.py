"""Findings of real captures through a real nats-server into a folder."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import certificate

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: the extra `fleet`")
pytest.importorskip("nats", reason="nats-py is not installed: the extra `fleet`")

CORRELATOR = [sys.executable, "-m", "correlator"]
Serve = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def port() -> int:
    """One that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def serve(program: Callable[[str], str], port: int, tmp_path: Path) -> Iterator[Serve]:
    """Starts a server, with JetStream in a folder of the test's."""
    nats_server = program("nats-server")
    started: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> "subprocess.Popen[bytes]":
        command = [nats_server, "-js", "-sd", str(tmp_path / "js"), "-a", "127.0.0.1", "-p", str(port), *options]
        started.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def live(*options: str | Path) -> subprocess.Popen[str]:
    """A live run that captures."""
    command = [*CORRELATOR, "live", "-i", "lo", "-q", "--port", "7447", *map(str, options)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    assert "capturing" in process.stderr.readline()
    return process


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The status, and what was said."""
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    return process.returncode, said


def talk(count: int) -> None:
    """So many connections, IPv4 to a dual-stack listener."""
    with socket.socket(socket.AF_INET6) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", 7447))
        server.listen()
        for _ in range(count):
            with socket.create_connection(("127.0.0.1", 7447)):
                server.accept()[0].close()
    time.sleep(1.5)


def collect(
    port: int, folder: Path, *options: str | Path, url: str = "nats://127.0.0.1"
) -> subprocess.CompletedProcess[str]:
    """Collect what there is."""
    command = [*CORRELATOR, "collect", f"{url}:{port}", "--to", str(folder), "--once", *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def rows(folder: Path) -> list[dict[str, Any]]:
    """All that was collected."""
    found = []
    for path in sorted(folder.glob("day=*/*/*.parquet")):
        found += (
            pq.read_table(path).select(["host", "community_id", "side", "client_port", "verdict", "pid"]).to_pylist()
        )
    return sorted(found, key=lambda row: (row["client_port"], row["side"]))


def lines(report: Path) -> list[dict[str, Any]]:
    """The same of a report of the run's own."""
    told = [json.loads(line) for line in report.read_text().splitlines()[1:-1]]
    names = ("community_id", "side", "client_port", "verdict", "pid")
    found = [{"host": os.uname().nodename, **{name: row[name] for name in names}} for row in told]
    return sorted(found, key=lambda row: (row["client_port"], row["side"]))


def test_what_is_published_is_collected(serve: Serve, port: int, tmp_path: Path) -> None:
    """Row for row, once, however often it is collected."""
    serve()
    run = live("--publish", f"nats://127.0.0.1:{port}", "--spool", tmp_path / "spool", "--jsonl", tmp_path / "x.jsonl")
    talk(600)
    status, said = end(run)
    assert status == 0, said
    assert f"published 1200 findings to nats://127.0.0.1:{port}\n" in said
    assert list((tmp_path / "spool").iterdir()) == []
    done = collect(port, tmp_path / "dir")
    assert done.returncode == 0, done.stderr
    assert "collected 1200 findings in 1 files from" in done.stderr
    assert rows(tmp_path / "dir") == lines(tmp_path / "x.jsonl")
    assert {row["pid"] for row in rows(tmp_path / "dir")} == {os.getpid()}
    assert collect(port, tmp_path / "dir").stderr.startswith("correlator: collected 0 findings")


def test_findings_wait_while_the_server_is_away(serve: Serve, port: int, tmp_path: Path) -> None:
    """In the spool, over the end of the run; the next run sends them, and says that the server is there again."""
    options = ("--publish", f"nats://127.0.0.1:{port}", "--spool", tmp_path / "spool")
    run = live(*options)
    talk(5)
    status, said = end(run)
    assert status == 0, said
    assert f"nats://127.0.0.1:{port}: " in said
    assert f"; findings wait in {tmp_path}/spool" in said
    assert f"published 0 findings to nats://127.0.0.1:{port}; 10 wait in {tmp_path}/spool for the next run" in said
    run = live(*options)
    talk(5)
    serve()
    time.sleep(5)
    status, said = end(run)
    assert "there again" in said
    assert f"published 20 findings to nats://127.0.0.1:{port}\n" in said
    assert status == 0
    assert collect(port, tmp_path / "dir").returncode == 0
    assert len(rows(tmp_path / "dir")) == 20


def test_a_spool_that_is_full(port: int, tmp_path: Path) -> None:
    """The oldest findings are dropped; that is said, and the status tells it."""
    (tmp_path / "spool").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", tmp_path / "spool"], check=True)
    try:
        run = live("--publish", f"nats://127.0.0.1:{port}", "--spool", tmp_path / "spool")
        talk(900)
        status, said = end(run)
    finally:
        subprocess.run(["umount", "--lazy", tmp_path / "spool"], check=True)
    assert status == 4
    assert "findings were not published: there was no room for them" in said
    assert "No space left on device" in said


def test_a_server_with_tls_and_passwords(
    program: Callable[[str], str], serve: Serve, port: int, tmp_path: Path
) -> None:
    """Is asked as its own client asks it; who is not let in is told so."""
    cert, key = certificate.make(program("openssl"), tmp_path)
    serve("--tls", "--tlscert", str(cert), "--tlskey", str(key), "--user", "agent", "--pass", "secret")
    url = f"tls://agent:secret@localhost:{port}"
    run = live("--publish", url, "--tls-ca", cert, "--spool", tmp_path / "spool")
    talk(5)
    status, said = end(run)
    assert (status, "published 10 findings" in said) == (0, True), said
    assert "secret" not in said
    done = collect(port, tmp_path / "dir", "--tls-ca", cert, url="tls://agent:secret@localhost")
    assert done.returncode == 0, done.stderr
    assert len(rows(tmp_path / "dir")) == 10
    process = subprocess.Popen(
        [
            *CORRELATOR,
            "collect",
            f"tls://agent:wrong@localhost:{port}",
            "--to",
            str(tmp_path / "no"),
            "--tls-ca",
            str(cert),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    assert "uthorization" in process.stderr.readline()
    assert end(process)[0] == 0


def test_credentials(serve: Serve, port: int, tmp_path: Path) -> None:
    """A user's token and seed let in; without them nobody is."""
    pytest.importorskip("nkeys", reason="nkeys is not installed: the extra `fleet`")
    from tests.credentials import make

    lines_of, credentials = make(tmp_path)
    (tmp_path / "server.conf").write_text(lines_of)
    serve("-c", str(tmp_path / "server.conf"))
    words: list[str | Path] = ["--publish", f"nats://127.0.0.1:{port}", "--spool", tmp_path / "spool"]
    run = live(*words)
    talk(10)
    status, said = end(run)
    assert (status, "Authorization Violation" in said, "20 wait in" in said) == (0, True, True), said
    run = live(*words, "--creds", credentials)
    talk(10)
    status, said = end(run)
    assert (status, "published 40 findings" in said) == (0, True), said
    done = collect(port, tmp_path / "dir", "--creds", credentials)
    assert (done.returncode, "collected 40 findings" in done.stderr) == (0, True), done.stderr


def test_a_server_that_takes_little_at_once(serve: Serve, port: int, tmp_path: Path) -> None:
    """Batches are halved until they fit; nothing is lost or doubled by that."""
    (tmp_path / "server.conf").write_text("max_payload: 6000\n")
    serve("-c", str(tmp_path / "server.conf"))
    run = live("--publish", f"nats://127.0.0.1:{port}", "--spool", tmp_path / "spool", "--jsonl", tmp_path / "x.jsonl")
    talk(300)
    status, said = end(run)
    assert (status, "published 600 findings" in said) == (0, True), said
    assert collect(port, tmp_path / "dir").returncode == 0
    assert rows(tmp_path / "dir") == lines(tmp_path / "x.jsonl")


def send_again(port: int, spool: Path) -> tuple[int, str]:
    """What a run without traffic makes of a spool."""
    run = live("--publish", f"nats://127.0.0.1:{port}", "--spool", spool)
    time.sleep(3)
    return end(run)


def spooled(port: int, folder: Path, connections: int) -> Path:
    """A spool with the findings of so many connections, whose server was away; folder/x.jsonl has them, too."""
    run = live("--publish", f"nats://127.0.0.1:{port}", "--spool", folder / "spool", "--jsonl", folder / "x.jsonl")
    talk(connections)
    status, said = end(run)
    assert (status, f"{2 * connections} wait in" in said) == (0, True), said
    return folder / "spool"


def test_what_is_sent_whole_and_in_parts(serve: Serve, port: int, tmp_path: Path) -> None:
    """A kill between a server's answer and the spool, and a server that takes less by then: nothing is doubled."""
    spool = spooled(port, tmp_path, 300)
    for number, payload in enumerate((1 << 20, 6000, 2000, 1 << 20)):
        shutil.copytree(spool, tmp_path / str(number))
        (tmp_path / "server.conf").write_text(f"max_payload: {payload}\n")
        server = serve("-c", str(tmp_path / "server.conf"))
        status, said = send_again(port, tmp_path / str(number))
        assert (status, "published 600 findings" in said) == (0, True), said
        if number == 1:
            assert collect(port, tmp_path / "dir").returncode == 0
        server.kill()
        server.wait()
    serve()
    assert collect(port, tmp_path / "dir").returncode == 0
    assert rows(tmp_path / "dir") == lines(tmp_path / "x.jsonl")


def test_limits_that_are_just_too_small(serve: Serve, port: int, tmp_path: Path) -> None:
    """The headers count for the server, and a stream may take less than its server: batches are halved."""
    spool = spooled(port, tmp_path, 300)
    largest = max(path.stat().st_size for path in spool.iterdir())
    shutil.copytree(spool, tmp_path / "again")
    (tmp_path / "server.conf").write_text(f"max_payload: {largest + 20}\n")
    server = serve("-c", str(tmp_path / "server.conf"))
    status, said = send_again(port, spool)
    assert (status, "published 600 findings" in said) == (0, True), said
    assert collect(port, tmp_path / "dir").returncode == 0
    assert rows(tmp_path / "dir") == lines(tmp_path / "x.jsonl")
    code = (
        "import asyncio, nats\n"
        "async def main():\n"
        f"    client = await nats.connect('nats://127.0.0.1:{port}')\n"
        "    await client.jetstream().delete_stream('CORRELATOR')\n"
        "    await client.jetstream().add_stream(name='CORRELATOR', subjects=['correlator.findings.*'], max_msg_size=3000)\n"
        "    await client.close()\n"
        "asyncio.run(main())"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)
    status, said = send_again(port, tmp_path / "again")
    assert (status, "published 600 findings" in said) == (0, True), said
    assert collect(port, tmp_path / "other").returncode == 0
    assert rows(tmp_path / "other") == lines(tmp_path / "x.jsonl")
    server.kill()


def test_a_batch_that_is_damaged(serve: Serve, port: int, tmp_path: Path) -> None:
    """It costs its own findings, which are counted, where it has to be halved; others go on."""
    spool = spooled(port, tmp_path, 300)
    first = min(spool.iterdir())
    first.write_bytes(first.read_bytes()[:-200])
    (tmp_path / "server.conf").write_text("max_payload: 6000\n")
    serve("-c", str(tmp_path / "server.conf"))
    status, said = send_again(port, spool)
    assert status == 4
    assert "findings were not published" in said
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("answer", [b"INFO []\r\n", b"INFO {}\r\nPONG\r\n", b"hello\r\n" * 9, b"\0" * 5000])
def test_a_server_that_is_none(port: int, tmp_path: Path, answer: bytes) -> None:
    """It is told, and tried again; nothing ends with a traceback."""
    command = [*CORRELATOR, "collect", f"nats://127.0.0.1:{port}", "--to", str(tmp_path / "dir")]
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(10)
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
            for _ in range(2):
                with server.accept()[0] as connection:
                    connection.sendall(answer)
                    time.sleep(0.2)
            assert run.poll() is None
            run.send_signal(signal.SIGTERM)
            _, said = run.communicate(timeout=20)
    assert run.returncode == 0
    assert "Traceback" not in said


def test_certificates_that_are_none(tmp_path: Path) -> None:
    """One line, status 2: nothing would change by trying again."""
    (tmp_path / "ca.pem").write_text("hello")
    done = collect(4222, tmp_path / "dir", "--tls-ca", tmp_path / "ca.pem")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_stream_that_is_there(serve: Serve, port: int, tmp_path: Path) -> None:
    """Is left as it is; one that does not take our subjects leaves the findings in the spool, and that is said."""
    serve()
    code = (
        "import asyncio, sys, nats\n"
        "async def main():\n"
        f"    client = await nats.connect('nats://127.0.0.1:{port}')\n"
        "    await client.jetstream().add_stream(name='CORRELATOR', subjects=[sys.argv[1]], max_age=60, duplicate_window=60)\n"
        "    await client.close()\n"
        "asyncio.run(main())"
    )
    subprocess.run([sys.executable, "-c", code, "other.*"], check=True, timeout=20)
    run = live("--publish", f"nats://127.0.0.1:{port}", "--spool", tmp_path / "spool")
    talk(5)
    status, said = end(run)
    assert status == 0
    assert "findings wait in" in said
    assert "10 wait in" in said


def test_a_collector_that_ends_while_the_server_is_away(serve: Serve, port: int, tmp_path: Path) -> None:
    """What it holds is in the folder; it could not be acknowledged, comes again, and is not taken again."""
    server = serve()
    run = live("--publish", f"nats://127.0.0.1:{port}", "--spool", tmp_path / "spool")
    talk(5)
    assert end(run)[0] == 0
    command = [*CORRELATOR, "collect", f"nats://127.0.0.1:{port}", "--to", str(tmp_path / "dir"), "--every", "4"]
    collector = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    time.sleep(2)
    server.kill()
    server.wait()
    status, said = end(collector)
    assert (status, "Traceback" in said) == (0, False), said
    assert len(rows(tmp_path / "dir")) == 10
    serve()
    done = subprocess.run([*command[:-1], "0.5", "--once"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "came again" in done.stderr) == (0, True), done.stderr
    assert len(rows(tmp_path / "dir")) == 10


def test_messages_of_others(serve: Serve, port: int, tmp_path: Path) -> None:
    """What is no batch is refused, once, and told; the rest is collected."""
    serve()
    run = live("--publish", f"nats://127.0.0.1:{port}", "--spool", tmp_path / "spool")
    talk(5)
    assert end(run)[0] == 0
    code = (
        "import asyncio, nats\n"
        "async def main():\n"
        f"    client = await nats.connect('nats://127.0.0.1:{port}')\n"
        "    await client.jetstream().publish('correlator.findings.evil', b'hello')\n"
        "    await client.close()\n"
        "asyncio.run(main())"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)
    done = collect(port, tmp_path / "dir")
    assert done.returncode == 4
    assert "is no batch of findings: it cannot be unpacked" in done.stderr
    assert len(rows(tmp_path / "dir")) == 10
    assert collect(port, tmp_path / "dir").returncode == 0


def test_once_waits_for_what_a_killed_collector_had(serve: Serve, port: int, tmp_path: Path) -> None:
    """It comes again when its time is up: nothing is left when `--once` ends."""
    serve()
    run = live("--publish", f"nats://127.0.0.1:{port}", "--spool", tmp_path / "spool")
    talk(5)
    assert end(run)[0] == 0
    command = [*CORRELATOR, "collect", f"nats://127.0.0.1:{port}", "--to", str(tmp_path / "dir"), "--every", "0.5"]
    held = subprocess.Popen([*command[:-1], "3"], stderr=subprocess.DEVNULL)  # holds what comes for 3 s
    time.sleep(2)
    held.kill()
    held.wait()
    assert rows(tmp_path / "dir") == []
    done = subprocess.run([*command, "--once"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert len(rows(tmp_path / "dir")) == 10


@pytest.mark.parametrize(
    "url",
    [
        "localhost",
        "http://h:4222",
        "ws://h:4222",
        "nats://",
        "nats://h:99999",
        "nats://[::1",
        "nats://x..y:4222",
        "nats://u:sEc/ReT@h:99999",
    ],
)
def test_addresses_that_are_none(url: str, tmp_path: Path) -> None:
    """One line, and nothing is begun."""
    for words in (["collect", url, "--to", str(tmp_path / "d")], ["live", "-i", "lo", "--publish", url]):
        done = subprocess.run([*CORRELATOR, *words], capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 2
        assert "is no address of a NATS server" in done.stderr
        assert "ReT" not in done.stderr
        assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_kills() -> None:
    """A few; `make kills` does a hundred."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fleet.kills", "--kills", "6"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
