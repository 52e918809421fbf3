"""What a worker does before it is known what reaches over edges: look through pieces."""

import asyncio
import gc
from array import array
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from correlator import __version__
from correlator.capture.cut import first_record
from correlator.capture.files import CaptureFile, Span
from correlator.capture.names import UnreadableError
from correlator.cli.corpus.places import captures_of, evidence_beside, evidence_of, opened, put
from correlator.cli.corpus.plan import Job, Met, Piece, Survey
from correlator.cli.inputs import Inputs
from correlator.cli.scratch import scratch
from correlator.cli.tables import Tables
from correlator.core.annotation import Kept
from correlator.core.config import Config
from correlator.core.edges import Early, hashes, hashes_of_keys
from correlator.core.evidence import EvidenceIndex
from correlator.wire.interfaces import Interfaces


def survey(  # a task's words
    job: Job,
    place: int,
    piece: Piece,
    aside: str,
    is_exact: bool = False,  # noqa: FBT001, FBT002
) -> Survey:
    """Look through a piece.

    `aside`: how the names of what it leaves begin. `is_exact`: a record begins where the piece does.
    """
    name = piece.names[0]
    if job.version != __version__:
        trouble = f"{name}: a worker has correlator {__version__}, not {job.version}"
        return Survey(piece, place, (trouble,), is_unread=True)
    gc.disable()
    try:
        with scratch() as folder:
            captures = [local for local, _ in captures_of(piece, folder)]
            if piece.span is not None and piece.span.begin and not is_exact:
                begin = first_record(captures[0], piece.span.begin)
                if begin is None:
                    return Survey(piece, place, is_unread=True)
                piece = replace(piece, span=Span(begin, piece.span.end))
            found, closing, early = asyncio.run(_surveyed(job, place, piece, captures))
            for name_of, content in (("closing", closing), ("early", early)):
                own = Path(folder, name_of)
                own.write_bytes(content.tobytes())
                put(str(own), f"{aside}-{name_of}")
            found = replace(found, aside=aside)
            evidence = evidence_beside(name)
            if evidence is None or len(captures) > 1:
                return found
            index = _index(evidence_of((evidence,), piece, folder))
            together = hashes_of_keys(job.seed, index.timeless()).tobytes()
            return replace(found, evidence=evidence, is_cut_off=index.has_clipped, together=together)
    finally:
        gc.enable()


async def _surveyed(job: Job, place: int, piece: Piece, captures: list[str]) -> "tuple[Survey, array[int], array[int]]":
    """What is in a piece, and the hashes of what was closed at its end, and of what came first."""
    inputs = Inputs(Interfaces(), Tables(), Config())
    engine, decoder = inputs.parts()
    tracker, source = engine.tracker, inputs.source(captures, piece.span)
    begins: int | None = None
    latest, is_timed = 0, True
    early = Early(job.seed, tracker.limits.segments)
    try:
        async with aclosing(source.batches()) as batches:
            async for batch in batches:
                if source.kept is not None:
                    engine.set_recorded(counted=source.kept is Kept.ALL)
                for frames in batch:
                    if frames.count:
                        begins = frames.segments[0].at if begins is None else begins
                        earliest, last = frames.times()
                        latest, is_timed = max(latest, last), is_timed and earliest > 0
                    decoder.decode(frames)
                    early.take_in(frames)
                    at = 0
                    while at < frames.count:
                        at = tracker.take_in(frames, at)
                        tracker.take()
                    tracker.take_reports()
    except UnreadableError as error:
        return Survey(piece, place, (f"{piece.names[0]}: {error}",), is_unread=True), array("Q"), array("Q")
    file = source if isinstance(source, CaptureFile) else None
    found = Survey(
        piece,
        place,
        is_damaged=file is not None and file.damage is not None,
        begins=begins or 0,
        latest=latest,
        segments=tracker.moment,
        is_timed=is_timed,
        newest=tracker.newest,
        interfaces=tuple(inputs.interfaces.described()),
        described=file.described if file is not None else 0,
        kept=source.kept,
        fragments=decoder.fragments.times,
        next_at=file.next_at if file is not None else 0,
        lasting=hashes(job.seed, tracker.lasting()).tobytes(),
    )
    return found, hashes(job.seed, tracker.closing()), array("Q", early.hashes)


def meet(aside: str, others: list[str]) -> Met:
    """What was closed at the end of a piece, and is among the first that the pieces behind it have."""
    closing, early = _hashes(f"{aside}-closing"), set[int]()
    for other in others:
        early.update(_hashes(f"{other}-early"))
    return Met(array("Q", early.intersection(closing)).tobytes())


def _hashes(name: str) -> "array[int]":
    files, path = opened(name)
    return array("Q", files.cat_file(path))


def _index(names: list[str]) -> EvidenceIndex:
    tables, index = Tables(), EvidenceIndex()
    for name in names:
        tables.add_found(name)
    for statement in tables.statements:
        index.add(statement)
    return index
