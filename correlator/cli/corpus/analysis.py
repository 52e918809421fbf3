"""A corpus: tasks for a cluster, and what comes of them put together.

A file is one task's, as `analyse` does it by itself. Captures on one timeline, and the parts of a large file, are
looked through first; then each is a task's again, and what reaches over their edges is tracked by itself (`plan.py`).
Where that cannot be right, or turns out not to be, one task does all: the slow way is always right.
"""

import secrets
from array import array
from dataclasses import dataclass, field, replace

from correlator.capture.files import Span
from correlator.cli.corpus import places
from correlator.cli.corpus.cluster import Calls, workers_of
from correlator.cli.corpus.plan import (
    CUT_OFF,
    InseparableError,
    Job,
    Met,
    Piece,
    Plan,
    Step,
    Survey,
    Timeline,
    behind,
    grouped,
    grouped_parts,
    piece_of,
    plan_of,
)
from correlator.cli.corpus.surveys import meet, survey
from correlator.cli.corpus.work import Done, Reach, Task, reach, work
from correlator.cli.part import OF_THE_CAPTURE, failed
from correlator.core.edges import ROW, filter_of
from correlator.core.limits import Limits
from correlator.report.record import Record
from correlator.report.summary import Summary
from correlator.run import added

ROWS = 20_000_000
"""Segments at edges for each task."""
_OF_ALL: Record = {"statements": 0, "evidence_dropped": 0}
"""What every task of a timeline counts alike, as nothing."""


@dataclass
class Result:
    """What came of a corpus."""

    counters: Record = field(default_factory=dict)
    summary: Summary = field(default_factory=Summary)
    troubles: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unread: int = 0
    parts: list[str] = field(default_factory=list)
    is_met: bool = False
    """Whether --fail-on is."""
    notes: list[str] = field(default_factory=list)
    """What is worth knowing, and no trouble."""


@dataclass
class _Course:
    """A timeline, and how far it has come."""

    timeline: Timeline
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    """Of the names of what its tasks leave for one another."""
    surveys: list[Survey] = field(default_factory=list)
    plan: Plan | None = None
    why: str = ""
    """Why one task does all, where several could be expected to."""
    tasks: list[Task] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    reached: list[Done] = field(default_factory=list)


@dataclass
class Corpus:
    """Analyses timelines on a cluster."""

    calls: Calls
    job: Job
    together: "array[int]"
    """Hashes of the four-tuples that the tables tell without a time."""
    is_cut_off: bool
    """Whether the tables have addresses that were cut off."""

    def analysed(self, timelines: list[Timeline]) -> Result:
        """Have all done. Raises PutError where nothing can be left in the folder."""
        courses = [_Course(timeline) for timeline in timelines]
        several = [course for course in courses if len(course.timeline.pieces) > 1]
        self._survey(several)
        for course in courses:
            self._plan(course)
            course.tasks = self._tasks(course)
        self._work(courses)
        self._reach([course for course in courses if course.plan is not None])
        again = [course for course in courses if course.plan is not None and not self._is_right(course)]
        for course in again:
            places.remove([done.name for done in (*course.done, *course.reached) if done.name])
            course.plan, course.reached = None, []
            course.why = "they changed meanwhile, or had more connections at once than one table holds"
            course.tasks = self._tasks(course)
        self._work(again)
        return _together(courses)

    def _survey(self, courses: list[_Course]) -> None:
        """Look through what is several tasks'."""
        asked = [(course, place) for course in courses for place in range(len(course.timeline.pieces))]
        found = self.calls.each(
            survey,
            asked,
            lambda one: (self.job, one[1], one[0].timeline.pieces[one[1]], self._aside(*one)),
            _unsurveyed,
        )
        for (course, _), one in zip(asked, found, strict=True):
            course.surveys.append(one)
        for course in courses:
            if course.surveys[0].piece.span is not None:
                self._join(course)

    def _join(self, course: _Course) -> None:
        """Have each part of a file begin where the one before it ends: what was taken for a record may be none."""
        surveys = course.surveys
        for place in range(1, len(surveys)):
            before, one = surveys[place - 1], surveys[place]
            if before.is_unread or before.is_damaged or one.piece.span is None:
                return
            if one.is_unread or one.piece.span.begin != before.next_at:
                piece = replace(one.piece, span=Span(before.next_at, max(before.next_at, one.piece.span.end)))
                (surveys[place],) = self.calls.each(
                    survey,
                    [(place, piece)],
                    lambda this: (self.job, *this, self._aside(course, this[0]), True),
                    _unsurveyed_part,
                )

    def _plan(self, course: _Course) -> None:
        """Plan what can be analysed apart, or say why nothing can."""
        if course.surveys:
            try:
                course.plan = self._planned(course)
            except InseparableError as error:
                course.why = str(error)

    def _planned(self, course: _Course) -> Plan:
        """The plan for a timeline; its four-tuples at edges include those that tables name. Raises InseparableError."""
        if self.is_cut_off:
            raise InseparableError(CUT_OFF)
        group = grouped if course.surveys[0].piece.span is None else grouped_parts
        groups = group(course.surveys, has_tables=bool(self.job.tables))
        surveys = [one if len(group) == 1 else self._together(course, group) for group in groups for one in group[:1]]
        met = self._met(surveys)
        for trouble in (trouble for one in met for trouble in one.troubles):
            raise InseparableError(trouble)
        plan = plan_of(surveys)
        plan.hashes.extend(self.together)
        for found in (*(one.together for one in course.surveys), *(one.hashes for one in met)):
            plan.hashes.frombytes(found)
        return plan

    def _together(self, course: _Course, group: list[Survey]) -> Survey:
        """What is in captures together."""
        asked = [(group[0].place, piece_of(group))]
        (found,) = self.calls.each(
            survey, asked, lambda one: (self.job, *one, self._aside(course, one[0]), True), _unsurveyed_part
        )
        return found

    def _met(self, surveys: list[Survey]) -> list[Met]:
        """What was closed at the end of captures, and is there again soon."""
        most = Limits().segments
        asked = [
            (one.aside, [other.aside for other in behind(surveys, place, most)]) for place, one in enumerate(surveys)
        ]
        return self.calls.each(meet, asked[:-1], lambda one: one, lambda _, reason: Met(troubles=(reason,)))

    def _aside(self, course: _Course, place: int) -> str:
        """How the names of what a survey leaves begin."""
        return self._inside(f".aside-{course.token}-{place:06d}")

    def _tasks(self, course: _Course) -> list[Task]:
        """What is to be done by the plan, or by one task without one."""
        name = course.timeline.name
        evidence = _evidence(course)
        if course.plan is None:
            step = Step(Piece(_names(course)))
            return [Task(self.job, step, self._inside(f"{name}.parquet"), evidence)] if step.piece.names else []
        known = self._inside(f".aside-{course.token}-known")
        places.write(known, bytes(filter_of(course.plan.hashes)))
        return [
            Task(
                self.job,
                step,
                self._inside(f"{name}-{place:06d}.parquet"),
                evidence,
                self._inside(f".aside-{course.token}-{place:06d}-rows"),
                known,
            )
            for place, step in enumerate(course.plan.steps, 1)
        ]

    def _work(self, courses: list[_Course]) -> None:
        asked = [(course, task) for course in courses for task in course.tasks]
        found = self.calls.each(work, asked, lambda one: (one[1],), _undone)
        for course in courses:
            course.done = []
        for (course, _), done in zip(asked, found, strict=True):
            course.done.append(done)

    def _reach(self, courses: list[_Course]) -> None:
        """Track what was set aside."""
        asked = [(course, task) for course in courses for task in self._reaches(course)]
        found = self.calls.each(reach, asked, lambda one: (one[1],), _unreached)
        for (course, _), done in zip(asked, found, strict=True):
            course.reached.append(done)

    def _reaches(self, course: _Course) -> list[Reach]:
        both = [(task, done) for task, done in zip(course.tasks, course.done, strict=True) if done.name]
        steps = tuple((task.step, task.aside, done.interfaces) for task, done in both)
        kept = next((one.kept for one in course.surveys if one.segments), None)
        shares = min(workers_of(self.calls.client), 1 + sum(done.aside for _, done in both) // (ROWS * ROW))
        name = course.timeline.name
        names = [f"{name}-edges" + (f"-{share + 1}-of-{shares}" if shares > 1 else "") for share in range(shares)]
        return [
            Reach(self.job, self._inside(f"{one}.parquet"), steps, kept, _evidence(course), share, shares)
            for share, one in enumerate(names)
            if steps
        ]

    def _is_right(self, course: _Course) -> bool:
        """Whether the tasks have found what was to be expected, and room for all connections at once."""
        both = list(zip(course.tasks, course.done, strict=True))
        if any(done.part.failures for done in (*course.done, *course.reached)):
            return True  # as right as it gets
        held = max((done.most for done in course.done), default=0) + sum(done.most for done in course.reached)
        return held < Limits().connections and all(
            not done.name
            or (done.part.counters["segments"] == task.step.segments and (not done.left or task is course.tasks[-1]))
            for task, done in both
        )

    def _inside(self, name: str) -> str:
        return places.inside(self.job.to, name)


def _unsurveyed(asked: tuple[_Course, int], reason: str) -> Survey:
    course, place = asked
    return _unsurveyed_part((place, course.timeline.pieces[place]), reason)


def _unsurveyed_part(asked: tuple[int, Piece], reason: str) -> Survey:
    place, piece = asked
    return Survey(piece, place, (f"{piece.names[0]}: {reason}",), is_unread=True)


def _undone(asked: tuple[_Course, Task], reason: str) -> Done:
    piece = asked[1].step.piece
    where = f"{piece.names[0]}: from byte {piece.span.begin} on" if piece.span is not None else piece.names[0]
    return Done(failed(piece.names, trouble=f"{where}: {reason}"))


def _unreached(asked: tuple[_Course, Reach], reason: str) -> Done:
    return Done(failed([], failure=f"{asked[1].part}: {reason}"))


def _is_one(course: _Course) -> bool:
    """Whether it is one file, in parts."""
    return course.timeline.pieces[0].span is not None


def _names(course: _Course) -> tuple[str, ...]:
    """The captures of a timeline that can be read, each once."""
    pieces = course.timeline.pieces
    if _is_one(course):
        return pieces[0].names
    unread = {one.place for one in course.surveys if one.is_unread}
    return tuple(name for place, piece in enumerate(pieces) if place not in unread for name in piece.names)


def _evidence(course: _Course) -> tuple[str, ...] | None:
    """That of all captures of a timeline, in their order; None where a task finds what is beside its own."""
    if not course.surveys:
        return None
    return tuple(dict.fromkeys(one.evidence for one in course.surveys if one.evidence is not None))


def _together(courses: list[_Course]) -> Result:
    result = Result()
    for course in courses:
        if course.why:
            names = course.timeline.pieces[0].names[0] if _is_one(course) else f"{len(course.timeline.pieces)} captures"
            result.notes.append(f"{names}: one task did all: {course.why}")
        is_cut = course.plan is not None and _is_one(course)
        result.unread += is_cut and not any(done.name for done in course.done)
        for one in course.surveys:
            if one.is_unread and one.piece.span is None:
                result.troubles += one.troubles
                result.unread += 1
        known: Record = {}  # what all tasks of the timeline count alike, once one has
        for place, done in enumerate((*course.done, *course.reached)):
            part = done.part
            if part.counters:
                others = OF_THE_CAPTURE if place >= len(course.done) else known
                result.counters, known = added(result.counters, part.counters | others), _OF_ALL
            result.summary.add(part.tally)
            result.is_met = result.is_met or part.is_met
            result.failures += part.failures
            result.troubles += part.troubles
            if not is_cut:
                result.unread += len(part.unread)
            if done.name:
                result.parts.append(done.name)
    result.troubles = list(dict.fromkeys(result.troubles))  # of evidence each task tells
    return result
