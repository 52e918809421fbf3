"""Chains from the JSON of `nft -j list ruleset` (libnftables-json(5)).

Where iptables-save has told the rules of iptables-nft, the tables in which nft cannot show all (`xt`) are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
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
# Another port than was asked for, or a program decides.
_ELSEWHERE = frozenset({"dnat", "redirect", "tproxy", "queue"})
_INGRESS = "ingress"
_EQUAL = frozenset({"==", "in", "None"})
_ALL = ((0, 65535),)
_REST = "*"  # of a map: what none of its keys fits
_TCP = frozenset({"tcp", "th"})
_OTHER_PROTOCOLS = frozenset({"udp", "udplite", "icmp", "icmpv6", "sctp", "dccp", "igmp", "esp", "ah", "comp"})
_NETWORK = {"ip": frozenset({IPV4}), "ip6": frozenset({IPV6})}
_NFPROTO = {"ipv4": frozenset({IPV4}), "ipv6": frozenset({IPV6})} | _NETWORK
_NOT = "!="

Sets = dict[str, list[Any]]


def of_nft(ruleset: object, told: frozenset[str] = frozenset()) -> Chains:
    """The chains. What is of a form that is not known may fit or not, and may close.

    `told`: families (`ip`, `ip6`) of which iptables-save tells the tables that nft cannot show whole.
    """
    listed = ruleset.get("nftables") if isinstance(ruleset, dict) else None
    objects = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    sets: dict[tuple[str, str], Sets] = {}
    for kind in ("set", "map"):
        for one in _of_kind(objects, kind):
            elements = one.get("elem")
            own = sets.setdefault(_table(one), {})
            own[str(one.get("name"))] = elements if isinstance(elements, list) else []
    # nft 1.0.6 writes the table's name in the place of its flag: it may be asleep or not.
    doubtful = {_table(one, "name") for one in _of_kind(objects, "table") if str(one.get("flags")) == one.get("name")}
    without = {_table(one, "name") for one in _of_kind(objects, "table") if "dormant" in str(one.get("flags"))}
    without |= {_table(one) for one in _of_kind(objects, "rule") if str(one.get("family")) in told and _has_xt(one)}
    chains: Chains = {}
    for one in _of_kind(objects, "chain"):
        hook, is_closing = str(one.get("hook", "")), one.get("policy") == "drop"
        if _table(one) not in without and (one.get("family") in FAMILIES or hook == _INGRESS):
            chains[_place(one, "name")] = Chain(hook, is_closing, one.get("type") == "nat")
    for one in _of_kind(objects, "rule"):
        place, expressions = _place(one, "chain"), one.get("expr")
        if place in chains and isinstance(expressions, list):
            chains[place].rules += _rules(place[0], expressions, sets.get(_table(one), {}))
    for place, chain in chains.items():
        if chain.hook == _INGRESS or place[:2] in doubtful:  # of one device: what it closes is closed for some
            chain.rules = [replace(rule, is_certain=False) for rule in chain.rules]
            chain.rules += [Rule(Action.UNKNOWN)] if chain.is_closing else []
            chain.hook, chain.is_closing = "input" if chain.hook == _INGRESS else chain.hook, False
    return chains


def _of_kind(objects: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    return (item[kind] for item in objects if isinstance(item.get(kind), dict))


def _table(one: dict[str, Any], name: str = "table") -> tuple[str, str]:
    return str(one.get("family")), str(one.get(name))


def _place(one: dict[str, Any], name: str) -> Place:
    """A chain's. One of a device (netdev) may see either IP version."""
    family, table = _table(one)
    return (family if family in FAMILIES else "inet", table, str(one.get(name)))


def _has_xt(rule: dict[str, Any]) -> bool:
    expressions = rule.get("expr")
    return any("xt" in one for one in expressions if isinstance(one, dict)) if isinstance(expressions, list) else False


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

    def narrow(self, ports: Ports | None) -> None:
        """Only these ports. Where there were others already, or none is understood, it is left open which."""
        self.is_certain = self.is_certain and self.ports is None and ports is not None
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
        elif kind in _ELSEWHERE or (kind == "xt" and isinstance(value, dict) and value.get("type") == "target"):
            action = Action.UNKNOWN
        elif kind not in _GOING_ON:
            asked.is_certain = False
    return asked.keyed or [asked.rule(action, target)]


def _match(asked: _Asked, value: dict[str, Any], sets: Sets) -> None:
    """Take in what a match asks for."""
    left, right, op = value.get("left"), value.get("right"), str(value.get("op"))
    is_not = op == _NOT
    if not isinstance(left, dict) or not (is_not or op in _EQUAL or _is_port(left)):
        asked.is_certain = False
    elif "concat" in left:
        parts = left["concat"] if isinstance(left["concat"], list) else []
        for at, part in enumerate(parts):
            asked.versions &= _versions_of(part)
            if _is_port(part) and not is_not:
                asked.narrow(_ports([_component(one, at) for one in _elements(right, sets)]))
        asked.is_certain = False
    elif _is_port(left):
        asked.narrow(_compared(op, _ports(_elements(right, sets))))
    else:
        fits = _fits(left, _elements(right, sets))
        if fits is None:
            asked.versions &= _versions_of(left) if not is_not else BOTH
            asked.is_certain = False
        elif isinstance(fits, bool):
            asked.versions = asked.versions if fits is not is_not else NEITHER
        else:
            asked.versions &= BOTH - fits if is_not else fits


def _compared(op: str, ports: Ports | None) -> Ports | None:
    """The ports for which a comparison holds; None where it is not understood."""
    if ports is None or op in _EQUAL:
        return ports
    if op == _NOT:
        return all_but(ports)
    if len(ports) != 1:
        return None
    ((low, high),) = ports
    return {
        "<": ((0, low - 1),),
        "<=": ((0, high),),
        ">": ((high + 1, 65535),),
        ">=": ((low, 65535),),
    }.get(op)


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
        return None if "untracked" in names and "new" not in names else "new" in names
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
        if element[0] != _REST:
            _match(one, {"left": key, "right": element[0]}, sets)
        if kind in {"jump", "goto"} and isinstance(what, dict):
            asked.keyed.append(one.rule(Action(kind), str(what.get("target"))))
        else:
            asked.keyed.append(one.rule(_ACTIONS.get(kind, Action.NOTHING if kind == "continue" else Action.UNKNOWN)))


def _elements(value: object, sets: Sets, *, is_map: bool = False) -> list[Any]:
    """What is compared with, one by one: a value, a list, a set, or a set by its name."""
    if isinstance(value, str) and value.startswith("@"):
        found: list[Any] = sets.get(value[1:], [value])
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


def _ports(values: list[Any]) -> Ports | None:
    """Ports and ranges of ports; None where one of them is not understood."""
    found = []
    for value in values:
        ends = value.get("range") if isinstance(value, dict) else [value, value]
        if value == _REST:
            return _ALL
        if not (isinstance(ends, list) and len(ends) == 2 and all(isinstance(end, int) for end in ends)):
            return None
        found.append((ends[0], ends[1]))
    return tuple(found)
