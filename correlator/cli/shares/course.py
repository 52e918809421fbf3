"""Who does what when: pieces to decode, steps to track, and what was found put together in order."""

import asyncio
import sys
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from correlator.capture.files import Span
from correlator.cli.processes import Process
from correlator.cli.shares import work
from correlator.cli.shares.slots import Shared
from correlator.cli.shares.words import Decoded, Done, Job, Left, Piece, Step, Tracked, Turn, Whole
from correlator.core.evidence import Bounds
from correlator.core.limits import Limits
from correlator.report.merging import Merging
from correlator.wire.fragments import LIFETIME, Fragments
from correlator.wire.reader import Damage

_SMALLEST, _LARGEST = 1 << 22, 1 << 23  # bytes of a piece
_AT_ONCE = 96 << 20  # bytes of all pieces that there are slots for
_PIECES = 200
_LEAST = 50
"""Bytes of a record with a segment at the least: of a pcap, with an IPv4 packet as far as the flags of TCP."""
MORE_SLOTS = 2
"""Pieces that are decoded beside one for each process, so that none has to wait for the slowest."""


class MisfitError(Exception):
    """One process is to do the rest: the message says why."""


def cut(size: int, slots: int) -> list[Span]:
    """Where a capture of so many bytes is cut, roughly: at the first records behind these places."""
    length = min(max(size // _PIECES, _SMALLEST), _LARGEST, _AT_ONCE // slots)
    begins = range(0, size, length)
    return [Span(begin, begin + length if begin + length < size else sys.maxsize) for begin in begins]


def room(spans: list[Span]) -> int:
    """For how many segments each slot must have room."""
    return (spans[0].end - spans[0].begin) // _LEAST + 1


class Sharing:
    """A process with a share of the connections. Calls raise what `Process.ask` does."""

    def __init__(self, share: int, job: Job, process: Process) -> None:
        """It has done nothing yet."""
        self.share = share
        self.steps = 0
        """That it has tracked."""
        self._words = job, share
        self._process = process

    async def turn(self, turn: Turn) -> Done:
        """Have it do what is next."""
        return await self._process.ask(work.turn, *self._words, turn)

    async def left(self) -> Left:
        """Have it report some of what is left."""
        return await self._process.ask(work.left, *self._words)

    async def whole(self) -> Whole:
        """Have it tell what was done in all."""
        return await self._process.ask(work.whole, *self._words)


class Course:
    """A capture, and how far it has come."""

    def __init__(
        self,
        spans: list[Span],
        processes: list[Sharing],
        slots: list[Shared],
        outputs: int,
        put: Callable[[int, bytes, int], Awaitable[None]],
        is_over: Callable[[], bool],
    ) -> None:
        """`put` takes the next lines of one of the outputs, so many. `is_over`: whether nothing more is to be read."""
        self.packets = self.segments = self.next_at = 0
        self.skipped: Counter[str] = Counter()
        self.damage: Damage | None = None
        self._spans = spans
        self._processes = processes
        self._put = put
        self._is_over = is_over
        self._mergings = [Merging(len(processes)) for _ in range(outputs)]
        self._begun = 0  # pieces that somebody decodes, or has decoded
        self._end = len(spans)  # pieces that there are
        self._slots = slots
        self._free = list(range(len(slots)))
        self._again: deque[Piece] = deque()
        self._decoded: dict[int, Decoded] = {}  # those that wait for the ones before them
        self._steps: list[Decoded] = []
        self._found: list[dict[int, Tracked]] = []  # by step and share
        self._described = 0
        self._held: dict[int, int] = {}  # connections that have waited for the end, by share
        self._fragments: Fragments | None = None
        self._news = asyncio.Condition()

    async def run(self) -> list[Whole]:
        """Have all done. Raises MisfitError in a group, and what the processes raise."""
        async with asyncio.TaskGroup() as tasks:
            for process in self._processes:
                tasks.create_task(self._serve(process))
            tasks.create_task(self._deliver())
        await self._finish()
        return await asyncio.gather(*(process.whole() for process in self._processes))

    async def _serve(self, process: Sharing) -> None:
        """Have a process do what there is to do."""
        while (turn := await self._turn(process)) is not None:
            done = await process.turn(turn)
            async with self._news:
                for tracked in done.tracked:
                    self._found[process.steps][process.share] = tracked
                    process.steps += 1
                if done.decoded is not None:
                    self._decoded[done.decoded.piece.number] = done.decoded
                    self._accept()
                self._news.notify_all()

    async def _turn(self, process: Sharing) -> Turn | None:
        """What a process is to do next; None where nothing is left."""
        async with self._news:
            while True:
                steps = tuple(
                    Step(one.piece.slot, one.segments, one.interfaces) for one in self._steps[process.steps :]
                )
                piece = self._next_piece()
                if steps or piece is not None:
                    return Turn(steps, piece)
                if self._is_complete:
                    return None
                await self._news.wait()

    @property
    def _is_complete(self) -> bool:
        return len(self._steps) == self._end

    def _next_piece(self) -> Piece | None:
        """The piece that is to be decoded next, if there is one, and room for it."""
        if self._again:
            return self._again.popleft()
        if self._begun < self._end and self._is_over():
            self._end = self._begun
            self._news.notify_all()
        if self._begun >= self._end or not self._free:
            return None
        number = self._begun
        self._begun += 1
        return Piece(number, self._free.pop(), self._spans[number], is_exact=number == 0)

    def _accept(self) -> None:
        """Take the pieces that are decoded and come next for steps. Raises MisfitError."""
        while not self._is_complete and (one := self._decoded.pop(len(self._steps), None)) is not None:
            again = self._corrected(one)
            if again is not None:
                self._again.append(again)
                return
            self._check(one)
            self._steps.append(one)
            self._found.append({})
            self.next_at, self.packets, self.segments = (
                one.next_at,
                self.packets + one.packets,
                self.segments + one.segments,
            )
            self.skipped.update(one.skipped)
            self._fragments = one.fragments or self._fragments
            if one.damage is not None:  # as in a file, it is the end
                self.damage, self._end = one.damage, len(self._steps)

    def _corrected(self, one: Decoded) -> Piece | None:
        """The piece as it is to be decoded again, if it is: what was taken for a record may be none."""
        piece = one.piece
        if piece.number and (one.is_unread or piece.span.begin != self.next_at) and not piece.is_exact:
            return replace(piece, span=Span(self.next_at, max(self.next_at, piece.span.end)), is_exact=True)
        times, before = one.fragments and one.fragments.times, self._fragments and self._fragments.times
        if times and before and piece.fragments is None and times[0] <= before[1] + LIFETIME:
            return replace(piece, is_exact=True, fragments=self._fragments)
        return None

    def _check(self, one: Decoded) -> None:
        if one.is_unread:
            raise MisfitError("it cannot be read")
        if one.kept is not None:  # the order of its reports is another
            raise MisfitError("a live run wrote it")
        self._described = self._described or one.described
        if one.described != self._described:  # it may be wanted in any later piece
            raise MisfitError("it describes an interface, or begins a section, between its packets")

    async def _deliver(self) -> None:
        """Put together what was found in each step, as soon as all have tracked it. Raises MisfitError."""
        number, count = 0, len(self._processes)
        while True:
            async with self._news:
                while not (number < len(self._found) and len(self._found[number]) == count):
                    if self._is_complete and number == len(self._steps):
                        return
                    await self._news.wait()
                found = self._found[number]
            if sum(one.most for one in found.values()) >= Limits().connections:
                raise MisfitError("it has more connections at once than one table holds")
            self._hold(found)
            if not all(one.is_apart for one in found.values()):
                raise MisfitError("there are several interfaces and evidence, so connections may have legs")
            slot = self._slots[self._steps[number].piece.slot]
            lines = {share: one.lines or slot.lines(share, one.lengths) for share, one in found.items()}
            await self._merge(lines, [False] * count)
            async with self._news:
                self._found[number] = {}
                self._steps[number] = replace(self._steps[number], interfaces=(), fragments=None)  # what takes memory
                self._free.append(self._steps[number].piece.slot)
                number += 1
                self._news.notify_all()

    async def _finish(self) -> None:
        """Report what is left."""
        is_open = [True] * len(self._processes)
        while any(is_open):
            asked = [process for process in self._processes if is_open[process.share]]
            found = dict(zip(asked, await asyncio.gather(*(one.left() for one in asked)), strict=True))
            self._hold({process.share: left for process, left in found.items()})
            for process, left in found.items():
                is_open[process.share] = left.is_more
            await self._merge({process.share: left.lines for process, left in found.items()}, is_open)

    async def _merge(self, lines: dict[int, tuple[bytes, ...]], is_open: list[bool]) -> None:
        for output, merging in enumerate(self._mergings):
            for share, some in lines.items():
                merging.add(share, some[output])
            taken = merging.take(is_open)
            await self._put(output, taken, merging.count)

    def _hold(self, found: Mapping[int, Tracked | Left]) -> None:
        """Raises MisfitError where one process would not let so many connections wait for the end."""
        self._held |= {share: one.held for share, one in found.items()}
        if sum(self._held.values()) > Bounds().tuples:
            raise MisfitError("a table without a time is about more connections than wait at once")
