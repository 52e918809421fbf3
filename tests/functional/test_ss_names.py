"""The table of the real ss, with processes that name themselves like a row's other parts."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from correlator.core.model import Evidence
from correlator.kernel.tables import read_table

LISTENER = """
import ctypes, os, socket, sys
ctypes.CDLL(None).prctl(15, os.fsencode(sys.argv[1]), 0, 0, 0)
server = socket.socket(socket.AF_INET6)
server.bind(("::1", 0))
server.listen()
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("name", ['a",pid=1,fd=3)', '",pid=1,fd=3)) ', '",1,3),("x', ")) uid:9 ino:9", "plain"])
def test_the_owner_is_the_one_that_listens(name: str, program: Callable[[str], str]) -> None:
    """Whatever it is called: its PID is what the parent knows."""
    ss = program("ss")
    with subprocess.Popen(
        [sys.executable, "-c", LISTENER, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        told = subprocess.run([ss, "-tanpe"], capture_output=True, text=True, check=True, timeout=60).stdout
    (found,) = (
        one for one in read_table(told).statements if isinstance(one, Evidence) and one.socket.local_port == port
    )
    assert found.owner
    assert (found.owner.pid, found.socket.uid) == (process.pid, 0)
