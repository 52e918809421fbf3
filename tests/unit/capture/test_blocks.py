"""The blocks of a file that is read ahead."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from correlator.capture.blocks import Blocks

SIZE = 5000
_NOBODY = 65534
DATA = random.Random(3).randbytes(20 * SIZE + 77)


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    """A file with the data."""
    (tmp_path / "file").write_bytes(DATA)
    found = os.open(tmp_path / "file", os.O_RDWR)
    yield found
    os.close(found)


@pytest.mark.parametrize("ahead", [0, 1, 2, 4, 30])
@pytest.mark.parametrize("begin", [0, 1, 3 * SIZE, len(DATA) - 1, len(DATA), len(DATA) + 9])
def test_all_of_it_in_order(descriptor: int, ahead: int, begin: int) -> None:
    """However many are read ahead, from anywhere on."""
    blocks = Blocks(descriptor, begin, size=SIZE, ahead=ahead)
    found = list(iter(blocks.take, b""))
    assert b"".join(found) == DATA[begin:]
    assert {len(block) for block in found[:-1]} <= {SIZE}
    assert blocks.take() == b""


@pytest.mark.parametrize("size", [SIZE, len(DATA)])
def test_a_file_that_grows(descriptor: int, size: int) -> None:
    """What comes behind its end is there at the next call, also what was asked for when it was not there."""
    blocks = Blocks(descriptor, 0, size=size)
    found = b""
    while block := blocks.take():
        found += block
        if len(found) >= len(DATA) and len(found) < 2 * len(DATA):
            os.pwrite(descriptor, DATA[len(found) - len(DATA) :][:700], len(found))
    assert found[: len(DATA)] == DATA
    assert found[len(DATA) :] == DATA[: len(found) - len(DATA)]
    assert len(found) >= 2 * len(DATA)


def test_a_file_that_is_cut_off(descriptor: int) -> None:
    """It ends; what had been read ahead by then may still come, and is what it was."""
    blocks = Blocks(descriptor, 0, size=SIZE)
    found = blocks.take()
    os.ftruncate(descriptor, 0)
    while block := blocks.take():
        found += block
    assert found == DATA[: len(found)]
    assert len(found) <= 6 * SIZE


@pytest.mark.parametrize("ahead", [0, 4])
def test_what_cannot_be_read(tmp_path: Path, ahead: int) -> None:
    """The error is the system's, of the block that has it."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(IsADirectoryError):
        Blocks(descriptor, 0, size=SIZE, ahead=ahead).take()
    os.close(descriptor)


def test_an_error_ahead(descriptor: int) -> None:
    """It comes with its block, not before."""
    blocks = Blocks(descriptor, (1 << 63) - 1 - 3 * SIZE, size=SIZE, ahead=4)
    assert blocks.take() == b""
    blocks = Blocks(descriptor, 0, size=SIZE, ahead=4)
    assert blocks.take() == DATA[:SIZE]
    spare = os.dup(descriptor)
    os.close(descriptor)
    with pytest.raises(OSError, match="Bad file descriptor"):
        while blocks.take():
            pass
    os.dup2(spare, descriptor)
    os.close(spare)


def test_blocks_that_are_given_up(descriptor: int) -> None:
    """Nothing is read into memory that is somebody else's by then; descriptors can be closed."""
    for turn in range(300):
        blocks = Blocks(descriptor, 0, size=SIZE, ahead=turn % 7)
        blocks.take()
        blocks.close()
    blocks = Blocks(descriptor, 0, size=SIZE)
    blocks.take()
    del blocks


def in_a_child(work: Callable[[], bool]) -> bool:
    """What work tells in a process that was forked."""
    child = os.fork()
    if not child:
        os._exit(not work())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_process_that_was_forked(descriptor: int) -> None:
    """It has none of the threads that read ahead: what was begun is read again, and what follows when it is wanted."""
    blocks = Blocks(descriptor, 0, size=SIZE)
    blocks.take()
    assert in_a_child(lambda: b"".join(iter(blocks.take, b"")) == DATA[SIZE:])
    assert in_a_child(lambda: b"".join(iter(Blocks(descriptor, 0, size=SIZE).take, b"")) == DATA)
    assert b"".join(iter(blocks.take, b"")) == DATA[SIZE:]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become somebody who may have no threads")
def test_where_no_thread_is_to_be_had(tmp_path: Path) -> None:
    """Each block is read when it is wanted."""
    (tmp_path / "file").write_bytes(DATA)
    code = f"""if True:
        import os, resource, sys, threading
        from correlator.capture.blocks import Blocks
        data = open(sys.argv[1], "rb").read()
        descriptor = os.open(sys.argv[1], os.O_RDONLY)
        os.setresuid({_NOBODY}, {_NOBODY}, {_NOBODY})
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        try:
            threading.Thread(target=int).start()
        except RuntimeError:
            print("no thread")
        print(b"".join(iter(Blocks(descriptor, 0, size={SIZE}).take, b"")) == data)
    """
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "file"], capture_output=True, text=True, check=False)
    assert done.stdout == "no thread\nTrue\n", done.stderr
