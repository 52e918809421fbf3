"""What a packet filter says of ports, from the forms in which nft and iptables tell it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.core.firewall import IPV4, IPV6, Firewall, firewall, joined, of_iptables, of_nft

DPORT = {"payload": {"protocol": "tcp", "field": "dport"}}
DROP: dict[str, Any] = {"drop": None}


def match(right: object, left: object = None, op: str = "==") -> dict[str, Any]:
    """A match, of the destination port if nothing else is said."""
    return {"match": {"op": op, "left": left or DPORT, "right": right}}


def nft(*rules: list[Any], family: str = "inet", chain: dict[str, Any] | None = None, more: object = ()) -> Firewall:
    """The rules in one chain of the input hook, or another."""
    made = {"family": family, "table": "t", "name": "c", "hook": "input", "policy": "accept", **(chain or {})}
    listed = [{"metainfo": {}}, {"chain": made}, *(more if isinstance(more, list) else [])]
    listed += [{"rule": {"family": family, "table": "t", "chain": "c", "expr": list(rule)}} for rule in rules]
    return firewall(of_nft({"nftables": listed}))


def counts(found: Firewall, *ports: int) -> list[tuple[int, int]]:
    """Rules for IPv4 and IPv6, a pair a port."""
    return [(found.rules_for(port, IPV4), found.rules_for(port, IPV6)) for port in ports]


@pytest.mark.parametrize(
    ("right", "ports"),
    [
        (22, [22]),
        ({"range": [80, 82]}, [80, 81, 82]),
        ({"set": [22, {"range": [80, 81]}]}, [22, 80, 81]),
        ({"set": [{"elem": {"val": 22, "timeout": 9}}]}, [22]),
        ("@named", [443]),
        ("@unknown", []),
        ("ssh", []),
    ],
)
def test_forms_of_ports(right: object, ports: list[int]) -> None:
    """One, ranges, sets, and sets by name."""
    named = [{"set": {"family": "inet", "table": "t", "name": "named", "elem": [443]}}]
    found = nft([match(right), DROP], more=named)
    assert [port for port in range(1000) if found.rules_for(port, IPV4)] == ports


def test_what_names_no_port() -> None:
    """Another field, the opposite, another protocol."""
    assert nft([match(22, op="!=")], [match(22, {"payload": {"protocol": "tcp", "field": "sport"}})]).rules == ()
    assert nft([match(22, {"payload": {"protocol": "udp", "field": "dport"}})]).rules == ()
    assert counts(nft([match(53, {"payload": {"protocol": "th", "field": "dport"}})]), 53) == [(1, 1)]


def test_ip_versions() -> None:
    """By the family of the table, by nfproto, by what is matched beside the port."""
    assert counts(nft([match(22)], family="ip6"), 22) == [(0, 1)]
    assert counts(nft([match(22)], family="ip"), 22) == [(1, 0)]
    proto = {"meta": {"key": "nfproto"}}
    found = nft(
        [match("ipv6", proto), match(22)],
        [match("ipv4", proto), match(23)],
        [match("::1", {"payload": {"protocol": "ip6", "field": "saddr"}}), match(24)],
        [match("ipv6", proto, op="!="), match("lo", {"meta": {"key": "iifname"}}), match(25)],
    )
    assert counts(found, 22, 23, 24, 25) == [(0, 1), (1, 0), (0, 1), (1, 1)]


def test_several_things_at_once() -> None:
    """A concatenation names the port in its place; a verdict map names those of its keys."""
    left = {"concat": [{"payload": {"protocol": "ip", "field": "saddr"}}, DPORT]}
    found = nft(
        [match({"set": [{"concat": ["10.0.0.1", 77]}, {"concat": ["10.0.0.1"]}]}, left)],
        [{"vmap": {"key": DPORT, "data": {"set": [[1, {"accept": None}], [{"range": [2, 3]}, {"drop": None}]]}}}],
    )
    assert counts(found, 77, 1, 3, 4) == [(1, 0), (1, 1), (1, 1), (0, 0)]


def test_chains_that_packets_come_to() -> None:
    """From the input and prerouting hooks by jumps, also in maps; not forwarded ones, nor those that nothing leads to."""

    def chain(name: str, **more: str) -> dict[str, Any]:
        return {"chain": {"family": "ip6", "table": "t", "name": name, **more}}

    def rule(name: str, *expr: object) -> dict[str, Any]:
        return {"rule": {"family": "ip6", "table": "t", "chain": name, "expr": list(expr)}}

    ruleset = [
        chain("in", hook="input", policy="accept", type="filter"),
        chain("pre", hook="prerouting", type="nat"),
        chain("forward", hook="forward"),
        *map(chain, ("one", "two", "three", "lost")),
        rule("in", {"jump": {"target": "one"}}),
        rule("in", {"goto": {"target": "missing"}}),
        rule(
            "one",
            {"vmap": {"key": {"meta": {"key": "iif"}}, "data": {"set": [["lo", {"goto": {"target": "two"}}], 5]}}},
        ),
        rule("one", {"goto": {"target": "in"}}),
        *(rule(name, match(port)) for name, port in (("two", 2), ("lost", 3), ("forward", 4), ("pre", 5))),
        rule("elsewhere", match(6)),
    ]
    found = firewall(of_nft({"nftables": ruleset}))
    assert counts(found, 2, 3, 4, 5, 6) == [(0, 1), (0, 0), (0, 0), (0, 0), (0, 0)]


def test_what_is_closed() -> None:
    """By policy, or by a rule that drops whatever comes; not by one with a condition."""
    assert nft(chain={"policy": "drop"}, family="ip").closed == {IPV4}
    assert nft([{"counter": {}}, {"reject": {"type": "icmpx"}}]).closed == {IPV4, IPV6}
    assert nft([match(22), DROP], [{"xt": {}}, DROP], [{"accept": None}], [{"log": None}]).closed == set()
    assert nft(chain={"hook": "prerouting", "policy": "drop"}).closed == set()


def test_open_over_ipv4_only() -> None:
    """Rules for IPv6, none for IPv4, and nothing that closes IPv4 as a whole."""
    six = of_iptables("*filter\n:INPUT ACCEPT\n-A INPUT -p tcp --dport 80 -j DROP\n", IPV6)
    assert firewall(six).is_ip6_only(80)
    assert not firewall(six).is_ip6_only(81)
    four = of_iptables("*filter\n:INPUT ACCEPT\n-A INPUT -p tcp --dport 80 -j DROP\n", IPV4)
    assert not firewall(joined([six, four])).is_ip6_only(80)
    shut = of_iptables("*filter\n:INPUT DROP [0:0]\n", IPV4)
    assert not firewall(joined([six, shut])).is_ip6_only(80)


def test_iptables_save() -> None:
    """Its forms of ports, its chains, its negations, its quotes."""
    text = """\
*filter
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:mine - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m multiport --dports 80,90:95,60000: -m comment --comment "it's --dport 7" -j mine
-A INPUT -p udp -m udp --dport 53 -j DROP
-A INPUT -p tcp -m tcp ! --dport 99 -j DROP
-A INPUT -p tcp -m tcp --dport ssh -j DROP
-A INPUT -s 10.0.0.0/8 -j DROP
-A INPUT -m comment --comment "all" -j LOG
-A mine -p tcp --destination-port :5 -j RETURN
-A OUTPUT -p tcp --dport 25 -j DROP
-A INPUT "broken
-A
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp --dport 8080 -j REDIRECT
"""
    found = firewall(of_iptables(text.replace("COMMIT", "-A \nCOMMIT"), IPV4))
    ports = (22, 80, 95, 65535, 53, 99, 5, 6, 7, 25, 8080)
    assert [found.rules_for(port, IPV4) for port in ports] == [1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert found.closed == set()
    assert firewall(of_iptables(text + "*filter\n-A INPUT -j REJECT --reject-with x\n", IPV4)).closed == {IPV4}
    assert firewall(of_iptables("*filter\n:INPUT\n-A INPUT -m comment --comment x -j DROP", IPV6)).closed == {IPV6}


def test_tables_of_iptables_are_left_to_it() -> None:
    """Nft cannot show all of what is in them."""
    chain = {"family": "ip6", "table": "filter", "name": "INPUT", "hook": "input"}
    rule = {"family": "ip6", "table": "filter", "chain": "INPUT", "expr": [match(22)]}
    assert of_nft({"nftables": [{"chain": chain}, {"rule": rule}]}) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99999) | st.sampled_from(["inet", "t", "c", "input", "@named", "tcp"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("nftables", "chain", "rule", "set", "expr", "match", "left", "right", "payload", "protocol"),
                    *("field", "concat", "vmap", "key", "data", "elem", "val", "range", "jump", "target", "family"),
                    *("table", "name", "hook", "meta", "op", "drop"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=40,
)


@given(JSON, st.lists(st.lists(JSON, max_size=3), max_size=3))
def test_any_json(document: object, rules: list[list[object]]) -> None:
    """Whatever nft may come to say: a firewall, and no fault."""
    firewall(of_nft(document))
    firewall(of_nft({"nftables": document}))
    nft(*rules)


@given(st.text(alphabet="*:-A INPUTfilter\n\"'\\port0189, tcp", max_size=200))
def test_any_text(text: str) -> None:
    """Likewise for iptables-save."""
    firewall(of_iptables(text, IPV4))
