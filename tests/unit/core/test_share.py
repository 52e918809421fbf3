"""Shares of the connections; tests/property/test_shares.py has trackers that each have one."""

import pytest

from correlator.core.limits import Limits
from correlator.core.segment import Segment
from correlator.core.share import SEGMENT, Arrivals, Slot, Sorting
from correlator.core.tracker import Tracker
from tests.play import MS, START, Play
from tests.unit.core.test_edges import frames_of as decoded


def slot(room: int) -> Slot:
    """One with room for so many segments, and some bytes that are no room."""
    return Slot(memoryview(bytearray(room * SEGMENT + 7)))


def tracker() -> Tracker:
    """One that has tracked nothing."""
    return Tracker(["eth0"], Limits())


def test_each_segment_is_in_one_share() -> None:
    """That of its connection, in both directions; a frame that was not decoded is nobody's."""
    plays = [Play(("10.0.0.1", port), ("10.0.0.2", 80)) for port in range(1, 20)]
    segments = [play.segment(who, flags) for play in plays for who, flags in (("c", "S"), ("s", "SA"))]
    left = slot(38)
    sorting = Sorting(left, 3)
    sorting.take_in(decoded(*segments[:20]))
    sorting.take_in(decoded(*segments[20:]))
    assert sorting.segments == 38
    assert list(left.shares[::2]) == list(left.shares[1::2])
    assert set(left.shares) == {0, 1, 2}
    came: list[Segment] = []
    for share in range(3):
        arrivals = Arrivals(tracker(), share)
        arrivals.begin(left, 38, [0])
        while arrivals.come():
            came += [one for one in arrivals.frames.segments[: arrivals.frames.count] if one.is_decoded]
    came.sort(key=lambda one: one.moment)
    assert [one.moment for one in came] == list(range(1, 39))
    assert came == segments


def test_many_segments_come_in_parts() -> None:
    """As many at once as there are frames for; the numbers of what goes before are in their moments."""
    play = Play(("10.0.0.1", 1), ("10.0.0.2", 80))
    left = slot(5000)
    Sorting(left, 1).take_in(decoded(*[play.segment("c", "A") for _ in range(5000)]))
    own = tracker()
    own.go_to(7, 0)
    arrivals = Arrivals(own, 0)
    arrivals.begin(left, 5000, [0])
    moments = []
    while arrivals.come():
        moments += [one.moment for one in arrivals.frames.segments[: arrivals.frames.count]]
    assert moments == list(range(8, 5008))


def test_all_others_pass_by() -> None:
    """A tracker with nothing of its own is where one is that has all."""
    plays = [Play(("10.0.0.1", port), ("10.0.0.2", 80)) for port in range(1, 20)]
    left, own = slot(19), tracker()
    Sorting(left, 1).take_in(decoded(*[play.segment("c", "S") for play in plays]))
    arrivals = Arrivals(own, 1)
    arrivals.begin(left, 19, [0])
    assert not arrivals.come()
    arrivals.end()
    assert (own.moment, own.newest, len(own)) == (19, START + MS, 0)


def test_a_slot_without_room() -> None:
    """Is not written behind; nor is read what cannot be there."""
    play = Play(("10.0.0.1", 1), ("10.0.0.2", 80))
    sorting = Sorting(slot(2), 1)
    sorting.take_in(decoded(play.segment("c", "S"), play.segment("s", "SA")))
    with pytest.raises(ValueError, match="room for 2 segments"):
        sorting.take_in(decoded(play.segment("c", "A")))
    arrivals = Arrivals(tracker(), 0)
    for count in (3, -1):
        with pytest.raises(ValueError, match=f"{count} segments where there is room for 2"):
            arrivals.begin(slot(2), count, [0])
