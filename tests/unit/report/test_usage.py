"""Who comes to each listener."""

from dataclasses import replace

import pytest

from correlator.report import usage
from correlator.report.termination import of_finding
from correlator.report.usage import Usage
from tests.play import packed
from tests.scenes import passing, the_case

CASE = of_finding(the_case())


def test_a_listener_and_its_clients() -> None:
    """By IP version, with the newest of each; what is no server side says nothing."""
    tally = Usage()
    for one in (
        CASE,
        replace(CASE, at=9),
        replace(CASE, is_ipv6=True, verdict="ipv6-on-af_inet6", client=packed("2001:db8::1"), at=7),
        replace(CASE, side="client"),
        of_finding(passing()),
    ):
        tally.count(one)
    (use,) = tally.uses.values()
    assert (use.where, use.is_seen, use.process, use.pid, use.v6only) == (
        (packed("::"), 4243),
        True,
        "java",
        31307,
        False,
    )
    assert (use.ipv4.connections, use.ipv4.addresses, use.ipv4.last_seen) == (2, {packed("10.0.0.20"): 2}, CASE.at)
    assert (use.ipv6.connections, use.ipv6.last_seen, use.connections) == (1, 7, 3)
    assert use.ipv4_share == pytest.approx(2 / 3)


def test_the_order() -> None:
    """AF_INET6 listeners with IPv4 clients come first, then by connections."""
    tally = Usage()
    native = replace(CASE, family="AF_INET", verdict="ipv4-on-af_inet", listener=(packed("0.0.0.0"), 80))
    for one in (*[native] * 3, replace(CASE, is_ipv6=True, listener=(packed("::"), 22)), CASE):
        tally.count(one)
    assert [use.where[1] for use in tally.busiest()] == [4243, 80, 22]


def test_a_listener_that_was_not_seen() -> None:
    """Is called as its clients call it."""
    tally = Usage()
    tally.count(replace(CASE, listener=None))
    (use,) = tally.uses.values()
    assert (use.where, use.is_seen) == ((packed("10.0.0.12"), 4243), False)


def test_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond them is counted."""
    monkeypatch.setattr(usage, "MAX_LISTENERS", 2)
    monkeypatch.setattr(usage, "MAX_CLIENTS", 3)
    tally = Usage()
    for number in range(5):
        tally.count(replace(CASE, client=bytes((10, 0, 0, number))))
        tally.count(replace(CASE, listener=(packed("::"), number)))
    first = next(iter(tally.uses.values()))
    assert (first.ipv4.connections, len(first.ipv4.addresses), first.ipv4.others) == (5, 3, 2)
    assert (len(tally.uses), tally.uncounted) == (2, 4)
