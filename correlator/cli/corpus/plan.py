"""Captures of one timeline that are to be analysed apart: which of them can be, and what reaches over their edges.

What one task says of a connection is what one machine says of it as long as three things hold: tasks have the captures
in the order of their times; nothing that a task keeps beside connections (fragments, the newest time, which live run
wrote it) comes from a capture of another; and every connection that reaches over an edge is tracked by itself. Captures
for which the first two do not hold next to each other are one task's.
"""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

from correlator import __version__
from correlator.capture.files import Span
from correlator.cli.selection import Selection
from correlator.core.annotation import Kept
from correlator.wire.fragments import LIFETIME
from correlator.wire.interfaces import Described

LEAST = 16_384
"""Segments of a task at the least. What is closed waits for some times as many, so in few captures that follow."""
CUT_OFF = "a table has addresses that are cut off"

Overlap = Callable[["Survey", "Survey"], bool]
"""Whether of two captures the second one begins before the first one ends."""


@dataclass(frozen=True)
class Piece:
    """Captures, or a part of one, that one task analyses."""

    names: tuple[str, ...]
    span: Span | None = None


@dataclass(frozen=True)
class Job:
    """What all tasks of an analysis have in common."""

    to: str
    tables: tuple[tuple[str, bytes], ...]
    """Names and contents: a worker elsewhere has no such files."""
    selection: Selection
    fail_on: tuple[str, ...]
    seed: int
    """Of the hashes of four-tuples."""
    version: str = __version__


@dataclass(frozen=True)
class Timeline:
    """Captures of one timeline."""

    name: str
    """How the names of its parts begin."""
    pieces: tuple[Piece, ...]
    evidence: tuple[str, ...] | None = None
    """For all of its captures; None where each has its own beside it."""


@dataclass(frozen=True)
class Survey:
    """What is in a piece of one capture. Times are in nanoseconds."""

    piece: Piece
    place: int
    """Among the captures, as they were named, or among the parts of one."""
    troubles: tuple[str, ...] = ()
    is_unread: bool = False
    is_damaged: bool = False
    begins: int = 0
    """The time of the first frame."""
    latest: int = 0
    """Of the times of all frames, as a merge reckons them: none is before 1970."""
    segments: int = 0
    is_timed: bool = True
    """Whether all segments that there are have times."""
    newest: int = 0
    """Of the times of all segments."""
    interfaces: Sequence[Described] = ()
    described: int = 0
    """`CaptureFile.described`."""
    kept: Kept | None = None
    fragments: tuple[int, int] | None = None
    """Of the times of fragments, the first and the last."""
    next_at: int = 0
    """Where the record begins that follows those of the piece."""
    lasting: bytes = b""
    """Hashes (`edges.hashes`) of the four-tuples that were open at the end."""
    aside: str = ""
    """How the names of what it has left begin: -closing, hashes of those that were closed and waited, -early, of the
    first ones in it.
    """
    together: bytes = b""
    """Of those whose connections, wherever they are, evidence wants to be told apart: it has no time."""
    evidence: str | None = None
    is_cut_off: bool = False
    """Whether evidence has addresses that were cut off."""

    @property
    def messages(self) -> tuple[str, ...]:
        """What is wrong with it."""
        return self.troubles


@dataclass(frozen=True)
class Met:
    """Four-tuples that were closed at the end of a capture, and are there again soon."""

    hashes: bytes = b""
    troubles: tuple[str, ...] = ()
    """What kept them from being looked for."""

    @property
    def messages(self) -> tuple[str, ...]:
        """None: one task does all, then."""
        return ()


@dataclass(frozen=True)
class Step:
    """A piece, and what is before it."""

    piece: Piece
    newest: int = 0
    """Of the times of the segments before it."""
    before: int = 0
    """Their number."""
    segments: int = 0
    """Of its own."""


@dataclass
class Plan:
    """What tasks are to do."""

    steps: list[Step] = field(default_factory=list)
    hashes: "array[int]" = field(default_factory=lambda: array("Q"))
    """Of four-tuples at edges."""


class InseparableError(Exception):
    """One task must do all: the message says why."""


def grouped(surveys: Sequence[Survey], *, has_tables: bool) -> list[list[Survey]]:
    """The captures that are one task's each, in the order of their times. Raises InseparableError.

    `has_tables`: whether evidence is told beside what lies beside the captures.
    """
    found = sorted((one for one in surveys if not one.is_unread), key=lambda one: (one.begins, one.place))
    _check(found, has_tables=has_tables)
    return _several(_groups(found, _overlap), "they overlap, or are small")


def grouped_parts(surveys: Sequence[Survey], *, has_tables: bool) -> list[list[Survey]]:
    """The same for the parts of one file, in their order. The first that is damaged is the last, as in a file."""
    last = next((place for place, one in enumerate(surveys) if one.is_damaged or one.is_unread), len(surveys))
    found = surveys[: last + 1]
    if any(one.is_unread for one in found):
        _fail("nothing in a part of it looks like a packet")
    if len({one.described for one in found}) != 1:  # it may be wanted in any later part
        _fail("it describes an interface, or begins a section, between its packets")
    _check(found, has_tables=has_tables)
    return _several(_groups(found, lambda *_: False), "it has few packets")


def _fail(reason: str) -> NoReturn:
    raise InseparableError(reason)


def _check(surveys: Sequence[Survey], *, has_tables: bool) -> None:
    """See that nothing of all the captures together depends on their order."""
    has_evidence = has_tables or any(one.evidence is not None for one in surveys)
    if any(one.is_cut_off for one in surveys):  # the first connection that fits completes them
        _fail(CUT_OFF)
    if has_evidence and len({name for one in surveys for name, _ in one.interfaces}) > 1:
        _fail("there are several interfaces and evidence, so connections may have legs")
    if len({one.kept for one in surveys if one.segments}) > 1:
        _fail("live runs have saved different packets in them")
    if not all(one.is_timed for one in surveys):
        _fail("there are packets without a time")


def _several(groups: list[list[Survey]], otherwise: str) -> list[list[Survey]]:
    if len(groups) < 2:
        _fail(otherwise)
    return groups


def _groups(surveys: Sequence[Survey], overlap: Overlap) -> list[list[Survey]]:
    """The captures that are one task's, each group in order."""
    groups: list[list[Survey]] = []
    for one in surveys:
        is_joined = bool(groups) and (
            sum(before.segments for before in groups[-1]) < LEAST or any(overlap(before, one) for before in groups[-1])
        )
        first = next(
            (place for place, group in enumerate(groups) if one.fragments and _share_fragments(group, one)), None
        )
        if first is not None:
            groups[first:] = [[survey for group in groups[first:] for survey in group]]
            is_joined = True
        if is_joined:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _share_fragments(group: Sequence[Survey], one: Survey) -> bool:
    """Whether a fragment in a later capture may be of the same segment as one in a group."""
    times = one.fragments
    return times is not None and any(
        before.fragments is not None and times[0] <= before.fragments[1] + LIFETIME for before in group
    )


def _overlap(one: Survey, other: Survey) -> bool:
    """Whether the other one, which begins later, is opened by a merge before the end of the first."""
    return (other.begins, other.place) <= (one.latest, one.place)


def plan_of(surveys: Sequence[Survey]) -> Plan:
    """What tasks are to do for captures, or groups of them that were looked through together."""
    plan, newest, before = Plan(), 0, 0
    for one in surveys:
        plan.steps.append(Step(one.piece, newest, before, one.segments))
        newest, before = max(newest, one.newest), before + one.segments
    for one in surveys[:-1]:
        plan.hashes.frombytes(one.lasting)
    return plan


def behind(surveys: Sequence[Survey], place: int, segments: int) -> Sequence[Survey]:
    """The captures behind one that have the next segments, so many."""
    count, end = 0, place + 1
    while end < len(surveys) and count < segments:
        count += surveys[end].segments
        end += 1
    return surveys[place + 1 : end]


def piece_of(group: Sequence[Survey]) -> Piece:
    """The captures of a group."""
    first, last = group[0].piece, group[-1].piece
    if first.span is not None and last.span is not None:
        return replace(first, span=Span(first.span.begin, last.span.end))
    return Piece(tuple(name for one in sorted(group, key=lambda one: one.place) for name in one.piece.names))
