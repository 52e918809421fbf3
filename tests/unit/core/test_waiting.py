"""What time does to connections; tests/unit/core/test_tracker.py has most of it, by way of the tracker."""

from array import array

import pytest

from correlator.core.limits import Limits
from correlator.core.tracker import Tracker
from tests.play import SECOND, START, Play


def play(port: int) -> Play:
    """A connection of its own."""
    return Play(("10.0.0.1", port), ("10.0.0.2", 80))


def test_what_may_go_on() -> None:
    """What is open, and what is closed and waits for late segments; how many were held at once, and are open at the end."""
    tracker = Tracker([""], Limits())
    half, whole, closed, again = play(1), play(2), play(3), play(3)
    again.client_isn = 7
    for segment in (half.segment("c", "S"), *whole.handshake(), *closed.handshake(), closed.segment("c", "R", seq=1)):
        tracker.segment(segment)
    assert [flow.client_port() for flow in tracker.lasting()] == [1, 2]
    assert [flow.client_port() for flow in tracker.closing()] == [3]
    tracker.segment(again.segment("c", "S"))
    assert [flow.client_port() for flow in tracker.lasting()] == [1, 2, 3]
    assert tracker.closing() == []
    assert (tracker.most, tracker.left) == (3, 0)
    tracker.finish(1)
    assert (tracker.most, tracker.left) == (3, 3)
    tracker.finish()
    assert (tracker.left, len(tracker.take_reports())) == (3, 4)


def test_what_was_reported_stays_for_late_segments() -> None:
    """Live: it is among those that are closed."""
    tracker = Tracker([""], Limits(settle=SECOND))
    closed = play(3)
    for segment in (*closed.handshake(), closed.segment("c", "R", seq=1)):
        tracker.segment(segment)
    tracker.advance(START + 10 * SECOND)
    assert len(tracker.take_reports()) == 1
    assert [flow.client_port() for flow in tracker.closing()] == [3]
    assert tracker.lasting() == []
    tracker.finish()
    assert tracker.left == 0


def test_segments_of_others() -> None:
    """Their number and their times tell what is due, as if they had passed by one by one."""
    closed, late = play(3), play(4)
    segments = [*closed.handshake(), closed.segment("c", "R", seq=1)]
    at = segments[-1].at
    for moment, newest, is_due in (
        (13, at, False),
        (14, at, True),
        (5, at + SECOND, False),
        (5, at + 180 * SECOND, True),
    ):
        tracker = Tracker([""], Limits(segments=10))
        for segment in segments:
            tracker.segment(segment)
        tracker.go_to(moment, newest)
        assert (tracker.moment, tracker.newest) == (moment, newest)
        assert bool(tracker.take_reports()) is is_due
    tracker.go_to(7, 0)
    assert tracker.newest == at + 180 * SECOND
    assert tracker.segment(late.segment("c", "S")).number == 8


def test_times_that_were_not_heard() -> None:
    """No moment passes that nobody told of."""
    tracker = Tracker([""], Limits())
    tracker.hear(memoryview(array("q", [5, 7])))
    tracker.pass_to(2)
    assert (tracker.moment, tracker.newest) == (2, 7)
    with pytest.raises(IndexError, match="2 times were heard, not 3"):
        tracker.pass_to(3)
