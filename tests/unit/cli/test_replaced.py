"""Outputs that replace others, runs that do not begin, and files that editors of other systems have touched."""

import resource
import subprocess
import sys
from codecs import BOM_UTF8
from pathlib import Path

import pytest

from tests.unit.cli.test_commands import JESSIE, TABLE, correlator, errors, rows


def everything(folder: Path) -> list[str | Path]:
    """All outputs that there are."""
    return ["--csv", folder / "b.csv", "--html", folder / "a.html", "-w", folder / "a", "--jsonl", folder / "b.jsonl"]


NAMES = ["a.csv", "a.html", "a.jsonl", "a.pcapng", "a.txt", "b.csv", "b.jsonl"]


@pytest.mark.parametrize("capture", ["missing.pcap", "foreign.pcap"])
def test_what_is_forced_stays_where_there_is_nothing_to_read(tmp_path: Path, capture: str) -> None:
    """A wrong name of the capture does not cost last night's report."""
    (tmp_path / "foreign.pcap").write_bytes(b"no capture at all")
    folder = tmp_path / "out"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text("old")
    done = correlator("analyse", tmp_path / capture, *everything(folder), "--force")
    assert done.returncode == 3
    assert {path.name: path.read_text() for path in folder.iterdir()} == dict.fromkeys(NAMES, "old")


def test_what_is_forced_is_replaced_by_a_capture_without_packets(tmp_path: Path) -> None:
    """That is something to read."""
    (tmp_path / "a.csv").write_text("old")
    (tmp_path / "x.pcap").write_bytes(JESSIE.read_bytes()[:24])
    done = correlator("analyse", tmp_path / "x.pcap", "--csv", tmp_path / "a.csv", "--force")
    assert done.returncode == 0
    assert (tmp_path / "a.csv").read_text().startswith("opened_at,")


@pytest.mark.parametrize("files", [3, 12, 20, 31])
def test_too_few_files_may_be_open(tmp_path: Path, files: int) -> None:
    """One line, and nothing is left of a run that does not begin."""
    program = (
        "import resource, sys, os\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {resource.getrlimit(resource.RLIMIT_NOFILE)[1]}))\n"
        "from correlator.__main__ import main\nmain()"
    )
    options = [str(one) for one in everything(tmp_path)]
    command = [sys.executable, "-c", program, "analyse", str(JESSIE), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    if files > 3:
        assert done.stderr == f"correlator: {files} files may be open at once, 32 are needed: see ulimit -n\n"
        assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_few_files_may_be_open(tmp_path: Path) -> None:
    """As many as are asked for are enough for all that one capture can be turned into."""
    limit = f"ulimit -n 32; exec {sys.executable} -m correlator analyse {JESSIE} --sockets {TABLE} "
    done = subprocess.run(
        ["sh", "-c", limit + " ".join(map(str, everything(tmp_path)))],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == NAMES


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("letter", ["n", "é", "漢"])
def test_names_as_long_as_they_may_be(tmp_path: Path, letter: str, force: bool) -> None:
    """What a file is called until it is complete is no longer than its name may be."""
    long = letter * (250 // len(letter.encode()))
    outputs = [tmp_path / f"{long}.csv", tmp_path / f"{long}.htm"]
    if force:
        for path in outputs:
            path.write_text("old")
    arguments: list[str | Path] = ["--csv", outputs[0], "--html", outputs[1], *(["--force"] if force else [])]
    done = correlator("analyse", JESSIE, *arguments)
    assert done.returncode == 0, done.stderr
    assert sorted(tmp_path.iterdir()) == sorted(outputs)
    assert all(path.read_text() != "old" for path in outputs)


def test_a_mark_of_byte_order(tmp_path: Path) -> None:
    """Tables, reports and rules that an editor has begun with one (Unicode §23.8) are what they are."""
    table, report, rules = tmp_path / "netstat.txt", tmp_path / "x.jsonl", tmp_path / "rules.toml"
    table.write_bytes(BOM_UTF8 + TABLE.read_bytes())
    done = correlator("analyse", JESSIE, "--sockets", table, "--csv", "-", "--jsonl", report)
    assert (done.returncode, errors(done)) == (0, [])
    plain = correlator("analyse", JESSIE, "--sockets", TABLE, "--csv", "-")
    assert rows(done) == rows(plain) != []
    report.write_bytes(BOM_UTF8 + report.read_bytes())
    assert rows(correlator("export", report, "--csv", "-")) == rows(plain)
    assert correlator("repair", "-n", report).stdout.endswith("whole\n")
    rules.write_bytes(BOM_UTF8 + b"[[deny]]\nport = 4243\n")
    with_mark = correlator("audit", report, "--rules", rules)
    rules.write_bytes(rules.read_bytes().removeprefix(BOM_UTF8))
    assert (with_mark.returncode, with_mark.stderr) == (correlator("audit", report, "--rules", rules).returncode, "")
