"""Measures `analyse` and `sockets` against the programs that people would use instead, in one run on one machine.

    make bench                                  # prints a table in Markdown
    make bench BENCH='--runs 5 --into docs/BENCHMARKS.md'

The captures are made if they are not there (2 GB, seeded: the same bytes each time). Nothing is installed: what is
missing is named. Each figure is the median of the runs, which take turns; the files are in the page cache.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.captures import SHAPES, make
from tests.bench.tables import ROWS, write_proc_net_tcp6, write_ss

FILTER = "tcp[tcpflags]&(tcp-syn|tcp-fin|tcp-rst)!=0"
CORRELATOR = (str(Path(sys.executable).with_name("correlator")),)
PEERS = {"tcpdump": "tcpdump", "tshark": "tshark", "softflowd": "softflowd", "tcptrace": "tcptrace", "ss": "iproute2"}
_SOCKETS = 20_000
_PAIRS_A_PROCESS = 1000


@dataclass
class Timing:
    """What the runs of one command took."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: int = 0  # bytes, the peak

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(self.wall)


@dataclass(frozen=True)
class Row:
    """A command of ours beside one of others, and the ratio of their times that is wanted."""

    work: str
    ours: tuple[str, ...]
    peer: str
    theirs: tuple[str, ...]
    wanted: float | None
    runs: int | None = None  # of the other, if not as many as of ours


def run(command: tuple[str, ...], timing: Timing) -> None:
    """Run a command once."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    timing.wall.append(time.perf_counter() - begun)
    process.returncode = os.waitstatus_to_exitcode(status)
    timing.cpu.append(usage.ru_utime + usage.ru_stime)
    timing.memory = max(timing.memory, usage.ru_maxrss * 1024)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: status {process.returncode}")


def captures(folder: Path) -> dict[str, Path]:
    """The captures, made where they are missing."""
    found = {}
    for name, shape in (("bulk.pcap", "bulk"), ("small.pcap", "small"), ("small.pcapng", "small")):
        path = folder / name
        if not path.is_file():
            print(f"making {path}", file=sys.stderr)
            part = path.with_suffix(".part" + path.suffix)
            make(SHAPES[shape], part)
            part.rename(path)
        with path.open("rb", buffering=0) as file:  # into the page cache, as it comes from the disk
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while file.read(1 << 24):
                pass
        found[name] = path
    return found


def write_anew(capture: Path, to: Path) -> Path:
    """A copy that is in the page cache as tcpdump has it there when it has just written it: by 4 KiB."""
    with capture.open("rb", buffering=0) as file, to.open("wb", buffering=0) as copy:
        while piece := file.read(4096):
            copy.write(piece)
    return to


def offline(files: dict[str, Path], csv: str) -> list[Row]:
    """The rows about captures."""
    rows = []
    written = write_anew(files["bulk.pcap"], Path(csv).with_name("written.pcap"))
    just_written = "bulk.pcap, just written"
    for name, wanted in ((just_written, None), ("bulk.pcap", 0.6), ("small.pcap", 2.0), ("small.pcapng", 3.0)):
        path = str(written if name == just_written else files[name])
        summary = (*CORRELATOR, "analyse", "-q", path)
        tcpdump = ("tcpdump", "-r", path, "-w", "/dev/null", FILTER)
        rows.append(Row(f"{name}, summary", summary, "tcpdump", tcpdump, wanted))
        if name == "bulk.pcap":
            report = (*CORRELATOR, "analyse", "-q", "--csv", csv, "--force", path)
            rows.append(Row(f"{name}, 1,000 rows of CSV", report, "tcpdump", tcpdump, wanted))
        if name == "small.pcap":
            report = (*CORRELATOR, "analyse", "-q", "--csv", csv, "--force", path)
            rows.append(Row(f"{name}, 500,000 rows of CSV", report, "tcpdump", tcpdump, 3.0))
            parquet = (*CORRELATOR, "analyse", "-q", "--parquet", f"{csv}.parquet", "--force", path)
            rows.append(Row(f"{name}, 500,000 rows of Parquet", parquet, "tcpdump", tcpdump, None))
            # what the report took to be written, beside turning its CSV into Parquet
            code = f"import duckdb; duckdb.sql(\"COPY (FROM read_csv('{csv}')) TO '{csv}.duckdb' (FORMAT parquet)\")"
            rows.append(Row(f"{name}, 500,000 rows of Parquet", parquet, "duckdb", (sys.executable, "-c", code), None))
            at_once = (*CORRELATOR, "analyse", "-q", "--jobs", str(os.cpu_count()), "--csv", csv, "--force", path)
            rows.append(Row(f"{name}, CSV, --jobs {os.cpu_count()}", at_once, "one process", report, None))
            softflowd = ("softflowd", "-r", path, "-d")
            rows.append(Row(f"{name}, summary", summary, "softflowd", softflowd, 1 / 2.5, 3))
            rows.append(Row(f"{name}, summary", summary, "tcptrace", ("tcptrace", "-n", path), None, 1))
        if name in {"bulk.pcap", "small.pcap"}:
            tshark = ("tshark", "-n", "-q", "-z", "conv,tcp", "-r", path)
            rows.append(Row(f"{name}, summary", summary, "tshark", tshark, 1 / 40, 1 if name == "small.pcap" else None))
    return rows


def tables() -> list[Row]:
    """The rows about this host's sockets, of which there are 20,000 by then."""
    ours = (*CORRELATOR, "sockets")
    psutil = "import psutil\nfor c in psutil.net_connections('tcp'): print(c)"
    return [
        Row("20,000 sockets", ours, "ss", ("ss", "-tanpe"), 2.0),
        Row("20,000 sockets", ours, "psutil", (sys.executable, "-c", psutil), None),
    ]


def measured(rows: list[Row], runs: int) -> list[str]:
    """The lines of the table: the two commands of a row take turns, for a machine is not as fast at all times."""
    lines = []
    for row in rows:
        if row.peer in PEERS and shutil.which(row.peer) is None:
            continue
        print(f"{row.work}: correlator, {row.peer}", file=sys.stderr)
        ours, theirs = Timing(), Timing()
        first = (runs - (row.runs or runs)) // 2  # those of the other are in the middle, where they are fewer
        for turn in range(runs):
            run(row.ours, ours)
            if first <= turn < first + (row.runs or runs):
                run(row.theirs, theirs)
        ratio = ours.seconds / theirs.seconds
        wanted, verdict = "", ""
        if row.wanted is not None:
            wanted, verdict = _ratio(row.wanted), "yes" if ratio <= row.wanted else "no"
        lines.append(
            f"| {row.work} | {_told(ours)} | {row.peer} | {_told(theirs)} | {_ratio(ratio)} | {wanted} | {verdict} |"
        )
    return lines


def _told(timing: Timing) -> str:
    return f"{timing.seconds:.2f} s | {statistics.median(timing.cpu):.2f} s | {timing.memory >> 20} MB"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 1 / 10 else f"1/{1 / value:.0f}"


def starting(runs: int) -> list[str]:
    """How long it takes to begin."""
    lines = []
    for name, command, wanted in (
        ("`import correlator`", (sys.executable, "-c", "import correlator"), 0.15),
        ("`correlator --help`", (*CORRELATOR, "--help"), 0.15),
        ("`correlator analyse --help`", (*CORRELATOR, "analyse", "--help"), 0.3),
    ):
        timing = Timing()
        for _ in range(runs):
            run(command, timing)
        lines.append(f"| {name} | {timing.seconds * 1000:.0f} ms | {wanted * 1000:.0f} ms |")
    return lines


def reading(folder: Path, runs: int) -> list[str]:
    """How long a small capture takes beside a large table, from the command to its end."""
    lines = []
    capture = Path(__file__).parents[2] / "captures" / "jessie.pcap"
    for name, table in (
        ("ss -tanpe", write_ss(folder / "ss.txt")),
        ("/proc/net/tcp6", write_proc_net_tcp6(folder / "tcp6.txt")),
    ):
        timing = Timing()
        for _ in range(runs):
            run((*CORRELATOR, "analyse", "-q", str(capture), "--sockets", str(table)), timing)
        lines.append(f"| `{name}` | {timing.seconds:.2f} s | {timing.memory >> 20} MB | 1.00 s |")
    return lines


def with_sockets(work: Callable[[], list[str]]) -> list[str]:
    """Do some work while 20,000 sockets are open on loopback, those of some processes."""
    holders = []
    code = (
        "import socket, sys\n"
        "listener = socket.create_server(('::', 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)\n"
        "port, held = listener.getsockname()[1], []\n"
        f"for _ in range({_PAIRS_A_PROCESS}):\n"
        "    held += [socket.create_connection(('127.0.0.1', port)), listener.accept()[0]]\n"
        "print(flush=True)\n"
        "sys.stdin.read()\n"
    )
    try:
        for _ in range(_SOCKETS // 2 // _PAIRS_A_PROCESS):
            command = (sys.executable, "-c", code)
            holders.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        for holder in holders:
            assert holder.stdout
            holder.stdout.readline()
        return work()
    finally:
        for holder in holders:
            holder.kill()
            holder.wait()


_HEAD = """\
# Benchmarks

Made by `make bench BENCH='--into docs/BENCHMARKS.md'`, for each machine its last run: medians of wall-clock times, files
in the page cache as they come there from the disk (what was just written lies there in smaller pieces). The captures
are those of `tests/bench/captures.py`: bulk.pcap has 1,000,000 packets of 1,000 connections in 1.07 GB, small.pcap
5,000,000 packets of 500,000 connections in 0.42 GB, a quarter of them IPv6, a tenth with VLAN tags. tcpdump writes the
packets with SYN, FIN or RST to /dev/null and misses those of IPv6 and VLAN; tshark makes its conversation table;
softflowd is a flow meter. Of two cores ours has one walk ahead; the others use one. The peak of memory is never less
than that of the program that measures, 32 MB.
"""


def put_into(path: Path, section: str) -> None:
    """Put the section of this machine into a file, as the first one; those of other machines stay."""
    sections = path.read_text(encoding="utf-8").split("\n## ")[1:] if path.is_file() else []
    own = section.partition("\n")[0].removeprefix("## ").partition(", ")[0]
    others = [f"## {other}".rstrip() + "\n" for other in sections if other.partition(", ")[0] != own]
    path.write_text("\n".join([_HEAD, section, *others]), encoding="utf-8")


def report(folder: Path, runs: int) -> str:
    """The section of this machine."""
    version = subprocess.run((*CORRELATOR, "--version"), capture_output=True, text=True, check=True).stdout.strip()
    missing = [f"{name} (Debian: {package})" for name, package in PEERS.items() if shutil.which(name) is None]
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        lines = measured(offline(captures(folder), os.path.join(scratch, "out.csv")), runs)
        read = reading(Path(scratch), runs)
    lines += with_sockets(lambda: measured(tables(), runs))
    head = ["work", "ours", "CPU", "memory", "against", "theirs", "CPU", "memory", "ratio", "wanted", "met"]
    return "\n".join(
        [
            f"## {_machine()}",
            "",
            f"{version}, Python {platform.python_version()}, {runs} runs.",
            *([f"Missing: {', '.join(missing)}."] if missing else []),
            "",
            "| " + " | ".join(head) + " |",
            "|" + "---|" * len(head),
            *lines,
            "",
            "| to begin | median | wanted |",
            "|---|---|---|",
            *starting(runs),
            "",
            f"| an analysis with {ROWS:,} rows of | median | memory | wanted, for reading the rows alone |",
            "|---|---|---|---|",
            *read,
            "",
        ]
    )


def _machine() -> str:
    """What the figures were measured on."""
    model = "an unnamed processor"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{os.cpu_count()} cores of {model}, {platform.system()} {platform.release()}"


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "correlator-bench")
    parser.add_argument("--into", type=Path, help="a file to write the table into, too")
    options = parser.parse_args()
    options.folder.mkdir(mode=0o700, exist_ok=True)
    text = report(options.folder, options.runs)
    if options.into:
        put_into(options.into, text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
