"""Dual-stack listeners, who comes to them, and what is remarked."""

from dataclasses import replace

from correlator.core.firewall import Chain, Fate, Firewall
from correlator.core.model import Owner, TcpState
from correlator.report.audit import Audited, Remark, audit, record
from correlator.report.policy import parse
from correlator.report.table import Row
from correlator.report.termination import Termination, of_finding
from correlator.report.usage import Usage
from tests.play import listener, packed, socket
from tests.scenes import the_case

CASE = of_finding(the_case())
JAVA = Owner(31307, "java", cgroup="/system.slice/app.service")
SHUT = Chain("input", is_closing=True)
DUAL = (listener("::", 4243, v6only=False), JAVA)


def usage(*terminations: Termination) -> Usage:
    """What a report tells."""
    tally = Usage()
    for one in terminations:
        tally.count(one)
    return tally


def child(client: str, port: int = 4243) -> Row:
    """A connection that a listener accepted."""
    mapped = "" if ":" in client else "::ffff:"
    local = "2001:db8::1" if ":" in client else "::ffff:10.0.0.12"
    return socket(local, port, mapped + client, 1000), JAVA


def only(*rows: Row, told: Usage | None = None, firewall: Firewall | None = None, rules: str = "") -> Audited:
    """The one listener of an audit."""
    (one,) = audit(told or Usage(), rows or None, 9, firewall, parse(rules) if rules else None)
    return one


def test_a_table() -> None:
    """Its dual-stack listeners with the clients that are connected."""
    one = only(DUAL, child("10.0.0.20"), child("10.0.0.21"), child("2001:db8::2"))
    assert (one.use.ipv4.connections, one.use.ipv6.connections, one.is_listening) == (2, 1, True)
    assert (one.use.process, one.use.unit, one.use.v6only) == ("java", "app.service", False)
    assert one.remarks == [Remark.IPV4_CLIENTS]


def test_who_is_no_dual_stack_listener() -> None:
    """V6ONLY, bound to an address, mapped, AF_INET, or not listening."""
    others = [
        listener("::", 1, v6only=True),
        listener("::1", 2, v6only=False),
        listener("::ffff:0.0.0.0", 3, v6only=False),
        listener("0.0.0.0", 4),
        replace(listener("::", 5, v6only=False), state=TcpState.CLOSE),
    ]
    assert audit(Usage(), [(one, None) for one in others], 9, None, None) == []
    unknown = only((listener("::", 6), None))
    assert unknown.use.v6only is None


def test_a_report() -> None:
    """Those that connections tell of; natives, V6ONLY and mapped ones are none."""
    one = only(told=usage(CASE, replace(CASE, is_ipv6=True)))
    assert (one.is_listening, one.use.ipv4_share, one.remarks) == (None, 0.5, [Remark.IPV4_CLIENTS])
    assert audit(usage(replace(CASE, v6only=True)), None, 9, None, None) == []
    assert audit(usage(replace(CASE, family="AF_INET")), None, 9, None, None) == []
    assert audit(usage(replace(CASE, listener=(packed("::ffff:10.0.0.12"), 4243))), None, 9, None, None) == []
    unseen = replace(CASE, listener=None, v6only=None)
    assert only(told=usage(unseen)).use.where == CASE.server
    assert audit(usage(replace(unseen, is_ipv6=True)), None, 9, None, None) == []


def test_both() -> None:
    """A listener that is there has the clients of the past and of now; one that is gone is told as such."""
    past = usage(CASE, replace(CASE, listener=(packed("::"), 80), process="nginx"))
    there, gone = audit(past, [DUAL, child("10.0.0.9")], 9, None, None)
    assert (there.use.where[1], there.is_listening, there.use.ipv4.connections) == (4243, True, 2)
    assert list(there.use.ipv4.addresses) == [packed("10.0.0.20"), packed("10.0.0.9")]
    assert (gone.use.where[1], gone.is_listening) == (80, False)
    renamed = usage(replace(CASE, process="other"))
    assert [one.is_listening for one in audit(renamed, [DUAL], 9, None, None)] == [False, True]


def test_other_hosts_are_other_hosts() -> None:
    """The same port and process there is another listener."""
    past = Usage()
    for host in ("a", "b", "b"):
        past.count(CASE, host)
    assert [(one.use.host, one.use.ipv4.connections) for one in audit(past, None, 9, None, None)] == [
        ("b", 2),
        ("a", 1),
    ]
    found = audit(past, [DUAL, child("10.0.0.9")], 9, None, None, host="a")
    assert [(one.use.host, one.is_listening, one.use.ipv4.connections) for one in found] == [
        ("a", True, 2),
        ("b", None, 2),
    ]


def test_nobody_came_over_ipv4() -> None:
    """Remarked, unless an AF_INET listener beside it takes the IPv4."""
    assert only(DUAL, child("2001:db8::2")).remarks == [Remark.IPV4_UNUSED]
    beside = only(DUAL, (listener("0.0.0.0", 4243), JAVA))
    assert (beside.is_outdone, beside.remarks) == (True, [])


def test_the_packet_filter() -> None:
    """Of listeners that are there: what is closed for IPv6 only leaves IPv4 open."""
    six, both = Firewall({("ip6", "t", "in"): SHUT}), Firewall({("inet", "t", "in"): SHUT})
    one = only(DUAL, firewall=six)
    assert (one.fates, one.remarks) == ((Fate.OPEN, Fate.CLOSED), [Remark.IPV4_UNUSED, Remark.IPV4_UNFILTERED])
    assert only(DUAL, firewall=both).remarks == [Remark.IPV4_UNUSED]
    assert only(DUAL, firewall=Firewall({})).fates == (Fate.OPEN, Fate.OPEN)
    assert only(told=usage(CASE), firewall=six).fates is None
    assert only(DUAL, (listener("0.0.0.0", 4243), JAVA), firewall=six).remarks == []


def test_rules() -> None:
    """What is not allowed is remarked, with why."""
    one = only(DUAL, rules='[[deny]]\nunit = "app.*"\nnote = "no"')
    assert (one.refusal, one.remarks[-1]) == ("deny 1: no", Remark.DENIED)
    assert only(DUAL, rules='[[deny]]\nprocess = "nginx"').refusal == ""


def test_the_record() -> None:
    """By name, for programs."""
    made = record(only(DUAL, child("10.0.0.20")))
    assert made["listener"] == "[::]:4243"
    assert made["ipv4"] == {
        "connections": 1,
        "clients": {"10.0.0.20": 1},
        "others": 0,
        "last_seen": "1970-01-01T00:00:00.000000009Z",
    }
    assert made["ipv6"]["last_seen"] is None
    assert (made["remarks"], made["ipv4_filter"], made["refusal"]) == (["ipv4-clients"], None, None)
