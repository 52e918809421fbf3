"""A corpus of captures on a Dask cluster: the rows of one machine, whatever happens to workers."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from tests.rotated import conversations, files

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


# A process that a worker is takes this module in again, where it does nothing but change what is done there.
_IN_PIECES = """
import os, sys
from correlator.cli.corpus import analysis, command, plan
from correlator.cli.main import main

def work(task):
    if task.part.endswith("-000002.parquet") and {killed}:
        os.kill(os.getpid(), 9)
    return original(task)

original, analysis.work, command.PIECE, plan.LEAST = analysis.work, work, 1000, 0
if __name__ == "__main__":
    main(sys.argv[1:])
"""


def in_pieces(folder: Path, words: Sequence[str | Path], *, killed: bool = False) -> Done:
    """Run a command for which little is much. `killed`: the worker that has the second piece."""
    program = folder / "program.py"
    program.write_text(_IN_PIECES.format(killed=killed))
    env = {**os.environ, "PYTHONPATH": str(CAPTURES.parent)}
    command = [sys.executable, str(program), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, env=env, check=False)


@pytest.mark.parametrize("killed", [False, True])
def test_a_large_file_is_cut(tmp_path: Path, killed: bool) -> None:
    """Each task has a part of it, and together they are the whole; without one that cannot be done the others are told."""
    out = tmp_path / "out"
    words: list[str | Path] = ["analyse", JESSIE, "--sockets", TABLE, "--scheduler", "local", "--to", out]
    done = in_pieces(tmp_path, words, killed=killed)
    pieces = 1 + JESSIE.stat().st_size // 1000
    assert [path for path in out.iterdir() if path not in parts(out)] == []
    if killed:
        assert done.returncode == 4, done.stderr
        assert len(parts(out)) == pieces
        assert re.search(rf"{JESSIE}: from byte 1\d\d\d on: could not be analysed: ", done.stderr)
        return
    assert done.returncode == 0, done.stderr
    assert len(parts(out)) == pieces + 1
    analyse(JESSIE, "--sockets", TABLE, "-q", "--parquet", tmp_path / "one.parquet")
    assert sorted(map(str, rows(*parts(out)))) == sorted(map(str, rows(tmp_path / "one.parquet")))
    alone = analyse(JESSIE, "--sockets", TABLE, "-q")
    assert done.stderr.splitlines()[:-1] == alone.stderr.splitlines()


@pytest.mark.parametrize("url", ["", "file://"])
def test_a_rotated_set(tmp_path: Path, url: str) -> None:
    """Connections that span files are whole; each file is a task's."""
    chance, folder, out = Random(11), tmp_path / "set", tmp_path / "out"
    folder.mkdir()
    for place, content in enumerate(files(conversations(chance, 2000, steps=(1, 1, 900), fragments=0), chance, 12)):
        (folder / f"x.pcap{place}").write_bytes(content)
    one = analyse("--merge", folder, "--sockets", TABLE, "-q", "--parquet", tmp_path / "one.parquet")
    cluster = ["--scheduler", "local", "--to", f"{url}{out}"]
    words: list[str | Path] = ["analyse", "--merge", f"{url}{folder}/*", "--sockets", TABLE, *cluster]
    many = in_pieces(tmp_path, words)
    assert (one.returncode, many.returncode) == (0, 0), many.stderr
    assert len(parts(out)) == 13
    assert [path for path in out.iterdir() if path not in parts(out)] == []
    assert sorted(map(str, rows(*parts(out)))) == sorted(map(str, rows(tmp_path / "one.parquet")))
    assert many.stderr.splitlines()[:-1] == one.stderr.splitlines()


class Storage:
    """A storage like S3, and the interpreter that has what it takes to use it."""

    def __init__(self, python: str, port: int) -> None:
        """On loopback."""
        names = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_DEFAULT_REGION": "us-east-1"}
        there = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "PYTHONPATH": str(CAPTURES.parent)}
        self._python, self._env = python, {**os.environ, **names, **there}

    def run(self, *words: str | Path) -> Done:
        """Run Python."""
        command = [self._python, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=100, env=self._env, check=False)

    def copy(self, source: str | Path, target: str | Path) -> None:
        """Copy a folder, there or from there."""
        code = "import fsspec, sys; files = fsspec.filesystem('s3'); getattr(files, sys.argv[1])(*sys.argv[2:], recursive=True)"
        done = self.run("-c", code, "get" if isinstance(target, Path) else "put", f"{source}/", f"{target}/")
        assert done.returncode == 0, done.stderr


@pytest.fixture
def storage() -> Iterator[Storage]:
    """One with a bucket."""
    python = os.environ.get("CORRELATOR_STORAGE")
    if python is None:
        pytest.skip("CORRELATOR_STORAGE names no Python that has .ci/storage.txt")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = [python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert time.monotonic() < until
            time.sleep(0.1)
        there = Storage(python, port)
        assert there.run("-c", "import fsspec; fsspec.filesystem('s3').mkdir('bucket')").returncode == 0
        yield there
        process.terminate()


@pytest.mark.parametrize("merge", [False, True])
def test_a_storage(storage: Storage, tmp_path: Path, merge: bool) -> None:
    """s3:// in and out: a rotated set on one timeline, or captures by themselves, each cut, with evidence beside one."""
    program, folder, chance = tmp_path / "program.py", tmp_path / "in", Random(12)
    program.write_text(_IN_PIECES.format(killed=False))
    folder.mkdir()
    if merge:
        packets = conversations(chance, 2000, steps=(1, 1, 900), fragments=0)
        for place, content in enumerate(files(packets, chance, 5)):
            (folder / f"x.pcap{place}").write_bytes(content)
    else:
        for name in ("meetings.pcapng", "meetings.sockets.jsonl", "jessie.pcap"):
            (folder / name).write_bytes((CAPTURES / name).read_bytes())
    storage.copy(folder, "bucket/in")
    words: list[str | Path] = [*(["--merge"] if merge else []), "--sockets", TABLE]
    done = storage.run(program, "analyse", *words, "s3://bucket/in", "--scheduler", "local", "--to", "s3://bucket/out")
    assert done.returncode == 0, done.stderr
    storage.copy("bucket/out", tmp_path / "out")
    found = sorted((tmp_path / "out").iterdir())
    assert found == parts(tmp_path / "out")
    assert len(found) > 5
    assert analyse(folder, *words, "-q", "--parquet", tmp_path / "one.parquet").returncode == 0
    assert sorted(map(str, rows(*found))) == sorted(map(str, rows(tmp_path / "one.parquet")))


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
        ["--scheduler", "local", "--to", "x", "--follow"],
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


def test_a_folder_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    """It is that folder, and no other one's files are touched."""
    (tmp_path / "k1").mkdir()
    for name in ("part-000001.parquet", ".aside-x"):
        (tmp_path / "k1" / name).write_text("mine")
    for out in (tmp_path / "k?", tmp_path / "k[1]", tmp_path / "a::b"):
        words: list[str | Path] = ["--merge", JESSIE, CAPTURES / "handshakes.pcap", "--scheduler", "local", "--to", out]
        assert analyse(*words).returncode == 0
        again = analyse(*words)
        assert (again.returncode, "has parts of another analysis" in again.stderr) == (6, True)
        assert [path for path in out.iterdir() if path not in parts(out)] == []
    assert [path.read_text() for path in (tmp_path / "k1").iterdir()] == ["mine", "mine"]


def test_what_runs_that_were_killed_have_left(tmp_path: Path) -> None:
    """Goes with the old parts."""
    (tmp_path / "out").mkdir()
    for name in ("part-000007.parquet", ".aside-12.new", ".aside-34-000001-rows"):
        (tmp_path / "out" / name).write_text("old")
    assert analyse(JESSIE, "--scheduler", "local", "--to", tmp_path / "out", "--force").returncode == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["part-000001.parquet"]


@pytest.mark.parametrize("verdict", ["no-socket", "ipv4-on-af_inet6"])
def test_fail_on(tmp_path: Path, verdict: str) -> None:
    """The status is that of one machine."""
    words: list[str | Path] = [JESSIE, "--fail-on", verdict]
    tables: list[list[str | Path]] = [[], ["--sockets", TABLE]]
    for number, table in enumerate(tables):
        alone = analyse(*words, *table, "-q")
        many = analyse(*words, *table, "--scheduler", "local", "--to", tmp_path / str(number))
        assert many.returncode == alone.returncode


def test_what_comes_once(tmp_path: Path) -> None:
    """A pipe among captures that are read twice, or for a table: one line says so."""
    os.mkfifo(tmp_path / "pipe")
    cluster: list[str | Path] = ["--scheduler", "local", "--to", tmp_path / "out"]
    asked: list[list[str | Path]] = [["--merge", JESSIE, tmp_path / "pipe"], [JESSIE, "--sockets", tmp_path / "pipe"]]
    for words in asked:
        done = analyse(*words, *cluster)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "it is no file" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system needs root")
@pytest.mark.parametrize("merge", [False, True])
def test_a_target_that_is_full(tmp_path: Path, merge: bool) -> None:
    """Status 6, the reason, and no capture is blamed; what tasks have begun is not left there."""
    (tmp_path / "in").mkdir()
    chance = Random(3)
    for place, content in enumerate(files(conversations(chance, 40_000, steps=(1, 1, 3000), fragments=0), chance, 8)):
        (tmp_path / "in" / f"x.pcap{place}").write_bytes(content)
    words = ["analyse", *(["--merge"] if merge else []), str(tmp_path / "in"), "--scheduler", "local", "--to"]
    command = " ".join([sys.executable, "-m", "correlator", *words, str(tmp_path / "full" / "out")])
    (tmp_path / "full").mkdir()
    script = f"mount -t tmpfs -o size=100k none {tmp_path}/full; {command}; echo status $?; ls -A {tmp_path}/full/out"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=100, check=False
    )
    told = done.stdout.split("\n")
    assert told[0] == "status 6", done
    assert all(name.startswith("part-") for name in told[1:] if name)
    assert "No space left on device" in done.stderr
    assert "could not be analysed" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_terminal_that_is_interrupted(tmp_path: Path, number: int) -> None:
    """All processes get the signal: nothing but the end is told, and nothing is left in the folder but parts."""
    (tmp_path / "in").mkdir()
    for place in range(6):
        content = JESSIE.read_bytes()[:24] + JESSIE.read_bytes()[24:] * 60_000
        (tmp_path / "in" / f"{place}.pcap").write_bytes(content)
    words = [*ANALYSE, str(tmp_path / "in"), "--merge", "--scheduler", "local", "--to", str(tmp_path / "out")]
    run = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not list(tmp_path.glob("out/.aside-*")):
        assert run.poll() is None
        time.sleep(0.02)
    os.killpg(run.pid, number) if number == signal.SIGINT else run.send_signal(number)
    _, said = run.communicate(timeout=30)
    assert run.returncode == 130, said
    assert "Traceback" not in said
    assert [path for path in (tmp_path / "out").iterdir() if path not in parts(tmp_path / "out")] == []


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
