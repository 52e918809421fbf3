"""What the processes say to one another."""

from dataclasses import dataclass, field
from typing import Any

from correlator.capture.files import Span
from correlator.cli.outputs import Wanted
from correlator.core.annotation import Kept
from correlator.report.record import Record
from correlator.wire.fragments import Fragments
from correlator.wire.interfaces import Described
from correlator.wire.reader import Damage


@dataclass(frozen=True)
class Job:
    """What all processes have in common."""

    capture: str
    wanted: Wanted
    tables: tuple[str, ...]
    shares: int
    slots: tuple[str, ...]
    """Files for what they leave for one another (`Shared`)."""
    room: int
    """For how many segments each has room."""


@dataclass(frozen=True)
class Piece:
    """A part of the capture that is to be decoded."""

    number: int
    slot: int
    """Where its segments are to be left."""
    span: Span
    is_exact: bool
    """Whether a record begins where it does; else the first one behind is to be looked for."""
    fragments: Fragments | None = None
    """Those under way where it begins, if they matter."""


@dataclass(frozen=True)
class Decoded:
    """A piece that was decoded."""

    piece: Piece
    """With its true beginning."""
    is_unread: bool = False
    """Whether nothing in it looks like a record."""
    next_at: int = 0
    """Where the record begins that follows those of the piece."""
    packets: int = 0
    segments: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    damage: Damage | None = None
    kept: Kept | None = None
    interfaces: tuple[Described, ...] = ()
    described: int = 0
    """`CaptureFile.described`."""
    fragments: Fragments | None = None
    """Those under way at its end, if it has any at all."""


@dataclass(frozen=True)
class Step:
    """A piece whose segments are to be tracked."""

    slot: int
    segments: int
    interfaces: tuple[Described, ...]


@dataclass(frozen=True)
class Turn:
    """What a process is to do next."""

    steps: tuple[Step, ...] = ()
    piece: Piece | None = None


@dataclass(frozen=True)
class Tracked:
    """What a process found in a piece."""

    lines: tuple[bytes, ...]
    """For each output, with keys (`report/merging.py`); none where they were left in the slot."""
    lengths: tuple[int, ...]
    """Bytes of each output's lines."""
    most: int
    """Connections that it has held at once so far."""
    held: int
    """Those of a table without a time that have waited for the end at once."""
    is_apart: bool
    """Whether no connection of its share has to do with those of others."""


@dataclass(frozen=True)
class Done:
    """What a process has done."""

    tracked: tuple[Tracked, ...]
    decoded: Decoded | None


@dataclass(frozen=True)
class Left:
    """What was left when the capture ended, or some of it."""

    lines: tuple[bytes, ...]
    held: int
    """As in Tracked."""
    is_more: bool


@dataclass(frozen=True)
class Whole:
    """What a process has done in all."""

    counters: Record
    tally: dict[str, Any]
    is_met: bool
    """Whether --fail-on is."""
    troubles: tuple[str, ...]
