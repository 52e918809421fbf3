"""Chains from the JSON of `nft -j list ruleset` (libnftables-json(5)).

Tables that iptables-nft keeps are left out: iptables-save tells those, with what nft cannot show of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from correlator.core.firewall import (
    BOTH,
    FAMILIES,
    IPV4,
    IPV6,
    NEITHER,
    Action,
    Chain,
    Chains,
    Place,
    Ports,
    Rule,
    all_but,
)

_ACTIONS = {"accept": Action.ACCEPT, "drop": Action.CLOSE, "reject": Action.CLOSE, "return": Action.RETURN}
_GOING_ON = frozenset({"counter", "log", "comment", "mangle", "set", "notrack", "ct helper", "ct timeout", "continue"})
_OF_IPTABLES = frozenset({"filter", "nat", "mangle", "raw", "security"})
_TCP = frozenset({"tcp", "th"})
_OTHER_PROTOCOLS = frozenset({"udp", "udplite", "icmp", "icmpv6", "sctp", "dccp", "igmp", "esp", "ah", "comp"})
_NETWORK = {"ip": frozenset({IPV4}), "ip6": frozenset({IPV6})}
_NFPROTO = {"ipv4": frozenset({IPV4}), "ipv6": frozenset({IPV6})} | _NETWORK
_NOT = "!="

Sets = dict[str, list[Any]]


def of_nft(ruleset: object) -> Chains:
    """The chains. What is of a form that is not known may fit or not, and may close."""
    listed = ruleset.get("nftables") if isinstance(ruleset, dict) else None
    objects = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    sets: dict[tuple[str, str], Sets] = {}
    for kind in ("set", "map"):
        for one in _of_kind(objects, kind):
            elements = one.get("elem")
            own = sets.setdefault((str(one.get("family")), str(one.get("table"))), {})
            own[str(one.get("name"))] = elements if isinstance(elements, list) else []
    chains: Chains = {}
    for one in _of_kind(objects, "chain"):
        place = (str(one.get("family")), str(one.get("table")), str(one.get("name")))
        if place[0] in FAMILIES and not _is_of_iptables(place):
            chains[place] = Chain(str(one.get("hook", "")), one.get("policy") == "drop", one.get("type") == "nat")
    for one in _of_kind(objects, "rule"):
        place = (str(one.get("family")), str(one.get("table")), str(one.get("chain")))
        expressions = one.get("expr")
        if place in chains and isinstance(expressions, list):
            chains[place].rules += _rules(place[0], expressions, sets.get(place[:2], {}))
    return chains


def _of_kind(objects: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    return (item[kind] for item in objects if isinstance(item.get(kind), dict))


def _is_of_iptables(place: Place) -> bool:
    """Whether a chain stands in a table of iptables-nft: those have iptables' names."""
    family, table, name = place
    return family in {"ip", "ip6"} and table in _OF_IPTABLES and name.isupper()


@dataclass(slots=True)
class _Asked:
    """What a rule asks for, so far."""

    versions: frozenset[int]
    ports: Ports | None = None
    is_certain: bool = True
    keyed: list[Rule] = field(default_factory=list)
    """The rules that a verdict map stands for."""

    def rule(self, action: Action, target: str = "") -> Rule:
        """It, with what it does."""
        return Rule(action, target, self.versions, self.ports, self.is_certain)

    def narrow(self, ports: Ports) -> None:
        """Only these ports. Where there were others already, it is left open which are in both."""
        self.is_certain = self.is_certain and self.ports is None
        self.ports = ports


def _rules(family: str, expressions: list[Any], sets: Sets) -> list[Rule]:
    """A rule as one, or as one for each key of its verdict map."""
    asked, action, target = _Asked(FAMILIES[family]), Action.NOTHING, ""
    for expression in expressions:
        pair = next(iter(expression.items())) if isinstance(expression, dict) and len(expression) == 1 else ("", None)
        kind, value = pair
        if kind == "match" and isinstance(value, dict):
            _match(asked, value, sets)
        elif kind == "vmap" and isinstance(value, dict):
            _verdicts(asked, value, sets)
        elif kind in _ACTIONS:
            action = _ACTIONS[kind]
        elif kind in {"jump", "goto"} and isinstance(value, dict):
            action, target = Action(kind), str(value.get("target"))
        elif kind == "queue" or (kind == "xt" and isinstance(value, dict) and value.get("type") == "target"):
            action = Action.UNKNOWN
        elif kind not in _GOING_ON:
            asked.is_certain = False
    return asked.keyed or [asked.rule(action, target)]


def _match(asked: _Asked, value: dict[str, Any], sets: Sets) -> None:
    """Take in what a match asks for."""
    left, right, is_not = value.get("left"), value.get("right"), value.get("op") == _NOT
    if not isinstance(left, dict):
        asked.is_certain = False
    elif "concat" in left:
        parts = left["concat"] if isinstance(left["concat"], list) else []
        for at, part in enumerate(parts):
            asked.versions &= _versions_of(part)
            if _is_port(part) and not is_not:
                asked.narrow(tuple(_ports([_component(one, at) for one in _elements(right, sets)])))
        asked.is_certain = False
    elif _is_port(left):
        ports = tuple(_ports(_elements(right, sets)))
        asked.narrow(all_but(ports) if is_not else ports)
    else:
        fits = _fits(left, _elements(right, sets))
        if fits is None:
            asked.versions &= _versions_of(left) if not is_not else BOTH
            asked.is_certain = False
        elif isinstance(fits, bool):
            asked.versions = asked.versions if fits is not is_not else NEITHER
        else:
            asked.versions &= BOTH - fits if is_not else fits


def _fits(left: dict[str, Any], values: list[Any]) -> bool | frozenset[int] | None:
    """Whether a new TCP connection from outside fits a value, or the IP versions that do; None: it depends."""
    meta, payload, ct, fib = (left.get(name) for name in ("meta", "payload", "ct", "fib"))
    names = {value for value in values if isinstance(value, str)}
    if isinstance(meta, dict):
        key = str(meta.get("key"))
        if key == "l4proto":
            return bool(names & {"tcp"}) or 6 in values
        if key in {"nfproto", "protocol"}:
            return frozenset(version for name in names for version in _NFPROTO.get(name, NEITHER))
        if key in {"iif", "iifname"} and names == {"lo"}:
            return False
    if isinstance(payload, dict):
        protocol, what = str(payload.get("protocol")), str(payload.get("field"))
        if protocol in _OTHER_PROTOCOLS:
            return False
        if (protocol, what) in {("ip", "protocol"), ("ip6", "nexthdr")}:
            return _NETWORK[protocol] if names & {"tcp"} or 6 in values else False
    if isinstance(ct, dict) and ct.get("key") == "state":
        return "new" in names
    if isinstance(fib, dict) and fib.get("result") == "type" and fib.get("flags") in ("daddr", ["daddr"]):
        return "local" in names
    return None


def _versions_of(left: object) -> frozenset[int]:
    """The IP versions that have what is looked at."""
    payload = left.get("payload") if isinstance(left, dict) else None
    return _NETWORK.get(str(payload.get("protocol")), BOTH) if isinstance(payload, dict) else BOTH


def _is_port(left: object) -> bool:
    """Whether it is the destination port of TCP, or of whatever transport (th)."""
    payload = left.get("payload") if isinstance(left, dict) else None
    return isinstance(payload, dict) and payload.get("field") == "dport" and str(payload.get("protocol")) in _TCP


def _verdicts(asked: _Asked, value: dict[str, Any], sets: Sets) -> None:
    """Take in a verdict map: a rule for each of its keys, in what was asked for before."""
    key, data = value.get("key"), value.get("data")
    for element in _elements(data, sets, is_map=True):
        if not (isinstance(element, list) and len(element) == 2 and isinstance(element[1], dict) and element[1]):
            asked.keyed.append(Rule(Action.UNKNOWN, is_certain=False))
            continue
        (kind, what), *_ = element[1].items()
        one = _Asked(asked.versions, asked.ports, asked.is_certain)
        _match(one, {"left": key, "right": element[0]}, sets)
        if kind in {"jump", "goto"} and isinstance(what, dict):
            asked.keyed.append(one.rule(Action(kind), str(what.get("target"))))
        else:
            asked.keyed.append(one.rule(_ACTIONS.get(kind, Action.NOTHING if kind == "continue" else Action.UNKNOWN)))


def _elements(value: object, sets: Sets, *, is_map: bool = False) -> list[Any]:
    """What is compared with, one by one: a value, a list, a set, or a set by its name."""
    if isinstance(value, str) and value.startswith("@"):
        found: list[Any] = sets.get(value[1:], [])
    elif isinstance(value, dict) and isinstance(value.get("set"), list):
        found = value["set"]
    else:
        found = value if isinstance(value, list) and not is_map else [value]
    return [_bare(one) for one in found]


def _bare(element: object) -> object:
    """An element of a set without its timeout and counter."""
    inner = element.get("elem") if isinstance(element, dict) else None
    return inner.get("val") if isinstance(inner, dict) else element


def _component(element: object, at: int) -> object:
    """A part of an element that stands for several things side by side."""
    parts = element.get("concat") if isinstance(element, dict) else None
    return parts[at] if isinstance(parts, list) and at < len(parts) else None


def _ports(values: list[Any]) -> Iterator[tuple[int, int]]:
    """Ports and ranges of ports."""
    for value in values:
        ends = value.get("range") if isinstance(value, dict) else [value, value]
        if isinstance(ends, list) and len(ends) == 2 and all(isinstance(end, int) for end in ends):
            yield ends[0], ends[1]
