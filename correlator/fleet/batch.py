"""Findings in batches, as they travel: each is a small JSON Lines report, gzipped, with a name of its own.

The name is a digest of the findings, each of which tells its connection: what is sent twice has the same name twice.
"""

import gzip
import hashlib
import json
import re
import sys
import zlib
from dataclasses import dataclass

from correlator.core.finding import Finding
from correlator.report.cells import JsonCells
from correlator.report.columns import COLUMNS
from correlator.report.read import parse
from correlator.report.record import SCHEMA, Record
from correlator.report.rows import Rows

FINDINGS = 500
"""Of a batch, at the most."""
_BYTES = 700_000  # before compression: a server of NATS takes messages of 1 MiB
MAX_TEXT = 8 << 20
"""Bytes of a batch that is unpacked: what is larger is none of ours."""
_NAME = 32  # hexadecimal digits


class BatchError(ValueError):
    """The bytes are no batch: the message says why."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Findings that travel together."""

    name: str
    count: int
    run: bytes
    """The first line: which run of which host found them."""
    lines: bytes

    def pack(self) -> bytes:
        """The bytes that travel."""
        return _packed(self.run, [self.lines])


def named(run: bytes, lines: list[bytes]) -> Batch:
    """A batch of some findings' lines."""
    whole = b"".join(lines)
    return Batch(hashlib.sha256(whole).hexdigest()[:_NAME], len(lines), run, whole)


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a batch's findings, which travel by themselves: a server may take less at once than a batch has."""

    whole: str
    begin: int
    end: int
    """Which of its findings, from 0."""
    data: bytes

    @property
    def name(self) -> str:
        """What tells it from all others, and what it is of."""
        return f"{self.whole}:{self.begin}-{self.end}"

    @property
    def count(self) -> int:
        """Of its findings."""
        return self.end - self.begin

    def halves(self) -> "list[Part]":
        """The same as two; none where it has but one finding. Raises OSError, EOFError and zlib.error."""
        run, *lines = gzip.decompress(self.data).splitlines(keepends=True)
        middle = len(lines) // 2
        cuts = ((0, middle), (middle, len(lines))) if middle else ()
        return [
            Part(self.whole, self.begin + begin, self.begin + end, _packed(run, lines[begin:end]))
            for begin, end in cuts
        ]


def _packed(run: bytes, lines: list[bytes]) -> bytes:
    return gzip.compress(run + b"".join(lines), compresslevel=1, mtime=0)


_PART = re.compile(r"(.+):(\d{1,9})-(\d{1,9})")


def findings_of(name: str) -> tuple[str, int, int]:
    """The batch of a name, and which of its findings it stands for: all, or those of a part."""
    match = _PART.fullmatch(name)
    return (match[1], int(match[2]), int(match[3])) if match else (name, 0, sys.maxsize)


class Batches:
    """Puts findings together."""

    def __init__(self) -> None:
        """None yet."""
        self._rows = Rows(JsonCells(COLUMNS))
        self._run = b""
        self._lines: list[bytes] = []
        self._size = 0

    def begin(self, run: Record) -> None:
        """The run whose findings follow."""
        self._run = json.dumps({"type": "run", "schema": SCHEMA, **run}, separators=(",", ":")).encode() + b"\n"

    def add(self, found: list[Finding]) -> list[Batch]:
        """Take the final ones among findings; the batches that are full by them."""
        full = []
        for line in self._rows.lines(found).splitlines(keepends=True):
            if len(self._lines) == FINDINGS or (self._lines and self._size + len(line) > _BYTES):
                full += self.cut()
            self._lines.append(line)
            self._size += len(line)
        return full

    def cut(self) -> list[Batch]:
        """A batch of what there is, if there is anything."""
        if not self._lines:
            return []
        lines = self._lines
        self._lines, self._size = [], 0
        return [named(self._run, lines)]


def unpack(data: bytes) -> tuple[Record, list[Record]]:
    """The run and the findings of a batch. Raises BatchError for what is none of ours, however little of it."""
    unpacking = zlib.decompressobj(wbits=31)  # gzip (RFC 1952)
    try:
        text = unpacking.decompress(data, MAX_TEXT)
    except zlib.error as error:
        raise BatchError(f"it cannot be unpacked: {error}") from None
    if unpacking.unconsumed_tail or not unpacking.eof:
        raise BatchError("it is too large, or cut off")
    run, *findings = [parse(line) for line in text.split(b"\n") if line] or [None]
    if run is None or run["type"] != "run":
        raise BatchError("its first line is not a run")
    records = [record for record in findings if record is not None and record["type"] == "finding"]
    if len(records) != len(findings):
        raise BatchError("it has lines that are no findings")
    return run, records
