"""Captures that are tracked apart, and what reaches over their edges by itself, are one timeline that is tracked whole."""

from hypothesis import given
from hypothesis import strategies as st

from correlator.core.config import Config
from correlator.core.edges import ROW, Early, Edges, filter_of, hashes, replay
from correlator.core.engine import Engine
from correlator.core.finding import Finding
from correlator.core.frames import Frames
from correlator.core.limits import Limits
from correlator.core.segment import Segment
from tests.ends import facts
from tests.property.test_shares import OFFLINE, RECORDED, SENT, Sent, segments

NAMES = ["eth0", "eth1"]
SEED = 7


def frames_of(captured: list[Segment]) -> Frames:
    """Frames that were decoded to these segments."""
    frames = Frames()
    for segment in captured:
        frames.add(segment.at, 1, 0, 0, 0, 0)
        frames.segments[frames.count - 1].take(segment)
        frames.segments[frames.count - 1].is_decoded = True
    return frames


def engine_of(limits: Limits, before: int) -> Engine:
    """An engine for one capture, with so many segments in those before it."""
    return Engine(Config(limits=limits), NAMES, before + 1)


def told(engine: Engine) -> list[str]:
    """What it reports in all."""
    engine.finish()
    return [repr(facts(item.connection)) for item in engine.take() if isinstance(item, Finding)]


def pieces(sent: list[Sent], cuts: list[int]) -> list[list[Segment]]:
    """The segments of each capture."""
    made = segments(sent)
    places = sorted(min(cut, len(made)) for cut in cuts)
    return [made[begin:end] for begin, end in zip([0, *places], [*places, len(made)], strict=True)]


def apart(captures: list[list[Segment]], limits: Limits, others: list[int]) -> tuple[list[str], int]:
    """What is told of captures that are tracked apart, and how many segments were set aside.

    `others`: hashes that the filter knows besides.
    """
    begins = [sum(map(len, captures[:place])) for place in range(len(captures))]
    known = list(others)
    for place in range(len(captures) - 1):
        known += reaching(captures, place, limits)
    aside, bits, count = engine_of(limits, 0), filter_of(known), 0
    found: list[str] = []
    newest = 0
    for captured, before in zip(captures, begins, strict=True):
        rows, frames, engine = bytearray(), frames_of(captured), engine_of(limits, before)
        edges = Edges(SEED, bits, rows.extend, newest)
        engine.tracker.go_to(0, newest)
        edges.sift(frames)
        engine.take_in(frames)
        found += told(engine)
        newest = engine.tracker.newest
        assert captured is captures[-1] or not engine.tracker.left
        edges.flush()
        count += len(rows) // ROW
        replay(aside, bytes(rows), [0, 1], before, 0, 1)
    return sorted(found + told(aside)), count


def reaching(captures: list[list[Segment]], place: int, limits: Limits) -> list[int]:
    """Hashes of what may go on in the captures behind one."""
    engine = engine_of(limits, 0)
    engine.take_in(frames_of(captures[place]))
    early = Early(SEED, limits.segments)
    for captured in captures[place + 1 :]:
        early.take_in(frames_of(captured))
    closing = set(hashes(SEED, engine.tracker.closing())) & early.hashes
    return [*hashes(SEED, engine.tracker.lasting()), *closing]


def whole(captures: list[list[Segment]], limits: Limits) -> list[str]:
    """What is told of all in one."""
    engine = engine_of(limits, 0)
    for captured in captures:
        engine.take_in(frames_of(captured))
    return sorted(told(engine))


@given(st.lists(SENT, max_size=150), st.lists(st.integers(0, 150), max_size=4), st.sampled_from([OFFLINE, RECORDED]))
def test_captures_apart_are_the_whole(sent: list[Sent], cuts: list[int], limits: Limits) -> None:
    """Every fact of every connection, wherever the captures are cut."""
    found, _ = apart(pieces(sent, cuts), limits, [])
    assert found == whole(pieces(sent, cuts), limits)


@given(st.lists(SENT, min_size=20, max_size=150), st.integers(0, 150))
def test_what_is_set_aside_for_nothing_changes_nothing(sent: list[Sent], cut: int) -> None:
    """A filter that takes others for an edge's, too."""
    engine = engine_of(OFFLINE, 0)
    engine.take_in(frames_of(segments(sent)[:7]))
    others = list(hashes(SEED, engine.tracker.lasting()))
    found, count = apart(pieces(sent, [cut]), OFFLINE, others)
    assert count >= len(others)
    assert found == whole(pieces(sent, [cut]), OFFLINE)
