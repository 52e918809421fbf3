"""Files that every worker has: paths, and what fsspec (https://filesystem-spec.readthedocs.io) opens."""

import os
import posixpath
import secrets
import shutil
from contextlib import suppress
from fnmatch import fnmatch

import fsspec
from fsspec.implementations.local import LocalFileSystem

from correlator.capture.files import Span
from correlator.capture.names import UnreadableError, captures_in, expand, in_order
from correlator.cli.corpus.plan import Piece
from correlator.cli.exits import Exit, die
from correlator.cli.tables import EVIDENCE_SUFFIX, beside_capture
from correlator.wire.cut import HEAD, WINDOW

PART = "part-*.parquet"
ASIDE = ".aside-*"
"""What tasks leave for one another, until the end."""
_REMOTE = "://"
FAILURES = (OSError, ValueError, ImportError)
"""What fsspec and its file systems raise."""


def is_remote(name: str) -> bool:
    """Whether it is fsspec that opens it."""
    return _REMOTE in name


class PutError(Exception):
    """Something could not be put into its place: the message says what and why."""


def opened(name: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system that has a file, and its path there."""
    files, path = fsspec.core.url_to_fs(name) if is_remote(name) else (LocalFileSystem(), name)
    return files, path


def names_of(captures: tuple[str, ...]) -> list[str]:
    """The captures, with folders and patterns taken apart. Ends the program where there are none."""
    found = []
    for name in captures:
        try:
            found += _elsewhere(name) if is_remote(name) else [os.path.abspath(one) for one in expand([name])]
        except (*FAILURES, UnreadableError) as error:
            die(Exit.UNREADABLE, str(error) if isinstance(error, UnreadableError) else f"{name}: {error}")
    return found


def _elsewhere(name: str) -> list[str]:
    files, path = opened(name)
    if files.isdir(path):
        entries = (entry["name"] for entry in files.ls(path, detail=True) if entry["type"] == "file")
        return [files.unstrip_protocol(one) for one in captures_in(name, entries)]
    matches = in_order(files.glob(path))
    if not matches:
        message = f"{name}: matches no file"
        raise UnreadableError(message)
    return [files.unstrip_protocol(one) for one in matches]


def prepared(to: str, *, force: bool) -> str:
    """The folder for the parts, which are no others'. Ends the program where it cannot be used."""
    folder = to if is_remote(to) else os.path.abspath(to)
    try:
        files, path = opened(folder)
        files.makedirs(path, exist_ok=True)
        there = _inside(files, path, PART)
        if there and not force:
            die(Exit.OUTPUT, f"{to}: has parts of another analysis; use --force to replace them")
        for one in (*there, *_inside(files, path, ASIDE)):
            files.rm_file(one)
    except FAILURES as error:
        die(Exit.OUTPUT, f"{to}: {getattr(error, 'strerror', None) or error}")
    return folder


def tidy(folder: str) -> None:
    """Remove what tasks have left for one another."""
    with suppress(*FAILURES):  # it is told what could not be put there
        files, path = opened(folder)
        for one in _inside(files, path, ASIDE):
            files.rm_file(one)


def _inside(files: fsspec.AbstractFileSystem, path: str, pattern: str) -> list[str]:
    """The files of a folder with such names; the folder's own name is no pattern."""
    files.invalidate_cache(path)
    try:
        names = files.ls(path, detail=False)
    except FileNotFoundError:  # where folders are but parts of names, one without files is none
        return []
    return sorted(name for name in names if fnmatch(posixpath.basename(name), pattern))


def inside(folder: str, name: str) -> str:
    """A file in a folder."""
    return posixpath.join(folder, name) if is_remote(folder) else os.path.join(folder, name)


def size_of(name: str) -> int:
    """A file's size in bytes; 0 where it is not known."""
    try:
        files, path = opened(name)
        return int(files.size(path) or 0)
    except FAILURES:
        return 0  # reading it tells


def head_of(name: str) -> bytes:
    """A file's first bytes."""
    try:
        files, path = opened(name)
        head: bytes = files.cat_file(path, start=0, end=HEAD)
    except FAILURES:
        return b""  # reading it tells
    return head


def evidence_beside(name: str) -> str | None:
    """The evidence file that a live run wrote beside a capture, if there is one."""
    if not is_remote(name):
        return beside_capture(name)
    files, path = opened(name)
    evidence = os.path.splitext(path)[0] + EVIDENCE_SUFFIX
    return str(files.unstrip_protocol(evidence)) if files.exists(evidence) else None


def fetched(name: str, folder: str, span: Span | None = None) -> str:
    """A file as one of this machine; of one that is elsewhere what is needed for a part of it, in its place."""
    if not is_remote(name):
        return name
    files, path = opened(name)
    local = os.path.join(folder, posixpath.basename(path))
    if span is None:
        files.get_file(path, local)
        return local
    size = int(files.size(path) or 0)
    with files.open(path, "rb") as source, open(local, "wb") as target:
        for begin, end in ((0, HEAD), (span.begin, span.end + WINDOW)):  # the last record may end behind the span
            source.seek(begin)
            target.seek(begin)
            _copy(source, target, min(end, size) - begin)
        target.truncate(size)
    return local


def _copy(source: "fsspec.spec.AbstractBufferedFile", target: "fsspec.spec.AbstractBufferedFile", count: int) -> None:
    while count > 0 and (data := source.read(min(count, WINDOW))):
        target.write(data)
        count -= len(data)


def captures_of(piece: Piece, folder: str) -> list[tuple[str, str]]:
    """The captures of a piece as files of this machine, and their names."""
    return [(fetched(name, _folder(folder, place), piece.span), name) for place, name in enumerate(piece.names)]


def evidence_of(names: tuple[str, ...] | None, piece: Piece, folder: str) -> list[str]:
    """The evidence for a piece, as files of this machine."""
    if names is None:
        names = tuple(found for name in piece.names if (found := evidence_beside(name)) is not None)
    return [fetched(name, _folder(folder, -place)) for place, name in enumerate(names, 1)]


def _folder(folder: str, place: int) -> str:
    """One of its own for each file: those of several folders may have the same name."""
    own = os.path.join(folder, str(place))
    os.makedirs(own, exist_ok=True)
    return own


def put(own: str, place: str) -> None:
    """Put a file in its place, whole, over what another worker may have put there. Raises PutError."""
    try:
        files, path = opened(place)
        if isinstance(files, LocalFileSystem):
            _put_here(own, path)
        else:
            files.put_file(own, path)
    except FAILURES as error:
        raise PutError(f"{place}: {getattr(error, 'strerror', None) or error}") from None


def _put_here(own: str, path: str) -> None:
    interim = os.path.join(os.path.dirname(path), f".aside-{secrets.token_hex(8)}.new")
    try:
        file = os.open(interim, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(own, "rb") as source, open(file, "wb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        os.rename(interim, path)
    except OSError:
        with suppress(OSError):
            os.unlink(interim)
        raise


def write(place: str, content: bytes) -> None:
    """Make a file. Raises PutError."""
    try:
        files, path = opened(place)
        files.pipe_file(path, content)
    except FAILURES as error:
        raise PutError(f"{place}: {getattr(error, 'strerror', None) or error}") from None


def remove(names: list[str]) -> None:
    """Remove files, those that there are."""
    for name in names:
        files, path = opened(name)
        if files.exists(path):
            files.rm_file(path)
