"""Trackers that each have a share of the connections report what one that has all would report, in its order."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from correlator.core.connection import Connection
from correlator.core.limits import Limits
from correlator.core.segment import Segment
from correlator.core.share import SEGMENT, Arrivals, Slot, Sorting
from correlator.core.tracker import Tracker
from tests.ends import facts
from tests.play import MS, SECOND, START, ends
from tests.unit.core.test_edges import frames_of

FLAGS = (0x02, 0x12, 0x10, 0x11, 0x04, 0x14, 0x18, 0x00)


@dataclass(frozen=True)
class Sent:
    """One segment of a random conversation."""

    port: int
    from_client: bool
    flags: int
    seq: int
    ack: int
    interface: int
    after: int  # ms


SENT = st.builds(
    Sent,
    st.integers(1000, 1007),
    st.booleans(),
    st.sampled_from(FLAGS),
    st.integers(1, 4),
    st.integers(1, 4),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([0, 0, 1, 1, 500, 4000, -3]),
)


def segments(sent: list[Sent]) -> list[Segment]:
    """Made anew each time, for they are changed."""
    made, at = [], START
    for one in sent:
        at += one.after * MS
        near, far = ("10.0.0.1", one.port), ("10.0.0.2", 80)
        both = ends(near, far) if one.from_client else ends(far, near)
        made.append(Segment(at, one.interface, *both, one.seq, one.ack if one.flags & 0x10 else 0, one.flags, 1))
    return made


OFFLINE = Limits(segments=20, settle=5 * SECOND, linger=5 * SECOND)
RECORDED = Limits(segments=20, settle=SECOND, linger=5 * SECOND)


def reports_of_all(sent: list[Sent], most: int, limits: Limits = OFFLINE) -> list[Connection]:
    """The reports of one that has all connections."""
    tracker = Tracker(["eth0", "eth1"], limits)
    tracker.reports_only = True
    for number, segment in enumerate(segments(sent), 1):
        tracker.segment(segment)
        if number % 5 == 0:
            tracker.advance(segment.at)  # as at the end of a block
    while tracker.finish(most):
        pass
    return tracker.take_reports()


def reports(sent: list[Sent], share: int, shares: int, most: int, limits: Limits = OFFLINE) -> list[Connection]:
    """The reports of one share, to whose tracker the pieces of a capture come."""
    tracker = Tracker(["eth0", "eth1"], limits)
    tracker.reports_only = True
    whole, slot = segments(sent), Slot(memoryview(bytearray(7 * SEGMENT)))
    arrivals = Arrivals(tracker, share)
    for begin in range(0, len(whole), 7):
        sorting = Sorting(slot, shares)
        sorting.take_in(frames_of(*whole[begin : begin + 7]))
        arrivals.begin(slot, sorting.segments, [0, 1])
        while arrivals.come():
            at = 0
            while at < arrivals.frames.count:
                at = tracker.take_in(arrivals.frames, at)
        arrivals.end()
    while tracker.finish(most):
        pass
    return tracker.take_reports()


@given(st.lists(SENT, max_size=120), st.sampled_from([2, 3, 5]), st.sampled_from([1, 3, 1000]))
def test_shares_are_the_whole(sent: list[Sent], shares: int, most: int) -> None:
    """Every fact of every connection, and the place of its report."""
    whole = reports_of_all(sent, most)
    apart = [one for share in range(shares) for one in reports(sent, share, shares, 1000)]
    apart.sort(key=lambda one: (one.reported_in, one.touched))
    assert [(one.reported_in, one.touched) for one in apart] == [(one.reported_in, one.touched) for one in whole]
    assert [facts(one) for one in apart] == [facts(one) for one in whole]
    assert len({(one.reported_in, one.touched) for one in whole}) == len(whole)


@given(st.lists(SENT, max_size=120), st.sampled_from([2, 3, 5]))
def test_shares_of_a_recorded_run_are_the_whole(sent: list[Sent], shares: int) -> None:
    """What is reported soon stays for what comes late: for how long depends on no other connection."""
    whole = reports_of_all(sent, 1000, RECORDED)
    apart = [one for share in range(shares) for one in reports(sent, share, shares, 1000, RECORDED)]
    assert sorted(map(repr, map(facts, apart))) == sorted(map(repr, map(facts, whole)))
