"""What a packet filter does with a new TCP connection from outside: by port and IP version, as far as those decide.

Rules are known by what they ask for. Where a rule asks for more than the port and the version (an address, a set, a
rate), it may fit or not, and both are followed: so the answer is one of three, open, closed, or that it depends.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

IPV4, IPV6 = 4, 6
BOTH = frozenset({IPV4, IPV6})
NEITHER: frozenset[int] = frozenset()
FAMILIES = {"ip": frozenset({IPV4}), "ip6": frozenset({IPV6}), "inet": BOTH}
ARRIVING = frozenset({"prerouting", "input"})
_MAX_DEPTH = 32  # of chains that lead to chains; the kernel allows 16 (NFT_JUMP_STACK_SIZE)

Ports = tuple[tuple[int, int], ...]
"""Intervals, both ends inclusive."""
Place = tuple[str, str, str]
"""A chain: family, table, name."""


class Action(StrEnum):
    """What a rule does with what fits it."""

    ACCEPT = "accept"
    CLOSE = "close"  # drop or reject
    RETURN = "return"
    JUMP = "jump"
    GOTO = "goto"
    NOTHING = "nothing"  # it counts, logs, marks
    UNKNOWN = "unknown"  # a queue, a target of another kind: it may close


class Fate(StrEnum):
    """What becomes of a connection: tokens, a contract."""

    OPEN = "open"
    CLOSED = "closed"
    DEPENDS = "depends"


@dataclass(frozen=True, slots=True)
class Rule:
    """What it asks for, and what it does."""

    action: Action
    target: str = ""
    """The chain of a JUMP or GOTO."""
    versions: frozenset[int] = BOTH
    """IP versions that fit; none where no new TCP connection from outside does."""
    ports: Ports | None = None
    """Destination ports that fit; None for all."""
    is_certain: bool = True
    """Whether version and port are all that it asks for."""

    def fits(self, version: int, port: int) -> bool:
        """Whether it may fit."""
        return version in self.versions and (self.ports is None or any(low <= port <= high for low, high in self.ports))


@dataclass(slots=True)
class Chain:
    """A chain of a table. Without a hook only rules lead to it."""

    hook: str = ""
    is_closing: bool = False
    """Its policy: what becomes of what no rule decides."""
    is_nat: bool = False
    rules: list[Rule] = field(default_factory=list)


Chains = dict[Place, Chain]
Ends = tuple[set[Action], bool]
"""How a chain may decide, and whether it may come to no decision."""


def all_but(ports: Ports) -> Ports:
    """The other ports."""
    found, begin = [], 0
    for low, high in sorted(ports):
        if begin < low:
            found.append((begin, low - 1))
        begin = max(begin, high + 1)
    return (*found, (begin, 65535)) if begin <= 65535 else tuple(found)


def joined(several: Iterable[Chains]) -> Chains:
    """All chains; those of the same name from different programs stay apart."""
    made: Chains = {}
    for number, chains in enumerate(several):
        made |= {(family, f"{number} {table}", name): chain for (family, table, name), chain in chains.items()}
    return made


class Firewall:
    """The chains of a network namespace."""

    def __init__(self, chains: Chains) -> None:
        """`chains`: all of them."""
        self._chains = chains

    def fate(self, port: int, version: int) -> Fate:
        """What becomes of a new connection from outside to a port: each chain where it arrives must accept it.

        What leaves, an answer for instance, is not looked at.
        """
        known: dict[Place, Ends] = {}
        is_open = True
        for place, chain in self._chains.items():
            if chain.hook not in ARRIVING or version not in FAMILIES[place[0]]:
                continue
            ends, goes_on = self._ends(place, port, version, known, 0)
            if chain.is_nat:  # it closes nothing, but what is led elsewhere does not come to the port
                is_open = is_open and Action.CLOSE not in ends
                continue
            if goes_on:
                ends = ends | {Action.CLOSE if chain.is_closing else Action.ACCEPT}
            if ends == {Action.CLOSE}:
                return Fate.CLOSED
            is_open = is_open and ends == {Action.ACCEPT}
        return Fate.OPEN if is_open else Fate.DEPENDS

    def _ends(self, place: Place, port: int, version: int, known: dict[Place, Ends], depth: int) -> Ends:
        """How a chain may decide, and whether it may come to no decision."""
        if place in known:
            return known[place]
        chain = self._chains.get(place)
        if chain is None or depth > _MAX_DEPTH:
            return {Action.ACCEPT, Action.CLOSE}, True
        ends: set[Action] = set()
        goes_on = True
        for rule in chain.rules:
            if not rule.fits(version, port):
                continue
            decided, returns = self._does(rule, place, port, version, known, depth)
            ends |= decided
            if rule.is_certain and rule.action is Action.RETURN:
                break
            if rule.is_certain and (rule.action is Action.GOTO or not returns):
                goes_on = returns
                break
        known[place] = ends, goes_on
        return known[place]

    def _does(
        self,
        rule: Rule,
        place: Place,
        port: int,
        version: int,
        known: dict[Place, Ends],
        depth: int,
    ) -> Ends:
        """How a rule that fits may decide, and whether it may not."""
        if rule.action in {Action.ACCEPT, Action.CLOSE}:
            return {rule.action}, False
        if rule.action in {Action.JUMP, Action.GOTO}:
            return self._ends((*place[:2], rule.target), port, version, known, depth + 1)
        return ({Action.ACCEPT, Action.CLOSE} if rule.action is Action.UNKNOWN else set()), True
