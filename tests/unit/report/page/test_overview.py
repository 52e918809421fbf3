"""What the page counts before its table."""

from dataclasses import replace

from correlator.report.page.overview import Overview
from correlator.report.termination import of_finding
from tests.scenes import passing, the_case

CASE = of_finding(the_case())
CLIENT = replace(CASE, side="client", verdict="ipv4-on-af_inet", family="AF_INET")


def test_a_connection_within_the_host_is_one() -> None:
    """It has two findings; in time and by its RTT it counts once, as the more noteworthy of them."""
    overview = Overview()
    for one in (CLIENT, CASE, replace(CASE, client_port=9), of_finding(passing())):
        overview.count(one)
    overview.finish()
    assert overview.verdicts.total() == 4
    assert overview.connections == 3
    counts = sum((one for one in overview.timeline.bins.values()), start=overview.verdicts.__class__())
    assert counts == {"ipv4-on-af_inet6": 2, "no-socket": 1}
    assert sum(one.total() for one in overview.rtt.classes.values()) == 3
    overview.finish()
    assert overview.connections == 3


def test_who_is_counted_for_the_case() -> None:
    """Clients of server sides, processes of client sides."""
    overview = Overview()
    for one in (CASE, CASE, replace(CASE, side="client"), CLIENT):
        overview.count(one)
    assert overview.clients == {CASE.client: 2}
    assert overview.connectors == {("java", 31307): 1}
