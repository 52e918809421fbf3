"""Who holds a socket open."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from correlator.core.model import Owner
from correlator.kernel import owners
from correlator.kernel.owners import Owners


def inode(held: socket.socket) -> int:
    """A socket's inode."""
    return os.fstat(held.fileno()).st_ino


def test_our_own_sockets() -> None:
    """Found by a scan, then by the cache."""
    known = Owners()
    with socket.socket() as one:
        found = known.find([inode(one)])
        assert found[inode(one)].pid == os.getpid()
        assert known.known(inode(one)) is found[inode(one)]
        assert known.find([inode(one)]) == found
    assert known.scans == 1


def test_the_next_socket_of_a_process_needs_no_scan() -> None:
    """Processes that owned sockets lately are looked into first."""
    known = Owners()
    with socket.socket() as one, socket.socket() as other:
        known.find([inode(one)])
        assert known.find([inode(other)])[inode(other)].pid == os.getpid()
    assert known.scans == 1


def test_scans_are_rare() -> None:
    """An inode that nobody holds does not make a scan each time it is asked for, and is given up in the end."""
    known = Owners()
    for _ in range(10):
        assert known.find([2**40]) == {}
    assert known.scans == 1
    for _ in range(10):
        known.find([2**40], at_once=True)
    assert known.scans == owners._TRIES
    assert known.is_given_up(2**40)
    assert not known.is_given_up(5)


def test_the_facts_of_a_process() -> None:
    """Name, command line, user, parent."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    while not Path(f"/proc/{process.pid}/cmdline").read_bytes():  # Popen returns in the middle of execve(2)
        time.sleep(0.001)
    known = Owners()
    facts = known.facts(process.pid)
    assert facts
    assert (facts.pid, facts.ppid) == (process.pid, os.getpid())
    assert "input()" in facts.cmdline
    assert facts.user
    assert facts.started_at
    assert known.facts(process.pid) is facts
    process.communicate(b"\n")
    assert known.facts(process.pid) is None


def test_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest inode goes."""
    monkeypatch.setattr(owners, "_MAX_INODES", 1)
    known = Owners()
    with socket.socket() as one, socket.socket() as other:
        known.find([inode(one)])
        known.find([inode(other)])
        assert known.known(inode(one)) is None
        assert known.known(inode(other))


def test_a_socket_that_is_handed_on() -> None:
    """A server that forks for each connection: the child holds it, the parent does not."""
    known = Owners()
    one = socket.socket()
    number = inode(one)
    assert known.find([number])[number].pid == os.getpid()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[one.fileno()])
    assert known.recheck([number])[number]  # both hold it: the first is told
    one.close()
    assert known.recheck([number, 2**40]) == {number: None}
    assert known.find([number], at_once=True)[number].pid == child.pid
    child.communicate(b"\n")


def test_a_process_that_runs_another_program() -> None:
    """Execve keeps the process and its start, and changes its name."""
    with socket.socket() as one:
        code = "import os; input(); os.execvp('sleep', ['sleep', '20'])"
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, pass_fds=[one.fileno()])
        number = inode(one)
        one.close()
        known = Owners()
        before = known.find([number], at_once=True)[number]
        assert child.stdin
        child.stdin.write(b"\n")
        child.stdin.flush()
        for _ in range(100):
            after = known.recheck([number])[number]
            if after and after.process == "sleep":
                break
            time.sleep(0.05)
        else:
            pytest.fail("the new name was not seen")
        assert before.process != "sleep"
        assert after.pid == before.pid == child.pid
        child.kill()
        child.communicate()


def test_a_thread_is_its_processes() -> None:
    """Of one that runs /proc tells the process."""
    known = Owners()
    told: list[Owner | None] = []
    thread = threading.Thread(target=lambda: told.append(known.of_thread(threading.get_native_id())))
    thread.start()
    thread.join()
    assert told[0] is not None
    assert told[0].pid == os.getpid()


def test_a_thread_that_is_gone() -> None:
    """What the tracer recorded, now or in a moment; without a tracer its number is all there is."""
    gone = 4_194_303  # no PID: pid_max is one more at the most
    assert Owners().of_thread(gone) == Owner(gone)
    known = Owners()
    answers: list[tuple[int, str] | None] = [None, (4_194_302, "curl")]
    known.recorded = lambda _: answers.pop(0)
    assert not known.knows(gone)
    assert known.knows(gone)
    assert known.of_thread(gone) == Owner(4_194_302, "curl")
    assert answers == []


def test_the_kernels_own_threads_own_nothing() -> None:
    """What they do is for somebody else."""
    if psutil.Process(2).name() != "kthreadd":
        pytest.skip("PID 2 is not the kernel's here")
    assert Owners().of_thread(2) is None
