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


def test_a_large_file_is_shared(tmp_path: Path) -> None:
    """Each task has its share of the connections: together they are those of one."""
    code = (
        "import sys; from correlator.cli import corpus\n"
        "corpus._LARGE = 1000\n"
        "from correlator.cli.main import main\nmain(sys.argv[1:])"
    )
    if __name__ == "__main__":  # what a worker imports
        return
    words = ["analyse", str(JESSIE), "--sockets", str(TABLE), "--scheduler", "local", "--to", str(tmp_path / "out")]
    program = tmp_path / "program.py"
    program.write_text(f"if __name__ == '__main__':\n    {code.replace(chr(10), chr(10) + '    ')}\n")
    done = subprocess.run(
        [sys.executable, program, *words],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=CAPTURES.parent,
        env={**os.environ, "PYTHONPATH": "."},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(parts(tmp_path / "out")) > 3
    analyse(JESSIE, "--sockets", TABLE, "-q", "--parquet", tmp_path / "one.parquet")
    assert sorted(map(str, rows(*parts(tmp_path / "out")))) == sorted(map(str, rows(tmp_path / "one.parquet")))
    assert done.stderr.splitlines()[0] == analyse(JESSIE, "--sockets", TABLE, "-q").stderr.splitlines()[0]


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
    """One line, status 3."""
    done = analyse(JESSIE, "--scheduler", "tcp://127.0.0.1:9", "--to", tmp_path / "out")
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
