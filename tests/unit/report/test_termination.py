"""What overviews count: the same whether a run made a finding or a report tells it."""

import pytest

from correlator.report.rows import record
from correlator.report.termination import of_finding, of_record
from tests.play import START, packed
from tests.scenes import passing, the_case


def test_a_finding_and_its_record_say_the_same() -> None:
    """Of a termination with everything known, and of one without a socket."""
    for finding in (the_case(), passing()):
        assert of_record(record(finding)) == of_finding(finding)


def test_the_facts() -> None:
    """As the scene has them."""
    one = of_finding(the_case())
    assert (one.verdict, one.side, one.is_ipv6, one.family) == ("ipv4-on-af_inet6", "server", False, "AF_INET6")
    assert (one.client, one.server) == (packed("10.0.0.20"), (packed("10.0.0.12"), 4243))
    assert (one.listener, one.v6only, one.pid, one.process) == ((packed("::"), 4243), False, 31307, "java")
    assert one.at is not None
    assert one.at > START
    assert one.rtt == 1_000_000


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": None},
        {"client_ip": None},
        {"client_ip": "x"},
        {"server_port": None},
        {"listener": "[::]:x"},
        {"verdict": "x"},
        {"side": "x"},
        {"socket_family": "AF_X"},
        {"client_ip": "1.2.3.4%\u202e"},
        {"client_port": None},
    ],
)
def test_what_is_no_finding(change: dict[str, object]) -> None:
    """Is refused, not guessed."""
    with pytest.raises(ValueError):  # noqa: PT011  whichever part says it
        of_record(record(the_case()) | change)


def test_a_time_of_another_form_is_unknown() -> None:
    """The rest of it counts."""
    assert of_record(record(the_case()) | {"opened_at": "yesterday"}).at is None
