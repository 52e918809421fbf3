"""The counts behind the pictures."""

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.report.page import tallies
from correlator.report.page.tallies import (
    MAX_BINS,
    OTHER_PROCESSES,
    OTHERS,
    RTT_BOUNDS,
    WIDTHS,
    Flows,
    RttClasses,
    Timeline,
)
from correlator.report.termination import of_finding
from tests.scenes import passing, the_case

TIMES = st.integers(0, (1 << 63) - 1)


@given(st.lists(st.tuples(st.one_of(TIMES, st.integers(0, 10**13)), st.sampled_from(["a", "b"])), max_size=60))
def test_bins_hold_what_came(events: list[tuple[int, str]]) -> None:
    """However times lie: few bins, each with just those of its time."""
    tally = Timeline()
    for at, verdict in events:
        tally.count(at, verdict)
    expected: dict[int, Counter[str]] = {}
    for at, verdict in events:
        expected.setdefault(at // tally.width, Counter())[verdict] += 1
    assert tally.bins == expected
    assert max(tally.bins, default=0) - min(tally.bins, default=0) < MAX_BINS


def test_widths_divide_one_another() -> None:
    """So bins can be joined; the widest has room for all times."""
    assert all(wide % narrow == 0 for narrow, wide in itertools.pairwise(WIDTHS))
    assert (1 << 63) // WIDTHS[-1] < MAX_BINS


def test_a_finding_without_a_time() -> None:
    """Is counted apart."""
    tally = Timeline()
    tally.count(None, "a")
    assert (tally.untimed, tally.bins) == (1, {})


@pytest.mark.parametrize(
    ("rtt", "place"), [(0, 0), (1000, 0), (1001, 1), (2000, 1), (5_000_000, 11), (500_000_000_001, len(RTT_BOUNDS))]
)
def test_rtt_classes(rtt: int, place: int) -> None:
    """A class ends with its bound."""
    tally = RttClasses()
    tally.count(rtt, "a")
    tally.count(None, "a")
    assert tally.classes == {place: Counter("a")}


def test_flows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with a socket; beyond the bound they are others."""
    monkeypatch.setattr(tallies, "MAX_FLOWS", 2)
    tally, one = Flows(), of_finding(the_case())
    tally.count(of_finding(passing()))
    for number in range(8):
        tally.count(replace(one, client=bytes((10, 0, 0, number)), process=f"p{number // 2}"))
    assert tally.counts.total() == 8
    assert tally.counts[OTHERS, "ipv4", "AF_INET6", "p1"] == 2
    assert tally.counts[OTHERS, "ipv4", "AF_INET6", "p2"] == 2
    assert tally.counts[OTHERS, "ipv4", "AF_INET6", OTHER_PROCESSES] == 2
