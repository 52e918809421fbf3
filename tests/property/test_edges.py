"""Captures that are tracked apart, and what reaches over their edges by itself, are one timeline that is tracked whole."""

from hypothesis import given
from hypothesis import strategies as st

from correlator.core.config import Config
from correlator.core.edges import WORDS, Edges, filter_of, hashes, replay
from correlator.core.engine import Engine
from correlator.core.finding import Finding
from correlator.core.flow import Flow
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
    for captured in captures[:-1]:
        known += hashes(SEED, lasting(captured, limits))
    reaching, bits, count = engine_of(limits, 0), filter_of(known), 0
    found: list[str] = []
    for captured, before in zip(captures, begins, strict=True):
        rows, frames, engine = bytearray(), frames_of(captured), engine_of(limits, before)
        edges = Edges(SEED, bits, rows.extend)
        edges.sift(frames)
        engine.take_in(frames)
        assert captured is captures[-1] or not engine.tracker.lasting()
        found += told(engine)
        edges.flush()
        count += len(rows) // (8 * WORDS)
        replay(reaching, bytes(rows), [0, 1], before, 0, 1)
    return sorted(found + told(reaching)), count


def lasting(captured: list[Segment], limits: Limits) -> list[Flow]:
    """What is under way at the end of a capture."""
    engine = engine_of(limits, 0)
    engine.take_in(frames_of(captured))
    return engine.tracker.lasting()


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
    others = list(hashes(SEED, lasting(segments(sent)[:7], OFFLINE)))
    found, count = apart(pieces(sent, [cut]), OFFLINE, others)
    assert count >= 7
    assert found == whole(pieces(sent, [cut]), OFFLINE)
