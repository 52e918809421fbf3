"""Real sockets, real capture: `correlator live` on lo, in a network namespace of the test's own."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

Row = dict[str, str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs root."""
    for item in items:
        if Path(__file__).parent in item.path.parents and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root: real capture"))


@dataclass
class LiveRun:
    """A `correlator live` that runs while a test makes connections."""

    prefix: Path
    process: subprocess.Popen[str]
    rows: list[Row] = field(default_factory=list)
    error: str = ""

    def end(self, number: int = signal.SIGINT) -> int:
        """Let the last connections settle, stop the run, and read what it wrote."""
        time.sleep(1.3)
        self.process.send_signal(number)
        _out, error = self.process.communicate(timeout=20)
        self.error += error
        with open(f"{self.prefix}.csv", newline="") as file:
            self.rows = list(csv.DictReader(file))
        return self.process.returncode

    def of(self, client_port: int, side: str) -> Row:
        """The one row of a connection's side."""
        (row,) = [row for row in self.rows if row["client_port"] == str(client_port) and row["side"] == side]
        return row


@pytest.fixture
def start_live(tmp_path: Path) -> Iterator[Callable[..., LiveRun]]:
    """Starts live runs; returns when they capture."""
    started: list[LiveRun] = []

    def start(*options: str, interface: str = "lo", name: str = "x", inside: tuple[str, ...] = ()) -> LiveRun:
        command = [
            *inside,
            sys.executable,
            "-m",
            "correlator",
            "live",
            "-i",
            interface,
            "-w",
            str(tmp_path / name),
            "-q",
            *options,
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        run = LiveRun(tmp_path / name, process)
        started.append(run)
        assert process.stderr
        run.error = process.stderr.readline()
        assert "capturing on" in run.error
        return run

    yield start
    for run in started:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


@pytest.fixture
def program() -> Callable[[str], str]:
    """The path of a program, or a skip."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"{name} is not installed")
        return path

    return find
