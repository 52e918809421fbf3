"""A corpus on one and on two workers: `python -m tests.bench.corpus [--files N] [--rotated N] [--into FILE]`.

Makes captures (seeded), analyses them on one machine and on clusters, and works out what 10 TB on 50 workers would take.
The rows must be the same; also those of one timeline, as files and as one large file.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb
from distributed import Client, LocalCluster

from correlator.capture.cut import first_record
from correlator.cli.corpus import places
from correlator.cli.corpus.cluster import Calls
from correlator.cli.corpus.command import corpus_of, tables_of, timelines_of
from correlator.cli.corpus.plan import Met, Survey
from correlator.cli.corpus.work import Done
from correlator.cli.outputs import Wanted
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


def rotated(folder: Path, files: int) -> int:
    """One capture as the files of a rotated set, with the whole beside them. Bytes."""
    whole = folder.with_suffix(".pcap")
    make(Shape(SHAPE.connections * files, SHAPE.exchanges, SHAPE.size, SHAPE.gap), whole)
    size = whole.stat().st_size
    begins = [0, *(first_record(str(whole), size * place // files) or 0 for place in range(1, files)), size]
    with whole.open("rb") as source:
        header = source.read(24)
        source.seek(0)
        for place, (begin, end) in enumerate(pairwise(begins)):
            data = source.read(end - begin)
            (folder / f"{place:06}.pcap").write_bytes(data if place == 0 else header + data)
    return size


@dataclass(frozen=True)
class Took:
    """What analysing on workers took."""

    seconds: float
    own: float
    """Seconds of the workers' own, of those tasks that write findings."""
    peak: int
    """Bytes of memory of a worker at the most."""


def on_workers(count: int, capture: Path, out: Path, *, merge: bool = False) -> Took:
    """Analyse captures on so many workers."""
    names = places.names_of((str(capture),))
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
        folder = places.prepared(str(out), force=True)
        corpus = corpus_of(Counted(client, lambda _: None), folder, *tables_of(()), Wanted())
        result = corpus.analysed(timelines_of(names, count, merge=merge))
        seconds = time.monotonic() - began
    places.tidy(str(out))
    assert not result.troubles, result.troubles
    assert not result.failures, result.failures
    return Took(seconds, spent[0], peak[0])


def alone(capture: Path, out: Path, *words: str) -> float:
    """Seconds that one process takes."""
    command = [sys.executable, "-m", "correlator", "analyse", "-q", "--jobs", "1", *words, str(capture)]
    began = time.monotonic()
    subprocess.run([*command, "--parquet", str(out)], check=True, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def same_rows(found: Path, expected: Path) -> bool:
    """Whether Parquet in a folder has the rows of a file, and no others."""
    others = "SELECT * FROM read_parquet(?) EXCEPT ALL SELECT * FROM read_parquet(?) LIMIT 1"
    both = [f"{found}/*.parquet", str(expected)]
    return all(duckdb.execute(others, files).fetchone() is None for files in (both, both[::-1]))


def main() -> None:
    """Run as a program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=1000)
    options.add_argument("--rotated", type=int, default=40, help="files of one timeline")
    options.add_argument("--into", type=Path, metavar="FILE")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="correlator-corpus-") as name:
        folder = Path(name)
        (folder / "in").mkdir()
        size = captures(folder / "in", chosen.files)
        seconds = alone(folder / "in", folder / "one.parquet")
        lines = [
            f"{chosen.files} captures of {size / chosen.files / 1e6:.1f} MB and {SHAPE.connections:,} connections each:",
            "",
            "| | seconds | times as fast | overhead a file | memory a worker |",
            "|---|---|---|---|---|",
            f"| one process, one file of Parquet | {seconds:.1f} | 1 | | |",
        ]
        spent, overhead, peak = 0.0, 0.0, 0
        for count in (1, 2):
            took = on_workers(count, folder / "in", folder / f"out{count}")
            assert same_rows(folder / f"out{count}", folder / "one.parquet")
            overhead, peak, spent = (count * took.seconds - took.own) / chosen.files, max(peak, took.peak), took.own
            lines.append(
                f"| {_workers(count)} | {took.seconds:.1f} | {seconds / took.seconds:.2f} | "
                f"{overhead * 1000:.1f} ms | {took.peak / 1e6:.0f} MB |"
            )
        more = _on_one_timeline(folder, chosen.rotated)
    lines += [*_worked_out(size / spent, overhead, peak), *more]
    print("\n".join(lines))
    if chosen.into:
        written(chosen.into, "corpus", lines)


def _workers(count: int) -> str:
    return f"{count} worker{'s' if count > 1 else ''}"


def _on_one_timeline(folder: Path, files: int) -> list[str]:
    """The files of a rotated set, whose connections span them, and the same as one file."""
    (folder / "set").mkdir()
    size = rotated(folder / "set", files)
    whole = folder / "set.pcap"
    seconds = [alone(folder / "set", folder / "merged.parquet", "--merge"), alone(whole, folder / "whole.parquet")]
    lines = [
        "",
        f"One timeline of {size / 1e9:.1f} GB, {SHAPE.connections * files:,} connections of which 1,000 are open at any time:",
        "",
        f"| | `--merge` of {files} files | one file |",
        "|---|---|---|",
        f"| one process, one file of Parquet | {seconds[0]:.1f} s | {seconds[1]:.1f} s |",
    ]
    for count in (1, 2):
        cells = []
        for capture, merge, expected in ((folder / "set", True, "merged"), (whole, False, "whole")):
            took = on_workers(count, capture, folder / "out", merge=merge)
            assert same_rows(folder / "out", folder / f"{expected}.parquet")
            cells.append(f"{took.seconds:.1f} s, {took.peak / 1e6:.0f} MB")
        lines.append(f"| {_workers(count)} | {' | '.join(cells)} |")
    return lines


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
