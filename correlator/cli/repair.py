"""`correlator repair`: what a run that was killed left, up to its last whole record."""

import errno
import fcntl
import os
import shutil
import stat
import struct
import sys
from typing import BinaryIO

import click

from correlator.cli.exits import Exit, say
from correlator.report.cut import Extent, extent
from correlator.report.escape import terminal
from correlator.wire.formats import MAGIC_LENGTH, NotACaptureError, reader_for
from correlator.wire.interfaces import Interfaces
from correlator.wire.pcap import MAGICS

_BLOCK = 1 << 18
_CUT = ".cut"
_LONGEST = 393_216  # bytes of a record: what is longer was not cut off, its length is wrong
_PCAP_HEADER = 24  # bytes
_EMPTY = 16  # bytes of the header of a pcap's record: so many zeros are one without packet and time
_PCAPNG, _LITTLE = b"\x0a\x0d\x0d\x0a", bytes.fromhex("4d3c2b1a")


class UnfitError(Exception):
    """A file that cannot be repaired: the message says why."""

    def __init__(self, message: str, status: Exit = Exit.UNREADABLE) -> None:
        """`status`: the one that it deserves."""
        super().__init__(message)
        self.status = status


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-n", "--dry-run", is_flag=True, help="Say what is not whole, and change nothing.")
def repair(files: tuple[str, ...], *, dry_run: bool) -> None:
    """Cut what a killed run left of a record off the ends of its files: .pcapng, .jsonl, .sockets.jsonl, .csv; .pcap
    as well. Says what each holds, and what is lost; what is cut off is put into FILE.cut. Exit status 4: a file was not
    whole.
    """  # noqa: D205  the help has the summary in one paragraph
    statuses = {_one(name, dry_run=dry_run) for name in files}
    if statuses == {Exit.UNREADABLE}:
        raise SystemExit(Exit.UNREADABLE)
    raise SystemExit(Exit.OUTPUT if Exit.OUTPUT in statuses else Exit.DAMAGED if statuses != {Exit.DONE} else Exit.DONE)


def _one(name: str, *, dry_run: bool) -> Exit:
    """Look at a file, and cut it where it is not whole."""
    flags = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        _refuse_what_is_written(name, flags)
        file = os.open(name, flags | os.O_RDONLY) if dry_run else _to_be_cut(name, flags)
        try:
            _lock(file)
            with os.fdopen(file, "rb" if dry_run else "r+b", closefd=False) as opened:
                return _settle(name, opened, _extent(opened), dry_run=dry_run)
        finally:
            os.close(file)
    except UnfitError as error:
        say(f"{name}: {error}")
        return error.status
    except OSError as error:
        say(f"{name}: {error.strerror or error}")
    return Exit.UNREADABLE


def _to_be_cut(name: str, flags: int) -> int:
    """Open a file that can be read, to change it. Raises UnfitError."""
    try:
        return os.open(name, flags | os.O_RDWR)
    except OSError as error:
        raise UnfitError(f"cannot be changed: {error.strerror} (--dry-run says what it holds)", Exit.OUTPUT) from None


def _refuse_what_is_written(name: str, flags: int) -> None:
    """Programs that take no lock: a lease (fcntl(2)) is given only where nobody has a file open for writing."""
    file = os.open(name, flags | os.O_RDONLY)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise UnfitError("is no regular file")
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        if error.errno == errno.EAGAIN:
            raise UnfitError("it is being written just now") from None
    finally:
        os.close(file)


def _lock(file: int) -> None:
    """Whoever writes a file of ours holds its lock (flock(2)). Raises UnfitError."""
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
    whole = os.fstat(file.fileno()).st_size
    size = whole - _zeros(file, whole)  # of what was written: the room for the rest was all that reached the disk
    size = _end_of(file, head, size) if whole - size >= _EMPTY else whole
    file.seek(0)
    packets = taken = 0
    while reader.damage is None and (block := file.read(min(_BLOCK, size - taken))):
        taken += len(block)
        packets += sum(frames.count for frames in reader.feed(block))
    at_end = reader.damage is None
    reader.close()
    if reader.damage is None:
        return Extent("packets", packets, size, whole, has_ended=True)
    end = min(reader.damage.offset, _begin_of_last(file, size) if head == _PCAPNG else size)
    if not at_end or not 0 < size - end <= _LONGEST:
        raise UnfitError(f"byte {reader.damage.offset}: {reader.damage.reason}: this is no record that was cut off")
    return Extent("packets", packets, end, whole, has_ended=True)


def _zeros(file: BinaryIO, size: int) -> int:
    """How many zeros a file ends with, as where the machine went down before all that was written was on the disk."""
    at = size
    while at:
        begin = max(0, at - _BLOCK)
        file.seek(begin)
        if solid := file.read(at - begin).rstrip(b"\0"):
            return size - begin - len(solid)
        at = begin
    return size


def _end_of(file: BinaryIO, head: bytes, solid: int) -> int:
    """Where the record ends that the last byte which is not zero belongs to: the file's end where that is unclear."""
    whole = os.fstat(file.fileno()).st_size
    if head == _PCAPNG:
        return _begin_of_last(file, solid + -solid % 4)  # blocks end at multiples of four, and their lengths in zeros
    is_net, _, size = MAGICS[head]
    at = _PCAP_HEADER
    while at < solid:
        file.seek(at + 8)
        at += size + int.from_bytes(file.read(4), "big" if is_net else "little")
    return min(at, whole)


def _begin_of_last(file: BinaryIO, size: int) -> int:
    """Where the last block of a pcapng file begins, if its end is missing: readers pass over blocks without use."""
    at, order = 0, "<"
    while at + 12 <= size:
        file.seek(at)
        head = file.read(12)
        if head[:4] == _PCAPNG:
            order = "<" if head[8:] == _LITTLE else ">"
        (length,) = struct.unpack_from(order + "I", head, 4)
        if length < 12 or at + length > size:
            break
        at += length
    return at


def _settle(name: str, file: BinaryIO, found: Extent, *, dry_run: bool) -> Exit:
    left = found.size - found.end
    text = f"{terminal(name)}: {found.records} {found.holds}"
    if left:
        if not dry_run:
            try:
                _cut(name, file, found)
            except OSError as error:
                say(f"{error.filename or name}: {error.strerror or error}")
                return Exit.OUTPUT
        done = "are behind" if dry_run else "cut off behind"
        text += f"; {left} bytes of a record that is not whole {done} byte {found.end}"
        text += "" if dry_run else f", into {terminal(name)}{_CUT}"
    if not found.has_ended:
        text += "; the run did not come to its end, so its counters are missing"
    sys.stdout.write(f"{text}{'' if left or not found.has_ended else '; whole'}\n")
    return Exit.DAMAGED if left or not found.has_ended else Exit.DONE


def _cut(name: str, file: BinaryIO, found: Extent) -> None:
    """Cut a file, and keep what was cut off beside it, in a new file. Raises OSError, UnfitError."""
    if os.fstat(file.fileno()).st_size != found.size:
        raise UnfitError("it is being written just now")
    beside = os.open(name + _CUT, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(beside, "wb") as kept:
        file.seek(found.end)
        shutil.copyfileobj(file, kept)
    file.truncate(found.end)
