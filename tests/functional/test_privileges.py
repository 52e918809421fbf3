"""What works with fewer privileges, and what is said of the rest."""

import contextlib
import csv
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

Program = Callable[[str], str]


@pytest.fixture
def without(program: Program) -> Callable[..., list[str]]:
    """The command line that runs correlator with no capabilities but some."""
    setpriv = program("setpriv")

    def command(*arguments: str | Path, keep: str = "") -> list[str]:
        bounds = "-all" + (f",+{keep}" if keep else "")
        return [
            setpriv,
            f"--bounding-set={bounds}",
            "--inh-caps=-all",
            sys.executable,
            "-m",
            "correlator",
            *map(str, arguments),
        ]

    return command


@pytest.fixture
def everyones() -> Iterator[Path]:
    """A folder that any user may write to; pytest's own are root's."""
    folder = Path(tempfile.mkdtemp(prefix="correlator-test-"))
    inside = folder / "files"
    inside.mkdir()
    for path in (folder, inside):
        path.chmod(0o777)
    yield inside
    shutil.rmtree(folder)


@pytest.fixture
def namespace(program: Program) -> Iterator[Callable[[], str]]:
    """Makes a network namespace with a loopback interface; its name."""
    program("ip")
    made: list[str] = []

    def make() -> str:
        name = f"cp{os.getpid()}-{len(made)}"
        subprocess.run(["ip", "netns", "add", name], check=True)
        made.append(name)
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        return name

    yield make
    for name in made:
        subprocess.run(["ip", "netns", "del", name], check=True)


class LiveRun(Protocol):
    """A live run of conftest's."""

    error: str
    process: subprocess.Popen[str]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run it; no traceback."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_live_says_which_capability_it_needs(without: Callable[..., list[str]]) -> None:
    """One line, status 5, no files."""
    done = run(without("live", "-i", "lo", "--duration", "1"))
    assert done.returncode == 5
    assert len(done.stderr.splitlines()) == 1
    assert "CAP_NET_RAW" in done.stderr


def test_the_demo_falls_back_on_the_sample(without: Callable[..., list[str]]) -> None:
    """And says so."""
    done = run(without("demo"))
    assert done.returncode == 0
    assert "CAP_NET_RAW" in done.stderr
    assert "31307/java" in done.stdout


def test_doctor_says_what_is_missing(without: Callable[..., list[str]]) -> None:
    """What is tried fails without its capability, and works with it; the rest is as before."""
    few, more = (
        {check["name"]: check for check in json.loads(run(without("doctor", "--json", keep=keep)).stdout)}
        for keep in ("sys_admin", "sys_admin,+net_raw")
    )
    assert (few["capture"]["status"], more["capture"]["status"]) == ("missing", "ok")
    assert few["capture"]["remedy"] == "CAP_NET_RAW"
    assert "no packets are seen" in few["capture"]["loss"]
    assert "CAP_NET_RAW" not in few["privileges"]["found"]
    assert "CAP_NET_RAW" in more["privileges"]["found"]
    assert few["lookups"]["status"] == more["lookups"]["status"] == "ok"


def test_doctor_leaves_nothing_behind() -> None:
    """The instance of tracefs that it tries is removed."""
    instances = Path("/sys/kernel/tracing/instances")
    before = sorted(instances.glob("correlator-*")) if instances.is_dir() else []
    done = run([sys.executable, "-m", "correlator", "doctor"])
    assert done.returncode == 0
    assert "ok       state events" in done.stdout
    assert sorted(instances.glob("correlator-*")) == before


def test_sockets_are_listed_without_privileges(without: Callable[..., list[str]]) -> None:
    """sock_diag asks for none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = run(without("sockets", "--port", str(server.getsockname()[1])))
    assert done.returncode == 0
    assert "LISTEN" in done.stdout


def test_an_unreadable_capture(without: Callable[..., list[str]], tmp_path: Path) -> None:
    """One line and status 3."""
    path = tmp_path / "x.pcap"
    path.write_bytes(b"")
    path.chmod(0)
    done = run(without("analyse", path))
    assert done.returncode == 3
    assert done.stderr == f"correlator: {path}: Permission denied\n"


def test_what_is_missing_is_said_once_with_what_it_needs(program: Callable[[str], str]) -> None:
    """As another user with CAP_NET_RAW alone: a line each, and the rest works."""
    few = ["--inh-caps=+net_raw", "--ambient-caps=+net_raw", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    command = [program("setpriv"), *few, sys.executable, "-m", "correlator", "live", "-i", "lo", "--duration", "0.5"]
    if subprocess.run([*command[:6], sys.executable, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip("the interpreter lies where other users may not enter")
    done = run(command)
    assert done.returncode == 0
    notes = [line for line in done.stderr.splitlines() if "note: " in line]
    assert len(notes) == len(set(notes)) == 3
    for note, needed in zip(
        notes, ("CAP_SYS_PTRACE", "CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE"), strict=True
    ):
        assert needed in note


def test_live_with_the_one_capability(without: Callable[..., list[str]], tmp_path: Path) -> None:
    """CAP_NET_RAW is enough to capture, look up and name our own processes."""
    command = without("live", "-i", "lo", "-q", "--csv", str(tmp_path / "x.csv"), keep="net_raw")
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    while "capturing on" not in process.stderr.readline():
        assert process.poll() is None
    with socket.socket(socket.AF_INET6) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", 0))
        server.listen()
        with socket.create_connection(("127.0.0.1", server.getsockname()[1])), server.accept()[0]:
            time.sleep(0.7)
    time.sleep(1.2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert "ipv4-on-af_inet6,dual-stack-listener" in (tmp_path / "x.csv").read_text()


def status_of(pid: int) -> list[dict[str, str]]:
    """What /proc tells of each thread of a process; one may end meanwhile."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines = (task / "status").read_text().splitlines()
            found.append(dict(line.split(":\t", 1) for line in lines if ":\t" in line))
    assert found
    return found


def bits(*numbers: int) -> int:
    """Capabilities by their numbers, as /proc has them."""
    return sum(1 << number for number in numbers)


def connect(server: str = "::", client: str = "127.0.0.1") -> int:
    """A connection that lasts a second; the client's port."""
    with socket.socket(socket.AF_INET6) as listener:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((server, 0))
        listener.listen()
        with socket.create_connection((client, listener.getsockname()[1])) as made, listener.accept()[0]:
            time.sleep(1)
            return int(made.getsockname()[1])


CONNECT = """
import socket, time
server = socket.create_server(("", 0))
client = socket.create_connection(server.getsockname())
time.sleep(0.5)
"""
KEPT = bits(2, 12, 13, 19, 21)  # DAC_READ_SEARCH, NET_ADMIN, NET_RAW, SYS_PTRACE, SYS_ADMIN


def test_live_goes_on_as_another_user(
    start_live: Callable[..., LiveRun], everyones: Path, namespace: Callable[[], str]
) -> None:
    """Every thread, for good, with what it needs: owners of others' sockets, namespaces that come, files of its own."""
    run = start_live("--user", "nobody", "--rotate-every", "1.5", name=str(everyones / "x"))
    assert "capturing on lo as user nobody" in run.error
    port = connect()
    made = namespace()
    time.sleep(1.5)  # until it is seen
    subprocess.run(["ip", "netns", "exec", made, sys.executable, "-c", CONNECT], check=True)
    threads = status_of(run.process.pid)
    assert len(threads) > 1
    for thread in threads:
        assert set(thread["Uid"].split() + thread["Gid"].split()) == {"65534"}
        assert thread["Groups"].strip() in {"", "65534"}
        assert int(thread["CapEff"], 16) == int(thread["CapPrm"], 16) == KEPT
        assert int(thread["CapInh"], 16) == int(thread["CapAmb"], 16) == 0
        assert thread["NoNewPrivs"] == "1"
    time.sleep(1.3)
    run.process.send_signal(signal.SIGINT)
    _, said = run.process.communicate(timeout=20)
    assert run.process.returncode == 0, said
    assert "lost: nothing" in said
    assert "missing" not in said
    files = sorted(everyones.iterdir())
    assert len([path for path in files if path.suffix == ".csv"]) > 1
    for path in files:
        assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (65534, 0o600)
    rows = [row for path in everyones.glob("*.csv") for row in csv.DictReader(path.read_text().splitlines())]
    (server,) = [row for row in rows if row["client_port"] == str(port) and row["side"] == "server"]
    assert (server["verdict"], server["pid"]) == ("ipv4-on-af_inet6", str(os.getpid()))
    assert f'"netns":"{made}"' in "".join(path.read_text() for path in everyones.glob("*.sockets.jsonl"))


def test_nothing_is_read_before_privileges_are_given_up(program: Callable[[str], str], everyones: Path) -> None:
    """No byte of a packet, a socket or an event, and no file of ours is opened: as the system calls have it."""
    log = everyones.parent / "calls"
    command = [
        program("strace"), "-f", "-o", str(log), "-e", "trace=setresuid,capset,socket,recvfrom,recvmsg,recvmmsg,openat,read",
        sys.executable, "-m", "correlator", "live", "-i", "lo", "--user", "nobody", "-w", str(everyones / "x"), "--duration", "2",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    connect()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    calls = log.read_text().splitlines()
    given_up = next(number for number, call in enumerate(calls) if "capset(" in call)
    assert any("setresuid(65534, 65534, 65534)" in call for call in calls[:given_up])
    read = evidence_read(calls)
    opened = [number for number, call in enumerate(calls) if f'openat(AT_FDCWD, "{everyones}/x' in call]
    assert len(read) > 10
    assert len(opened) == 5
    assert min(read + opened) > given_up


def evidence_read(calls: list[str]) -> list[int]:
    """Which calls of a log of strace's read what the kernel tells of sockets."""
    files: set[str] = set()
    found = []
    for number, call in enumerate(calls):
        made = re.search(r"(?:socket|openat)\((.*)\) = (\d+)$", call)
        if made is not None:
            is_ours = "NETLINK_SOCK_DIAG" in made[1] or "trace_pipe_raw" in made[1]
            files = files | {made[2]} if is_ours else files - {made[2]}
        used = re.search(r" (?:recvfrom|recvmsg|recvmmsg|read)\((\d+)", call)
        if used is not None and used[1] in files:
            found.append(number)
    return found


def test_a_user_that_cannot_be(without: Callable[..., list[str]]) -> None:
    """One line: 2 for one that there is not, 5 where this process may not become another."""
    done = run([sys.executable, "-m", "correlator", "live", "-i", "lo", "--user", "no-such-user"])
    assert (done.returncode, done.stderr) == (2, "correlator: --user: there is no user 'no-such-user'\n")
    done = run(without("live", "-i", "lo", "--user", "nobody", keep="net_raw"))
    assert done.returncode == 5
    assert "CAP_SETGID and CAP_SETUID" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_files_are_opened_as_that_user(tmp_path: Path) -> None:
    """Not where root alone may write: one line that says who may not, and no file."""
    tmp_path.chmod(0o755)
    command = ["live", "-i", "lo", "--user", "nobody", "-w", str(tmp_path / "x"), "--duration", "1"]
    done = run([sys.executable, "-m", "correlator", *command])
    assert done.returncode == 6
    assert done.stderr == f"correlator: {tmp_path}/x.csv: Permission denied (user nobody)\n"
    assert list(tmp_path.iterdir()) == []


def test_ambient_capabilities_that_are_needed_no_more_are_given_up(
    program: Callable[[str], str], everyones: Path
) -> None:
    """As a service has them: what opens tracefs (CAP_DAC_OVERRIDE) is gone once that is open."""
    names = ["net_raw", "net_admin", "sys_ptrace", "sys_admin", "dac_read_search", "dac_override"]
    given = ",".join(f"+{name}" for name in names)
    command = [
        program("setpriv"), "--reuid=nobody", "--regid=nogroup", "--clear-groups", f"--inh-caps={given}",
        f"--ambient-caps={given}", sys.executable, "-m", "correlator", "live", "-i", "lo", "-w", str(everyones / "x"),
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    said = process.stderr.readline()
    assert "capturing on lo" in said, said  # nothing is missing
    for thread in status_of(process.pid):
        assert int(thread["CapEff"], 16) == int(thread["CapPrm"], 16) == KEPT
        assert int(thread["CapAmb"], 16) == 0
        assert thread["NoNewPrivs"] == "1"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0


_WHAT_IS_IMPORTED_LATER = """
import os, sys
import correlator.cli.live as live
give_up, leave, before = live.give_up_privileges, os._exit, set()
def given_up(user):
    before.update(sys.modules)
    give_up(user)
def end(status):
    print("later:", *sorted(set(sys.modules) - before), file=sys.stderr, flush=True)
    leave(status)
live.give_up_privileges, os._exit = given_up, end
from correlator.cli.main import main
main(sys.argv[1:])
"""


def test_nothing_is_imported_after_the_drop(everyones: Path) -> None:
    """The user may not be able to read it."""
    prefix = str(everyones / "x")
    outputs = ["-w", prefix, "--html", prefix + ".html", "--parquet", prefix + ".parquet", "--rotate-every", "1"]
    publish = ["--publish", "nats://127.0.0.1:9", "--spool", prefix + ".spool"]
    words = ["live", "-i", "lo", "--user", "nobody", "--duration", "2.5", *outputs, *publish]
    run = subprocess.Popen([sys.executable, "-c", _WHAT_IS_IMPORTED_LATER, *words], stderr=subprocess.PIPE, text=True)
    assert run.stderr
    assert "capturing" in run.stderr.readline()
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    _, said = run.communicate(timeout=30)
    assert run.returncode == 0, said
    assert "\nlater:\n" in said
