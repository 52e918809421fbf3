"""Real control groups, named as container engines name them: what they are told to be."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.functional.conftest import LiveRun

Start = Callable[..., LiveRun]

ID = "4f" * 32
SERVE = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    accepted, _ = server.accept()
    accepted.recv(1)
"""


@pytest.fixture
def control_groups() -> Path:
    """Where version 2 is mounted, and groups may be made."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        fields = line.split()
        if fields[2] == "cgroup2" and os.access(fields[1], os.W_OK):
            return Path(fields[1])
    pytest.skip("needs a cgroup2 file system that may be written")


@pytest.fixture
def group(control_groups: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A group, which is removed with those above it that are empty by then."""
    path = control_groups / f"correlator-{os.getpid()}" / request.param
    path.mkdir(parents=True)
    yield path
    while path != control_groups:
        path.rmdir()
        path = path.parent


@pytest.mark.parametrize(
    ("group", "container"),
    [
        (f"system.slice/docker-{ID}.scope", ID[:12]),
        (f"docker/{ID}", ID[:12]),
        (f"kubepods.slice/kubepods-pod7.slice/cri-containerd-{ID}.scope", ID[:12]),
        (f"kubepods.slice/kubepods-pod7.slice/crio-{ID}.scope", ID[:12]),
        (f"machine.slice/libpod-{ID}.scope", ID[:12]),
        ("lxc.payload.web1", "web1"),
        ("machine.slice/systemd-nspawn@web2.service", "web2"),
        ("system.slice/nginx.service", ""),
    ],
    indirect=["group"],
)
def test_who_is_in_a_container(start_live: Start, group: Path, container: str, control_groups: Path) -> None:
    """A server in the group: its socket's and its process's group is told, and the container that it names."""
    live = start_live()
    enter = f"echo $$ > {group}/cgroup.procs && exec {sys.executable} -c '{SERVE}'"
    server = subprocess.Popen(["/bin/sh", "-c", enter], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        port = int(server.stdout.readline())
        with socket.create_connection(("127.0.0.1", port)) as client:
            own = client.getsockname()[1]
            time.sleep(0.2)
        assert live.end() == 0, live.error
    finally:
        server.kill()
        server.communicate()
    row = live.of(own, "server")
    assert row["pid"] == str(server.pid)
    assert (row["cgroup"], row["container"]) == (f"/{group.relative_to(control_groups)}", container)
    assert live.of(own, "client")["container"] == ""
