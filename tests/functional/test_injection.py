"""Processes, control groups, interfaces and namespaces with hostile names, really so named: all the ways out."""

import csv
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.frames import enhanced, ethernet, interface, ipv4, option, section, tcp
from tests.functional.conftest import LiveRun

NAME = "=1+\x1b[31m<b>\u202e"  # no more than comm holds, 15 bytes
ARGUMENT = "@SUM(1)\x1b]0;owned\x07<script>alert(1)</script>\u202etxt.exe\n\t-Dx=\u2028"
GROUP = "=cmd|' C calc'!A0<img src=x onerror=alert(1)>\x1b[2J"
NAMESPACE = "=<i>\x1b[7m"
INTERFACE = "=<u>&\x1b[5m"
SERVER = """
import ctypes, os, socket, sys
ctypes.CDLL(None).prctl(15, os.fsencode(sys.argv[2]), 0, 0, 0)
server = socket.socket(socket.AF_INET6)
server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
server.bind(("::", 7788))
server.listen()
print("ready", flush=True)
while True:
    accepted, _ = server.accept()
    accepted.recv(1)
"""
CONNECT = """
import socket, time
with socket.create_connection(("127.0.0.1", 7788)):
    time.sleep(0.8)
"""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
BAD = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


@dataclass
class Host:
    """A network namespace with a process in it."""

    inside: tuple[str, ...]
    pid: int


def run(*words: str | Path, status: int = 0, **options: object) -> subprocess.CompletedProcess[str]:
    """A program."""
    command = [str(word) for word in words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == status, done.stderr
    assert isinstance(done, subprocess.CompletedProcess)
    return done


def correlator(*words: str | Path) -> list[str]:
    """The command."""
    return [sys.executable, "-m", "correlator", *map(str, words)]


@pytest.fixture
def host(program: Callable[[str], str]) -> Iterator[Host]:
    """A server whose every name is hostile."""
    ip, nsenter = program("ip"), program("nsenter")
    assert len(NAME.encode()) < 16
    group = _group()
    inside = (ip, "netns", "exec", NAMESPACE)
    subprocess.run([ip, "netns", "del", NAMESPACE], check=False, stderr=subprocess.DEVNULL)  # of a run that was killed
    run(ip, "netns", "add", NAMESPACE)
    process = None
    try:
        run(ip, "-n", NAMESPACE, "link", "set", "lo", "name", INTERFACE)
        run(ip, "-n", NAMESPACE, "link", "set", INTERFACE, "up")
        command = ["sh", "-c", 'echo $$ >"$0/cgroup.procs"; exec "$@"', str(group)] if group else []
        process = subprocess.Popen(
            [*command, nsenter, f"--net=/run/netns/{NAMESPACE}", sys.executable, "-c", SERVER, ARGUMENT, NAME],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield Host(inside, process.pid)
    finally:
        if process is not None:
            process.kill()
            process.communicate()
        run(ip, "netns", "del", NAMESPACE)
        if group:
            time.sleep(0.1)
            os.rmdir(group)


def _group() -> Path | None:
    """A control group of that name; None where there are none."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            made = Path(where, GROUP)
            if made.exists():  # of a run that was killed
                for pid in (made / "cgroup.procs").read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
            made.mkdir(exist_ok=True)
            return made
    return None


def assert_for_a_terminal(text: str, *, but: str = "\n") -> None:
    """Nothing in it moves a cursor or turns its direction."""
    bad = {character for character in text if unicodedata.category(character) in BAD and character not in but}
    assert not bad, bad


def assert_for_a_spreadsheet(text: str) -> None:
    """No cell is a formula, and a terminal takes no harm either."""
    assert_for_a_terminal(text, but="\r\n")
    for row in csv.reader(text.splitlines()):
        assert not [cell for cell in row if cell.startswith(FORMULA)]


def test_a_run_writes_names_for_each_reader(host: Host, start_live: Callable[..., LiveRun], tmp_path: Path) -> None:
    """Terminal, CSV, JSON, HTML, pcapng, summary; the names themselves are in the JSON as they are."""
    page = tmp_path / "page.html"
    live = start_live("--html", str(page), interface=INTERFACE, inside=host.inside)
    run(*host.inside, sys.executable, "-c", CONNECT)
    assert live.end() == 0
    assert_for_a_terminal(live.error)
    text = live.prefix.with_suffix(".csv").read_text(encoding="utf-8")
    assert_for_a_spreadsheet(text)
    (server,) = [row for row in live.rows if row["side"] == "server"]
    assert server["process"] == r"'=1+\x1b[31m<b>\u202e"
    assert server["cmdline"].startswith(sys.executable)
    assert r"\x1b]0;owned\x07<script>alert(1)</script>\u202etxt.exe\n\t-Dx=\u2028" in server["cmdline"]
    assert server["interface"] == r"'=<u>&\x1b[5m"
    assert server["netns"] == r"'=<i>\x1b[7m"
    report = live.prefix.with_suffix(".jsonl").read_bytes()
    evidence = live.prefix.with_suffix(".sockets.jsonl").read_bytes()
    assert report.isascii()
    assert evidence.isascii()
    (finding,) = [line for line in map(json.loads, report.splitlines()) if line.get("side") == "server"]
    assert (finding["process"], finding["netns"]) == (NAME, NAMESPACE)
    assert ARGUMENT in finding["cmdline"]
    if _has_groups():
        assert finding["cgroup"].endswith(f"/{GROUP}")
        assert server["cgroup"].endswith(r"/=cmd|' C calc'!A0<img src=x onerror=alert(1)>\x1b[2J")
    assert_for_a_terminal(live.prefix.with_suffix(".txt").read_text())
    html = page.read_text(encoding="utf-8")
    assert_for_a_terminal(html)
    for name in ("<script>alert", "<img src=x", "31m<b>", "=<i>", "=<u>"):
        assert name not in html  # neither in the page nor, unpacked, in its data, which is base64
    capture = live.prefix.with_suffix(".pcapng")
    again: tuple[tuple[str | Path, ...], ...] = (
        ("analyse", capture),
        ("export", capture, "--csv", "-"),
        ("export", live.prefix.with_suffix(".jsonl"), "--csv", "-"),
    )
    for words in again:
        done = run(*correlator(*words))
        assert "=1+" in done.stdout
        (assert_for_a_spreadsheet if "--csv" in words else assert_for_a_terminal)(done.stdout)
        assert_for_a_terminal(done.stderr)
    stray = tmp_path / "without-evidence.pcapng"
    stray.write_bytes(capture.read_bytes())
    done = run(*correlator("export", stray, "--csv", "-"))  # from its comments
    assert r"'=1+\x1b[31m<b>" in done.stdout
    assert_for_a_spreadsheet(done.stdout)


def _has_groups() -> bool:
    return any(" cgroup2 " in line for line in Path("/proc/mounts").read_text().splitlines())


def test_other_programs_read_the_names(
    host: Host, start_live: Callable[..., LiveRun], program: Callable[[str], str]
) -> None:
    """Tshark takes the process entry and the comments; in what it prints no name reaches the terminal either."""
    tshark = program("tshark")
    live = start_live(interface=INTERFACE, inside=host.inside)
    run(*host.inside, sys.executable, "-c", CONNECT)
    assert live.end() == 0
    capture = live.prefix.with_suffix(".pcapng")
    said = run(tshark, "-r", capture, "-T", "fields", "-e", "frame.comment").stdout
    assert r"process==1+\x1b[31m<b>" in said
    assert_for_a_terminal(said)


@pytest.mark.parametrize(
    "words",
    [["sockets"], ["sockets", "--csv"], ["sockets", "--json"], ["explain", "7788"], ["audit"], ["audit", "--json"]],
)
def test_commands_about_this_host(host: Host, words: list[str]) -> None:
    """What they print of the listener."""
    done = subprocess.run([*host.inside, *correlator(*words)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "=1+" in done.stdout
    assert_for_a_terminal(done.stderr)
    if words[-1] == "--json":
        assert done.stdout.isascii()
        assert NAME in json.dumps(json.loads(done.stdout), ensure_ascii=False).encode().decode(
            "unicode_escape", "replace"
        ) or (json.dumps(NAME)[1:-1] in done.stdout)
    elif words[-1] == "--csv":
        assert_for_a_spreadsheet(done.stdout)
    else:
        assert_for_a_terminal(done.stdout)


def test_the_live_view(host: Host) -> None:
    """On a terminal: only the sequences that the view itself is made of."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*host.inside, *correlator("live", "-i", "any")],
        stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm", "COLUMNS": "200", "LINES": "40"},
    )  # fmt: skip
    os.close(slave)
    time.sleep(1.5)
    run(*host.inside, sys.executable, "-c", CONNECT)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    seen = b""
    while True:
        try:
            piece = os.read(master, 65_536)
        except OSError:  # EIO: the other end is closed
            break
        if not piece:
            break
        seen += piece
    process.wait(10)
    os.close(master)
    text = seen.decode()
    assert r"=1+\x1b[31m<b>" in text
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    assert_for_a_terminal(plain, but="\r\n")
    assert "\x1b[31m<b>" not in text


def test_comments_and_interfaces_of_a_strangers_capture(tmp_path: Path) -> None:
    """Read back from pcapng: shown and written like any name."""
    said = f"correlator: verdict=ipv4-on-af_inet6 side=server socket=AF_INET6 local={ARGUMENT[:3]}\x1b[0m pid=5 process={NAME}\x1b[31m"
    frame = ethernet(ipv4(tcp(flags=2)))
    path = tmp_path / "x.pcapng"
    path.write_bytes(
        section() + interface(options=option(2, INTERFACE.encode())) + enhanced(frame, options=option(1, said.encode()))
    )
    done = run(
        *correlator("export", path, "--csv", "-", "--jsonl", tmp_path / "x.jsonl", "--html", tmp_path / "x.html")
    )
    assert_for_a_spreadsheet(done.stdout)
    (row,) = csv.DictReader(done.stdout.splitlines())
    assert row["process"] == r"'=1+\x1b[31m<b>\u202e\x1b[31m"
    assert row["interface"] == r"'=<u>&\x1b[5m"
    assert (tmp_path / "x.jsonl").read_bytes().isascii()
    assert "<u>" not in (tmp_path / "x.html").read_text()
    done = run(*correlator("analyse", path))
    assert_for_a_terminal(done.stdout + done.stderr)


def test_hostile_file_names(tmp_path: Path) -> None:
    """In errors and messages."""
    for name in ("\x1b[31m.pcap", "=\u202e.csv", "a\nb.jsonl"):
        path = tmp_path / name
        path.write_bytes(b"what")
        each: tuple[tuple[str | Path, ...], ...] = (
            ("analyse", path),
            ("export", path, "--csv", "-"),
            ("repair", path),
            ("audit", path),
        )
        for words in each:
            done = run(*correlator(*words), status=3)
            assert_for_a_terminal(done.stderr)
            assert len(done.stderr.splitlines()) == 1


def test_files_from_others_name_no_file_that_is_opened(program: Callable[[str], str], tmp_path: Path) -> None:
    """Evidence, a report, comments and rules whose every text is a path, or a command: as the system calls have it."""
    strace, bait = program("strace"), tmp_path / "bait"
    bait.write_text("precious")
    trap, command = str(bait), f"; touch {bait}.ran; $(touch {bait}.ran)|touch {bait}.ran"
    texts = dict.fromkeys(("cmdline", "user", "cgroup", "container", "path"), trap) | {"process": command}
    evidence = {
        "type": "socket", "source": "lookup", "family": "AF_INET", "local": "10.0.0.1:1000", "remote": "10.0.0.2:80",
        "state": "ESTABLISHED", "netns": trap, "cgroup": trap, "owner": {"pid": 1, **texts}, "inode": 5,
    }  # fmt: skip
    said = f"correlator: verdict=ipv4-on-af_inet6 side=server socket=AF_INET6 local={trap} pid=1 process={command}"
    frame = ethernet(ipv4(tcp(flags=2)))
    capture, table, report = tmp_path / "x.pcapng", tmp_path / "x.sockets.jsonl", tmp_path / "r.jsonl"
    capture.write_bytes(
        section() + interface(options=option(2, trap.encode())) + enhanced(frame, options=option(1, said.encode()))
    )
    table.write_text('{"type":"run","schema":1}\n' + json.dumps(evidence) + "\n")
    ends = {
        "client_ip": "10.0.0.1",
        "client_port": 1000,
        "server_ip": "10.0.0.2",
        "server_port": 80,
        "wire_family": "ipv4",
    }
    finding = {
        "type": "finding",
        "verdict": "no-socket",
        "handshake": "complete",
        "close": "open",
        **ends,
        **texts,
        "listener": trap,
        "explanation": trap,
        "netns": trap,
    }
    report.write_text(
        json.dumps({"type": "run", "host": trap}) + "\n" + json.dumps(finding) + '\n{"type":"counters"}\n'
    )
    log, out = tmp_path / "calls", tmp_path / "out"
    each: tuple[tuple[str | Path, ...], ...] = (
        ("analyse", capture, "-w", out, "--html", tmp_path / "a.html"),
        ("export", capture, "--csv", tmp_path / "b.csv", "--html", tmp_path / "b.html"),
        ("export", report, "--csv", tmp_path / "c.csv", "--html", tmp_path / "c.html"),
        ("audit", report),
        ("repair", capture, table, report),
    )
    for words in each:
        traced = [strace, "-f", "-o", str(log), "-e", "trace=%file,execve", *correlator(*words)]
        done = subprocess.run(traced, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode in {0, 4}, done.stderr  # 4: a listener that is no address is told
        used = [line for line in log.read_text().splitlines() if "bait" in line]
        assert used == []
    assert sorted(path.name for path in tmp_path.iterdir() if "bait" in path.name) == ["bait"]
