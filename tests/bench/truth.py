"""Holds `correlator live` against the truth: a load whose every connection is known, and a report judged row by row.

    python tests/bench/truth.py --connections 1000000

makes a network namespace of its own, captures on its loopback interface while load.py plays there, and prints recall
and precision of each column, the rate, what was dropped, and what it cost. Exit status 1 if a verdict is wrong, or a
connection is missing although nothing was counted as lost. Needs root.
"""

import argparse
import contextlib
import csv
import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.bench.load import RECORD
from tests.bench.plays import LOOPBACK, VETH, Network

_SLACK = 2_000_000  # ns: between the two clocks' readings around connect() and the packet's own time
_JUDGED = ("socket_family", "verdict", "cause", "v6only", "listener", "pid")
_READ = ("opened_at", "client_ip", "client_port", "server_ip", "server_port", "side", *_JUDGED, "owner_by")
_ROOT = Path(__file__).parents[2]

Key = tuple[str, int, str, int]
Row = tuple[str, ...]  # of _JUDGED and owner_by


@dataclass
class Truth:
    """What is true of one connection."""

    before: int
    after: int
    client: Row
    server: Row | None


@dataclass
class Column:
    """How often a column was right."""

    expected: int = 0
    right: int = 0
    told: int = 0


@dataclass
class Score:
    """The judgement."""

    columns: dict[str, Column] = field(default_factory=lambda: {name: Column() for name in ("row", *_JUDGED)})
    owner_by: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    invented: int = 0
    examples: list[str] = field(default_factory=list)


def truths(prefix: str, network: Network = LOOPBACK) -> Iterator[tuple[Key, Truth]]:
    """The load's records."""
    plays: list[dict[str, Any]] = json.loads(Path(f"{prefix}.plays").read_text(encoding="ascii"))
    for path in sorted(Path(prefix).parent.glob(Path(prefix).name + ".[0-9]*")):
        for before, after, number, port, server_port, host, pid, server in RECORD.iter_unpack(path.read_bytes()):
            play = plays[number]
            six = play["client"] == "inet6"
            address = network.server_six if six else f"{network.servers}.{host >> 8}.{host & 255}"
            key = (network.client_six if six else network.client, port, address, server_port)
            yield key, Truth(before, after, _client(play, pid), _server(play, server, server_port, network))


def _client(play: dict[str, Any], pid: int) -> Row:
    six = play["client"] != "inet" and play["addrform"] != "client"
    mapped = six and play["client"] == "mapped"
    return (_family(six), _verdict(play, six), "mapped-connect" if mapped else "", "", "", str(pid))


def _server(play: dict[str, Any], pid: int, port: int, network: Network) -> Row | None:
    if play["refused"]:
        return None
    name = play["listener"]
    dual = name not in {"inet", "bound"}
    six = dual and play["addrform"] != "server"
    cause = ""
    if six and play["client"] != "inet6":
        cause = "mapped-listener" if name == "mapped" else "dual-stack-listener"
    v6only = "" if not dual else "on" if name == "v6only" else "off"
    address = {"inet": "0.0.0.0", "bound": f"{network.servers}.0.1", "mapped": f"[::ffff:{network.servers}.0.1]"}.get(
        name, "[::]"
    )
    return (_family(six), _verdict(play, six), cause, v6only, f"{address}:{port}", str(pid))


def _family(six: bool) -> str:
    return "AF_INET6" if six else "AF_INET"


def _verdict(play: dict[str, Any], six: bool) -> str:
    wire = "ipv6" if play["client"] == "inet6" else "ipv4"
    return f"{wire}-on-{_family(six).lower()}"


def findings(report: Path) -> dict[Key, dict[int, dict[str, Row]]]:
    """The report's rows by four-tuple, time of opening, and side."""
    found: dict[Key, dict[int, dict[str, Row]]] = defaultdict(dict)
    with report.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        header = next(lines)
        places = [header.index(name) for name in _READ]
        for line in lines:
            at, client, client_port, server, server_port, side, *rest = (sys.intern(line[place]) for place in places)
            key = (client, int(client_port), server, int(server_port))
            found[key].setdefault(_nanoseconds(at), {})[side] = tuple(rest)
    return found


_seconds: dict[str, int] = {}


def _nanoseconds(text: str) -> int:
    whole, _, fraction = text.rstrip("Z").partition(".")
    if whole not in _seconds:
        parsed = time.strptime(whole, "%Y-%m-%dT%H:%M:%S")
        _seconds[whole] = int(time.mktime(parsed) - time.timezone)
    return _seconds[whole] * 1_000_000_000 + int(fraction)


def judge(prefix: str, report: Path, network: Network = LOOPBACK) -> tuple[int, Score]:
    """How many connections there were, and how well the report tells of them."""
    score = Score()
    found = findings(report)
    count = 0
    for key, truth in truths(prefix, network):
        count += 1
        connections = found.get(key, {})
        at = next((at for at in connections if truth.before - _SLACK <= at <= truth.after + _SLACK), None)
        rows = connections.pop(at) if at is not None else {}
        _judge_row(score, key, "client", truth.client, rows.pop("client", None))
        if truth.server is not None:
            _judge_row(score, key, "server", truth.server, rows.pop("server", None))
        score.invented += len(rows)
    score.invented += sum(len(rows) for connections in found.values() for rows in connections.values())
    return count, score


def _judge_row(score: Score, key: Key, side: str, expected: Row, got: Row | None) -> None:
    score.columns["row"].expected += 1
    if got is not None:
        score.columns["row"].right += 1
        score.columns["row"].told += 1
        score.owner_by[got[-1]] += 1
    for place, name in enumerate(_JUDGED):
        column = score.columns[name]
        column.expected += bool(expected[place])
        if got is None or (name == "v6only" and side == "client"):  # a client's own is true, and seldom told
            continue
        column.told += bool(got[place])
        if got[place] == expected[place]:
            column.right += bool(got[place])
        elif got[place] or expected[place]:
            score.wrong[f"{side} {name}: {got[place] or 'nothing'} for {expected[place] or 'nothing'}"] += name != "pid"
            if len(score.examples) < 20:
                score.examples.append(f"{side} {name} {key}: {got} for {expected}")
    if got is None and len(score.examples) < 20:
        score.examples.append(f"{side} missing {key}: {expected}")


@contextmanager
def namespace(suffix: str = "") -> Iterator[list[str]]:
    """A network namespace with a loopback interface; gives the words that run a program in it."""
    name = f"truth-{os.getpid()}{suffix}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        yield ["ip", "netns", "exec", name]
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


@contextmanager
def clients_behind(inside: list[str]) -> Iterator[str]:
    """A namespace for clients, joined to that of the servers by a veth pair; gives its name."""
    servers = inside[-1]
    with namespace("-c") as other:
        clients = other[-1]
        for line in (
            f"ip -n {servers} link add veth-s type veth peer name veth-c netns {clients}",
            f"ip -n {servers} addr add {VETH.servers}.0.1/32 dev veth-s",
            f"ip -n {servers} addr add {VETH.server_six}/128 dev veth-s nodad",
            f"ip -n {clients} addr add {VETH.client}/32 dev veth-c",
            f"ip -n {clients} addr add {VETH.client_six}/128 dev veth-c nodad",
            f"ip -n {servers} link set veth-s up",
            f"ip -n {clients} link set veth-c up",
            f"ip -n {servers} route add local {VETH.servers}.0.0/16 dev lo",
            f"ip -n {servers} route add {VETH.client}/32 dev veth-s",
            f"ip -n {servers} -6 route add {VETH.client_six}/128 dev veth-s",
            f"ip -n {clients} route add {VETH.servers}.0.1/32 dev veth-c",
            # through one address: each of 65,000 would be a neighbour to be found, and the kernel keeps 1024
            f"ip -n {clients} route add {VETH.servers}.0.0/16 via {VETH.servers}.0.1 dev veth-c",
            f"ip -n {clients} -6 route add {VETH.server_six}/128 dev veth-c",
        ):
            subprocess.run(line.split(), check=True)
        yield clients


@dataclass
class Cost:
    """What the program under test took."""

    cpu: float
    memory: list[int]  # KiB, over time
    said: str
    status: int
    load: float
    """CPU seconds of the load, both ends: what the machine made of the same connections."""
    pictures: int
    """How often the live view was drawn."""


class Screen:
    """A terminal that somebody looks at: what is drawn is taken from it."""

    def __init__(self) -> None:
        """Nothing is drawn yet."""
        self._master, self.slave = pty.openpty()
        self.pictures = 0

    def __enter__(self) -> Self:
        """Begin to look."""
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """It is switched off; who looked sees its end."""
        os.close(self.slave)

    def _look(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self._master, 1 << 16):
                self.pictures += data.count(b"\x1b[H")


def run(options: argparse.Namespace, folder: Path) -> tuple[float, Cost]:
    """Capture while the load plays; the seconds of the load, and the cost of the capture."""
    interface = "veth-s" if options.veth else "lo"
    program = [sys.executable, "-m", "correlator", "live", "-i", interface, *options.with_.split()]
    with ExitStack() as stack:
        inside = stack.enter_context(namespace())
        clients = stack.enter_context(clients_behind(inside)) if options.veth else ""
        said = stack.enter_context((folder / "said").open("wb"))
        screen = stack.enter_context(Screen()) if options.view else None
        terminal = None if screen is None else screen.slave
        environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "140", "LINES": "40"}
        live = subprocess.Popen(
            [*inside, *program, "--csv", str(folder / "report.csv"), *([] if options.view else ["-q"])],
            stdin=terminal,
            stdout=terminal,
            stderr=said,
            cwd=_ROOT,
            env=environment,
        )
        try:
            _wait_for(lambda: screen.pictures if screen else "capturing" in (folder / "said").read_text(), folder)
            load = subprocess.Popen(
                [
                    *(*inside, sys.executable, "-m", "tests.bench.load", "--truth", str(folder / "truth")),
                    *("--connections", str(options.connections), "--pairs", str(options.pairs)),
                    *("--seconds", str(options.seconds), "--rate", str(options.rate), "--clients", clients),
                ],
                stdout=subprocess.PIPE,
                text=True,
                cwd=_ROOT,
            )
            memory, others = [], _cpu_of_others()
            while load.poll() is None:
                if options.slow:
                    _pause(live.pid, options.slow)
                time.sleep(1)
                memory.append(_resident(live.pid))
            took = float((load.stdout.read() if load.stdout else "0").split()[-1])
            others = _cpu_of_others() - others
            time.sleep(3)
        finally:
            live.send_signal(signal.SIGINT)
            _, status, usage = os.wait4(live.pid, 0)
    cpu = usage.ru_utime + usage.ru_stime
    drawn = screen.pictures if screen else 0
    return took, Cost(cpu, memory, (folder / "said").read_text(), os.waitstatus_to_exitcode(status), others, drawn)


def _cpu_of_others() -> float:
    """CPU seconds of the children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _wait_for(begun: Callable[[], object], folder: Path) -> None:
    for _ in range(200):
        if begun():
            return
        time.sleep(0.05)
    raise SystemExit((folder / "said").read_text() or "correlator did not start")


def _pause(pid: int, seconds: float) -> None:
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)


def _resident(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0


def main() -> int:
    """Run, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--rate", type=float, default=0.0, help="connections a second at the most; 0: as many as come")
    parser.add_argument("--slow", type=float, default=0.0, help="stop the capture for so long every second")
    parser.add_argument("--veth", action="store_true", help="clients in another network namespace, behind a veth pair")
    parser.add_argument("--view", action="store_true", help="on a terminal, with the live view")
    parser.add_argument("--with", dest="with_", default="", help="more options for live")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="truth-") as folder:
        took, cost = run(options, Path(folder))
        count, score = judge(f"{folder}/truth", Path(folder) / "report.csv", VETH if options.veth else LOOPBACK)
    lost = re.search(r"^lost: (.*)$", cost.said, re.MULTILINE)
    print(f"{count} connections in {took:.1f} s: {count / took:.0f}/s; lost: {lost[1] if lost else '?'}")
    print(f"{cost.cpu / count * 1e6:.0f} µs of CPU a connection, {cost.load / count * 1e6:.0f} of the load itself")
    if options.view:
        print(f"the view was drawn {cost.pictures} times")
    print(f"memory over time (MB): {_spread(cost.memory)}")
    print(f"{'column':<14} {'expected':>9} {'recall':>9} {'precision':>9}")
    for name, column in score.columns.items():
        recall = column.right / max(1, column.expected)
        precision = column.right / max(1, column.told)
        print(f"{name:<14} {column.expected:>9} {recall:>9.4%} {precision:>9.4%}")
    print(f"PIDs known by: {dict(score.owner_by)}; rows of no connection: {score.invented}")
    for text, number in score.wrong.most_common():
        if number:
            print(f"wrong: {number} times {text}")
    for example in score.examples:
        print(f"  {example}")
    print(f"exit status of correlator: {cost.status}")
    complete = score.columns["row"].right == score.columns["row"].expected
    right = score.columns["verdict"].right == score.columns["verdict"].told
    return 0 if right and (complete or cost.status == 4) else 1


def _spread(memory: list[int]) -> str:
    step = max(1, len(memory) // 8)
    return " ".join(f"{value // 1024}" for value in memory[::step])


if __name__ == "__main__":
    sys.exit(main())
