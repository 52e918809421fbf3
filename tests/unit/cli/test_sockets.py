"""`correlator sockets`: real sockets in every form."""

import csv
import io
import json
import os
import pty
import socket
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest

from correlator.report.table import FIELDS

_HOSTILE = """if True:
    import ctypes, socket, sys
    ctypes.CDLL(None).prctl(15, b"=1+\\x1b[2J", 0, 0, 0)
    server = socket.create_server(("127.0.0.1", 0))
    print(server.getsockname()[1], flush=True)
    sys.stdin.read()
"""


def sockets(*arguments: str) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", "correlator", "sockets", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


@pytest.fixture
def port() -> Iterator[int]:
    """A dual-stack listener with an IPv4 client."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        number: int = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", number)):
            yield number


def test_json(port: int) -> None:
    """An array; the listener, and both ends."""
    rows = json.loads(sockets("--json", "--port", str(port)))
    assert all(tuple(row) == FIELDS for row in rows)
    listener, *ends = rows
    assert (listener["state"], listener["v6only"], listener["wire"]) == ("LISTEN", False, "ipv4+ipv6")
    assert {row["netstat"] for row in ends} == {"tcp", "tcp6"}
    assert {row["pid"] for row in rows} == {os.getpid(), None} or {row["pid"] for row in rows} == {os.getpid()}
    assert json.loads(sockets("--json", "--pid", "999999999")) == []


def test_csv_and_sorting(port: int) -> None:
    """A header, RFC 4180, and the order that is asked for."""
    rows = list(csv.DictReader(io.StringIO(sockets("--csv", "--sort", "remote"))))
    assert tuple(rows[0]) == FIELDS
    assert str(port) in {row["local_port"] for row in rows}
    assert {row["v6only"] for row in rows} <= {"", "true", "false"}
    by_pid = [int(row["pid"]) for row in csv.DictReader(io.StringIO(sockets("--csv", "--sort", "pid"))) if row["pid"]]
    assert by_pid == sorted(by_pid)
    assert "\r\n" in sockets("--csv")


def test_hostile_names_are_text() -> None:
    """No spreadsheet takes the name for a formula, no terminal for a command."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOSTILE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        (row,) = csv.DictReader(io.StringIO(sockets("--csv", "--port", port)))
        assert row["process"] == "'=1+\\x1b[2J"
        assert "\x1b" not in sockets("--port", port)
        assert json.loads(sockets("--json", "--port", port))[0]["process"] == "=1+\x1b[2J"
        process.communicate("")


@pytest.mark.parametrize(("columns", "lines"), [(60, 2), (220, 1)])
def test_on_a_terminal_it_fits(port: int, columns: int, lines: int) -> None:
    """Two lines a socket where it is narrow, one with both forms of an address where it is wide."""
    main, side = pty.openpty()
    termios.tcsetwinsize(side, (50, columns))
    command = [sys.executable, "-m", "correlator", "sockets", "--port", str(port)]
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    done = subprocess.run(command, stdout=side, timeout=30, check=False, env=environment)
    os.close(side)
    assert done.returncode == 0
    shown = os.read(main, 65536).decode().splitlines()
    os.close(main)
    assert max(map(len, shown)) <= columns
    assert len(shown) % lines == 0
    assert ("netstat's addresses" in shown[0]) == (lines == 1)
