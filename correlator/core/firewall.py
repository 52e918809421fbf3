"""What a host's packet filter says of TCP ports, by IP version: from nft(8)'s JSON and iptables-save(8)'s text.

Only as much as one question needs: is there a rule for a port, for which IP version, and is a version closed but for
what its rules let in. A rule counts where a packet that arrives can come to it: in a chain of the input or prerouting
hook, or in one that such a chain leads to. Forms that are not known name no port.
"""

import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

IPV4, IPV6 = 4, 6
_BOTH = frozenset({IPV4, IPV6})
_FAMILIES = {"ip": frozenset({IPV4}), "ip6": frozenset({IPV6}), "inet": _BOTH}
_ARRIVING = frozenset({"input", "prerouting"})
_CHAINS = {"INPUT": "input", "PREROUTING": "prerouting"}
_CLOSING = frozenset({"drop", "reject"})
_HIGHEST = 65535

Ports = tuple[tuple[int, int], ...]
"""Intervals, both ends inclusive."""
Place = tuple[str, str, str]
"""A chain: family, table, name."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as far as it matters."""

    versions: frozenset[int]
    """IP versions whose packets it may match."""
    ports: Ports = ()
    """The TCP destination ports that it names."""
    leads_to: tuple[str, ...] = ()
    closes: bool = False
    """Whether it drops or rejects whatever comes."""


@dataclass(slots=True)
class Chain:
    """A chain of a table."""

    hook: str = ""
    policy: str = "accept"
    is_nat: bool = False
    rules: list[Rule] = field(default_factory=list)


Chains = dict[Place, Chain]


@dataclass(frozen=True, slots=True)
class Firewall:
    """The rules that arriving packets may come to."""

    rules: tuple[Rule, ...] = ()
    closed: frozenset[int] = frozenset()
    """IP versions of which only comes in what a rule accepts."""

    def rules_for(self, port: int, version: int) -> int:
        """How many rules name a port, for an IP version."""
        return sum(
            version in rule.versions and any(low <= port <= high for low, high in rule.ports) for rule in self.rules
        )

    def is_ip6_only(self, port: int) -> bool:
        """Whether a port has rules for IPv6 only, and IPv4 comes in without any."""
        return bool(self.rules_for(port, IPV6)) and not self.rules_for(port, IPV4) and IPV4 not in self.closed


def firewall(chains: Chains) -> Firewall:
    """What chains come to, from where packets arrive."""
    waiting = [place for place, chain in chains.items() if chain.hook in _ARRIVING and not chain.is_nat]
    closed: set[int] = set()
    for place in waiting:
        chain = chains[place]
        if chain.hook == "input":
            if chain.policy in _CLOSING:
                closed |= _FAMILIES[place[0]]
            closed |= {version for rule in chain.rules if rule.closes for version in rule.versions}
    found: dict[Place, Chain] = {}
    while waiting:
        place = waiting.pop()
        if place in found or place not in chains:
            continue
        found[place] = chains[place]
        waiting += [(*place[:2], name) for rule in chains[place].rules for name in rule.leads_to]
    return Firewall(tuple(rule for chain in found.values() for rule in chain.rules if rule.ports), frozenset(closed))


def of_nft(ruleset: object) -> Chains:
    """The chains of `nft -j list ruleset` (libnftables-json(5)). Tables that iptables-nft keeps are left out.

    iptables-save tells those, with what nft cannot show of them.
    """
    listed = ruleset.get("nftables", []) if isinstance(ruleset, dict) else []
    objects = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    sets = {
        (str(one.get("family")), str(one.get("table")), str(one.get("name"))): one.get("elem", [])
        for kind in ("set", "map")
        for one in _of_kind(objects, kind)
    }
    chains: Chains = {}
    for one in _of_kind(objects, "chain"):
        place = (str(one.get("family")), str(one.get("table")), str(one.get("name")))
        if place[0] in _FAMILIES and not _is_of_iptables(place):
            hook, policy = str(one.get("hook", "")), str(one.get("policy", "accept"))
            chains[place] = Chain(hook, policy, one.get("type") == "nat")
    for one in _of_kind(objects, "rule"):
        place = (str(one.get("family")), str(one.get("table")), str(one.get("chain")))
        expressions = one.get("expr")
        if place in chains and isinstance(expressions, list):
            own = {name: elements for (*table, name), elements in sets.items() if tuple(table) == place[:2]}
            chains[place].rules.append(_nft_rule(place[0], expressions, own))
    return chains


def _of_kind(objects: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    return (item[kind] for item in objects if isinstance(item.get(kind), dict))


def _is_of_iptables(place: Place) -> bool:
    """Whether a chain stands in a table of iptables-nft: those have iptables' names."""
    family, table, _ = place
    return family in {"ip", "ip6"} and table in {"filter", "nat", "mangle", "raw", "security"} and place[2].isupper()


def _nft_rule(family: str, expressions: list[Any], sets: dict[Any, Any]) -> Rule:
    versions, ports, leads_to, verdicts, is_bare = _FAMILIES[family], [], [], set(), True
    for expression in expressions:
        ((kind, value),) = (
            expression.items() if isinstance(expression, dict) and len(expression) == 1 else (("", None),)
        )
        if kind in {"match", "vmap"} and isinstance(value, dict):
            is_bare = False
            versions &= _versions(value)
            ports += _matched_ports(kind, value, sets)
        elif kind in {"jump", "goto"} and isinstance(value, dict):
            leads_to.append(str(value.get("target")))
        elif kind in {"accept", *_CLOSING}:
            verdicts.add(kind)
        elif kind not in {"counter", "log", "comment"}:
            is_bare = False
    leads_to += [target for expression in expressions for target in _targets(expression)]
    return Rule(versions, tuple(ports), tuple(leads_to), is_bare and bool(verdicts & _CLOSING))


def _versions(match: dict[str, Any]) -> frozenset[int]:
    """The IP versions that a match leaves."""
    left, right = match.get("left"), match.get("right")
    if not isinstance(left, dict) or match.get("op") == "!=":
        return _BOTH
    if left.get("meta") == {"key": "nfproto"}:
        return {"ipv4": frozenset({IPV4}), "ipv6": frozenset({IPV6})}.get(str(right), _BOTH)
    versions = _BOTH
    for part in _parts(left):
        payload = part.get("payload") if isinstance(part, dict) else None
        if isinstance(payload, dict):
            versions &= _FAMILIES.get(str(payload.get("protocol")), _BOTH)
    return versions


def _parts(left: dict[str, Any]) -> list[Any]:
    """What is compared: one thing, or several side by side."""
    several = left.get("concat")
    return several if isinstance(several, list) else [left]


def _matched_ports(kind: str, value: dict[str, Any], sets: dict[Any, Any]) -> list[tuple[int, int]]:
    """The destination ports that a match or a verdict map names."""
    left = value.get("left" if kind == "match" else "key")
    if not isinstance(left, dict) or value.get("op") == "!=":
        return []
    right = value.get("right") if kind == "match" else value.get("data")
    if isinstance(right, str) and right.startswith("@"):
        right = {"set": sets.get(right[1:], [])}
    elements = right.get("set") if isinstance(right, dict) and "set" in right else [right]
    found = []
    for at, part in enumerate(_parts(left)):
        if not (isinstance(part, dict) and _is_port(part.get("payload"))):
            continue
        for element in elements if isinstance(elements, list) else []:
            one = element[0] if isinstance(element, list) and element else element  # of a map: key and verdict
            one = one["elem"].get("val") if isinstance(one, dict) and isinstance(one.get("elem"), dict) else one
            several = one.get("concat") if isinstance(one, dict) else None
            if isinstance(several, list):
                one = several[at] if at < len(several) else None
            found += _interval(one)
    return found


def _is_port(payload: object) -> bool:
    """Whether it is the destination port of TCP, or of whatever transport (th)."""
    return (
        isinstance(payload, dict) and payload.get("field") == "dport" and str(payload.get("protocol")) in {"tcp", "th"}
    )


def _interval(value: object) -> list[tuple[int, int]]:
    """A port or a range of ports."""
    if isinstance(value, dict):
        ends = value.get("range")
        low, high = ends if isinstance(ends, list) and len(ends) == 2 else (None, None)
    else:
        low = high = value
    return [(low, high)] if isinstance(low, int) and isinstance(high, int) else []


def _targets(expression: object) -> Iterator[str]:
    """The chains that a verdict map leads to."""
    value = expression.get("vmap") if isinstance(expression, dict) else None
    data = value.get("data") if isinstance(value, dict) else None
    pairs = data.get("set") if isinstance(data, dict) else None
    for pair in pairs if isinstance(pairs, list) else []:
        verdict = pair[1] if isinstance(pair, list) and len(pair) == 2 else None
        for kind in ("jump", "goto"):
            target = verdict.get(kind) if isinstance(verdict, dict) else None
            if isinstance(target, dict):
                yield str(target.get("target"))


def of_iptables(saved: str, version: int) -> Chains:
    """The chains of iptables-save's text (version 4) or ip6tables-save's (6)."""
    family = "ip" if version == IPV4 else "ip6"
    chains: Chains = defaultdict(Chain)
    table = ""
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":"):
            name, policy = [*line[1:].split(), "-", "-"][:2]
            chains[family, table, name] = Chain(_CHAINS.get(name, ""), policy.lower(), table == "nat")
        elif line.startswith("-A "):
            try:
                words = shlex.split(line)
            except ValueError:
                continue
            if len(words) > 1:
                chains[family, table, words[1]].rules.append(_iptables_rule(words[2:], family))
    return dict(chains)


def _iptables_rule(words: list[str], family: str) -> Rule:
    ports: list[tuple[int, int]] = []
    target, is_bare, protocol = "", True, ""
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        if word in {"-j", "-g"}:
            target = after
        elif word == "-p":
            protocol, is_bare = after, False
        elif word in {"--dport", "--dports", "--destination-port", "--destination-ports"}:
            ports += _listed(after) if before != "!" else []
        elif word in {"-m", "-s", "-d", "-i", "!"}:
            is_bare = is_bare and word == "-m" and after == "comment"
    if protocol and protocol not in {"tcp", "all"}:
        ports = []
    leads_to = (target,) if target not in {"ACCEPT", "DROP", "REJECT", "RETURN", "LOG", ""} else ()
    return Rule(_FAMILIES[family], tuple(ports), leads_to, is_bare and target.lower() in _CLOSING)


def _listed(text: str) -> Iterable[tuple[int, int]]:
    """Ports and ranges as `80,90:95,1000:` has them; a name of a service is looked up by nobody."""
    for part in text.split(","):
        low, colon, high = part.partition(":")
        ends = [low or "0", (high or str(_HIGHEST)) if colon else low]
        if all(end.isascii() and end.isdigit() for end in ends):
            yield int(ends[0]), int(ends[1])


def joined(several: Iterable[Chains]) -> Chains:
    """All chains; those of the same name from different programs stay apart."""
    made: Chains = {}
    for number, chains in enumerate(several):
        made |= {(family, f"{number} {table}", name): chain for (family, table, name), chain in chains.items()}
    return made
