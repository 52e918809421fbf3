"""What a live run writes, read again by the programs that people use."""

import base64
import gzip
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from correlator.report.columns import COLUMNS
from tests.functional.conftest import LiveRun

Start = Callable[..., LiveRun]
Program = Callable[[str], str]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """A program's output."""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, check=False)


def correlator(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command."""
    return run(sys.executable, "-m", "correlator", *arguments)


def talk() -> int:
    """A short conversation of an AF_INET client with a dual-stack server; returns the client's port."""
    with socket.socket(socket.AF_INET6) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", 0))
        server.listen()
        with socket.create_connection(("127.0.0.1", server.getsockname()[1])) as client:
            accepted = server.accept()[0]
            client.sendall(b"x" * 1000)
            accepted.recv(1000)
            time.sleep(0.7)
            accepted.close()
            return int(client.getsockname()[1])


@pytest.mark.parametrize("option", [[], ["--all-packets"]])
def test_a_run_replays_to_its_own_csv(start_live: Start, option: list[str]) -> None:
    """Packets and evidence give the live findings again, byte for byte."""
    live = start_live(*option)
    port = talk()
    assert live.end() == 0
    again = live.prefix.with_name("again.csv")
    done = correlator("analyse", f"{live.prefix}.pcapng", "--csv", again, "-q")
    assert done.returncode == 0, done.stderr
    assert again.read_bytes() == Path(f"{live.prefix}.csv").read_bytes()
    server = live.of(port, "server")
    assert server["verdict"] == "ipv4-on-af_inet6"
    assert server["client_bytes"] == ("1000" if option else "")


def test_exports_equal_the_runs_own_csv(start_live: Start) -> None:
    """From the JSON Lines report, and from the annotated capture with its evidence beside it."""
    live = start_live()
    talk()
    live.end()
    wanted = Path(f"{live.prefix}.csv").read_bytes()
    for report in (f"{live.prefix}.jsonl", f"{live.prefix}.pcapng"):
        out = live.prefix.with_name("out.csv")
        done = correlator("export", report, "--csv", out, "--force")
        assert done.returncode == 0, done.stderr
        assert out.read_bytes() == wanted


def test_the_page_of_a_run_has_its_rows(start_live: Start, tmp_path: Path) -> None:
    """Those of its CSV, in their order; like the other files it is nobody else's to read."""
    page = tmp_path / "x.html"
    live = start_live("--html", str(page))
    port = talk()
    assert live.end() == 0
    (packed,) = re.findall(r'id="data"[^>]*>([^<]*)<', page.read_text())
    rows = [json.loads(line) for line in gzip.decompress(base64.b64decode(packed)).splitlines()]
    places = [COLUMNS.index(name) for name in ("client_port", "side", "verdict", "listener", "community_id")]
    names = [COLUMNS[place] for place in places]
    assert [[str(row[at] or "") for at in places] for row in rows] == [[row[one] for one in names] for row in live.rows]
    assert port in [row[COLUMNS.index("client_port")] for row in rows]
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_other_programs_read_the_capture(start_live: Start, program: Program) -> None:
    """Tshark shows the comments, capinfos and tcpdump have no complaint."""
    tshark, capinfos, tcpdump = program("tshark"), program("capinfos"), program("tcpdump")
    live = start_live()
    talk()
    live.end()
    capture = f"{live.prefix}.pcapng"
    comments = run(tshark, "-r", capture, "-Y", "tcp", "-T", "fields", "-e", "frame.comment")
    assert comments.returncode == 0
    lines = comments.stdout.splitlines()
    assert len(lines) >= 5
    assert all(
        "verdict=ipv4-on-af_inet6 cause=dual-stack-listener side=server socket=AF_INET6" in line for line in lines
    )
    assert all(f"pid={os.getpid()}" in line for line in lines)
    info = run(capinfos, capture)
    assert info.returncode == 0
    assert "nanoseconds" in info.stdout
    dump = run(tcpdump, "-nr", capture)
    assert dump.returncode == 0
    assert len(dump.stdout.splitlines()) == len(lines)


def test_output_files_are_private_and_never_overwritten(start_live: Start) -> None:
    """0600, and an existing file is an error without --force."""
    live = start_live()
    live.end()
    assert f"wrote {live.prefix}.csv, " in live.error
    for suffix in (".pcapng", ".sockets.jsonl", ".jsonl", ".csv", ".txt"):
        assert stat.S_IMODE(Path(f"{live.prefix}{suffix}").stat().st_mode) == 0o600
    again = correlator("live", "-i", "lo", "-w", live.prefix, "--duration", "1")
    assert again.returncode == 6
    assert "exists; use --force" in again.stderr
    assert len(again.stderr.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_run_cleanly(start_live: Start, number: int) -> None:
    """All files are complete and the status is 0."""
    live = start_live()
    talk()
    assert live.end(number) == 0
    assert Path(f"{live.prefix}.jsonl").read_text().splitlines()[-1].startswith('{"type":"counters"')
    assert Path(f"{live.prefix}.txt").read_text() in live.error


def test_a_rotating_run_that_is_started_again(tmp_path: Path) -> None:
    """It goes on behind what the one before left, and overwrites nothing; each run's summary is in its last set."""
    for _ in range(2):
        done = correlator("live", "-i", "lo", "-w", tmp_path / "x", "--rotate-every", "0.4", "--duration", "1", "-q")
        assert done.returncode == 0, done.stderr
    summaries = sorted(path.name for path in tmp_path.glob("*.txt"))
    sets = sorted(path.name for path in tmp_path.glob("*.csv"))
    assert [sets[number].replace(".csv", ".txt") for number in (len(sets) // 2 - 1, -1)] == summaries
    assert len(summaries) == 2
    assert (tmp_path / summaries[1]).read_text() in done.stderr


def test_duration_and_count() -> None:
    """Either ends a run by itself."""
    assert correlator("live", "-i", "lo", "--duration", "0.3").returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "correlator", "live", "-i", "lo", "--count", "1", "--jsonl", "-"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stderr
    process.stderr.readline()
    talk()
    assert process.wait(10) == 0
    process.communicate()


def test_ready_is_told_the_service_manager(tmp_path: Path) -> None:
    """READY=1 when it captures, STOPPING=1 when it ends."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(10)
        environment = {**os.environ, "NOTIFY_SOCKET": str(path)}
        process = subprocess.Popen(
            [sys.executable, "-m", "correlator", "live", "-i", "lo", "--duration", "0.5"],
            env=environment,
            stderr=subprocess.DEVNULL,
        )
        assert manager.recv(100) == b"READY=1"
        assert manager.recv(100) == b"STOPPING=1"
        assert process.wait(10) == 0


def test_the_portable_capture_sees_the_same(start_live: Start) -> None:
    """Scapy's sockets instead of the ring."""
    live = start_live("--portable")
    port = talk()
    live.end()
    assert live.of(port, "server")["verdict"] == "ipv4-on-af_inet6"


def test_sockets_beside_tcpdump(tmp_path: Path, program: Program) -> None:
    """A capture by tcpdump and `sockets --watch` make a report together."""
    tcpdump = program("tcpdump")
    capture, table = tmp_path / "t.pcap", tmp_path / "t.table"
    dump = subprocess.Popen(
        [tcpdump, "-i", "lo", "--immediate-mode", "-U", "-w", str(capture), "tcp"], stderr=subprocess.PIPE, text=True
    )
    assert dump.stderr
    dump.stderr.readline()
    watch = subprocess.Popen(
        [sys.executable, "-m", "correlator", "sockets", "--watch", "--save", str(table)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watch.stderr
    watch.stderr.readline()
    port = talk()
    time.sleep(0.5)
    for process in (dump, watch):
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    done = correlator("analyse", capture, "--sockets", table, "--csv", "-")
    assert done.returncode == 0, done.stderr
    assert any(
        f",{port}," in line and "ipv4-on-af_inet6,dual-stack-listener" in line for line in done.stdout.splitlines()
    )


@pytest.mark.parametrize("source", ["live", "psutil"])
def test_this_hosts_sockets_now(tmp_path: Path, program: Program, source: str) -> None:
    """A capture of what is still open, with the table of the moment."""
    tcpdump = program("tcpdump")
    capture = tmp_path / "t.pcap"
    with socket.socket(socket.AF_INET6) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", 0))
        server.listen()
        dump = subprocess.Popen(
            [tcpdump, "-i", "lo", "--immediate-mode", "-U", "-w", str(capture), "tcp"],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert dump.stderr
        dump.stderr.readline()
        with socket.create_connection(("127.0.0.1", server.getsockname()[1])), server.accept()[0]:
            time.sleep(0.3)
            dump.send_signal(signal.SIGINT)
            dump.communicate(timeout=10)
            done = correlator("analyse", capture, "--sockets", source, "--csv", "-")
    rows = [line for line in done.stdout.splitlines() if "ipv4-on-af_inet6,dual-stack-listener" in line]
    assert len(rows) == 1
    assert f",{os.getpid()}," in rows[0]


def test_the_demo() -> None:
    """The case itself: three rows of netstat, two findings."""
    done = correlator("demo")
    assert done.returncode == 0, done.stderr
    table = [line.split() for line in done.stdout.splitlines() if line.strip().startswith("tcp")]
    assert [(row[0], row[3]) for row in table] == [("tcp6", "LISTEN"), ("tcp", "ESTABLISHED"), ("tcp6", "ESTABLISHED")]
    assert "dual-stack-listener" in done.stdout
    assert "ipv4-on-af_inet6   server" in done.stdout


def test_all_interfaces(start_live: Start) -> None:
    """`any` sees loopback, once."""
    live = start_live(interface="any")
    port = talk()
    live.end()
    row = live.of(port, "server")
    assert (row["verdict"], row["interface"], row["syn_count"]) == ("ipv4-on-af_inet6", "lo", "1")


@pytest.mark.parametrize("option", ["--csv", "--jsonl"])
def test_findings_come_as_they_are_made(option: str) -> None:
    """On a pipe too: a finding is there while the run goes on."""
    command = [sys.executable, "-m", "correlator", "live", "-i", "lo", option, "-"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stderr
    process.stderr.readline()
    port = talk()
    assert process.stdout.readline()
    while str(port) not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_a_reader_that_goes_away_ends_a_live_run() -> None:
    """`| head -1`: there is nobody to work for."""
    command = f"{sys.executable} -m correlator live -i lo | head -1"
    process = subprocess.Popen(
        ["bash", "-c", f"set -o pipefail; {command}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    process.stderr.readline()
    talk()
    talk()
    output, error = process.communicate(timeout=15)
    assert output.startswith("time")
    assert "Traceback" not in error
    assert process.returncode == 6


def test_a_closed_terminal_loses_nothing(start_live: Start) -> None:
    """SIGHUP ends a run as Ctrl-C does."""
    live = start_live()
    talk()
    assert live.end(signal.SIGHUP) == 0
    assert len(live.rows) == 2


def test_a_killed_run_leaves_what_it_had(start_live: Start) -> None:
    """SIGKILL: all but the last second is in the files, and is readable."""
    live = start_live()
    port = talk()
    time.sleep(2.5)
    live.process.kill()
    live.process.communicate()
    assert f",{port}," in Path(f"{live.prefix}.csv").read_text()
    done = correlator("analyse", f"{live.prefix}.pcapng", "--csv", "-")
    assert "ipv4-on-af_inet6,dual-stack-listener" in done.stdout


def test_ctrl_c_on_an_idle_pipe(tmp_path: Path) -> None:
    """`analyse -` ends at once, with what it has."""
    sample = Path(__file__).resolve().parents[2] / "captures" / "jessie.pcap"
    command = [sys.executable, "-m", "correlator", "analyse", "-", "--csv", str(tmp_path / "x.csv")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(sample.read_bytes())
    process.stdin.flush()
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 130
    process.communicate()
    assert len((tmp_path / "x.csv").read_text().splitlines()) == 16


@pytest.fixture
def veth(program: Program) -> Iterator[tuple[str, str]]:
    """A pair of interfaces, both up."""
    ip = program("ip")
    names = f"cv{os.getpid() % 10_000}a", f"cv{os.getpid() % 10_000}b"
    run(ip, "link", "add", names[0], "type", "veth", "peer", "name", names[1])
    for name in names:
        run(ip, "link", "set", name, "up")
    yield names
    run(ip, "link", "del", names[0])


def test_an_interface_that_goes_away(start_live: Start, veth: tuple[str, str]) -> None:
    """The others are captured on; the run says so in the end."""
    live = start_live("-i", "lo", interface=veth[0])
    run("ip", "link", "del", veth[0])
    time.sleep(0.3)
    port = talk()
    assert live.end() == 0
    assert f"{veth[0]} went down or away" in live.error
    assert live.of(port, "server")["verdict"] == "ipv4-on-af_inet6"


def test_the_last_interface_that_goes_away(start_live: Start, veth: tuple[str, str]) -> None:
    """The run waits for it to come back, and ends when it is told to."""
    live = start_live(interface=veth[0])
    run("ip", "link", "del", veth[0])
    time.sleep(0.5)
    assert live.process.poll() is None
    assert live.end() == 0
    assert f"{veth[0]} went down or away" in live.error
    assert "Traceback" not in live.error


def test_an_interface_that_is_down(veth: tuple[str, str]) -> None:
    """Said at once, with what to do."""
    run("ip", "link", "set", veth[0], "down")
    done = correlator("live", "-i", veth[0], "--duration", "1")
    assert done.returncode == 2
    assert f"ip link set {veth[0]} up" in done.stderr


def test_the_same_packets_on_both_ends_of_a_veth(start_live: Start, program: Program, veth: tuple[str, str]) -> None:
    """A connection from a namespace, captured on every interface: counted once."""
    ip, namespace = program("ip"), f"cns{os.getpid()}"
    run(ip, "netns", "add", namespace)
    try:
        run(ip, "link", "set", veth[1], "netns", namespace)
        run(ip, "addr", "add", "198.18.77.1/30", "dev", veth[0])
        run(ip, "-n", namespace, "addr", "add", "198.18.77.2/30", "dev", veth[1])
        run(ip, "-n", namespace, "link", "set", veth[1], "up")
        live = start_live(interface="any")
        with socket.create_server(("198.18.77.1", 0)) as server:
            code = f"import socket,time; c=socket.create_connection(('198.18.77.1',{server.getsockname()[1]})); time.sleep(0.5)"
            client = subprocess.Popen([ip, "netns", "exec", namespace, sys.executable, "-c", code])
            server.settimeout(10)
            with server.accept()[0] as accepted:
                port = accepted.getpeername()[1]
                client.wait(10)
        live.end()
        row = live.of(port, "server")
        assert (row["verdict"], row["syn_count"], row["handshake"]) == ("ipv4-on-af_inet", "1", "complete")
        found = [(row["side"], row["verdict"]) for row in live.rows if row["client_port"] == str(port)]
        assert found == [("client", "ipv4-on-af_inet"), ("server", "ipv4-on-af_inet")]  # both are this host's
    finally:
        run(ip, "netns", "del", namespace)


def with_scratch_files(folder: Path, option: str, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    """Analyse in two processes, whose scratch files are on a file system with such an option."""
    small = folder / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", option, "tmpfs", small], check=True)
    command = [sys.executable, "-m", "correlator", "analyse", "-q", "--jobs", "2", *map(str, words)]
    environment = {**os.environ, "TMPDIR": str(small)}
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_full_disk_for_scratch_files(tmp_path: Path) -> None:
    """What processes write for one another: rows of several captures are missing, so an output failed."""
    from tests.faults.sample import sample

    done = with_scratch_files(tmp_path, "size=200k", "--csv", tmp_path / "x.csv", sample(), sample())
    assert done.returncode == 6
    assert "No space left on device (a scratch file: TMPDIR names a folder with more room)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_for_slots(tmp_path: Path) -> None:
    """Of one capture nothing is missing: one process does it."""
    from tests.faults.sample import sample

    done = with_scratch_files(tmp_path, "size=200k", "--csv", tmp_path / "x.csv", sample())
    assert (done.returncode, "lost: nothing" in done.stderr) == (0, True)
    correlator("analyse", "-q", "--csv", str(tmp_path / "alone.csv"), sample())
    assert (tmp_path / "x.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()


def test_no_room_for_a_scratch_file_itself(tmp_path: Path) -> None:
    """The captures whose files could be made are reported; for the others it is said why."""
    from tests.faults.sample import sample

    done = with_scratch_files(tmp_path, "nr_inodes=4", "--csv", tmp_path / "x.csv", *[sample()] * 6)
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr
    assert (
        "could not be analysed in a process of its own (a scratch file: TMPDIR names a folder with more room)"
        in done.stderr
    )


def test_a_recording_that_cannot_be_written_ends() -> None:
    """`sockets --watch` has nothing else to do."""
    done = correlator("sockets", "--watch", "--save", "/dev/full", "--force")
    assert done.returncode == 6
    assert done.stderr.splitlines()[-1] == "correlator: /dev/full: No space left on device"
