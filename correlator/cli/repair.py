"""`correlator repair`: what a run that was killed left, up to its last whole record."""

import fcntl
import os
import stat
import sys
from typing import BinaryIO

import click

from correlator.cli.exits import Exit, say
from correlator.report.cut import Extent, extent
from correlator.report.escape import terminal
from correlator.wire.formats import MAGIC_LENGTH, NotACaptureError, reader_for
from correlator.wire.interfaces import Interfaces

_BLOCK = 1 << 18


class UnfitError(Exception):
    """A file that cannot be repaired: the message says why."""


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-n", "--dry-run", is_flag=True, help="Say what is not whole, and change nothing.")
def repair(files: tuple[str, ...], *, dry_run: bool) -> None:
    """Cut what a killed run left of a record off the ends of its files: .pcapng, .jsonl, .sockets.jsonl, .csv; .pcap
    as well. Says what each holds, and what is lost. Exit status 4: a file was not whole.
    """  # noqa: D205  the help has the summary in one paragraph
    statuses = {_one(name, dry_run=dry_run) for name in files}
    if statuses == {Exit.UNREADABLE}:
        raise SystemExit(Exit.UNREADABLE)
    raise SystemExit(Exit.OUTPUT if Exit.OUTPUT in statuses else Exit.DAMAGED if statuses != {Exit.DONE} else Exit.DONE)


def _one(name: str, *, dry_run: bool) -> Exit:
    """Look at a file, and cut it where it is not whole."""
    flags = (os.O_RDONLY if dry_run else os.O_RDWR) | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        file = os.open(name, flags)
        try:
            _lock(file)
            with os.fdopen(file, "rb" if dry_run else "r+b", closefd=False) as opened:
                return _settle(name, opened, _extent(opened), dry_run=dry_run)
        finally:
            os.close(file)
    except UnfitError as error:
        say(f"{name}: {error}")
    except OSError as error:
        say(f"{name}: {error.strerror or error}")
    return Exit.UNREADABLE


def _lock(file: int) -> None:
    """Whoever writes a file of ours holds its lock (flock(2)). Raises UnfitError."""
    if not stat.S_ISREG(os.fstat(file).st_mode):
        raise UnfitError("is no regular file")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UnfitError("it is being written just now") from None


def _extent(file: BinaryIO) -> Extent:
    """How far a file makes sense. Raises UnfitError."""
    head = file.read(MAGIC_LENGTH)
    if not head:
        return Extent("records", 0, 0, 0, has_ended=True)
    file.seek(0)
    try:
        reader = reader_for(head, Interfaces())
    except NotACaptureError:
        found = extent(file)
        if found is None:
            raise UnfitError("not a file that correlator writes: .pcapng, .jsonl, .sockets.jsonl or .csv") from None
        return found
    packets = size = 0
    while reader.damage is None and (block := file.read(_BLOCK)):
        size += len(block)
        packets += sum(frames.count for frames in reader.feed(block))
    at_end = reader.damage is None
    reader.close()
    if reader.damage is None:
        return Extent("packets", packets, size, size, has_ended=True)
    if not at_end:
        raise UnfitError(f"byte {reader.damage.offset}: {reader.damage.reason}: this is no record that was cut off")
    return Extent("packets", packets, reader.damage.offset, size, has_ended=True)


def _settle(name: str, file: BinaryIO, found: Extent, *, dry_run: bool) -> Exit:
    left = found.size - found.end
    text = f"{terminal(name)}: {found.records} {found.holds}"
    if left:
        if not dry_run:
            try:
                file.truncate(found.end)
            except OSError as error:
                say(f"{name}: {error.strerror or error}")
                return Exit.OUTPUT
        done = "are behind" if dry_run else "cut off behind"
        text += f"; {left} bytes of a record that is not whole {done} byte {found.end}"
    if not found.has_ended:
        text += "; the run did not come to its end, so its counters are missing"
    sys.stdout.write(f"{text}{'' if left or not found.has_ended else '; whole'}\n")
    return Exit.DAMAGED if left or not found.has_ended else Exit.DONE
