"""The pictures' geometry: nothing lost, nothing outside, heights as the counts are."""

import itertools
from dataclasses import replace

import pytest

from correlator.report.page.shapes import HEIGHT, WIDTH, duration, flow_map, rtt, timeline
from correlator.report.page.tallies import Flows, RttClasses, Timeline
from correlator.report.termination import of_finding
from tests.scenes import the_case

CASE = of_finding(the_case())
MIXED, NATIVE = "ipv4-on-af_inet6", "ipv4-on-af_inet"


def test_columns_are_as_high_as_their_counts() -> None:
    """Side by side in time, stacked by verdict, all inside."""
    tally = Timeline()
    for at, verdict in [(0, MIXED)] * 2 + [(0, NATIVE)] * 4 + [(50_000_000, NATIVE)] * 8:
        tally.count(at, verdict)
    chart = timeline(tally)
    first, second, third = chart.bars
    assert (first.label, second.label, third.label) == (f"2 {MIXED}", f"4 {NATIVE}", f"8 {NATIVE}")
    assert second.height == pytest.approx(2 * first.height)
    assert third.height == pytest.approx(4 * first.height)
    assert second.y + second.height == pytest.approx(first.y)
    assert all(
        bar.x >= 0 and bar.x + bar.width <= WIDTH and 0 <= bar.y <= bar.y + bar.height <= HEIGHT for bar in chart.bars
    )
    assert chart.rows == [("00:00:00.000", [2, 4]), ("00:00:00.050", [0, 8])]
    assert [tick.label for tick in chart.up] == ["0", "2", "4", "6", "8"]


def test_a_run_over_days_tells_its_dates() -> None:
    """Else its hours would come twice."""
    tally = Timeline()
    for day in range(3):
        tally.count(day * 86_400_000_000_000, MIXED)
    assert [name for name, _ in timeline(tally).rows] == ["01-01 00:00:00", "01-02 00:00:00", "01-03 00:00:00"]


def test_rtt_classes_are_named_by_their_ends() -> None:
    """A lone class has room beside it."""
    tally = RttClasses()
    tally.count(1_000_000, MIXED)
    tally.count(10**12, MIXED)
    chart = rtt(tally)
    assert chart.rows == [("up to 1 ms", [1]), ("over 50 s", [1])]
    assert max(bar.width for bar in chart.bars) < WIDTH / 8


def test_nothing_to_draw() -> None:
    """No shapes, no fault."""
    assert (timeline(Timeline()).bars, rtt(RttClasses()).bars, flow_map(Flows()).nodes) == ([], [], [])


def test_what_flows_in_flows_out() -> None:
    """Each column holds all; the smaller clients and processes are one."""
    tally = Flows()
    for number in range(30):
        for _ in range(30 - number):
            tally.count(replace(CASE, client=bytes((10, 0, 0, number)), process=f"p{number}", is_ipv6=number % 2 == 1))
    drawn = flow_map(tally)
    columns = sorted({node.x for node in drawn.nodes})
    assert len(columns) == 4
    for x in columns:
        column = [node for node in drawn.nodes if node.x == x]
        assert sum(node.count for node in column) == tally.counts.total()
        assert all(above.y + above.height <= below.y for above, below in itertools.pairwise(column))
        assert column[-1].y + column[-1].height <= drawn.height
    labels = {node.label for node in drawn.nodes}
    assert {"10.0.0.0", "other clients", "ipv4", "ipv6", "AF_INET6", "p0", "other processes"} <= labels
    assert len(labels) == 9 + 2 + 1 + 9


@pytest.mark.parametrize(
    ("nanoseconds", "told"),
    [(1, "1 ns"), (2000, "2 µs"), (1_500_000, "1500 µs"), (30 * 10**9, "30 s"), (86400 * 10**9, "1 d")],
)
def test_durations(nanoseconds: int, told: str) -> None:
    """In a unit that leaves them whole."""
    assert duration(nanoseconds) == told
