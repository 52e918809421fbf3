"""The commands as a user runs them: statuses, one line an error, no traceback."""

import bz2
import contextlib
import csv
import gzip
import json
import lzma
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import psutil
import pytest

from tests.frames import ethernet, interface, ipv4, pcap_header, pcap_record, section, tcp

CAPTURES = Path(__file__).resolve().parents[3] / "captures"
JESSIE = CAPTURES / "jessie.pcap"
TABLE = CAPTURES / "jessie.netstat.txt"

Done = subprocess.CompletedProcess[str]


def correlator(*arguments: str | Path, stdin: bytes | None = None) -> Done:
    """Run the command."""
    command = [sys.executable, "-m", "correlator", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, input=stdin, timeout=20, check=False)
    result = subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in result.stderr, result.stderr
    return result


def errors(done: Done) -> list[str]:
    """The lines that say what is wrong."""
    return [line for line in done.stderr.splitlines() if line.startswith("correlator: ")]


def rows(done: Done) -> list[dict[str, str]]:
    """The CSV on standard output."""
    return list(csv.DictReader(done.stdout.splitlines()))


SYN = pcap_record(ethernet(ipv4(tcp())))


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A folder of captures that are not as they should be."""
    whole = JESSIE.read_bytes()
    (tmp_path / "cut.pcap").write_bytes(whole[:-5])
    (tmp_path / "wrong.pcap").write_bytes(b"PK\3\4" + whole[4:])
    (tmp_path / "empty.pcap").write_bytes(b"")
    (tmp_path / "short.pcap").write_bytes(whole[:3])
    (tmp_path / "folder.pcap").mkdir()
    (tmp_path / "head.pcap").write_bytes(whole[:20])
    (tmp_path / "magic.pcapng").write_bytes(bytes.fromhex("0a0d0d0a"))
    (tmp_path / "lying.pcap").write_bytes(pcap_header() + SYN + b"\xff" * 32)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "status", "words", "connections"),
    [
        ("cut.pcap", 4, "byte 5189: the last packet is cut off", 15),
        ("lying.pcap", 4, "claims 4294967295 bytes", 1),
        ("wrong.pcap", 3, "not a pcap or pcapng file (it begins with 50 4b 03 04)", 0),
        ("empty.pcap", 3, "it is empty", 0),
        ("short.pcap", 3, "too short", 0),
        ("head.pcap", 3, "the file header is cut off", 0),
        ("magic.pcapng", 3, "the last block is cut off", 0),
        ("folder.pcap", 3, "a folder without captures", 0),
        ("missing.pcap", 3, "No such file", 0),
    ],
)
def test_damaged_captures(damaged: Path, name: str, status: int, words: str, connections: int) -> None:
    """One line that says what and where, the right status, and what was intact."""
    done = correlator("analyse", damaged / name, "--csv", "-")
    assert done.returncode == status
    (error,) = errors(done)
    assert words in error
    assert name in error
    assert len(rows(done)) == connections


def test_one_bad_file_of_several(damaged: Path) -> None:
    """The others are reported; the status says that something was damaged."""
    done = correlator("analyse", damaged / "wrong.pcap", JESSIE, damaged / "empty.pcap", "--csv", "-")
    assert done.returncode == 4
    assert len(rows(done)) == 15
    assert len(errors(done)) == 2


def test_a_folder(tmp_path: Path) -> None:
    """Its captures, in order of their names; connections are numbered on."""
    for name in ("b.pcap", "a.pcap"):
        (tmp_path / name).write_bytes(JESSIE.read_bytes())
    (tmp_path / "notes.txt").write_text("no capture")
    done = correlator("analyse", tmp_path, "--sockets", TABLE, "--csv", "-")
    assert done.returncode == 0
    assert [row["verdict"] for row in rows(done)].count("ipv4-on-af_inet6") == 6
    assert "30 connections" in done.stderr


def test_standard_input() -> None:
    """A capture on a pipe."""
    done = correlator("analyse", "-", "--csv", "-", stdin=JESSIE.read_bytes())
    assert (done.returncode, len(rows(done))) == (0, 15)


def test_fail_on() -> None:
    """Status 1 where a verdict is found, 0 where it is not."""
    command = ("analyse", JESSIE, "--sockets", TABLE, "-q")
    assert correlator(*command, "--fail-on", "ipv4-on-af_inet6").returncode == 1
    assert correlator(*command, "--fail-on", "anomaly").returncode == 0


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--verdict", "ipv4-on-af_inet6"], 3),
        (["--verdict", "ipv4-on-af_inet6", "--verdict", "no-socket"], 4),
        (["--port", "4243"], 1),
        (["--port", "443", "--process", "java"], 2),
        (["--pid", "1400"], 3),
        (["--pid", "99"], 0),
    ],
)
def test_selection(options: list[str], count: int) -> None:
    """Every output has the selected findings."""
    done = correlator("analyse", JESSIE, "--sockets", TABLE, "--csv", "-", *options)
    assert len(rows(done)) == count


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["analyse"],
        ["analyse", "x", "--verdict", "maybe"],
        ["analyse", "x", "--csv", "-", "--jsonl", "-"],
        ["analyse", str(JESSIE), "--csv", "same", "--jsonl", "./same"],
        ["analyse", ""],
        ["analyse", str(JESSIE), "--csv", ""],
        ["analyse", str(JESSIE), "-w", "."],
        ["analyse", str(JESSIE), "--pid", "-5"],
        ["live", "-i", "lo", "--duration", "nan"],
        ["export", "x", "--csv", "-", "--jsonl", "-"],
        ["sockets", "--save", "x", "--port", "1"],
        ["live"],
        ["live", "-i", "nowhere0"],
        ["live", "-i", "lo", "--duration", "0"],
        ["export", str(JESSIE)],
        ["sockets", "--watch"],
        ["sockets", "--sort", "colour"],
        ["explain", "nothing"],
        ["analyse", "--nonsense"],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    """Status 2, with a word on what is wrong."""
    done = correlator(*arguments)
    assert done.returncode == 2
    assert done.stderr


@pytest.mark.parametrize("text", ["no table", ""])
def test_tables_that_are_none(tmp_path: Path, text: str) -> None:
    """Said at once: an analysis without its table would answer another question."""
    path = tmp_path / "t"
    path.write_text(text)
    done = correlator("analyse", JESSIE, "--sockets", path)
    assert done.returncode == 3
    assert "not a socket table" in done.stderr
    assert correlator("analyse", JESSIE, "--sockets", tmp_path / "missing").returncode == 3


def test_rows_that_make_no_sense_are_told(tmp_path: Path) -> None:
    """The others are used; status 4."""
    path = tmp_path / "t"
    path.write_text(TABLE.read_text() + "tcp6 what is this\n")
    done = correlator("analyse", JESSIE, "--sockets", path, "--csv", "-")
    assert done.returncode == 4
    assert "1 rows of this netstat table make no sense" in done.stderr
    assert sum(row["verdict"] == "ipv4-on-af_inet6" for row in rows(done)) == 3


def test_outputs(tmp_path: Path) -> None:
    """-w writes them all; the table is on standard output, the summary on standard error."""
    done = correlator("analyse", JESSIE, "--sockets", TABLE, "-w", tmp_path / "out", "--jsonl", tmp_path / "more.jsonl")
    assert done.returncode == 0
    assert "ipv4-on-af_inet6" in done.stdout
    assert "15 connections" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"out.pcapng", "out.csv", "out.jsonl", "out.txt", "more.jsonl"}
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert (lines[0]["type"], lines[-1]["type"], len(lines)) == ("run", "counters", 17)
    assert lines[-1]["packets"] == 72
    again = correlator("analyse", JESSIE, "--csv", tmp_path / "out.csv")
    assert again.returncode == 6
    assert errors(again) == [f"correlator: {tmp_path}/out.csv: exists; use --force to overwrite it"]


def test_an_output_that_fails(tmp_path: Path) -> None:
    """A full disk: status 6 and one line; the other outputs are complete."""
    good = tmp_path / "good.jsonl"
    done = correlator("analyse", JESSIE, "--csv", "/dev/full", "--jsonl", good, "--force")
    assert done.returncode == 6
    assert errors(done) == ["correlator: /dev/full: No space left on device"]
    assert len(good.read_text().splitlines()) == 17


@pytest.mark.parametrize(
    "command",
    [
        *(f"analyse {JESSIE} -q {option} OUT" for option in ("--csv", "--jsonl", "--html")),
        *(f"export REPORT {option} OUT" for option in ("--csv", "--jsonl", "--html")),
        "sockets --save OUT",
    ],
)
@pytest.mark.parametrize("fault", ["disk full", "I/O error"])
def test_each_output_that_fails(command: str, fault: str, tmp_path: Path) -> None:
    """One line that says which and why, status 6. The I/O error is that of a terminal whose other end is gone."""
    report = tmp_path / "report.jsonl"
    correlator("analyse", JESSIE, "-q", "--jsonl", report)
    out, reason = "/dev/full", "No space left on device"
    if fault == "I/O error":
        master, slave = pty.openpty()
        termios.tcflow(slave, termios.TCOOFF)  # it takes nothing
        out, reason = os.ttyname(slave), "Input/output error"
    words = [
        sys.executable,
        "-m",
        "correlator",
        *command.replace("OUT", out).replace("REPORT", str(report)).split(),
        "--force",
    ]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if fault == "I/O error":
        while out not in _open_files(process.pid):
            assert process.poll() is None
            time.sleep(0.01)
        os.close(slave)
        os.close(master)
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said
    assert process.returncode == 6
    assert said.splitlines()[-1] == f"correlator: {out}: {reason}"


def _open_files(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                found.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    return found


def test_an_output_that_cannot_be_opened(tmp_path: Path) -> None:
    """Said before the work begins, and nothing is left of the others."""
    for command in (("analyse", JESSIE), ("live", "-i", "lo"), ("export", JESSIE)):
        done = correlator(*command, "--jsonl", tmp_path / "good", "--csv", tmp_path / "nowhere" / "x.csv")
        assert done.returncode in {5, 6}
        assert list(tmp_path.iterdir()) == []


def test_an_input_is_never_an_output(tmp_path: Path) -> None:
    """Not even with --force, by whatever name."""
    capture = tmp_path / "x.pcapng"
    capture.write_bytes((CAPTURES / "meetings.pcapng").read_bytes())
    (tmp_path / "hard").hardlink_to(capture)
    for name in (capture, tmp_path / "hard", tmp_path / "." / "x.pcapng"):
        done = correlator("analyse", capture, "--csv", name, "--force")
        assert done.returncode == 2
        assert "is the input" in done.stderr
    assert correlator("analyse", capture, "-w", tmp_path / "x", "--force").returncode == 2
    assert capture.read_bytes() == (CAPTURES / "meetings.pcapng").read_bytes()


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">/dev/full"])
@pytest.mark.parametrize("command", [f"analyse {JESSIE}", f"analyse {JESSIE} --csv -", "sockets", "analyse -"])
def test_standard_streams_that_are_closed(closed: str, command: str) -> None:
    """No traceback, whatever is missing."""
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m correlator {command} {closed}"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if "full" in closed and command != "analyse -":
        assert done.returncode == 6


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full", "2>&1 >/dev/null | true"])
def test_a_dead_standard_error_costs_no_output(tmp_path: Path, closed: str) -> None:
    """The files are complete, and the status is what it would have been."""
    command = (
        f"{sys.executable} -m correlator analyse {JESSIE} -q -w {tmp_path / 'x'} {closed}; exit ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0
    assert len((tmp_path / "x.jsonl").read_text().splitlines()) == 17
    assert "15 connections" in (tmp_path / "x.txt").read_text()


def test_the_evidence_beside_a_capture_is_never_an_output(tmp_path: Path) -> None:
    """It is read by itself, and protected as what is named."""
    evidence = tmp_path / "m.sockets.jsonl"
    (tmp_path / "m.pcapng").write_bytes((CAPTURES / "meetings.pcapng").read_bytes())
    evidence.write_bytes((CAPTURES / "meetings.sockets.jsonl").read_bytes())
    for command in ("analyse", "export"):
        done = correlator(command, tmp_path / "m.pcapng", "--csv", evidence, "--force")
        assert done.returncode == 2
    assert evidence.read_bytes() == (CAPTURES / "meetings.sockets.jsonl").read_bytes()


def test_evidence_beside_a_capture_that_is_damaged(tmp_path: Path) -> None:
    """The capture is analysed without it, and the others with theirs; status 4."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.pcapng").write_bytes((CAPTURES / "meetings.pcapng").read_bytes())
    (tmp_path / "a.sockets.jsonl").write_text("garbage")
    (tmp_path / "b.sockets.jsonl").write_bytes((CAPTURES / "meetings.sockets.jsonl").read_bytes())
    done = correlator("analyse", tmp_path, "--csv", "-")
    assert done.returncode == 4
    assert "analysed without it" in done.stderr
    verdicts = [row["verdict"] for row in rows(done)]
    assert (verdicts.count("no-socket"), verdicts.count("ipv4-on-af_inet6")) == (4, 2)


def test_compressed_captures(tmp_path: Path) -> None:
    """They are read as they are, in a folder too; one that is cut off is reported up to there."""
    data, expected = JESSIE.read_bytes(), correlator("analyse", JESSIE, "--csv", "-").stdout
    (tmp_path / "x.pcap.gz").write_bytes(gzip.compress(data))
    (tmp_path / "x.sockets.jsonl").write_bytes((CAPTURES / "meetings.sockets.jsonl").read_bytes())
    assert correlator("analyse", tmp_path, "--csv", "-").stdout == expected
    for name, made in (("x.xz", lzma.compress(data)), ("x.bz2", bz2.compress(data))):
        (tmp_path / name).write_bytes(made)
        assert correlator("analyse", tmp_path / name, "--csv", "-").stdout == expected
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(data)[:-9])
    done = correlator("analyse", cut, "--csv", "-")
    assert done.returncode == 4
    assert "the gzip data are cut off; what came before it is reported" in done.stderr


def halves(folder: Path) -> tuple[Path, Path]:
    """A capture in two files, cut in the middle of a handshake."""
    data, at = JESSIE.read_bytes(), 24
    for _ in range(2):
        at += 16 + int.from_bytes(data[at + 8 : at + 12], "little")
    first, second = folder / "x.pcap", folder / "x.pcap1"
    first.write_bytes(data[:at])
    second.write_bytes(data[:24] + data[at:])
    return first, second


def test_captures_on_one_timeline(tmp_path: Path) -> None:
    """A rotated set gives what the whole capture gives, in whatever order it is named."""
    first, second = halves(tmp_path)
    expected = correlator("analyse", JESSIE, "--csv", "-").stdout
    for names in ((first, second), (second, first), (tmp_path,), (tmp_path / "x.pcap*",)):
        assert correlator("analyse", "--merge", *names, "--csv", "-").stdout == expected
    assert correlator("analyse", first, second, "--csv", "-").stdout != expected
    (tmp_path / "bad.pcap").write_bytes(b"no capture")
    done = correlator("analyse", "--merge", tmp_path, "--csv", "-")
    assert (done.returncode, done.stdout) == (4, expected)
    assert "bad.pcap: not a pcap" in done.stderr
    assert correlator("analyse", "--merge", "-").returncode == 2
    assert correlator("analyse", "--follow", first, second).returncode == 2


def test_captures_at_once_give_the_same(tmp_path: Path) -> None:
    """Rows, screen, summary, troubles and status are those of one process, whatever is wrong with a capture."""
    halves(tmp_path)
    (tmp_path / "a.pcapng").write_bytes((CAPTURES / "meetings.pcapng").read_bytes())
    (tmp_path / "a.sockets.jsonl").write_bytes((CAPTURES / "meetings.sockets.jsonl").read_bytes())
    (tmp_path / "b.pcap").write_bytes(b"no capture")
    (tmp_path / "c.pcap").write_bytes(JESSIE.read_bytes()[:-3])
    (tmp_path / "d.pcap").write_bytes(pcap_header())
    told = []
    for jobs in ("1", "2", "5"):
        out = tmp_path / f"out{jobs}"
        out.mkdir()
        options = ("--jobs", jobs, "--fail-on", "ipv4-on-af_inet6", "--sockets", CAPTURES / "jessie.netstat.txt")
        reports = ("--csv", out / "x.csv", "--jsonl", out / "x.jsonl")
        done = correlator("analyse", tmp_path, *options, *reports)
        lines = (out / "x.jsonl").read_text().splitlines()
        told.append((done.returncode, done.stdout, done.stderr, (out / "x.csv").read_bytes(), lines[1:]))
        assert '"type":"run"' in lines[0]
    assert told[0] == told[1] == told[2]
    assert told[0][0] == 4
    assert "b.pcap: not a pcap" in told[0][2]
    quiet = [correlator("analyse", "--jobs", jobs, tmp_path, "--csv", "-", "-q").stdout for jobs in ("1", "3")]
    assert quiet[0] == quiet[1]
    assert correlator("analyse", "--jobs", "2", tmp_path / "b.pcap", tmp_path / "b.pcap").returncode == 3


MADE = {"large.pcap": 1, "large-cut.pcap": 4, "cut.pcap": 4, "bad.pcap": 3, "empty.pcap": 0}
"""Captures that a test makes, and the status that they deserve."""


@pytest.mark.parametrize("name", ["jessie.pcap", "handshakes.pcap", "meetings.pcapng", "legs.pcapng", *MADE])
def test_shares_of_one_capture_give_the_same(tmp_path: Path, name: str) -> None:
    """Rows, screen, summary, troubles and status are those of one process; also of what cannot be shared.

    tests/unit/cli/test_shares.py has captures of all kinds.
    """
    for source in (CAPTURES / name, CAPTURES / name.replace(".pcapng", ".sockets.jsonl")):
        if source.is_file():
            (tmp_path / source.name).write_bytes(source.read_bytes())
    (tmp_path / "cut.pcap").write_bytes(JESSIE.read_bytes()[:-3])
    large = JESSIE.read_bytes()[:24] + JESSIE.read_bytes()[24:] * 2000
    (tmp_path / "large.pcap").write_bytes(large)
    (tmp_path / "large-cut.pcap").write_bytes(large[:-3])
    (tmp_path / "bad.pcap").write_bytes(b"no capture")
    (tmp_path / "empty.pcap").write_bytes(pcap_header())
    meetings = (CAPTURES / "meetings.pcapng").read_bytes()
    other = section() + interface() + interface()  # another file's head: two interfaces, and nobody's promise
    (tmp_path / "legs.pcapng").write_bytes(other + meetings[meetings.index(b"\x06\0\0\0") :])
    table = CAPTURES / "jessie.netstat.txt"
    told = []
    for jobs in ("1", "2", "3"):
        out = tmp_path / f"out{jobs}"
        out.mkdir()
        options = ("--jobs", jobs, "--fail-on", "ipv4-on-af_inet6", "--sockets", table)
        done = correlator("analyse", tmp_path / name, *options, "--csv", out / "x.csv", "--jsonl", out / "x.jsonl")
        files = [path.read_bytes() for path in (out / "x.csv", out / "x.jsonl") if path.is_file()]
        lines = [line for data in files for line in data.splitlines() if not line.startswith(b'{"type":"run"')]
        told.append((done.returncode, done.stdout, done.stderr, lines))
    assert told[0] == told[1] == told[2]
    assert told[0][0] == MADE.get(name, told[0][0])
    assert "Traceback" not in told[0][2]


def test_a_process_that_is_killed(tmp_path: Path) -> None:
    """What it had to do, and what others had not done by then, is done again: nothing is missing, nothing is doubled."""
    files = copies(tmp_path, 6)
    alone = correlator("analyse", "-q", "--jobs", "1", "--csv", "-", *files)
    command = [sys.executable, "-m", "correlator", "analyse", "-q", "--jobs", "2", "--csv", "-", *map(str, files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not (busy := [worker for worker in workers_of(process) if reads_a_capture(worker)]):
            time.sleep(0.002)
        busy[0].kill()
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (0, alone.stderr)
    assert stdout == alone.stdout.replace("\r\n", "\n")


def test_a_process_with_a_share_that_is_killed(tmp_path: Path) -> None:
    """One process does the rest: nothing is missing, nothing is doubled."""
    (file,) = copies(tmp_path, 1)
    alone = correlator("analyse", "-q", "--jobs", "1", "--csv", "-", file)
    command = [sys.executable, "-m", "correlator", "analyse", "-q", "--jobs", "2", "--csv", "-", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not (busy := [worker for worker in workers_of(process) if reads_a_capture(worker)]):
            time.sleep(0.002)
        busy[0].kill()
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, alone.stderr)
    assert stdout == alone.stdout.replace("\r\n", "\n")


def test_shares_without_room_for_what_they_leave_for_one_another(tmp_path: Path) -> None:
    """One process does it then: of a full disk nobody hears who has asked for no file."""
    (file,) = copies(tmp_path, 1)
    command = [sys.executable, "-m", "correlator", "analyse", "--quiet", "--jobs", "2", str(file)]
    limited = subprocess.run(
        ["bash", "-c", 'ulimit -f 100; exec "$@"', "bash", *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    alone = correlator("analyse", "-q", file)
    assert (limited.returncode, limited.stdout, limited.stderr) == (0, "", alone.stderr)


def test_processes_that_are_killed_again_and_again(tmp_path: Path) -> None:
    """Each costs its captures, and that is told; the run comes to its end."""
    files = copies(tmp_path, 3)
    command = [sys.executable, "-m", "correlator", "analyse", "-q", "--jobs", "2", "--csv", "-", *map(str, files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            for worker in workers_of(process):
                worker.kill()
            time.sleep(0.01)
        _, stderr = process.communicate(timeout=30)
    assert stderr.splitlines() == [f"correlator: {file}: the process that analysed it was killed" for file in files]
    assert process.returncode == 3


def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    """However that ended: they would hold its standard output, and wait for ever."""
    command = [sys.executable, "-m", "correlator", "analyse", "-q", "--jobs", "2", *map(str, copies(tmp_path, 2))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while len(workers := workers_of(process)) < 2:
            time.sleep(0.02)
        process.kill()
        process.communicate(timeout=20)
    assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers)


def copies(folder: Path, count: int) -> list[Path]:
    """Captures that take a while."""
    files = [folder / f"{number}.pcap" for number in range(count)]
    for file in files:
        file.write_bytes(JESSIE.read_bytes()[:24] + JESSIE.read_bytes()[24:] * 20_000)
    return files


def workers_of(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The processes that it has started."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
    return found


def reads_a_capture(process: psutil.Process) -> bool:
    """Whether a process has one open."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return any(file.path.endswith(".pcap") for file in process.open_files())
    return False


@pytest.mark.parametrize("words", ["{} {}", "--sockets {} a b"])
def test_what_comes_through_a_pipe_with_several_captures(tmp_path: Path, words: str) -> None:
    """As from a shell's <(...): it comes once, and no other process has it."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(JESSIE.read_bytes())
    command = f"{sys.executable} -m correlator analyse -q --csv - {words}"
    source = TABLE if "sockets" in words else JESSIE
    done = subprocess.run(
        ["bash", "-c", command.format(*[f"<(cat {source})"] * 2)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        env={**os.environ, "PYTHONPATH": str(CAPTURES.parent)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(list(csv.DictReader(done.stdout.splitlines()))) == 30


def test_a_pipe_cannot_be_looked_at_twice(tmp_path: Path) -> None:
    """As --merge does."""
    os.mkfifo(tmp_path / "pipe")
    done = correlator("analyse", "--merge", tmp_path / "pipe", JESSIE)
    assert done.returncode == 2
    assert "pipe does not allow: it is no file" in done.stderr


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_closed_streams_with_several_captures(tmp_path: Path, jobs: str) -> None:
    """Processes that are started have them, too."""
    command = [sys.executable, "-m", "correlator", "analyse", "-q", "--jobs", jobs, "--csv", str(tmp_path / "x.csv")]
    done = subprocess.run(
        ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *command, str(JESSIE), str(JESSIE)], timeout=20, check=False
    )
    assert done.returncode == 0
    assert len((tmp_path / "x.csv").read_text().splitlines()) == 31


def test_who_the_server_is_does_not_depend_on_other_captures(tmp_path: Path) -> None:
    """Without a SYN, a table or anything else: the end with the lower port (docs/FORMATS.md)."""
    begin = ethernet(ipv4(tcp(80, 50547, flags=16)))
    (tmp_path / "x.pcap").write_bytes(pcap_header() + pcap_record(begin))
    alone = rows(correlator("analyse", tmp_path / "x.pcap", "-q", "--csv", "-"))
    after = rows(correlator("analyse", JESSIE, tmp_path / "x.pcap", "-q", "--csv", "-", "--jobs", "1"))
    assert [(row["client_port"], row["server_port"]) for row in alone] == [("50547", "80")]
    assert after[-1] == alone[0]


def test_standard_input_is_never_an_output(tmp_path: Path) -> None:
    """By whatever name it is both."""
    path = tmp_path / "x.pcap"
    path.write_bytes(JESSIE.read_bytes())
    with path.open("rb") as file:
        command = [sys.executable, "-m", "correlator", "analyse", "-", "--csv", str(path), "--force"]
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, path.read_bytes()) == (2, JESSIE.read_bytes())
    assert "is the input -" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_export_that_is_interrupted(tmp_path: Path, number: int) -> None:
    """Its files are whole, and it says how far it came."""
    correlator("analyse", JESSIE, "--jsonl", tmp_path / "x.jsonl", "-q")
    first, *lines, last = (tmp_path / "x.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "x.jsonl").write_bytes(first + b"".join(lines) * 30_000 + last)
    outputs = {"--csv": "y.csv", "--html": "y.html", "--jsonl": "y.jsonl"}
    words = [word for option, name in outputs.items() for word in (option, str(tmp_path / name))]
    command = [sys.executable, "-m", "correlator", "export", str(tmp_path / "x.jsonl"), *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "y.csv").exists() or not (tmp_path / "y.csv").stat().st_size:
            time.sleep(0.01)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert ": interrupted; the first " in stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.jsonl", *sorted(outputs.values())]
    count = int(stderr.split("the first ")[1].split()[0])
    assert len((tmp_path / "y.csv").read_text().splitlines()) == count + 1
    assert json.loads((tmp_path / "y.jsonl").read_text().splitlines()[-1])["type"] == "counters"


def test_a_folder_with_a_link_that_leads_nowhere_good(tmp_path: Path) -> None:
    """The other captures are read; what it is is told."""
    (tmp_path / "ok.pcap").write_bytes(JESSIE.read_bytes())
    (tmp_path / "gone.pcap").symlink_to(tmp_path / "nowhere")
    (tmp_path / "evil.pcap").symlink_to("a" * 300)
    done = correlator("analyse", tmp_path, "-q", "--csv", "-")
    assert (done.returncode, len(rows(done))) == (4, 15)
    assert errors(done) == [f"correlator: {tmp_path}/evil.pcap: File name too long"]


@pytest.mark.parametrize(
    "words",
    [
        ["export", "."],
        ["export", "/"],
        ["export", ""],
        ["audit", ""],
        ["analyse", "x", "--sockets", ""],
        ["repair", ""],
        ["sockets", "--save", ""],
    ],
)
def test_names_that_are_none(words: list[str], tmp_path: Path) -> None:
    """One line, no traceback."""
    outputs: list[str | Path] = ["--csv", tmp_path / "x"] if words[0] == "export" else []
    done = correlator(*words, *outputs)
    assert done.returncode in {2, 3}
    assert len(errors(done)) == 1
    assert not errors(done)[0].startswith("correlator: :")
    assert list(tmp_path.iterdir()) == []


def test_help_for_nobody() -> None:
    """Who reads it has gone: an output that fails, like any other."""
    for option in ("--help", "--version", "analyse --help"):
        command = f"{sys.executable} -m correlator {option}; echo $? >&2"
        done = subprocess.run(
            ["bash", "-c", f"({command}) | true"], capture_output=True, text=True, timeout=20, check=False
        )
        assert done.stderr in {"6\n", "0\n"}


def test_reports_of_other_versions(tmp_path: Path) -> None:
    """Are not taken for ours."""
    (tmp_path / "x.jsonl").write_text('{"type":"run","schema":2}\n{"type":"counters"}\n')
    done = correlator("export", tmp_path / "x.jsonl", "--csv", "-")
    assert (done.returncode, errors(done)) == (
        3,
        [f"correlator: {tmp_path}/x.jsonl: a report of another version: its schema is 2"],
    )


@pytest.mark.parametrize("captures", [1, 2])
def test_processes_that_have_just_begun_are_stopped(tmp_path: Path, captures: int) -> None:
    """By a signal that only the first one hears."""
    files = [tmp_path / f"{number}.pcap" for number in range(captures)]
    for file in files:
        file.write_bytes(JESSIE.read_bytes()[:24] + JESSIE.read_bytes()[24:] * 2000)
    command = [sys.executable, "-m", "correlator", "analyse", "-q", "--jobs", "2", *map(str, files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not any("spawn_main" in " ".join(child.cmdline()) for child in psutil.Process(process.pid).children()):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert f"{files[0]}: interrupted; what was read is reported" in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize("way", ["--follow", "-"])
def test_findings_come_as_a_capture_grows(tmp_path: Path, way: str) -> None:
    """From a file that is being written, or a pipe: a second after the close of a connection, which is told once."""
    data, growing = JESSIE.read_bytes(), tmp_path / "x.pcap"
    growing.touch()
    arguments = [way, str(growing)] if way == "--follow" else [way]
    command = [sys.executable, "-m", "correlator", "analyse", *arguments, "--csv", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        with growing.open("ab") as file:
            for part in (data[:30], data[30:-40], data[-40:]):
                time.sleep(0.3)
                stream = file if way == "--follow" else process.stdin
                stream.write(part)
                stream.flush()
        rows = [process.stdout.readline() for _ in range(2)]  # before the end is told
        assert rows[0].startswith(b"opened_at,")
        assert b"no-socket" in rows[1]
        if way == "--follow":
            process.send_signal(signal.SIGINT)
        process.stdin.close()
        rest, told = process.stdout.read(), process.stderr.read()
    assert process.returncode == 0, told
    assert len((b"".join(rows) + rest).splitlines()) == len(
        correlator("analyse", JESSIE, "--csv", "-").stdout.splitlines()
    )


def test_a_capture_that_is_damaged_while_it_is_followed(tmp_path: Path) -> None:
    """Nothing more can be read of it: the run ends, and says where; before that nobody has to wait for Ctrl-C."""
    lying = pcap_record(b"")[:8] + (1 << 30).to_bytes(4, "little") * 2
    (tmp_path / "x.pcap").write_bytes(JESSIE.read_bytes() + lying + bytes(100))
    done = correlator("analyse", "--follow", tmp_path / "x.pcap", "-q")
    assert done.returncode == 4
    assert "a packet claims 1073741824 bytes" in done.stderr


@pytest.mark.parametrize("option", [[], ["--follow"]])
def test_a_capture_that_is_removed_before_its_size_is_asked_for(tmp_path: Path, option: list[str]) -> None:
    """For the bar, on a terminal, after a second."""
    path = tmp_path / "x.pcap"
    path.write_bytes(JESSIE.read_bytes()[:24] + JESSIE.read_bytes()[24:] * 40_000)
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "correlator", "analyse", "-q", *option, str(path)]
    with subprocess.Popen(command, stderr=slave, stdout=subprocess.DEVNULL) as process:
        os.close(slave)
        time.sleep(0.8)
        path.unlink()
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        said = b""
        with contextlib.suppress(OSError):
            while piece := os.read(master, 65536):
                said += piece
        os.close(master)
    assert b"Traceback" not in said
    assert process.returncode in {0, 130}


def test_what_the_system_refuses_in_the_middle(tmp_path: Path) -> None:
    """Is a line, not the group of errors that tasks end with."""
    done = subprocess.run(
        [
            "bash",
            "-c",
            f"ulimit -n 32; exec {sys.executable} -m correlator analyse --jobs 8 {' '.join([str(JESSIE)] * 8)}",
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode in {0, 3, 4, 6}, done.stderr
    assert done.returncode != 6 or done.stderr == "correlator: Too many open files: see ulimit -n\n"
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_a_run_without_input(tmp_path: Path) -> None:
    """So that the corrected command finds its names free."""
    assert correlator("analyse", tmp_path / "nope.pcap", "-w", tmp_path / "x").returncode == 3
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away() -> None:
    """`| head`: quiet, with status 6."""
    command = f"{sys.executable} -m correlator analyse {JESSIE} --csv - | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=20, check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode in {0, 6}


def test_export(tmp_path: Path) -> None:
    """From JSON Lines and from annotated pcapng; selections hold here too."""
    correlator("analyse", JESSIE, "--sockets", TABLE, "-w", tmp_path / "x", "-q")
    wanted = (tmp_path / "x.csv").read_bytes()
    assert correlator("export", tmp_path / "x.jsonl", "--csv", "-").stdout.encode() == wanted
    done = correlator("export", tmp_path / "x.jsonl", "--csv", tmp_path / "y.csv")
    assert done.returncode == 0
    assert (tmp_path / "y.csv").read_bytes() == wanted
    noted = rows(correlator("export", tmp_path / "x.pcapng", "--csv", "-", "--process", "java"))
    facts = [(row["verdict"], row["cause"], row["side"], row["pid"], row["socket_family"]) for row in noted]
    assert sorted(facts) == [
        ("ipv4-on-af_inet6", "dual-stack-listener", "server", "31307", "AF_INET6"),
        ("ipv4-on-af_inet6", "mapped-connect", "client", "31307", "AF_INET6"),
        ("ipv4-on-af_inet6", "mapped-connect", "client", "31307", "AF_INET6"),
    ]
    copy = correlator("export", tmp_path / "x.jsonl", "--jsonl", "-")
    assert copy.stdout.splitlines()[1:] == (tmp_path / "x.jsonl").read_text().splitlines()[1:]


def test_export_of_damaged_reports(tmp_path: Path) -> None:
    """What is intact is exported, with status 4; what is no report is refused."""
    correlator("analyse", JESSIE, "--jsonl", tmp_path / "x.jsonl", "-q")
    lines = (tmp_path / "x.jsonl").read_text().splitlines()
    (tmp_path / "cut.jsonl").write_text("\n".join([*lines[:3], lines[4][:20]]))
    done = correlator("export", tmp_path / "cut.jsonl", "--csv", "-")
    assert (done.returncode, len(rows(done))) == (4, 2)
    assert "1 damaged lines, the first is line 4; it ends before its last line" in done.stderr
    evidence = '{"type":"run"}\n{"type":"socket"}'
    for text in ("", "{}", "hello", '{"type":"finding"}', evidence, JESSIE.read_bytes().decode("latin-1")):
        (tmp_path / "no").write_bytes(text.encode("latin-1"))
        refused = correlator("export", tmp_path / "no", "--csv", tmp_path / "out.csv")
        assert refused.returncode == 3, text
        assert len(errors(refused)) == 1
        assert not (tmp_path / "out.csv").exists()
    (tmp_path / "lie").write_text(
        lines[0] + '\n{"type":"finding","client_port":"=1"}\n{"type":"finding","pid":NaN}\n{"type":"counters"}\n'
    )
    assert correlator("export", tmp_path / "lie", "--csv", "-").returncode == 4


def test_the_sample_demo() -> None:
    """What an unprivileged user sees."""
    done = correlator("demo", "--sample")
    assert done.returncode == 0
    assert "31307/java" in done.stdout


def test_version_and_help() -> None:
    """Both answer."""
    assert correlator("--version").stdout.startswith("correlator, version ")
    for command in ("demo", "live", "analyse", "analyze", "export", "sockets"):
        assert correlator(command, "--help").returncode == 0


def test_sockets(tmp_path: Path) -> None:
    """A table of this host, and an evidence file that analyse reads."""
    assert "netstat" in correlator("sockets").stdout
    saved = correlator("sockets", "--save", tmp_path / "t")
    assert saved.returncode == 0
    assert correlator("analyse", JESSIE, "--sockets", tmp_path / "t", "-q").returncode == 0
    assert correlator("sockets", "--save", tmp_path / "t").returncode == 6


@pytest.mark.parametrize(
    ("words", "expected"),
    [("correlator ex", {"export", "explain"}), ("correlator sockets --so", {"--sort"}), ("correlator li", {"live"})],
)
def test_the_shell_completes(words: str, expected: set[str]) -> None:
    """Commands that are imported only when they are asked for, and their options."""
    environment = os.environ | {
        "_CORRELATOR_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    command = [Path(sys.executable).with_name("correlator")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, env=environment)
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_source(shell: str) -> None:
    """What README has for the shells' own files."""
    environment = os.environ | {"_CORRELATOR_COMPLETE": f"{shell}_source"}
    command = [Path(sys.executable).with_name("correlator")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_correlator_completion" in done.stdout


REPORT = '{"type":"run","schema":1}\n'
FINDING = '{"type":"finding","verdict":"no-socket","client_ip":"10.0.0.1","client_port":1,"server_ip":"10.0.0.2","server_port":2'


@pytest.mark.parametrize(
    ("line", "is_taken"),
    [
        (FINDING + "}", True),
        ('{"type":[]}', False),
        ('{"type":{}}', False),
        (FINDING + ',"syn_rtt_us":1.7e308}', False),
        (FINDING + ',"syn_rtt_us":' + "9" * 400 + "}", False),
        (FINDING + ',"pid":-1}', False),
        (FINDING + ',"pid":1.5}', False),
        (FINDING + ',"cookie":18446744073709551615}', True),
        ("x" * (1 << 20) + FINDING + "}", False),
        ("x" * (1 << 21), False),
    ],
    ids=range(10),
)
@pytest.mark.parametrize("form", ["csv", "html"])
def test_reports_by_strangers(tmp_path: Path, line: str, form: str, *, is_taken: bool) -> None:
    """A line is a finding or damage, told with its number; never a fault of ours."""
    report = tmp_path / "x.jsonl"
    report.write_text(REPORT + "\n" + line + "\n" + FINDING + '}\n{"type":"counters"}\n')
    done = correlator("export", report, f"--{form}", tmp_path / "out")
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if is_taken else 4), done.stderr
    if not is_taken:
        assert "1 damaged lines, the first is line 3" in done.stderr
    assert "Traceback" not in correlator("audit", report).stderr


def test_a_report_that_comes_through_a_pipe(tmp_path: Path) -> None:
    """It is looked at twice, which a pipe does not allow: one line says so, at once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = correlator("export", pipe, "--csv", "-")
    assert done.returncode == 3
    assert "is no regular file" in done.stderr


def test_ctrl_c_while_modules_are_imported() -> None:
    """Ends the program as it ends any, without a traceback; afterwards it is the command's own."""
    script = """
import builtins, os, signal, sys
real, seen = builtins.__import__, []
def spy(name, *rest, **more):
    if name == "click":
        seen.append(signal.getsignal(signal.SIGINT) is signal.SIG_DFL)
    return real(name, *rest, **more)
def leave(status):
    print(seen[0], signal.getsignal(signal.SIGINT) is signal.default_int_handler, flush=True)
builtins.__import__, os._exit, sys.argv = spy, leave, ["correlator", "--version"]
from correlator.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "True True"


def test_a_fifo(tmp_path: Path) -> None:
    """Is waited for, and read; a signal ends the waiting."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    command = [sys.executable, "-m", "correlator", "analyse", str(fifo), "-q"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    time.sleep(0.7)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode in {130, 3}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    fifo.write_bytes(JESSIE.read_bytes())
    _, said = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "15 connections" in said
