"""The short way of a segment that moves nothing, and blocks of segments, lead where the long way does."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from correlator import running_core
from correlator.core.changes import Change
from correlator.core.connection import Connection
from correlator.core.flow import Flow
from correlator.core.frames import Frames
from correlator.core.limits import Limits
from correlator.core.segment import Segment
from correlator.core.tracker import Tracker
from tests.ends import facts
from tests.property.test_shares import SENT, Sent, segments

LIMITS = Limits(segments=40, settle=5_000_000_000, linger=5_000_000_000)


def tracker(*, reports_only: bool) -> Tracker:
    """With room for few."""
    made = Tracker(["eth0", "eth1"], LIMITS)
    made.reports_only = reports_only
    return made


def left(made: Tracker) -> list[Connection]:
    """What it reports to the end."""
    made.finish()
    return made.take_reports()


def one_by_one(all_of_them: list[Segment]) -> tuple[list[tuple[object, ...]], list[tuple[Change, int]], list[object]]:
    """What is told of each segment, the events, and the reports."""
    made = tracker(reports_only=False)
    told: list[tuple[object, ...]] = []
    for segment in all_of_them:
        flow = made.segment(segment)
        told.append((flow.number, made.from_client, made.notable, made.copies, flow.last_at, flow.touched))
    events = [(event.change, event.flow.number) for event in made.take()]
    return told, events, [facts(one) for one in left(made)]


@given(st.lists(st.tuples(SENT, st.booleans()), max_size=150))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_short_way_is_the_long_way(monkeypatch: pytest.MonkeyPatch, sent: list[tuple[Sent, bool]]) -> None:
    """Also for fragments: whatever is told of a segment is the same."""
    if running_core() != "Python sources":
        pytest.skip("the compiled step cannot be replaced; these are its sources")
    made = [
        replace(segment, continuation=is_later and segment.length > 0 and not segment.flags & 7)
        for segment, (_, is_later) in zip(segments([one for one, _ in sent]), sent, strict=True)
    ]
    short = one_by_one(made)
    with monkeypatch.context() as changed:
        changed.setattr(Flow, "go_on", lambda *_: False)
        assert one_by_one(made) == short


@given(st.lists(SENT, max_size=150), st.lists(st.booleans(), min_size=150, max_size=150), st.booleans())
def test_a_block_is_its_segments(sent: list[Sent], decoded: list[bool], reports_only: bool) -> None:
    """With frames among them that were not decoded; where something came of one, the taking in stops."""
    frames = Frames()
    alone, together = tracker(reports_only=reports_only), tracker(reports_only=reports_only)
    for segment, is_decoded in zip(segments(sent), decoded, strict=False):
        frames.add(0, 1, 0, 0, 0, 0)
        frames.segments[-1].take(segment)
        frames.segments[-1].is_decoded = is_decoded
    begin, stops = 0, 0
    while begin < frames.count:
        begin = together.take_in(frames, begin)
        stops += together.has_news
        together.take()
    expected = 0
    for segment, is_decoded in zip(segments(sent), decoded, strict=False):
        if is_decoded:
            alone.segment(segment)
            expected += alone.has_news
            alone.take()
    assert stops == expected
    assert together.moment == alone.moment == sum(decoded[: len(sent)])
    assert [facts(one) for one in left(together)] == [facts(one) for one in left(alone)]
