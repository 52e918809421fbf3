"""What each process does: decode pieces of the capture, track its share of the connections in all of them."""

import asyncio
import gc
from contextlib import aclosing
from dataclasses import replace
from functools import lru_cache

from correlator.capture.cut import first_record, head_of
from correlator.capture.files import CaptureFile, Span
from correlator.capture.names import UnreadableError
from correlator.cli.inputs import Inputs
from correlator.cli.shares.sheets import sheets
from correlator.cli.shares.slots import Shared
from correlator.cli.shares.words import Decoded, Done, Job, Left, Piece, Step, Tracked, Turn, Whole
from correlator.cli.tables import Tables, beside_capture
from correlator.core.config import Config
from correlator.core.share import Arrivals, Sorting
from correlator.run import Run
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces


def turn(job: Job, share: int, turn: Turn) -> Done:
    """Do what is next."""
    return _own(job, share).turn(turn)


def left(job: Job, share: int) -> Left:
    """Report some of what is left, now that the capture has ended."""
    return _own(job, share).left()


def whole(job: Job, share: int) -> Whole:
    """Tell what was done in all."""
    return _own(job, share).whole()


@lru_cache(maxsize=1)
def _own(job: Job, share: int) -> "Share":
    """This process's share: it has but one."""
    gc.disable()  # as in `analyse`
    return Share(job, share)


class Share:
    """A share of the connections, and what is known of the capture."""

    def __init__(self, job: Job, share: int) -> None:
        """Nothing is tracked yet. Raises OSError where a slot cannot be had."""
        self._job, self._share = job, share
        named = Tables()
        for table in job.tables:
            named.add(table)
        self._interfaces = Interfaces()
        self._sheets = sheets(job.wanted)
        self._inputs = Inputs(self._interfaces, named, Config())
        self._run = Run(*self._inputs.parts(first=True), self._sheets.outputs)
        beside = beside_capture(job.capture)
        self._inputs.state(self._run, [] if beside is None else [beside])
        self._head = head_of(job.capture)
        self._described = Interfaces()
        self._capture = CaptureFile(job.capture, self._described, span=Span(0, 0), is_alone=False)
        self._slots = [Shared(name, job.room, job.shares) for name in job.slots]
        self._arrivals = Arrivals(self._run.engine.tracker, share)

    def turn(self, turn: Turn) -> Done:
        """Do what is next."""
        tracked = tuple(map(self._track, turn.steps))
        return Done(tracked, self._decode(turn.piece) if turn.piece is not None else None)

    def left(self) -> Left:
        """Report some of what is left, now that the capture has ended."""
        is_more = self._run.finish()
        return Left(self._lines(), self._run.engine.most_held, is_more)

    def whole(self) -> Whole:
        """Tell what was done in all."""
        sheets = self._sheets
        return Whole(self._run.total, sheets.summary.tally(), sheets.fail_on.met, tuple(self._inputs.troubles))

    def _lines(self) -> tuple[bytes, ...]:
        """What was found since the last call."""
        return tuple(sheet.take() for sheet in self._sheets.sheets)

    def _track(self, step: Step) -> Tracked:
        """Track the share of a piece that was decoded."""
        run, engine = self._run, self._run.engine
        interfaces = self._interfaces.join(list(step.interfaces))
        arrivals, slot = self._arrivals, self._slots[step.slot]
        arrivals.begin(slot.segments, step.segments, interfaces)
        while arrivals.come():
            engine.take_in(arrivals.frames)
            run.deliver()  # what was found is in the caches still
        arrivals.end()
        run.deliver()
        # legs of one connection have four-tuples of their own
        is_apart = len(self._interfaces.names) == 1 or not engine.index.statements
        lines = self._lines()
        lengths = tuple(map(len, lines))
        left = () if slot.put(self._share, lines) else lines
        return Tracked(left, lengths, engine.tracker.most, engine.most_held, is_apart)

    def _decode(self, piece: Piece) -> Decoded:
        """Decode a piece, and leave its segments for who has their connections. Raises OSError."""
        if not piece.is_exact:
            begin = first_record(self._job.capture, piece.span.begin, self._head)
            if begin is None:
                return Decoded(piece, is_unread=True)
            piece = replace(piece, span=Span(begin, piece.span.end))
        return asyncio.run(self._decoded(piece))

    async def _decoded(self, piece: Piece) -> Decoded:
        capture, decoder = self._capture, Decoder(self._described, piece.fragments)
        capture.go_to(piece.span)
        packets = 0
        sorting = Sorting(self._slots[piece.slot].segments, self._job.shares)
        try:
            async with aclosing(capture.batches()) as batches:
                async for batch in batches:
                    for frames in batch:
                        packets += frames.count
                        decoder.decode(frames)
                        sorting.take_in(frames)
        except UnreadableError:
            return Decoded(piece, is_unread=True)
        return Decoded(
            piece,
            next_at=capture.next_at,
            packets=packets,
            segments=sorting.segments,
            skipped=decoder.skipped,
            damage=capture.damage,
            kept=capture.kept,
            interfaces=tuple(self._described.described()),
            described=capture.described,
            fragments=decoder.fragments if decoder.fragments.times else None,
        )
