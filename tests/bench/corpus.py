"""A corpus on one and on two workers: `python -m tests.bench.corpus [--files N] [--into FILE]`.

Makes captures (seeded), analyses them on one machine and on clusters, and works out what 10 TB on 50 workers would take.
The rows must be the same.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from distributed import Client, LocalCluster
from pyarrow import dataset

from correlator.cli.corpus import places
from correlator.cli.corpus.cluster import Calls
from correlator.cli.corpus.command import corpus_of, timelines_of
from correlator.cli.corpus.plan import Met, Survey
from correlator.cli.corpus.work import Done
from correlator.cli.selection import Selection
from tests.bench.captures import Shape, make
from tests.document import written

SHAPE = Shape(connections=2000, exchanges=40, size=1000, gap=20)


def captures(folder: Path, files: int) -> int:
    """Make them: the same bytes under other names, so that making them does not take longer than the rest. Bytes."""
    first = folder / "000000.pcap"
    make(SHAPE, first)
    for number in range(1, files):
        (folder / f"{number:06}.pcap").hardlink_to(first)
    return files * first.stat().st_size


def on_workers(count: int, folder: Path, out: Path) -> tuple[float, float, int]:
    """Seconds in all, seconds of the workers' own, bytes of memory of a worker at the most."""
    names = places.names_of((str(folder),))
    spent, peak = [0.0], [0]

    class Counted(Calls):
        """Counts what the workers do."""

        def told_of(self, found: Done | Met | Survey) -> None:
            """What came of a task."""
            if isinstance(found, Done):
                spent[0] += found.seconds
                peak[0] = max(peak[0], found.peak)

    with (
        LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.run(lambda: None)
        began = time.monotonic()
        corpus, _ = corpus_of(Counted(client, lambda _: None), places.prepared(str(out), force=True), (), Selection())
        result = corpus.analysed(timelines_of(names, count, merge=False))
        seconds = time.monotonic() - began
    assert not result.troubles, result.troubles
    assert not result.failures, result.failures
    return seconds, spent[0], peak[0]


def rows(folder: Path) -> int:
    """How many there are."""
    return int(dataset.dataset(str(folder)).count_rows())


def main() -> None:
    """Run as a program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=1000)
    options.add_argument("--into", type=Path, metavar="FILE")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="correlator-corpus-") as name:
        folder = Path(name)
        (folder / "in").mkdir()
        size = captures(folder / "in", chosen.files)
        command = [sys.executable, "-m", "correlator", "analyse", "-q", "--jobs", "1", str(folder / "in")]
        began = time.monotonic()
        subprocess.run([*command, "--parquet", str(folder / "one.parquet")], check=True, stderr=subprocess.DEVNULL)
        alone = time.monotonic() - began
        expected = rows(folder / "one.parquet")
        lines = [
            f"{chosen.files} captures of {size / chosen.files / 1e6:.1f} MB and {SHAPE.connections:,} connections each:",
            "",
            "| | seconds | times as fast | overhead a file | memory a worker |",
            "|---|---|---|---|---|",
            f"| one process, one file of Parquet | {alone:.1f} | 1 | | |",
        ]
        spent, overhead, peak = 0.0, 0.0, 0
        for count in (1, 2):
            seconds, own, memory = on_workers(count, folder / "in", folder / f"out{count}")
            assert rows(folder / f"out{count}") == expected
            overhead, peak, spent = (count * seconds - own) / chosen.files, max(peak, memory), own
            lines.append(
                f"| {count} worker{'s' if count > 1 else ''} | {seconds:.1f} | {alone / seconds:.2f} | "
                f"{overhead * 1000:.1f} ms | {memory / 1e6:.0f} MB |"
            )
    print("\n".join(lines + (more := _worked_out(size / spent, overhead, peak))))
    if chosen.into:
        written(chosen.into, "corpus", [*lines, *more])


def _worked_out(rate: float, overhead: float, peak: int) -> list[str]:
    """What 10 TB on 50 workers would take. `rate`: bytes a second of a worker; `overhead`: seconds a file."""
    files, size, workers = 10_000, 1e9, 50
    lines = [
        "",
        f"A worker goes through {rate / 1e6:.0f} MB a second of such captures in the page cache, its part written.",
        f"A file costs {overhead * 1000:.1f} ms beside that. So 10 TB, {files:,} files of 1 GB on {workers} workers, are",
        f"a matter of the storage; with {peak / 1e6:.0f} MB of memory a worker:",
        "",
        "| MB a second that a worker gets | seconds a file | in all | files a second for the scheduler |",
        "|---|---|---|---|",
    ]
    for given in (100, 250, 500, 1e9):
        each = size / min(rate, given * 1e6) + overhead
        name = f"{given}" if given * 1e6 < rate else f"all it can take, {rate / 1e6:.0f}"
        lines.append(f"| {name} | {each:.1f} | {files * each / workers / 60:.0f} minutes | {workers / each:.0f} |")
    return lines


if __name__ == "__main__":
    main()
