"""`correlator repair`: files that end anywhere."""

import contextlib
import fcntl
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from correlator.cli.repair import _one
from correlator.report.read import MAX_LINE

CAPTURES = Path(__file__).resolve().parents[3] / "captures"
FORMS = (".csv", ".jsonl", ".sockets.jsonl", ".pcapng", ".pcap")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> "Files":
    """What a run writes, by suffix, and a capture of tcpdump's."""
    folder = tmp_path_factory.mktemp("run")
    run("analyse", CAPTURES / "meetings.pcapng", "-q", "-w", folder / "x")
    found = {path.name[1:]: path.read_bytes() for path in folder.iterdir()}
    found[".sockets.jsonl"] = (CAPTURES / "meetings.sockets.jsonl").read_bytes()
    found[".pcap"] = (CAPTURES / "handshakes.pcap").read_bytes()
    return Files({suffix: found[suffix] for suffix in FORMS})


class Files(dict[str, bytes]):
    """Contents by suffix: too long to be shown."""

    def __repr__(self) -> str:
        return "Files"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command."""
    command = [sys.executable, "-m", "correlator", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def records(suffix: str, data: bytes) -> int:
    """How many whole records some bytes begin with, found another way: by their lines, or their lengths."""
    if suffix not in {".pcapng", ".pcap"}:
        return data.count(b"\n")
    at, found = 24 if suffix == ".pcap" else 0, 0
    while at + 12 <= len(data):
        step = int.from_bytes(data[at + 4 : at + 8], "little")
        if suffix == ".pcap":
            step = 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        if at + step > len(data):
            break
        at, found = at + step, found + 1
    return found


@given(share=st.integers(0, 1 << 16))
@pytest.mark.parametrize("suffix", FORMS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_a_file_that_ends_anywhere(suffix: str, files: Files, tmp_path: Path, share: int) -> None:
    """All its whole records stay, nothing else does, and what was cut off is told; then it is whole."""
    whole, path = files[suffix], tmp_path / f"x{suffix}"
    least = max(30, whole.index(b"\n") + 1)
    end = least + (len(whole) - least) * share // (1 << 16)
    path.write_bytes(whole[:end])
    beside = tmp_path / f"x{suffix}.cut"
    beside.unlink(missing_ok=True)
    dry, _ = repaired(path, dry_run=True)
    assert path.read_bytes() == whole[:end]
    status, said = repaired(path)
    left = path.read_bytes()
    assert status == dry
    assert whole.startswith(left)
    assert records(suffix, left) == records(suffix, whole[:end])
    lost = end - len(left)
    assert (beside.read_bytes() if lost else b"") == whole[len(left) : end]
    assert (f"; {lost} bytes of a record that is not whole cut off behind byte {len(left)}" in said) == (lost > 0)
    status, said = repaired(path)
    assert path.read_bytes() == left
    assert said.endswith(("; whole\n", "; the run did not come to its end, so its counters are missing\n"))
    assert status == (0 if said.endswith("whole\n") else 4)


def repaired(path: Path, *, dry_run: bool = False) -> tuple[int, str]:
    """The status for a file, and what is said of it."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        return _one(str(path), dry_run=dry_run), said.getvalue()


def test_what_readers_say_of_a_cut_file_they_do_not_say_of_a_repaired_one(files: Files, tmp_path: Path) -> None:
    """Status 4 before, 0 afterwards."""
    path = tmp_path / "x.pcapng"
    path.write_bytes(files[".pcapng"][:-5])
    assert run("analyse", path).returncode == 4
    done = run("repair", path)
    assert (done.returncode, done.stderr) == (4, "")
    assert run("analyse", path).returncode == 0


def test_what_is_no_file_of_ours(files: Files, tmp_path: Path) -> None:
    """A line for each, and nothing is changed."""
    (tmp_path / "foreign.csv").write_text("a,b\r\n1,2\r\n3")
    (tmp_path / "damaged.pcapng").write_bytes(files[".pcapng"][:400] + b"\xff" * 400_000)
    (tmp_path / "link").symlink_to(tmp_path / "damaged.pcapng")
    os.mkfifo(tmp_path / "pipe")
    names = ["foreign.csv", "damaged.pcapng", "link", "pipe", "missing", "."]
    before = [path.stat().st_size for path in sorted(tmp_path.iterdir())]
    done = run("repair", *(tmp_path / name for name in names))
    assert done.returncode == 3
    assert done.stdout == ""
    reasons = [line.rpartition(f"{tmp_path}")[2].partition(": ")[2] for line in done.stderr.splitlines()]
    assert reasons[0] == "not a file that correlator writes: .pcapng, .jsonl, .sockets.jsonl or .csv"
    assert reasons[1].startswith("byte ")
    assert reasons[1].endswith("this is no record that was cut off")
    assert reasons[2:] == [
        "Too many levels of symbolic links",
        "is no regular file",
        "No such file or directory",
        "is no regular file",
    ]
    assert [path.stat().st_size for path in sorted(tmp_path.iterdir())] == before


def test_what_is_not_ours_is_left_as_it_is(files: Files, tmp_path: Path) -> None:
    """JSON of others, a table with other ends of lines, a length that is wrong, a file that another program writes."""
    table = files[".csv"].split(b"\r\n", 1)
    cases = {
        "geo.json": b'{"type":"FeatureCollection","features":[1,2,3]}',
        "list.jsonl": b'{"type":"run"}\n{"type":["x"]}\n',
        "lf.csv": table[0] + b"\r\n" + table[1].replace(b"\r\n", b"\n"),
        "header.csv": files[".csv"][:40],
        "no-end.jsonl": files[".jsonl"][:-1],
        "block.pcapng": files[".pcapng"] + (0xBAD).to_bytes(4, "little") + b"\xf0\xff\xff\xff" + b"x" * 500_000,
    }
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        run("repair", tmp_path / name)
        assert (tmp_path / name).read_bytes() == data, name
    path = tmp_path / "grow.pcap"
    path.write_bytes(files[".pcap"][:-3])
    with path.open("ab"):
        done = run("repair", path)
        assert (done.returncode, done.stderr) == (3, f"correlator: {path}: it is being written just now\n")
    assert run("repair", path).returncode == 4
    path.write_bytes(files[".pcap"][:-3])
    assert run("repair", path).returncode == 6  # what was cut off before is kept
    assert path.read_bytes() == files[".pcap"][:-3]


@pytest.mark.parametrize("zeros", [16, 4096, 1_000_003])
@pytest.mark.parametrize("cut", [0, 5])
@pytest.mark.parametrize("suffix", FORMS)
def test_zeros_where_the_machine_went_down(suffix: str, cut: int, zeros: int, files: Files, tmp_path: Path) -> None:
    """A file system had made the room, and not filled it: they are no records, however many there are."""
    path = tmp_path / f"x{suffix}"
    path.write_bytes(files[suffix][: len(files[suffix]) - cut] + bytes(zeros))
    whole = files[suffix]
    status, said = repaired(path)
    left = path.read_bytes()
    assert status == 4
    if cut and suffix == ".pcap":  # the zeros end the record: its length says so, and nothing else does
        assert left.rstrip(b"\0") == whole[:-cut].rstrip(b"\0")
        return
    assert records(suffix, left) == records(suffix, whole[: len(whole) - cut])
    assert whole.startswith(left)
    assert said.endswith(("\n", "missing\n"))


def test_an_empty_capture_with_zeros_behind(files: Files, tmp_path: Path) -> None:
    """Its header is all that it has."""
    path = tmp_path / "x.pcap"
    path.write_bytes(files[".pcap"][:24] + bytes(4096))
    assert repaired(path)[0] == 4
    assert path.read_bytes() == files[".pcap"][:24]


def test_a_file_that_cannot_be_changed(tmp_path: Path) -> None:
    """An output that fails, not an input: the kernel lets nobody write to a program that runs (ETXTBSY)."""
    path = tmp_path / "sleep"
    path.write_bytes(Path("/bin/sleep").read_bytes())
    path.chmod(0o700)
    with subprocess.Popen([path, "60"]) as program:
        done = run("repair", path)
        assert done.returncode == 6
        assert done.stderr.endswith("cannot be changed: Text file busy (--dry-run says what it holds)\n")
        program.kill()


def test_a_file_that_is_being_written(files: Files, tmp_path: Path) -> None:
    """Whoever writes it holds a lock."""
    path = tmp_path / "x.csv"
    path.write_bytes(files[".csv"][:-3])
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = run("repair", path)
        assert (done.returncode, done.stderr) == (3, f"correlator: {path}: it is being written just now\n")
    assert run("repair", path).returncode == 4


def test_a_line_without_an_end(tmp_path: Path, files: Files) -> None:
    """Takes no memory."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(files[".jsonl"] + b"x" * (3 * MAX_LINE))
    assert run("repair", path).returncode == 4
    assert path.read_bytes() == files[".jsonl"]
