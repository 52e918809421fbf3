"""The live view on a real terminal, with real connections."""

import contextlib
import os
import pty
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


class Screen:
    """A terminal with `correlator live` on it, and all that was written to it."""

    def __init__(self, *options: str, **environment: str) -> None:
        """Starts the program."""
        self.master, self.slave = pty.openpty()
        termios.tcsetwinsize(self.slave, (30, 140))
        self.before = termios.tcgetattr(self.slave)
        self.written = bytearray()
        threading.Thread(target=self._read, daemon=True).start()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "correlator", "live", "-i", "lo", *options],
            stdin=self.slave,
            stdout=self.slave,
            stderr=subprocess.PIPE,
            env={**os.environ, "TERM": "xterm-256color", **environment},
            start_new_session=True,
        )

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self.master, 65536):
                self.written += data

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.master, keys.encode())

    def wait(self, wanted: bytes, since: int = 0, seconds: float = 15) -> None:
        """Until something is on the screen."""
        end = time.monotonic() + seconds
        while wanted not in self.written[since:]:
            assert time.monotonic() < end, (wanted, bytes(self.written[-2000:]))
            time.sleep(0.05)

    def end(self) -> str:
        """Wait for the program's end; standard error."""
        _, error = self.process.communicate(timeout=20)
        return error.decode()


@pytest.fixture
def screen() -> Iterator[Callable[..., Screen]]:
    """Makes screens."""
    made: list[Screen] = []

    def make(*options: str, **environment: str) -> Screen:
        made.append(Screen(*options, **environment))
        return made[-1]

    yield make
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()
        os.close(one.slave)


def connect() -> tuple[int, socket.socket]:
    """A connection over IPv4 to a dual-stack listener."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        server.accept()[0].close()
        return port, client


def test_it_shows_connections_and_ends_with_q(screen: Callable[..., Screen], tmp_path: Path) -> None:
    """The screen is then as it was, the summary is told, and the files are complete."""
    one = screen("--csv", str(tmp_path / "x.csv"))
    one.wait(b"q quit")
    assert ENTER in one.written
    port, client = connect()
    with client:
        one.wait(f"127.0.0.1:{port}".encode())
        one.wait(b"dual-stack-listener")
    one.press("q")
    error = one.end()
    assert one.process.returncode == 0, error
    assert "of IPv4 on AF_INET6 sockets" in error
    assert one.written.rindex(LEAVE) > one.written.rindex(ENTER)
    assert b"\x1b[?25h" in one.written[one.written.rindex(LEAVE) - 20 :]
    assert termios.tcgetattr(one.slave) == one.before
    assert f",{port}," in (tmp_path / "x.csv").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_the_terminal_as_it_was(screen: Callable[..., Screen], number: int) -> None:
    """As `q` does."""
    one = screen()
    one.wait(b"q quit")
    one.process.send_signal(number)
    error = one.end()
    assert one.process.returncode == 0, error
    assert LEAVE in one.written
    assert termios.tcgetattr(one.slave) == one.before


def test_suspend_gives_the_terminal_back(screen: Callable[..., Screen]) -> None:
    """And takes it again."""
    one = screen()
    one.wait(b"q quit")
    one.process.send_signal(signal.SIGTSTP)
    one.wait(LEAVE)
    for _ in range(100):
        if "T (stopped)" in Path(f"/proc/{one.process.pid}/status").read_text():
            break
        time.sleep(0.05)
    assert termios.tcgetattr(one.slave) == one.before
    since = len(one.written)
    one.process.send_signal(signal.SIGCONT)
    one.wait(b"q quit", since)
    one.press("q")
    one.end()
    assert one.process.returncode == 0


@pytest.mark.parametrize("how", ["option", "variable"])
def test_no_color(screen: Callable[..., Screen], how: str) -> None:
    """By --no-color or NO_COLOR: bold and reverse stay, colours do not."""
    one = screen("--no-color") if how == "option" else screen(NO_COLOR="1")
    one.wait(b"q quit")
    _, client = connect()
    with client:
        one.wait(b"ipv4-on-af_inet6")
    one.press("q")
    one.end()
    assert b"\x1b[33m" not in one.written
    assert b"\x1b[1;33m" not in one.written


def test_a_terminal_that_takes_nothing_does_not_keep_the_capture_waiting(tmp_path: Path) -> None:
    """Whoever looks has stopped reading: connections are captured all the same."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (50, 200))
    command = [sys.executable, "-m", "correlator", "live", "-i", "lo", "--csv", str(tmp_path / "x.csv")]
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=subprocess.PIPE, env={**os.environ, "TERM": "vt100"}
    )
    try:
        os.read(master, 100)  # it has begun; nothing more is read
        time.sleep(1)
        ports = []
        for _ in range(100):
            port, client = connect()
            client.close()
            ports.append(port)
        time.sleep(2.5)  # the writers hand over what they have each second
        rows = (tmp_path / "x.csv").read_text()
        assert all(f",{port}," in rows for port in ports)
    finally:
        threading.Thread(target=lambda: [None for _ in iter(lambda: _read(master), b"")], daemon=True).start()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        os.close(slave)
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_terminal_that_takes_nothing_does_not_keep_the_end_waiting(number: int) -> None:
    """What was drawn last is thrown away."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (50, 200))
    command = [sys.executable, "-m", "correlator", "live", "-i", "lo", "--no-color"]
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=subprocess.PIPE, env={**os.environ, "TERM": "vt100"}
    )
    try:
        time.sleep(4)  # long enough to fill what a terminal holds
        process.send_signal(number)
        _, error = process.communicate(timeout=10)
    finally:
        process.kill()
        os.close(slave)
        os.close(master)
    assert process.returncode == 0, error
    assert b"Traceback" not in error


def test_a_terminal_that_closes_while_the_program_is_suspended() -> None:
    """It ends when it goes on."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "correlator", "live", "-i", "lo"]
    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm"},
        start_new_session=True,
    )
    os.close(slave)
    os.set_blocking(master, False)  # a terminal in which somebody reads is not closed
    try:
        _drain(master, lambda written: b"quit" in written)
        process.send_signal(signal.SIGTSTP)
        status = Path(f"/proc/{process.pid}/status")
        _drain(master, lambda _: "T (stopped)" in status.read_text())
        os.close(master)
        process.send_signal(signal.SIGCONT)
        _, error = process.communicate(timeout=15)
    finally:
        process.kill()
        process.communicate()
    assert b"Traceback" not in error
    assert b"Exception" not in error


def _drain(master: int, is_enough: Callable[[bytes], bool]) -> None:
    """Take what is drawn until it is enough."""
    written = b""
    end = time.monotonic() + 15
    while not is_enough(written):
        assert time.monotonic() < end, written[-500:]
        with contextlib.suppress(BlockingIOError):
            written += os.read(master, 65536)
        time.sleep(0.02)


def _read(master: int) -> bytes:
    with contextlib.suppress(OSError):
        return os.read(master, 65536)
    return b""


def test_lines_where_standard_output_is_no_terminal() -> None:
    """Or one that cannot be drawn on."""
    command = [sys.executable, "-m", "correlator", "live", "-i", "lo", "--count", "1", "--duration", "8"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TERM": "xterm"}
    )
    assert process.stderr
    assert b"capturing" in process.stderr.readline()
    port, client = connect()
    client.close()
    out, _ = process.communicate(timeout=20)
    assert f"127.0.0.1:{port}".encode() in out
    assert b"\x1b" not in out
