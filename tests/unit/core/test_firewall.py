"""What becomes of a connection in chains of rules."""

import pytest

from correlator.core.firewall import IPV4, IPV6, Action, Chain, Fate, Firewall, Rule, all_but, joined

ACCEPT, CLOSE, RETURN, JUMP, GOTO = Action.ACCEPT, Action.CLOSE, Action.RETURN, Action.JUMP, Action.GOTO
PORT = ((80, 80),)
IN = ("inet", "t", "in")


def fate(*rules: Rule, port: int = 80, version: int = IPV4, is_closing: bool = False, **more: list[Rule]) -> Fate:
    """Of a connection to a port, in a chain of the input hook and others that it may lead to."""
    chains = {IN: Chain("input", is_closing, rules=list(rules))}
    chains |= {("inet", "t", name): Chain(rules=others) for name, others in more.items()}
    return Firewall(chains).fate(port, version)


def test_the_first_rule_that_fits_decides() -> None:
    """Else the policy does."""
    assert fate() is Fate.OPEN
    assert fate(is_closing=True) is Fate.CLOSED
    assert fate(Rule(CLOSE, ports=PORT)) is Fate.CLOSED
    assert fate(Rule(CLOSE, ports=PORT), port=81) is Fate.OPEN
    assert fate(Rule(ACCEPT, ports=PORT), Rule(CLOSE)) is Fate.OPEN
    assert fate(Rule(ACCEPT, ports=PORT), Rule(CLOSE), port=81) is Fate.CLOSED
    assert fate(Rule(CLOSE, versions=frozenset({IPV6}))) is Fate.OPEN
    assert fate(Rule(CLOSE, versions=frozenset({IPV6})), version=IPV6) is Fate.CLOSED
    assert fate(Rule(Action.NOTHING), Rule(CLOSE)) is Fate.CLOSED


def test_a_rule_that_asks_for_more_may_fit_or_not() -> None:
    """Unless what comes after it says the same."""
    assert fate(Rule(ACCEPT, is_certain=False), Rule(CLOSE)) is Fate.DEPENDS
    assert fate(Rule(CLOSE, is_certain=False)) is Fate.DEPENDS
    assert fate(Rule(ACCEPT, is_certain=False)) is Fate.OPEN
    assert fate(Rule(CLOSE, is_certain=False), is_closing=True) is Fate.CLOSED
    assert fate(Rule(Action.UNKNOWN)) is Fate.DEPENDS


def test_chains_that_lead_to_chains() -> None:
    """A jump comes back, a goto does not; return ends a chain."""
    jump, goto = Rule(JUMP, "other"), Rule(GOTO, "other")
    assert fate(jump, other=[Rule(CLOSE, ports=PORT)]) is Fate.CLOSED
    assert fate(jump, Rule(CLOSE), port=81, other=[Rule(ACCEPT, ports=PORT)]) is Fate.CLOSED
    assert fate(goto, Rule(CLOSE), other=[]) is Fate.OPEN
    assert fate(jump, other=[Rule(RETURN, ports=PORT), Rule(CLOSE)]) is Fate.OPEN
    assert fate(jump, other=[Rule(RETURN, is_certain=False), Rule(CLOSE)]) is Fate.CLOSED
    assert fate(Rule(JUMP, "other", is_certain=False), other=[Rule(CLOSE)]) is Fate.DEPENDS
    assert fate(jump, jump, other=[Rule(CLOSE, ports=PORT)], port=81) is Fate.OPEN


def test_what_leads_nowhere_or_in_circles() -> None:
    """It depends: nobody knows on what."""
    assert fate(Rule(JUMP, "missing")) is Fate.DEPENDS
    assert fate(Rule(JUMP, "one"), one=[Rule(JUMP, "two")], two=[Rule(JUMP, "one")]) is Fate.DEPENDS


def test_each_chain_where_it_arrives_must_accept_it() -> None:
    """Those of other hooks, of NAT and of the other version have no say."""
    open_: list[Rule] = []
    shut, maybe = [Rule(CLOSE)], [Rule(CLOSE, is_certain=False)]

    def of(**chains: Chain) -> Fate:
        return Firewall({("ip6" if name == "six" else "inet", "t", name): one for name, one in chains.items()}).fate(
            80, IPV4
        )

    assert of(one=Chain("input", rules=open_), two=Chain("prerouting", rules=shut)) is Fate.CLOSED
    assert of(one=Chain("input", rules=maybe), two=Chain("input", rules=open_)) is Fate.DEPENDS
    assert of(one=Chain("input", rules=maybe), two=Chain("input", rules=shut)) is Fate.CLOSED
    assert of(one=Chain("forward", rules=shut), two=Chain("", rules=shut)) is Fate.OPEN
    assert of(one=Chain("prerouting", is_nat=True), six=Chain("input", rules=shut)) is Fate.OPEN
    assert of(one=Chain("prerouting", is_nat=True, rules=[Rule(Action.UNKNOWN, ports=PORT)])) is Fate.DEPENDS


@pytest.mark.parametrize(
    ("ports", "others"),
    [
        ((), ((0, 65535),)),
        (((80, 80),), ((0, 79), (81, 65535))),
        (((90, 100), (0, 5), (4, 7)), ((8, 89), (101, 65535))),
        (((100, 65535),), ((0, 99),)),
    ],
)
def test_the_other_ports(ports: tuple[tuple[int, int], ...], others: tuple[tuple[int, int], ...]) -> None:
    """All that are in none of the intervals."""
    assert all_but(ports) == others


def test_programs_are_kept_apart() -> None:
    """The same chain may be in nft's own and in the older interface."""
    both = joined([{IN: Chain("input")}, {IN: Chain("input", rules=[Rule(CLOSE)])}])
    assert Firewall(both).fate(1, IPV4) is Fate.CLOSED
    assert len(both) == 2
