"""A thread that walks through a file gives what reading it gives, whatever happens to the file meanwhile."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from correlator.capture.walker import IS_APART, Walker
from correlator.core.frames import Frames
from correlator.wire.interfaces import Interfaces
from correlator.wire.pcap import PcapReader
from correlator.wire.reader import Reader
from tests.frames import ethernet, ipv4, pcap_header, pcap_record, tcp

_NOBODY = 65534
COUNT, LARGE = 60_000, 700  # more than one part of the file that is mapped
RECORD = 16 + len(ethernet(ipv4(tcp()))) + LARGE


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture whose sequence numbers count its packets; each hundredth is not plain."""
    path = tmp_path_factory.mktemp("walker") / "a.pcap"
    with path.open("wb") as file:
        file.write(pcap_header())
        for number in range(COUNT):
            body = ipv4(tcp(seq=number, payload=bytes(LARGE)), options=b"" if number % 100 else bytes(4))
            file.write(pcap_record(ethernet(body)))
    return path


@pytest.fixture
def copy(capture: Path, tmp_path: Path) -> Path:
    """One of one's own."""
    (tmp_path / "a.pcap").write_bytes(capture.read_bytes())
    return tmp_path / "a.pcap"


def reader_of(data: bytes) -> Reader:
    """A reader that has read the head."""
    reader = PcapReader(Interfaces())
    reader.feed(data[:24])
    return reader


@pytest.fixture
def begin() -> Iterator[Callable[[Path], tuple[Walker, int]]]:
    """Begins to walk, from the first record."""
    walkers = []

    def begun(path: Path) -> tuple[Walker, int]:
        descriptor = os.open(path, os.O_RDWR)
        walkers.append((Walker(reader_of(path.read_bytes()), descriptor, 24), descriptor))
        return walkers[-1]

    yield begun
    for walker, descriptor in walkers:
        walker.close()
        os.close(descriptor)


Begin = Callable[[Path], tuple[Walker, int]]


def numbers(frames: Frames) -> list[int | None]:
    """The sequence numbers of what is plain."""
    return [one.seq if one.is_decoded else None for one in frames.segments[: frames.count]]


def rest(walker: Walker) -> list[int | None]:
    """Of all that is still to come."""
    found, frames = [], Frames()
    while walker.take(frames):
        found += numbers(frames)
    return found


EXPECTED = [number if number % 100 else None for number in range(COUNT)]


def test_all_of_it(begin: Begin, capture: Path) -> None:
    """In order; then there is nothing, again and again."""
    walker, _ = begin(capture)
    assert rest(walker) == EXPECTED
    assert (walker.at, walker.is_cut) == (capture.stat().st_size, False)
    assert not walker.take(Frames())


def test_frames_that_are_not_plain(begin: Begin, capture: Path) -> None:
    """They lie there whole."""
    walker, _ = begin(capture)
    frames = Frames()
    assert walker.take(frames)
    assert frames.odd == len([None for number in range(frames.count) if number % 100 == 0])
    assert frames.bytes_of(100) == ethernet(ipv4(tcp(seq=100, payload=bytes(LARGE)), options=bytes(4)))


@pytest.mark.parametrize("cut", [1, 15, 16, 40, RECORD - 1])
def test_a_record_that_is_not_whole(begin: Begin, copy: Path, cut: int) -> None:
    """It stops there: whoever reads on tells what is missing."""
    os.truncate(copy, copy.stat().st_size - cut)
    walker, _ = begin(copy)
    assert rest(walker) == EXPECTED[:-1]
    assert (walker.at, walker.is_cut) == (copy.stat().st_size + cut - RECORD, False)


def test_where_the_reader_knows_of_no_record(begin: Begin, copy: Path) -> None:
    """It stops there, wherever that is."""
    with copy.open("r+b") as file:
        file.seek(24 + 4 + 30_000 * RECORD + 300 * 4)  # options
        file.write(b"\xff" * 16)
    walker, _ = begin(copy)
    assert rest(walker) == EXPECTED[:30_000]
    assert not walker.is_cut


def test_as_far_as_is_wanted(capture: Path) -> None:
    """Records that begin before it."""
    reader = reader_of(capture.read_bytes())
    reader.go_to(24, 24 + RECORD + 5)
    with capture.open("rb") as file:
        walker = Walker(reader, file.fileno(), 24)
        assert rest(walker) == EXPECTED[:2]
        walker.close()


@pytest.mark.parametrize("left", [0, 24, 100_000, 17 << 20])
def test_a_file_that_is_cut_off_meanwhile(begin: Begin, copy: Path, left: int) -> None:
    """What was found is what was there; no signal ends the program, and nothing of what is missing is told."""
    for turns in range(4):
        content = copy.read_bytes()
        walker, descriptor = begin(copy)
        frames, found = Frames(), []
        for _ in range(turns):
            assert walker.take(frames)
            found += numbers(frames)
        os.ftruncate(descriptor, left)
        found += rest(walker)
        assert found == EXPECTED[: len(found)]
        assert walker.is_cut or walker.at <= left or len(found) == COUNT
        copy.write_bytes(content)


def test_signals_of_others_are_theirs(copy: Path) -> None:
    """SIGBUS that comes of another's mapping ends the program, as it would without a walk."""
    code = """if True:
        import mmap, os, resource, sys
        from correlator.capture.walker import Walker
        from correlator.wire.interfaces import Interfaces
        from correlator.wire.pcap import PcapReader
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        file = open(sys.argv[1], "r+b")
        reader = PcapReader(Interfaces())
        reader.feed(file.read(24))
        walker = Walker(reader, file.fileno(), 24)
        mapped = mmap.mmap(file.fileno(), 0)
        os.ftruncate(file.fileno(), 0)
        mapped[5_000_000]
    """
    done = subprocess.run([sys.executable, "-c", code, copy], capture_output=True, check=False)
    assert done.returncode == -7


def test_walks_that_are_given_up(capture: Path) -> None:
    """At any time, also by who forgets to close."""
    for turn in range(100):
        with capture.open("rb") as file:
            walker = Walker(reader_of(pcap_header()), file.fileno(), 24)
            for _ in range(turn % 7):
                walker.take(Frames())
            walker.close()
            assert not walker.take(Frames())
            walker.close()
    with capture.open("rb") as file:
        walker = Walker(reader_of(pcap_header()), file.fileno(), 24)
        assert walker.take(Frames())
        del walker


@pytest.mark.skipif(not IS_APART, reason="without the compiled part there is no thread")
def test_a_process_that_was_forked(begin: Begin, capture: Path) -> None:
    """It has no part in the walk, and may end."""
    walker, _ = begin(capture)
    child = os.fork()
    if not child:
        try:
            walker.take(Frames())
        except RuntimeError:
            walker.close()
            os._exit(3)
        os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    assert rest(walker) == EXPECTED


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become somebody who may have no threads")
def test_where_no_thread_is_to_be_had(capture: Path) -> None:
    """Each batch is filled when it is wanted."""
    code = f"""if True:
        import os, resource, sys
        from correlator.capture.walker import Walker
        from correlator.core.frames import Frames
        from correlator.wire.interfaces import Interfaces
        from correlator.wire.pcap import PcapReader
        descriptor = os.open(sys.argv[1], os.O_RDONLY)
        os.setresuid({_NOBODY}, {_NOBODY}, {_NOBODY})
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        reader, frames, count = PcapReader(Interfaces()), Frames(), 0
        reader.feed(os.pread(descriptor, 24, 0))
        walker = Walker(reader, descriptor, 24)
        while walker.take(frames):
            count += frames.count
        walker.close()
        print(count, len(os.listdir("/proc/self/task")))
    """
    done = subprocess.run([sys.executable, "-c", code, capture], capture_output=True, text=True, check=False)
    assert done.stdout == f"{COUNT} 1\n", done.stderr
