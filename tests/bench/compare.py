"""The same load beside other ways to learn whose a connection is: what each of them misses.

    python tests/bench/compare.py --connections 20000

Each runs alone against the same kind of load in a namespace of its own: `ss -tanpe` once a second (what one does beside
tcpdump), `ss -E`, psutil once a second, and `correlator live`. An end of a connection counts as seen where the tool
shows its four-tuple, as right where it shows the right family as well, and as owned where it shows the right PID.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.bench.truth import Key, Truth, findings, namespace, truths

_ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"(?P<local>\S+):(?P<local_port>\d+)\s+(?P<remote>\S+):(?P<remote_port>\d+)(?P<rest>.*)")

Seen = dict[tuple[str, int, str, int], set[tuple[str, str]]]
"""An end's four-tuple, unmapped → the families and PIDs that were shown for it."""


def bare(address: str) -> tuple[str, str]:
    """The address without brackets and mapping, and the family that its form tells."""
    inner = address.strip("[]").partition("%")[0]
    if inner.startswith("::ffff:"):
        return inner.removeprefix("::ffff:"), "AF_INET6"
    return inner, "AF_INET6" if ":" in inner else "AF_INET"


def of_ss(text: str) -> Seen:
    """What the output of ss shows."""
    seen: Seen = defaultdict(set)
    for line in text.splitlines():
        found = _ROW.search(line)
        if found:
            local, family = bare(found["local"])
            remote, _ = bare(found["remote"])
            pid = re.search(r"pid=(\d+)", found["rest"])
            key = (local, int(found["local_port"]), remote, int(found["remote_port"]))
            seen[key].add((family, pid[1] if pid else ""))
    return seen


_PSUTIL = """
import psutil, time
while True:
    for row in psutil.net_connections("tcp"):
        if row.raddr:
            family = "AF_INET6" if row.family == 10 else "AF_INET"
            print(family, row.laddr.ip, row.laddr.port, row.raddr.ip, row.raddr.port, row.pid or "", flush=True)
    time.sleep(1)
"""


def of_psutil(text: str) -> Seen:
    """What psutil showed."""
    seen: Seen = defaultdict(set)
    for line in text.rpartition("\n")[0].splitlines():  # the last may be cut off
        family, local, local_port, remote, remote_port, *pid = line.split(" ")
        key = (bare(local)[0], int(local_port), bare(remote)[0], int(remote_port))
        seen[key].add((family, pid[0] if pid else ""))
    return seen


def of_correlator(report: Path) -> Seen:
    """What the report shows; columns as truth.py judges them."""
    seen: Seen = defaultdict(set)
    for (client, port, server, server_port), connections in findings(report).items():
        for sides in connections.values():
            for side, row in sides.items():
                ends = (client, port, server, server_port)
                seen[ends if side == "client" else (ends[2], ends[3], ends[0], ends[1])].add((row[0], row[5]))
    return seen


def ends(truth: Iterator[tuple[Key, Truth]]) -> Iterator[tuple[tuple[str, int, str, int], str, str]]:
    """Each end of the load: four-tuple, family, PID."""
    for (client, port, server, server_port), one in truth:
        yield (client, port, server, server_port), one.client[0], one.client[5]
        if one.server is not None:
            yield (server, server_port, client, port), one.server[0], one.server[5]


TOOLS = {
    "`tcpdump` + `ss -tanpe` once a second": "while :; do ss -tanpeH; sleep 1; done",
    "`ss -E`": "exec ss -tanpeE",
    "psutil once a second": f"exec {sys.executable} -c '{_PSUTIL}'",
    "`correlator live`": f"exec {sys.executable} -m correlator live -i lo --csv -",
}


def play(command: str, connections: int, folder: Path) -> Path:
    """Run a tool while the load plays; its output."""
    output, truth = folder / "output", folder / "truth"
    with namespace() as inside, output.open("wb") as file:
        tool = subprocess.Popen(
            [*inside, "sh", "-c", command], stdout=file, stderr=subprocess.DEVNULL, cwd=_ROOT, start_new_session=True
        )
        time.sleep(3)
        load = [*inside, sys.executable, "-m", "tests.bench.load", "--truth", str(truth)]
        subprocess.run(
            [*load, "--connections", str(connections)], check=True, cwd=_ROOT, stdout=subprocess.DEVNULL, timeout=600
        )
        time.sleep(3)
        os.killpg(tool.pid, signal.SIGINT)
        try:
            tool.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(tool.pid, signal.SIGKILL)
            tool.wait()
    return output


def main() -> None:
    """Run all, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=20_000)
    options = parser.parse_args()
    print("| tool | ends seen | with the right family | with the right PID |")
    print("|---|---|---|---|")
    for name, command in TOOLS.items():
        with tempfile.TemporaryDirectory(prefix="compare-") as folder:
            output = play(command, options.connections, Path(folder))
            if "correlator" in name:
                shown = of_correlator(output)
            else:
                text = output.read_text(errors="replace")
                shown = of_psutil(text) if "psutil" in name else of_ss(text)
            total = seen = right = owned = 0
            for four_tuple, family, pid in ends(truths(f"{folder}/truth")):
                told = shown.get(four_tuple, set())
                total += 1
                seen += bool(told)
                right += family in {one for one, _ in told}
                owned += pid in {other for _, other in told}
        print(f"| {name} | {seen / total:.2%} | {right / total:.2%} | {owned / total:.2%} |")


if __name__ == "__main__":
    main()
