"""nft's JSON."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.core.firewall import IPV4, IPV6, Fate, Firewall
from correlator.core.nft import of_nft

OPEN, CLOSED, DEPENDS = Fate.OPEN, Fate.CLOSED, Fate.DEPENDS
DPORT = {"payload": {"protocol": "tcp", "field": "dport"}}
SADDR = {"payload": {"protocol": "ip", "field": "saddr"}}
STATE = {"ct": {"key": "state"}}
PROTO = {"meta": {"key": "nfproto"}}
DROP: dict[str, Any] = {"drop": None}
ACCEPT: dict[str, Any] = {"accept": None}


def match(right: object, left: object = None, op: str = "==") -> dict[str, Any]:
    """A match, of the destination port if nothing else is said."""
    return {"match": {"op": op, "left": left or DPORT, "right": right}}


def vmap(key: object, *pairs: object) -> dict[str, Any]:
    """A verdict map."""
    return {"vmap": {"key": key, "data": {"set": list(pairs)}}}


def fate(*rules: list[Any], port: int = 80, version: int = IPV4, family: str = "inet", policy: str = "accept") -> Fate:
    """Of a port, in the rules of one chain; there are a set, a map and another chain, which drops."""
    own = {"family": family, "table": "t"}
    listed: list[dict[str, Any]] = [
        {"metainfo": {}},
        {"chain": {**own, "name": "c", "hook": "input", "type": "filter", "policy": policy}},
        {"chain": {**own, "name": "other"}},
        {"set": {**own, "name": "named", "elem": [443, {"range": [70, 90]}]}},
        {"map": {**own, "name": "mapped", "elem": [[80, {"drop": None}]]}},
        {"set": {**own, "name": "empty"}},
        {"rule": {**own, "chain": "other", "expr": [DROP]}},
        {"rule": {**own, "chain": "elsewhere", "expr": [DROP]}},
        *({"rule": {**own, "chain": "c", "expr": list(rule)}} for rule in rules),
    ]
    return Firewall(of_nft({"nftables": listed})).fate(port, version)


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        (80, CLOSED),
        (81, OPEN),
        ({"range": [79, 81]}, CLOSED),
        ({"set": [22, {"range": [80, 81]}]}, CLOSED),
        ({"set": [{"elem": {"val": 80, "timeout": 9}}]}, CLOSED),
        ([22, 80], CLOSED),
        ("@named", CLOSED),
        ("@empty", OPEN),
        ("@missing", DEPENDS),
        ("http", DEPENDS),
        ({"range": [1]}, DEPENDS),
        ("*", CLOSED),
    ],
)
def test_forms_of_ports(right: object, expected: Fate) -> None:
    """One, ranges, sets, and sets by name; the opposite of each."""
    assert fate([match(right), DROP]) is expected
    opposite = {OPEN: CLOSED, CLOSED: OPEN, DEPENDS: DEPENDS}
    assert fate([match(right, op="!="), DROP]) is opposite[expected]


@pytest.mark.parametrize(
    ("op", "right", "closed"),
    [("<", 80, [79]), ("<=", 80, [79, 80]), (">", 80, [81]), (">=", 80, [80, 81]), ("in", 80, [80]), ("==", 80, [80])],
)
def test_comparisons(op: str, right: int, closed: list[int]) -> None:
    """Each stands for the ports of which it is true; another is not understood."""
    assert [port for port in (79, 80, 81) if fate([match(right, op=op), DROP], port=port) is CLOSED] == closed
    assert fate([match({"set": [1, 2]}, op="<"), DROP]) is DEPENDS
    assert fate([match(80, op="~"), DROP]) is DEPENDS
    assert fate([match(5, {"meta": {"key": "mark"}}, op="<"), DROP]) is DEPENDS


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ([DROP], (CLOSED, CLOSED)),
        ([{"counter": {}}, {"log": None}, {"reject": {"type": "icmpx"}}], (CLOSED, CLOSED)),
        ([match("ipv6", PROTO), DROP], (OPEN, CLOSED)),
        ([match("ipv6", PROTO, "!="), DROP], (CLOSED, OPEN)),
        ([match("ip", {"meta": {"key": "protocol"}}), DROP], (CLOSED, OPEN)),
        ([match({"set": ["ipv4", "ipv6"]}, PROTO), DROP], (CLOSED, CLOSED)),
        ([match("tcp", {"meta": {"key": "l4proto"}}), DROP], (CLOSED, CLOSED)),
        ([match({"set": ["udp", 17]}, {"meta": {"key": "l4proto"}}), DROP], (OPEN, OPEN)),
        ([match(6, {"payload": {"protocol": "ip6", "field": "nexthdr"}}), DROP], (OPEN, CLOSED)),
        ([match("udp", {"payload": {"protocol": "ip", "field": "protocol"}}), DROP], (OPEN, OPEN)),
        ([match(53, {"payload": {"protocol": "udp", "field": "dport"}}), DROP], (OPEN, OPEN)),
        ([match(80, {"payload": {"protocol": "th", "field": "dport"}}), DROP], (CLOSED, CLOSED)),
        ([match(9, {"payload": {"protocol": "tcp", "field": "sport"}}), DROP], (DEPENDS, DEPENDS)),
        ([match("10.0.0.1", SADDR), DROP], (DEPENDS, OPEN)),
        ([match("10.0.0.1", SADDR, "!="), DROP], (DEPENDS, DEPENDS)),
        ([match("lo", {"meta": {"key": "iifname"}}), DROP], (OPEN, OPEN)),
        ([match("lo", {"meta": {"key": "iif"}}, "!="), DROP], (CLOSED, CLOSED)),
        ([match("eth0", {"meta": {"key": "iifname"}}), DROP], (DEPENDS, DEPENDS)),
        ([match(["established", "related"], STATE, "in"), DROP], (OPEN, OPEN)),
        ([match({"set": ["new", "untracked"]}, STATE), DROP], (CLOSED, CLOSED)),
        ([match(5, {"ct": {"key": "mark"}}), DROP], (DEPENDS, DEPENDS)),
        ([match("local", {"fib": {"result": "type", "flags": ["daddr"]}}, "!="), DROP], (OPEN, OPEN)),
        ([match("local", {"fib": {"result": "type", "flags": ["saddr"]}}), DROP], (DEPENDS, DEPENDS)),
        ([{"limit": {"rate": 5}}, DROP], (DEPENDS, DEPENDS)),
        ([{"xt": {"type": "match", "name": "multiport"}}, DROP], (DEPENDS, DEPENDS)),
        ([{"xt": {"type": "target", "name": "TARPIT"}}], (DEPENDS, DEPENDS)),
        ([{"queue": {"num": 1}}], (DEPENDS, DEPENDS)),
        ([match(80), match({"range": [0, 100]}), DROP], (DEPENDS, DEPENDS)),
        ([{"match": {"op": "==", "left": 5, "right": 5}}, DROP], (DEPENDS, DEPENDS)),
        ([{"jump": {"target": "other"}}], (CLOSED, CLOSED)),
        ([match(81), {"goto": {"target": "other"}}], (OPEN, OPEN)),
        ([{"return": None}], (OPEN, OPEN)),
        ([vmap(DPORT, [80, {"drop": None}], [81, {"accept": None}])], (CLOSED, CLOSED)),
        ([vmap(DPORT, [81, {"drop": None}])], (OPEN, OPEN)),
        ([{"vmap": {"key": DPORT, "data": "@mapped"}}], (CLOSED, CLOSED)),
        ([vmap(DPORT, [80, {"jump": {"target": "other"}}])], (CLOSED, CLOSED)),
        ([vmap(DPORT, [80, {"continue": None}])], (OPEN, OPEN)),
        ([vmap(DPORT, [22, {"accept": None}], ["*", {"drop": None}])], (CLOSED, CLOSED)),
        ([vmap(SADDR, ["*", {"drop": None}])], (CLOSED, CLOSED)),
        ([match("untracked", STATE), DROP], (DEPENDS, DEPENDS)),
        ([match(80), {"redirect": {"port": 81}}], (DEPENDS, DEPENDS)),
        ([vmap(DPORT, [80, {"odd": None}])], (DEPENDS, DEPENDS)),
        ([vmap(DPORT, [80, 5])], (DEPENDS, DEPENDS)),
        ([vmap(DPORT, 80)], (DEPENDS, DEPENDS)),
        ([vmap(STATE, ["established", {"accept": None}], ["invalid", {"drop": None}])], (OPEN, OPEN)),
        ([vmap({"meta": {"key": "iifname"}}, ["eth0", {"drop": None}])], (DEPENDS, DEPENDS)),
        ([match({"set": [{"concat": ["10.0.0.1", 80]}]}, {"concat": [SADDR, DPORT]}), DROP], (DEPENDS, OPEN)),
        (
            [match({"set": [{"concat": ["10.0.0.1", 81]}, {"concat": []}, 5]}, {"concat": [SADDR, DPORT]}), DROP],
            (DEPENDS, OPEN),
        ),
        ([match({"set": [{"concat": ["10.0.0.1", 81]}]}, {"concat": [SADDR, DPORT]}), DROP], (OPEN, OPEN)),
        ([match(5, {"concat": 5}), DROP], (DEPENDS, DEPENDS)),
        (["odd", {"two": 1, "keys": 2}, DROP], (DEPENDS, DEPENDS)),
    ],
)
def test_rules(rule: list[Any], expected: tuple[Fate, Fate]) -> None:
    """What each does with a new connection from outside, over IPv4 and IPv6."""
    assert (fate(rule), fate(rule, version=IPV6)) == expected


def test_families_and_policies() -> None:
    """A table has a say in its own IP versions."""
    assert fate([DROP], family="ip6") is OPEN
    assert fate([DROP], family="ip6", version=IPV6) is CLOSED
    assert fate([match(80), ACCEPT], policy="drop") is OPEN
    assert fate([match(81), ACCEPT], policy="drop") is CLOSED
    assert fate([DROP], family="bridge") is OPEN


def test_tables_that_nft_cannot_show_are_left_to_iptables() -> None:
    """Where that has told them; else what it cannot show may be anything."""
    chain = {"family": "ip6", "table": "filter", "name": "INPUT", "hook": "input"}
    shown = {"rule": {"family": "ip6", "table": "filter", "chain": "INPUT", "expr": [match(22), DROP]}}
    hidden = {"rule": {"family": "ip6", "table": "filter", "chain": "INPUT", "expr": [{"xt": {"type": "match"}}, DROP]}}
    whole, part = {"nftables": [{"chain": chain}, shown, 5]}, {"nftables": [{"chain": chain}, hidden, shown]}
    assert Firewall(of_nft(whole, frozenset({"ip6"}))).fate(22, IPV6) is CLOSED
    assert of_nft(part, frozenset({"ip6"})) == {}
    assert Firewall(of_nft(part, frozenset({"ip"}))).fate(80, IPV6) is DEPENDS
    assert of_nft([]) == of_nft({"nftables": 5}) == {}
    odd = {"rule": {"family": "ip6", "table": "filter", "chain": "INPUT", "expr": 5}}
    assert Firewall(of_nft({"nftables": [{"chain": chain}, odd]}, frozenset({"ip6"}))).fate(80, IPV6) is OPEN


def test_tables_that_sleep_and_hooks_of_a_device() -> None:
    """The first do nothing; what a device closes is closed for some."""
    own = {"family": "inet", "table": "t"}
    drop = {"rule": {**own, "chain": "c", "expr": [match(80), DROP]}}
    sleeping = {"table": {"family": "inet", "name": "t", "flags": ["dormant"]}}
    chain = {"chain": {**own, "name": "c", "hook": "input"}}
    awake = {"table": {"family": "inet", "name": "t"}}
    assert Firewall(of_nft({"nftables": [awake, chain, drop]})).fate(80, IPV4) is CLOSED
    assert Firewall(of_nft({"nftables": [sleeping, chain, drop]})).fate(80, IPV4) is OPEN
    doubtful = {"table": {"family": "inet", "name": "t", "flags": "t"}}
    assert Firewall(of_nft({"nftables": [doubtful, chain, drop]})).fate(80, IPV4) is DEPENDS
    device = {"family": "netdev", "table": "t"}
    ingress = {"chain": {**device, "name": "c", "hook": "ingress", "policy": "accept"}}
    listed = [ingress, {"rule": {**device, "chain": "c", "expr": [match(80), DROP]}}]
    assert Firewall(of_nft({"nftables": listed})).fate(80, IPV4) is DEPENDS
    assert Firewall(of_nft({"nftables": listed})).fate(81, IPV4) is OPEN
    ingress["chain"]["policy"] = "drop"
    assert Firewall(of_nft({"nftables": listed})).fate(81, IPV4) is DEPENDS


WORDS = (
    *("nftables", "chain", "rule", "set", "map", "expr", "match", "left", "right", "payload", "protocol", "field"),
    *("concat", "vmap", "key", "data", "elem", "val", "range", "jump", "target", "family", "table", "name", "hook"),
    *("meta", "ct", "fib", "op", "drop", "xt", "type", "flags", "result"),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 99999)
    | st.sampled_from(["inet", "t", "c", "input", "@named", "tcp", "!="]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=40,
)


@given(JSON, st.lists(st.lists(JSON, max_size=3), max_size=3))
def test_any_json(document: object, rules: list[list[object]]) -> None:
    """Whatever nft may come to say: chains, and no fault."""
    for ruleset in (document, {"nftables": document}):
        Firewall(of_nft(ruleset)).fate(80, IPV4)
    fate(*rules)
