"""A corpus of captures on a Dask cluster: the rows of one machine, whatever happens to workers."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: the extra `fleet`")
pytest.importorskip("distributed", reason="distributed is not installed: the extra `fleet`")

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
JESSIE, TABLE = CAPTURES / "jessie.pcap", CAPTURES / "jessie.netstat.txt"
ANALYSE = [sys.executable, "-m", "correlator", "analyse"]
Done = subprocess.CompletedProcess[str]


def analyse(*words: str | Path) -> Done:
    """Analyse."""
    return subprocess.run([*ANALYSE, *map(str, words)], capture_output=True, text=True, timeout=100, check=False)


def rows(*files: Path) -> list[dict[str, Any]]:
    """The rows of Parquet files, in order."""
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def parts(folder: Path) -> list[Path]:
    """Those of a corpus."""
    return sorted(folder.glob("part-*.parquet"))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Captures, one with evidence beside it, one cut off, one that is none."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.pcap").write_bytes(JESSIE.read_bytes())
    for name in ("meetings.pcapng", "meetings.sockets.jsonl"):
        (folder / name).write_bytes((CAPTURES / name).read_bytes())
    (folder / "cut.pcap").write_bytes(JESSIE.read_bytes()[:700])
    (folder / "none.pcap").write_bytes(b"hello")
    return folder


@pytest.mark.parametrize("url", ["", "file://"])
def test_the_rows_are_those_of_one_machine(corpus: Path, tmp_path: Path, url: str) -> None:
    """All of them, in their order; what is damaged costs its own, and is told."""
    one = analyse(corpus, "--sockets", TABLE, "-q", "--parquet", tmp_path / "one.parquet")
    out = tmp_path / "out"
    many = analyse(f"{url}{corpus}/*.pcap*", "--sockets", TABLE, "--scheduler", "local", "--to", f"{url}{out}")
    assert (one.returncode, many.returncode) == (4, 4), many.stderr
    assert rows(*parts(out)) == rows(tmp_path / "one.parquet")
    assert len(parts(out)) == 8
    assert "none.pcap: not a pcap or pcapng file" in many.stderr
    assert "cut.pcap: byte 680: the last packet is cut off" in many.stderr
    counts = [re.findall(r"^(\d+ connections.*|packets: .*)$", done.stderr, re.MULTILINE) for done in (one, many)]
    assert counts[0] == counts[1]
    assert all(path.stat().st_mode & 0o077 == 0 for path in parts(out))
    again = analyse(corpus / "0.pcap", "--scheduler", "local", "--to", out)
    assert again.returncode == 6
    assert "has parts of another analysis; use --force" in again.stderr
    assert analyse(corpus / "0.pcap", "--scheduler", "local", "--to", out, "--force").returncode == 0
    assert len(parts(out)) == 1


# A process that a worker is takes this module in again, where it does nothing.
_IN_SHARES = """
import os, sys
from correlator.cli import corpus
from correlator.cli.main import main

original = corpus.work

def work(task):
    if task.share == {killed}:
        os.kill(os.getpid(), 9)
    return original(task)

if __name__ == "__main__":
    corpus._LARGE, corpus.work = 1000, work
    main(sys.argv[1:])
"""


@pytest.mark.parametrize("killed", [-1, 1])
def test_a_large_file_is_shared(tmp_path: Path, killed: int) -> None:
    """Each task has its share of the connections: together they are those of one. Where one of them cannot be done, or
    has read something else, all is done by one task, and nothing is there twice.
    """  # noqa: D205
    program, out = tmp_path / "program.py", tmp_path / "out"
    program.write_text(_IN_SHARES.format(killed=killed))
    words = ["analyse", str(JESSIE), "--sockets", str(TABLE), "--scheduler", "local", "--to", str(out)]
    env = {**os.environ, "PYTHONPATH": str(CAPTURES.parent)}
    done = subprocess.run(
        [sys.executable, program, *words], capture_output=True, text=True, timeout=100, env=env, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(parts(out)) == (1 if killed == 1 else 1 + JESSIE.stat().st_size // 1000)
    analyse(JESSIE, "--sockets", TABLE, "-q", "--parquet", tmp_path / "one.parquet")
    assert sorted(map(str, rows(*parts(out)))) == sorted(map(str, rows(tmp_path / "one.parquet")))
    alone = analyse(JESSIE, "--sockets", TABLE, "-q")
    assert done.stderr.splitlines()[:-1] == alone.stderr.splitlines()


def test_tables_that_are_damaged(tmp_path: Path) -> None:
    """Are told, once."""
    (tmp_path / "table").write_text(TABLE.read_text() + "tcp 0 0 nonsense nonsense ESTABLISHED -\n")
    words: list[str | Path] = [JESSIE, JESSIE, "--sockets", tmp_path / "table"]
    many = analyse(*words, "--scheduler", "local", "--to", tmp_path / "out")
    one = analyse(*words, "-q")
    assert many.returncode == one.returncode == 4
    assert many.stderr.count("make no sense") == one.stderr.count("make no sense") == 1


@pytest.fixture
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """A scheduler and two workers: processes of their own, as on other machines."""
    started = []
    env = {**os.environ, "PYTHONPATH": str(CAPTURES.parent)}
    dask = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
    ]
    scheduler = subprocess.Popen(dask, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
    started.append(scheduler)
    assert scheduler.stderr
    address = next(match[0] for line in scheduler.stderr if (match := re.search(r"tcp://\S+", line)))
    worker = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        address,
        "--nthreads",
        "1",
        "--no-dashboard",
        "--no-nanny",
    ]
    workers = [subprocess.Popen(worker, stderr=subprocess.DEVNULL, text=True, env=env) for _ in range(2)]
    started += workers
    yield address, workers
    for process in started:
        process.kill()
        process.communicate()


def test_a_worker_that_is_lost(cluster: tuple[str, list[subprocess.Popen[str]]], tmp_path: Path) -> None:
    """Its file is done again by another one; no row is there twice, and none is missing."""
    address, workers = cluster
    folder, out = tmp_path / "corpus", tmp_path / "out"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.pcap").write_bytes(JESSIE.read_bytes()[:24] + JESSIE.read_bytes()[24:] * 15_000)
    run = subprocess.Popen([*ANALYSE, folder, "--scheduler", address, "--to", out], stderr=subprocess.PIPE, text=True)
    while len(parts(out)) < 2:
        assert run.poll() is None
        time.sleep(0.05)
    workers[0].send_signal(signal.SIGKILL)
    _, said = run.communicate(timeout=100)
    assert run.returncode == 0, said
    analyse(folder, "-q", "--parquet", tmp_path / "one.parquet")
    assert rows(*parts(out)) == rows(tmp_path / "one.parquet")
    assert len(parts(out)) == 12
    assert [path for path in out.iterdir() if path not in parts(out)] == []


def test_nobody_answers(tmp_path: Path) -> None:
    """One line, status 3; what another analysis has left stays, though it may be replaced."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "part-000001.parquet").write_text("old")
    done = analyse(JESSIE, "--scheduler", "tcp://127.0.0.1:9", "--to", tmp_path / "out", "--force")
    assert (tmp_path / "out" / "part-000001.parquet").read_text() == "old"
    assert done.returncode == 3
    assert "--scheduler tcp://127.0.0.1:9: " in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--scheduler", "local"],
        ["--to", "x"],
        ["--scheduler", "local", "--to", "x", "--csv", "y"],
        ["--scheduler", "local", "--to", "x", "--merge"],
    ],
)
def test_options_that_do_not_go_together(words: list[str], tmp_path: Path) -> None:
    """One line, status 2."""
    done = subprocess.run(
        [*ANALYSE, JESSIE, *words],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(CAPTURES.parent)},
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run(corpus: Path, tmp_path: Path) -> None:
    """Ends, and leaves no process."""
    (corpus / "large.pcap").write_bytes(JESSIE.read_bytes()[:24] + JESSIE.read_bytes()[24:] * 200_000)
    words = [*ANALYSE, str(corpus), "--scheduler", "local", "--to", str(tmp_path / "out")]
    run = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    while len(parts(tmp_path / "out")) < 2:
        assert run.poll() is None
        time.sleep(0.05)
    children = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=30)
    assert run.returncode == 130, said
    assert "Traceback" not in said
    with contextlib.suppress(psutil.TimeoutExpired):
        psutil.wait_procs(children, timeout=10)
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
