"""The folder of findings: each batch once."""

import fcntl
import gzip
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from correlator.fleet.batch import Batches, Part, findings_of
from correlator.fleet.store import Store, StoreError
from tests.ends import changed
from tests.play import START
from tests.scenes import the_case

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: the extra `fleet`")

DAY = 86_400_000_000_000


def batch(*processes: str, host: str = "web1", at: int = START) -> tuple[str, bytes]:
    """The name and the bytes of one, with a finding for each process, a day after the other."""
    made = Batches()
    made.begin({"host": host})
    for number, process in enumerate(processes):
        finding = the_case(process)
        made.add([replace(finding, connection=changed(finding.connection, opened_at=at + number * DAY))])
    (cut,) = made.cut()
    return cut.name, cut.pack()


def processes(folder: Path) -> list[str]:
    """Those of all findings that are there."""
    return sorted(
        name for path in folder.glob("day=*/*/*.parquet") for name in pq.read_table(path).column("process").to_pylist()
    )


def test_by_day_and_host(tmp_path: Path) -> None:
    """A file for each that batches are of; a host's name is no path."""
    store = Store(str(tmp_path / "dir"))
    taken = store.take(dict([batch("a", "b"), batch("c", host="../x"), batch("d", host=".."), batch("e")]))
    assert (taken.findings, taken.files, taken.again, taken.refused) == (5, 4, 0, {})
    found = sorted(str(path.parent.relative_to(tmp_path)) for path in tmp_path.glob("dir/day=*/*/*"))
    day = found[0].split("/")[1]
    assert found[:3] == [f"dir/{day}/%2E.", f"dir/{day}/%2E.%2Fx", f"dir/{day}/web1"]
    assert found[3] > found[2]
    assert found[3].endswith("/web1")
    (path,) = (tmp_path / found[2]).iterdir()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    table = pq.read_table(path)
    assert table.column("host").to_pylist() == ["web1", "web1"]
    assert table.column("process").to_pylist() == ["a", "e"]
    names = json.loads(pq.read_metadata(path).metadata[b"correlator.batches"])
    assert names == sorted([batch("a", "b")[0], batch("e")[0]])


def test_nothing_is_taken_twice(tmp_path: Path) -> None:
    """By this store, by another one, with others or alone."""
    one, other, third = batch("a"), batch("b"), batch("c")
    store, later = Store(str(tmp_path)), Store(str(tmp_path))
    assert store.take(dict([one])).findings == 1
    assert store.take(dict([one])).again == 1
    taken = later.take(dict([one, other]))
    assert (taken.findings, taken.files, taken.again) == (1, 1, 1)
    taken = store.take(dict([other, third, one]))
    assert (taken.findings, taken.files, taken.again) == (1, 1, 2)
    assert processes(tmp_path) == ["a", "b", "c"]


def test_a_kill_between_two_days(tmp_path: Path) -> None:
    """Of a batch that is of two days the one that is missing is put there when it comes again."""
    store, both = Store(str(tmp_path)), batch("a", "b")
    store.take(dict([both]))
    lost = sorted(tmp_path.glob("day=*/*/*"))[1]
    lost.unlink()
    assert processes(tmp_path) == ["a"]
    again = Store(str(tmp_path))
    taken = again.take(dict([both]))
    assert (taken.findings, taken.again) == (1, 1)
    assert processes(tmp_path) == ["a", "b"]


def test_stores_at_once(tmp_path: Path) -> None:
    """Processes that bring the same at the same time: each batch is there once, and nothing is left over."""
    code = (
        "import sys; from tests.unit.fleet.test_store import batch; from correlator.fleet.store import Store\n"
        "store = Store(sys.argv[1])\n"
        "for number in range(0, 30, 3): store.take(dict(batch(f'p{n % 27}') for n in range(number, number + 5)))"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(4)]
    assert [process.wait(timeout=60) for process in running] == [0] * 4
    assert processes(tmp_path) == sorted(f"p{number}" for number in range(27))
    assert list((tmp_path / ".incoming").iterdir()) == []


def test_what_is_none_is_refused(tmp_path: Path) -> None:
    """And costs the others nothing."""
    taken = Store(str(tmp_path)).take({"x": b"hello", **dict([batch("a")])})
    assert taken.findings == 1
    assert list(taken.refused) == ["x"]


def test_what_a_killed_collector_had_begun_is_removed(tmp_path: Path) -> None:
    """Not what another one is writing."""
    Store(str(tmp_path)).close()
    (tmp_path / ".incoming" / "stale").write_text("")
    (tmp_path / ".incoming" / "mine").write_text("")
    with (tmp_path / ".incoming" / "mine").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        Store(str(tmp_path)).close()
    assert [path.name for path in (tmp_path / ".incoming").iterdir()] == ["mine"]


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    """One line says which and why."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/\.incoming: Not a directory"):
        Store(str(tmp_path / "file"))
    store = Store(str(tmp_path / "dir"))
    store.take(dict([batch("a")]))
    (path,) = tmp_path.glob("dir/day=*/*/*")
    path.write_bytes(b"PAR1 and so on")
    with pytest.raises(StoreError, match="no Parquet file of ours"):
        Store(str(tmp_path / "dir")).take(dict([batch("b")]))
    path.unlink()
    os.rmdir(path.parent)
    path.parent.write_text("")
    with pytest.raises(StoreError, match="web1: "):
        Store(str(tmp_path / "dir")).take(dict([batch("b")]))


@pytest.mark.parametrize("host", ["a" * 300, "é" * 100, "x\ud800", "\0", "a/" * 200, "day=1", ""])
def test_hosts_of_any_name(tmp_path: Path, host: str) -> None:
    """Each has a folder, which is no other's, and its name in the rows."""
    store = Store(str(tmp_path))
    assert store.take(dict([batch("a", host=host), batch("b", host=host + "1")])).findings == 2
    files = list(tmp_path.glob("day=*/*/*.parquet"))
    assert len({path.parent for path in files}) == 2
    told = {name for path in files for name in pq.read_table(path).column("host").to_pylist()}
    named = {name.encode("utf-8", "backslashreplace").decode() for name in (host or "unknown", host + "1")}
    assert told == named


def test_findings_that_no_run_makes(tmp_path: Path) -> None:
    """Are left out and counted; the others of the batch are there, and nothing is where there are none."""
    run = json.dumps({"type": "run", "host": "web1"})
    good = json.dumps({"type": "finding", "process": "java", "opened_at": "2026-01-01T00:00:00.000000000Z"})
    bad: list[dict[str, object]] = [
        {"opened_at": "9999-01-01T00:00:00.000000000Z"},
        {"opened_at": "2026-01-01T00:00:00.000000000Z", "server_port": 70000},
        {"opened_at": "2026-01-01T00:00:00.000000000Z", "leg": 7},
    ]
    lines = [json.dumps({"type": "finding", **one}) for one in bad]
    taken = Store(str(tmp_path)).take({"x": gzip.compress("\n".join([run, good, *lines]).encode())})
    assert (taken.findings, taken.left_out, taken.files) == (1, 3, 1)
    assert processes(tmp_path) == ["java"]
    taken = Store(str(tmp_path)).take({"y": gzip.compress("\n".join([run, *lines]).encode())})
    assert (taken.findings, taken.left_out, taken.files) == (0, 3, 0)


def test_parts_of_batches(tmp_path: Path) -> None:
    """A server that takes less at once gets halves: whatever comes before what, each finding is there once."""
    name, data = batch(*"abcdefgh")
    whole = Part(name, 0, 8, data)
    one, other = whole.halves()
    quarters = [*one.halves(), *other.halves()]
    sent = {part.name: part.data for part in (one, other, *quarters)} | {name: data}
    chance = Random(1)
    for number in range(20):
        store = Store(str(tmp_path / str(number)))
        order = chance.sample(list(sent), chance.randrange(1, 8))
        order.append(chance.choice([name, *order]))
        expected = {process for key in order for process in "abcdefgh"[findings_of(key)[1] : findings_of(key)[2]]}
        while order:
            some = chance.randrange(1, 4)
            store.take({key: sent[key] for key in order[:some]})
            order = order[some:]
        assert processes(tmp_path / str(number)) == sorted(expected)


def test_files_that_are_none(tmp_path: Path) -> None:
    """A FIFO, a folder and a link of such a name keep nobody waiting."""
    store = Store(str(tmp_path))
    store.take(dict([batch("a")]))
    (path,) = tmp_path.glob("day=*/*/*.parquet")
    os.mkfifo(path.with_name("x.parquet"))
    path.with_name("y.parquet").mkdir()
    path.with_name("z.parquet").symlink_to("/dev/zero")
    assert Store(str(tmp_path)).take(dict([batch("a")])).again == 1
    assert processes(path.parent.parent.parent.joinpath("none")) == []
