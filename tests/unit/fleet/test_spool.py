"""The queue on disk."""

import asyncio
import contextlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from correlator.fleet.batch import Batch, unpack
from correlator.fleet.spool import Spool, SpoolError, read

RUN = b'{"type":"run"}\n'


def batch(number: int, size: int = 10) -> Batch:
    """Takes about so many bytes."""
    return Batch(
        f"{number:032x}", number, RUN, b'{"type":"finding","cmdline":"' + os.urandom(size).hex().encode() + b'"}\n'
    )


def opened(folder: Path, most: int = 1 << 20) -> Spool:
    """A spool."""
    made = Spool(str(folder), most)
    made.open()
    return made


async def test_what_is_added_waits_in_order_until_it_is_removed(tmp_path: Path) -> None:
    """Over restarts, too; nobody else may read it."""
    spool = opened(tmp_path / "a" / "b")
    for number in (3, 1, 2):
        await spool.add(batch(number))
    assert [one.count for one in spool.first(2)] == [3, 1]
    spool.remove(spool.first(1)[0])
    spool.close()
    again = opened(tmp_path / "a" / "b")
    assert [(one.count, one.name) for one in again.first(9)] == [(1, f"{1:032x}"), (2, f"{2:032x}")]
    assert (len(again), again.findings, again.dropped) == (2, 3, 0)
    assert unpack(read(again.first(1)[0]))[0] == {"type": "run"}
    await again.add(batch(9))
    assert [one.count for one in again.first(9)] == [1, 2, 9]
    for path in (tmp_path / "a" / "b").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


async def test_it_is_bounded(tmp_path: Path) -> None:
    """The oldest go, and their findings are counted; a small file takes a block, too."""
    spool = opened(tmp_path, most=20_000)
    for number in range(1, 11):
        await spool.add(batch(number, 1000))
    left = [one.count for one in spool.first(99)]
    assert left == list(range(11 - len(left), 11))
    assert spool.dropped == sum(range(1, 11)) - sum(left)
    assert sum(path.stat().st_blocks * 512 for path in tmp_path.iterdir()) <= 20_000
    assert len(left) == 4
    spool.close()
    assert len(opened(tmp_path)) == 4


async def test_one_run_has_it(tmp_path: Path) -> None:
    """Another is told."""
    spool = opened(tmp_path)
    with pytest.raises(SpoolError, match="another run sends from this folder"):
        opened(tmp_path)
    spool.close()
    opened(tmp_path).close()


async def test_what_was_begun_when_a_run_was_killed_is_no_batch(tmp_path: Path) -> None:
    """It is removed; files of others stay."""
    names = [f"{5:020d}-7-{5:032x}.jsonl.gz.new", f"{6:020d}-7-{6:032x}.jsonl.gz", "README"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    spool = opened(tmp_path)
    assert spool.findings == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])


async def test_what_is_no_batch_of_ours(tmp_path: Path) -> None:
    """Folders, FIFOs and links of such names, numbers of other ages: they stay, and keep nobody waiting."""
    names = [f"{number:020d}-7-{number:032x}.jsonl.gz" for number in range(1, 6)]
    os.mkfifo(tmp_path / names[0])
    (tmp_path / names[1]).mkdir()
    (tmp_path / names[2]).symlink_to("/dev/zero")
    (tmp_path / f"{names[3]}.new").mkdir()
    (tmp_path / ("9" * 20 + names[4][20:])).write_bytes(b"x")
    (tmp_path / "passwd.new").write_text("precious")
    spool = opened(tmp_path)
    await spool.add(batch(3))
    assert [one.count for one in spool.first(9)] == [3]
    spool.close()
    assert [one.count for one in opened(tmp_path).first(9)] == [3]
    assert len(list(tmp_path.iterdir())) == 7


async def test_what_somebody_changes_meanwhile(tmp_path: Path) -> None:
    """What is not there any more is lost, and counted; what cannot be removed is told, and the run goes on."""
    spool = opened(tmp_path / "spool")
    for number in (1, 2, 3, 4):
        await spool.add(batch(number))
    one, other, third, _ = spool.first(4)
    os.unlink(one.file)
    os.unlink(other.file)
    os.mkfifo(other.file)
    os.unlink(third.file)
    os.mkdir(third.file)
    for gone in (one, other):
        with pytest.raises(FileNotFoundError):
            read(gone)
    spool.remove(third)
    assert spool.failure == f"{third.file}: Is a directory"
    spool.close()
    assert (spool.dropped, spool.findings) == (3, 4)


async def test_a_folder_that_is_taken_away(tmp_path: Path) -> None:
    """All that waited in it is lost, and so is what comes."""
    spool = opened(tmp_path / "spool")
    await spool.add(batch(5))
    (tmp_path / "spool").rename(tmp_path / "other")
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(FileNotFoundError):
        read(spool.first(1)[0])
    await spool.add(batch(6))
    spool.close()
    assert (spool.dropped, spool.findings) == (11, 0)
    assert spool.failure


@pytest.mark.parametrize("path", ["file", "link", "file/below"])
def test_folders_that_are_none(tmp_path: Path, path: str) -> None:
    """One line says which and why; a link is not followed."""
    (tmp_path / "file").write_text("")
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    with pytest.raises(SpoolError, match=f"{path}: "):
        opened(tmp_path / path)


async def test_a_disk_that_fails(tmp_path: Path) -> None:
    """What cannot be kept is counted, the reason is told until it goes again, and nothing is left half done."""
    spool = opened(tmp_path)
    with limit(300):
        await spool.add(batch(5, 1000))
    assert (spool.dropped, len(spool)) == (5, 0)
    assert spool.failure == f"{tmp_path}: File too large"
    assert list(tmp_path.iterdir()) == []
    await spool.add(batch(6, 1000))
    assert (spool.dropped, len(spool)) == (5, 1)
    assert not spool.failure


@contextlib.contextmanager
def limit(size: int) -> Iterator[None]:
    """No file grows beyond so many bytes (RLIMIT_FSIZE)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_batches_that_come_while_others_go(tmp_path: Path) -> None:
    """Each is there once."""
    spool = opened(tmp_path)
    seen: list[int] = []

    async def send() -> None:
        while len(seen) < 50:
            for one in spool.first(3):
                seen.append(one.count)
                spool.remove(one)
                spool.remove(one)  # once is enough
            await asyncio.sleep(0)

    sending = asyncio.ensure_future(send())
    for number in range(50):
        await spool.add(batch(number))
    await sending
    assert seen == list(range(50))
    assert list(tmp_path.iterdir()) == []
