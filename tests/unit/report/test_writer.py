"""Output files."""

import os
import stat
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
