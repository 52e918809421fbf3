"""The systemd unit that is shipped, run by a real systemd in namespaces of its own."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_UNIT = _ROOT / "docs" / "correlator@.service"
# Nothing of the machine's own is started, written to or moved: systemd finds these units only, state is in memory,
# sysctls are read-only, the control group is one of its own.
_BOOT = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/units
cp {unit} {dropin} /run/units/
cd /run/units
for name in basic sysinit network shutdown multi-user; do
    printf '[Unit]\nDefaultDependencies=no\n' >$name.target
done
mkdir 'correlator@.service.d'
mv here.conf 'correlator@.service.d/'
mount -t tmpfs -o mode=755 tmpfs /etc/systemd/system
cp -r . /etc/systemd/system/
cd /
# What the service runs lies where it may look, wherever it lies on this machine.
mkdir /run/bin /run/project /run/python /run/venv
mount --bind {root} /run/project
mount --bind {venv} /run/venv
mount --bind {prefix} /run/python
printf '#!/bin/sh\nexec /run/venv/bin/python -m correlator "$@"\n' >/run/bin/correlator
chmod 755 /run/bin/correlator
for folder in /var/lib /var/log; do mount -t tmpfs -o mode=755 tmpfs $folder; done
for folder in /tmp /var/tmp; do mount -t tmpfs -o mode=1777 tmpfs $folder; done
for folder in /root /home; do mount -t tmpfs -o mode=755 tmpfs $folder; done
if [ ! -e {prefix} ]; then
    mkdir -p {prefix}
    mount --move /run/python {prefix}
fi
rm -r /run/units
mkdir -p /run/systemd/system
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind /proc/sys /proc/sys
mount -o remount,ro,bind /proc/sys
mount --make-rshared /  # among themselves, as it is on a host
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH=/etc/systemd/system \
    SYSTEMD_GENERATOR_PATH=/none SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/none \
    {systemd} --system --unit=basic.target --log-target=null
"""
_PYTHON = "/run/venv/bin/python"
_CONNECT = """
import socket, time
with socket.socket(socket.AF_INET6) as server:
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", 7777))
    server.listen()
    with socket.create_connection(("127.0.0.1", 7777)), server.accept()[0]:
        time.sleep(1)
"""
# What the unit's capabilities would allow, and the rest of it does not.
_ATTACK = """
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def tried(name, work):
    try:
        result = work()
        done = "no" if result == -1 else "DONE"
    except OSError as error:
        done = "no"
    print(name, done)
tried("ptrace", lambda: libc.ptrace(16, 1, 0, 0))
tried("mount", lambda: libc.mount(b"none", b"/mnt", b"tmpfs", 0, None))
tried("unshare", lambda: libc.unshare(0x10000000))
tried("memory", lambda: os.open("/proc/1/mem", os.O_RDWR))
tried("sysctl", lambda: os.open("/proc/sys/net/ipv6/bindv6only", os.O_WRONLY))
tried("etc", lambda: os.open("/etc/passwd", os.O_WRONLY))
tried("chown", lambda: os.chown("/etc/passwd", 1, 1))
tried("inet", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
tried("bpf", lambda: libc.syscall(321, 0, 0, 0))
tried("own", lambda: os.open(os.environ["STATE_DIRECTORY"] + "/attack", os.O_WRONLY | os.O_CREAT))
"""


class Machine:
    """A systemd with a network of its own."""

    def __init__(self, init: subprocess.Popen[bytes], pid: int, group: Path) -> None:
        self._init = init
        self._group = group
        self._pid = pid

    def run(self, *words: str, check: bool = True) -> str:
        """What a command in it prints."""
        command = ["nsenter", "--target", str(self._pid), "--all", "--", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout

    def show(self, unit: str, *names: str) -> dict[str, str]:
        """Properties of a unit."""
        shown = self.run("systemctl", "show", unit, f"--property={','.join(names)}")
        return dict(line.split("=", 1) for line in shown.splitlines())

    def end(self) -> None:
        """Nothing is left of it."""
        self._init.kill()  # unshare, which takes its child along
        self._init.wait()
        for folder, _, _ in os.walk(self._group, topdown=False):
            for _ in range(100):
                try:
                    os.rmdir(folder)
                    break
                except OSError:
                    time.sleep(0.05)  # its last processes are going


@pytest.fixture
def machine(tmp_path: Path, program: Callable[[str], str]) -> Iterator[Callable[[str], Machine]]:
    """Boots it; what is given goes into a drop-in for the unit."""
    started: list[Machine] = []
    program("unshare")
    systemd = Path("/lib/systemd/systemd")
    if not systemd.exists() or shutil.which("systemctl") is None:
        pytest.skip("systemd is not installed")

    def boot(more: str = "") -> Machine:
        is_home = Path(sys.base_prefix).is_relative_to("/root") or Path(sys.base_prefix).is_relative_to("/home")
        dropin = tmp_path / "here.conf"
        dropin.write_text(
            f"[Service]\nExecSearchPath=/run/bin\nProtectHome={'no' if is_home else 'yes'}\n"
            f"Environment=PYTHONPATH=/run/project PYTHONDONTWRITEBYTECODE=1\n"
            f"StandardError=file:/var/log/said\nStandardOutput=file:/var/log/shown\n{more}"
        )
        paths = (_UNIT, dropin, sys.base_prefix, sys.prefix, _ROOT)
        unit, here, prefix, venv, root = (shlex.quote(str(path)) for path in paths)
        script = _BOOT.format(unit=unit, dropin=here, systemd=systemd, prefix=prefix, venv=venv, root=root)
        group = _group()
        spaces = ("--mount", "--pid", "--cgroup", "--ipc", "--uts", "--net", "--fork", "--kill-child", "--mount-proc")
        command = shlex.join(["unshare", *spaces, "sh", "-c", script])
        init = subprocess.Popen(
            ["sh", "-c", f"echo $$ >{group}/cgroup.procs && exec {command}"], stdout=subprocess.DEVNULL
        )
        pid = _child_of(init.pid)
        made = Machine(init, pid, group)
        started.append(made)
        for _ in range(100):
            if "running" in made.run("systemctl", "is-system-running", check=False):
                break
            time.sleep(0.1)
        made.run("ip", "link", "set", "lo", "up")
        return made

    yield boot
    for one in started:
        one.end()


def _group() -> Path:
    """A control group of its own; a skip where there are none of the second version."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            made = Path(where, f"correlator-test-{os.getpid()}-{time.monotonic_ns()}")
            made.mkdir()
            return made
    pytest.skip("there are no control groups of version 2")


def _child_of(pid: int) -> int:
    """The process that unshare forked."""
    for _ in range(100):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.05)
    raise AssertionError


def test_the_unit_is_sound(program: Callable[[str], str]) -> None:
    """As systemd itself judges it: nothing unknown in it, and little that an attacker could use."""
    analyse = program("systemd-analyze")
    said = subprocess.run([analyse, "verify", _UNIT], capture_output=True, text=True, check=False).stderr
    assert [line for line in said.splitlines() if "Command " not in line] == []  # programs that are not installed here
    judged = subprocess.run(
        [analyse, "security", "--offline=true", "--threshold=30", _UNIT], capture_output=True, text=True, check=False
    )
    assert judged.returncode == 0, judged.stdout[-500:]


def test_the_service_runs_in_its_bounds(machine: Callable[[str], Machine]) -> None:
    """With every source of evidence, owners of others' sockets, a namespace that comes; stopped, and started again."""
    host = machine("")
    host.run("systemctl", "start", "correlator@lo", check=False)  # returns when it captures: READY=1
    state = host.show("correlator@lo", "ActiveState", "ExecMainStatus")
    assert state["ActiveState"] == "active", (state, host.run("cat", "/var/log/said", check=False))
    pid = host.show("correlator@lo", "MainPID")["MainPID"]
    status = dict(line.split(":\t", 1) for line in host.run("cat", f"/proc/{pid}/status").splitlines() if ":\t" in line)
    assert int(status["Uid"].split()[0]) > 60_000  # DynamicUser's
    assert int(status["CapEff"], 16) == 1 << 2 | 1 << 12 | 1 << 13 | 1 << 19 | 1 << 21
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    host.run(_PYTHON, "-c", _CONNECT)
    host.run("ip", "netns", "add", "late")
    host.run("ip", "-n", "late", "link", "set", "lo", "up")
    time.sleep(1.5)
    host.run("ip", "netns", "exec", "late", _PYTHON, "-c", _CONNECT)
    time.sleep(1.3)
    host.run("systemctl", "stop", "correlator@lo")
    ended = host.show("correlator@lo", "Result", "ExecMainStatus", "ExecMainCode", "NRestarts")
    said = host.run("cat", "/var/log/said")
    assert (ended["Result"], ended["ExecMainStatus"]) == ("success", "0"), said
    assert "note:" not in said  # nothing was missing
    assert "lost: nothing" in said
    report = [json.loads(line) for line in host.run("cat", "/var/lib/correlator/lo-00001.jsonl").splitlines()]
    assert report[0]["sources"] == ["lookup", "snapshot", "destroy", "state-event"]
    (server,) = [line for line in report if line.get("server_port") == 7777 and line.get("side") == "server"]
    assert (server["verdict"], server["owner_by"], server["user"]) == ("ipv4-on-af_inet6", "inode", "root")
    assert '"netns":"late"' in host.run("cat", "/var/lib/correlator/lo-00001.sockets.jsonl")
    modes = host.run("stat", "-c", "%a", "/var/lib/private/correlator", *_files(host)).split()
    assert modes == ["700"] + ["600"] * (len(modes) - 1)
    host.run("systemctl", "start", "correlator@lo")
    host.run("systemctl", "stop", "correlator@lo")
    assert host.show("correlator@lo", "Result")["Result"] == "success"
    assert "/var/lib/correlator/lo-00002.csv" in _files(host)


def _files(host: Machine) -> list[str]:
    return host.run("find", "/var/lib/correlator/", "-type", "f").split()


def test_what_the_unit_forbids(machine: Callable[[str], Machine], tmp_path: Path) -> None:
    """Its capabilities alone would do: another program in its place."""
    program = tmp_path / "attack.py"
    program.write_text(_ATTACK)
    shared = Path("/run/correlator-attack.py")  # in its own /run
    host = machine(f"Type=oneshot\nExecStart=\nExecStart={_PYTHON} {shared}\nRestart=no\n")
    with program.open() as file:
        subprocess.run(
            ["nsenter", "--target", str(host._pid), "--all", "--", "cp", "/dev/stdin", str(shared)],
            stdin=file,
            check=True,
        )
    host.run("systemctl", "start", "correlator@lo")
    tried = dict(line.split() for line in host.run("cat", "/var/log/shown").splitlines())
    assert tried.pop("own") == "DONE"
    assert len(tried) == 9
    assert set(tried.values()) == {"no"}, tried


def test_the_service_is_killed(machine: Callable[[str], Machine]) -> None:
    """It is started again, and goes on in new files."""
    host = machine("RestartSec=100ms\n")
    host.run("systemctl", "start", "correlator@lo")
    pid = host.show("correlator@lo", "MainPID")["MainPID"]
    host.run("kill", f"-{int(signal.SIGKILL)}", pid)
    for _ in range(100):
        if host.show("correlator@lo", "NRestarts", "ActiveState") == {"NRestarts": "1", "ActiveState": "active"}:
            break
        time.sleep(0.1)
    assert host.show("correlator@lo", "MainPID")["MainPID"] not in {"0", pid}
    assert "/var/lib/correlator/lo-00002.csv" in _files(host)
    assert os.path.exists(_UNIT)
