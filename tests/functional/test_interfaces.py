"""Interfaces that come, go down, come up again and go away, while the run goes on."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from tests.functional.conftest import LiveRun
from tests.functional.test_namespaces import CONNECT, SERVE, inside, ip

Start = Callable[..., LiveRun]


@pytest.fixture
def pair(program: Callable[[str], str]) -> Iterator[Callable[[], None]]:
    """Makes a veth pair to a namespace: 198.18.4.1 here, 198.18.4.2 there."""
    program("ip")
    name, link = f"ci{os.getpid()}", f"ci{os.getpid()}"

    def make() -> None:
        ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("addr", "add", "198.18.4.1/24", "dev", link)
        ip("link", "set", link, "up")
        ip("-n", name, "addr", "add", "198.18.4.2/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")

    ip("netns", "add", name)
    try:
        yield make
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


def connect() -> int:
    """Connect to the namespace's server; gives the client's port."""
    command = [sys.executable, "-c", CONNECT, "198.18.4.2", "80", "0"]
    return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout)


def test_an_interface_that_comes_goes_down_up_and_away(start_live: Start, pair: Callable[[], None]) -> None:
    """Named by a regular expression before it is there; what it shows while it is up is found."""
    name = f"ci{os.getpid()}"
    live = start_live(interface=f"c[i]{os.getpid()}")
    pair()
    with subprocess.Popen(
        [*inside(name), sys.executable, "-c", SERVE, "80"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        server.stdout.readline()
        time.sleep(1.5)
        ports = [connect()]
        ip("link", "set", name, "down")
        time.sleep(0.3)
        ip("link", "set", name, "up")
        time.sleep(0.5)
        ports.append(connect())
        ip("link", "del", name)
        time.sleep(1.5)
        pair()
        time.sleep(1.5)
        ports.append(connect())
        server.kill()
    assert live.end() == 0, live.error
    for port in ports:
        assert live.of(port, "client")["interface"] == name
    assert f"{name} went down or away; the run went on" in live.error
