"""Output files."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from correlator.report.writer import OutputError, Writer, beside
from correlator.run import Outputs, writing


async def write(writer: Writer, *parts: bytes) -> None:
    """Write and close."""
    async with writing(Outputs(writers=[writer])):
        for part in parts:
            writer.put(part)
            await writer.flush()


async def test_a_file(tmp_path: Path) -> None:
    """All that was put is there, whatever the size, and nobody else may read it."""
    path = tmp_path / "x"
    parts = [b"a" * 10, b"b" * 200_000, b"c"]
    await write(Writer(str(path)), *parts)
    assert path.read_bytes() == b"".join(parts)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_what_comes_again(tmp_path: Path) -> None:
    """Is left out: whole lines, wherever the pieces end."""
    writer = Writer(str(tmp_path / "x"))
    async with writing(Outputs(writers=[writer])):
        writer.put(b"head\na\nb\nc\n")
        await writer.flush(all_of_it=True)
        writer.expect_again(3)
        for part in (b"a\n", b"", b"b\nc\nd\n", b"e\nf\n"):
            writer.put(part)
    assert (tmp_path / "x").read_bytes() == b"head\na\nb\nc\nd\ne\nf\n"
    assert writer.total == len(b"head\na\nb\nc\nd\ne\nf\n")


async def test_an_empty_file(tmp_path: Path) -> None:
    """Nothing put: a file without anything."""
    await write(Writer(str(tmp_path / "x")))
    assert (tmp_path / "x").read_bytes() == b""


async def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    """Refused when it is opened, before the work; or in the end."""
    path = tmp_path / "x"
    path.write_text("old")
    writer = Writer(str(path))
    with pytest.raises(OutputError, match="--force"):
        writer.open()
    await write(writer, b"new")
    assert path.read_text() == "old"
    assert writer.failure
    assert "exists" in writer.failure


async def test_force_overwrites(tmp_path: Path) -> None:
    """The old contents are gone, however long they were."""
    path = tmp_path / "x"
    path.write_text("old and longer")
    writer = Writer(str(path), force=True)
    writer.open()
    await write(writer, b"new")
    assert path.read_text() == "new"


@pytest.mark.parametrize("force", [False, True])
async def test_links_are_not_followed(tmp_path: Path, force: bool) -> None:
    """A link that someone put there leads nowhere."""
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("precious")
    link.symlink_to(target)
    writer = Writer(str(link), force=force)
    await write(writer, b"x" * 100_000)
    assert writer.failure
    assert target.read_text() == "precious"


async def test_a_dangling_link_is_a_file_that_exists(tmp_path: Path) -> None:
    """Else its target would be made."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError):
        Writer(str(link)).open()


async def test_a_failing_disk_ends_the_writing_not_the_run() -> None:
    """/dev/full: every write fails; the rest is dropped and the failure told."""
    writer = Writer("/dev/full", force=True)
    await write(writer, *[b"x" * 100_000] * 100)
    assert writer.failure == f"/dev/full: {os.strerror(28)}"


async def test_force_replaces_the_file_and_does_not_write_into_it(tmp_path: Path) -> None:
    """Whoever has the old one open, or another name for it, sees nothing of the new one, which nobody else may read."""
    path, other = tmp_path / "x", tmp_path / "other"
    path.write_text("old")
    path.chmod(0o666)
    other.hardlink_to(path)
    with path.open() as held:
        writer = Writer(str(path), force=True)
        writer.open()
        assert path.read_text() == "old"  # a run that does not begin leaves it
        await write(writer, b"new")
        assert held.read() == "old"
    assert (path.read_text(), other.read_text()) == ("new", "old")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(tmp_path.iterdir()) == [other, path]


async def test_a_file_that_is_whole_or_not_there(tmp_path: Path) -> None:
    """Nothing under its name until the end; then it takes no other's place."""
    path = tmp_path / "x.html"
    writer = Writer(str(path), whole=True)
    writer.open()
    async with writing(Outputs(writers=[writer])):
        writer.put(b"page")
        await writer.flush(all_of_it=True)
        assert not path.exists()
    assert path.read_bytes() == b"page"
    assert list(tmp_path.iterdir()) == [path]
    late = Writer(str(tmp_path / "late.html"), whole=True)
    late.open()
    (tmp_path / "late.html").write_text("another's")
    await write(late, b"page")
    assert late.failure == f"{tmp_path}/late.html: File exists"
    assert (tmp_path / "late.html").read_text() == "another's"
    forced = Writer(str(tmp_path / "late.html"), force=True, whole=True)
    forced.open()
    forced.discard()
    assert sorted(tmp_path.iterdir()) == [tmp_path / "late.html", path]


@pytest.mark.parametrize("room", [0, 99, 100, 250, 1000])
def test_where_writing_fails_whole_pieces_stay(tmp_path: Path, room: int) -> None:
    """The kernel takes a part of a batch: what is cut in two by it is left out (RLIMIT_FSIZE, in a process of its own)."""
    script = f"""
import asyncio, resource, sys
from correlator.report.writer import Writer
from correlator.run import Outputs, writing
async def work():
    writer = Writer(sys.argv[1])
    async with writing(Outputs(writers=[writer])):
        for number in range(5):
            writer.put(b"x" * 99 + b"\\n")
            if number == 2:
                await writer.flush(all_of_it=True)
    print(writer.failure)
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
asyncio.run(work())
"""
    path = tmp_path / "x"
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert done.stdout == (f"{path}: File too large\n" if room < 500 else "None\n")
    assert path.read_bytes() == (b"x" * 99 + b"\n") * min(5, room // 100)


def test_a_fifo_that_nobody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is an output that cannot be opened, after a while; with a reader it is one."""
    monkeypatch.setattr("correlator.report.writer._FOR_A_READER", 0.1)
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with pytest.raises(OutputError, match="nobody reads this FIFO"):
        Writer(str(path), force=True).open()
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = Writer(str(path), force=True)
    writer.open()
    writer.discard()
    os.close(reader)


def test_names_beside_a_prefix() -> None:
    """A prefix may have dots and folders; a folder is no prefix."""
    assert beside("a/b.c", ".csv") == "a/b.c.csv"
    for folder in ("", ".", "a/", "/"):
        with pytest.raises(OutputError, match="names a folder"):
            beside(folder, ".csv")


def test_what_was_opened_can_be_given_back(tmp_path: Path) -> None:
    """A run that does not begin leaves no new file, and an old one as it was."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("precious")
    for path in (old, new):
        writer = Writer(str(path), force=True)
        writer.open()
        assert writer.is_same_file(str(path))
        assert not writer.is_same_file(str(tmp_path / "other"))
        writer.discard()
        writer.discard()
    assert old.read_text() == "precious"
    assert not new.exists()
