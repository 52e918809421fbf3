"""What faults happen to: a load whose every connection is known, a run, and the files that it leaves."""

import csv
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from correlator.report.columns import COLUMNS

CORRELATOR = [sys.executable, "-m", "correlator"]
STATUSES = {0, 1, 2, 3, 4, 5, 6}
LOST_AT_MOST = 3.5  # seconds before a kill: 1 s until a closed connection is reported, 1 s until it is written, a tick
_PORTS = {socket.AF_INET: ("127.0.0.1", 7700), socket.AF_INET6: ("::1", 7701)}


class TroubleError(AssertionError):
    """Something that must not be."""


@dataclass
class Load:
    """Connections over IPv4 and IPv6 to AF_INET6 listeners, one after another, until it is ended."""

    pause: float = 0.004  # seconds between two
    closed: dict[tuple[str, str], float] = field(default_factory=dict)
    """When (monotonic) a connection, by its wire family and client port, was closed; the last of a port counts."""

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._servers = [self._serve(port) for _, port in _PORTS.values()]
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for server in self._servers:
            server.close()

    def _serve(self, port: int) -> socket.socket:
        server = socket.socket(socket.AF_INET6)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", port))
        server.listen(64)
        return server

    def _work(self) -> None:
        families = list(_PORTS)
        for number in range(1 << 60):
            if self._over.wait(self.pause):
                return
            family, server = families[number % 2], self._servers[number % 2]
            with socket.socket(family) as client:
                client.connect(_PORTS[family])
                with server.accept()[0] as accepted:
                    client.sendall(b"x" * 100)
                    accepted.recv(100)
                    name = "ipv4" if family == socket.AF_INET else "ipv6"
                    key = name, str(client.getsockname()[1])
            self.closed[key] = time.monotonic()


@dataclass
class Live:
    """A `correlator live` on lo."""

    process: subprocess.Popen[str]
    said: str = ""

    def wait_until_it_captures(self) -> None:
        """Until it says so."""
        assert self.process.stderr
        while "capturing on" not in self.said:
            line = self.process.stderr.readline()
            if not line:
                raise TroubleError(f"it did not begin: {self.said}")
            self.said += line

    def end(self, number: int = signal.SIGINT) -> int:
        """Let it end, and be told how."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            _, said = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise TroubleError("it did not end in 20 s") from None
        self.said += said
        if "Traceback" in self.said:
            raise TroubleError(self.said)
        return self.process.returncode


def live(
    *options: str | Path, before: Sequence[str] = (), interface: str = "lo", stdout: int = subprocess.DEVNULL
) -> Live:
    """Start one. `before`: what the command stands behind."""
    words = [*before, *CORRELATOR, "live", "-i", interface, "-q", *map(str, options)]
    return Live(subprocess.Popen(words, stdout=stdout, stderr=subprocess.PIPE, text=True))


def right(rows: Sequence[dict[str, str]]) -> int:
    """How many rows of the load's connections have no socket; raises TroubleError for one that is wrong."""
    unknown = 0
    for row in rows:
        if row["server_port"] not in {"7700", "7701"}:
            continue
        over_ipv4 = row["wire_family"] == "ipv4"
        wanted = {
            "server": "ipv4-on-af_inet6" if over_ipv4 else "ipv6-on-af_inet6",
            "client": "ipv4-on-af_inet" if over_ipv4 else "ipv6-on-af_inet6",
            "": "no-socket",
        }
        if row["verdict"] != wanted[row["side"]]:
            raise TroubleError(f"a wrong verdict: {row}")
        unknown += not row["side"]
    return unknown


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV; raises TroubleError for one that is not whole."""
    with path.open(newline="") as file:
        reader = csv.reader(file)
        header = next(reader, list(COLUMNS))
        rows = list(reader)
    if header != list(COLUMNS) or any(len(row) != len(COLUMNS) for row in rows):
        raise TroubleError(f"{path}: a row that is not whole")
    return [dict(zip(header, row, strict=True)) for row in rows]


def repaired(folder: Path, kinds: Sequence[str] = (".csv", ".jsonl", ".pcapng")) -> tuple[int, int]:
    """Repair the files of a folder, and hold that all are whole then: how many there are, and how many were not."""
    files = sorted(path for path in folder.iterdir() if path.suffix in kinds and path.stat().st_size)
    if not files:
        return 0, 0
    for path in files:
        _readers_say(path)
    done = subprocess.run([*CORRELATOR, "repair", *files], capture_output=True, text=True, check=False)
    if done.returncode not in {0, 4} or done.stderr:
        raise TroubleError(f"repair: {done.stderr}")
    again = subprocess.run([*CORRELATOR, "repair", *files], capture_output=True, text=True, check=False).stdout
    if "not whole" in again:
        raise TroubleError(f"repaired, and not whole: {again}")
    for path in files:
        if path.suffix == ".csv":
            table(path)
        elif path.suffix == ".jsonl":
            for line in path.read_text().splitlines():
                json.loads(line)
    captures = [path for path in files if path.suffix == ".pcapng" and path.stat().st_size]
    for path in captures:
        read = subprocess.run(["tcpdump", "-r", path, "-w", os.devnull], capture_output=True, text=True, check=False)
        if read.returncode:
            raise TroubleError(f"tcpdump: {read.stderr}")
    return len(files), done.stdout.count("not whole")


def _readers_say(path: Path) -> None:
    """Our own readers take what is there, and say what is not."""
    command = ["analyse", "-q"] if path.suffix == ".pcapng" else ["export", "--csv", "-"]
    if path.suffix == ".csv" or path.name.endswith(".sockets.jsonl"):
        return
    done = subprocess.run([*CORRELATOR, *command[:1], path, *command[1:]], capture_output=True, text=True, check=False)
    if done.returncode not in {0, 3, 4} or "Traceback" in done.stderr:
        raise TroubleError(f"{path}: {done.returncode}: {done.stderr}")
    if done.returncode == 3 and path.stat().st_size > 4096:
        raise TroubleError(f"{path}: nothing of it was read: {done.stderr}")


def missing(load: Load, folder: Path, until: float) -> float:
    """How old (s, at a time of the monotonic clock) the oldest connection was that no CSV of a folder has."""
    there = {(row["wire_family"], row["client_port"]) for path in folder.glob("*.csv") for row in table(path)}
    return max((until - at for key, at in load.closed.items() if at < until and key not in there), default=0.0)


def some_time(chance: random.Random, most: float) -> None:
    """Wait."""
    time.sleep(chance.uniform(0, most))


def drained(file: int, seconds: float) -> None:
    """Read a file for so long."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([file], [], [], left)[0]:
            os.read(file, 65_536)
