"""Chains from the text of iptables-save(8) and ip6tables-save(8)."""

import shlex
from collections import defaultdict
from collections.abc import Iterator

from correlator.core.firewall import FAMILIES, IPV4, NEITHER, Action, Chain, Chains, Ports, Rule, all_but

_HOOKS = {"INPUT": "input", "PREROUTING": "prerouting"}
_ACTIONS = {"ACCEPT": Action.ACCEPT, "DROP": Action.CLOSE, "REJECT": Action.CLOSE, "RETURN": Action.RETURN}
# Targets after which the next rule has its turn (iptables-extensions(8)).
_GOING_ON = frozenset(
    {"LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "CT", "TCPMSS", "SET", "TRACE", "CLASSIFY", "DSCP", "TOS", "AUDIT"}
)
_PORTS = frozenset({"--dport", "--dports", "--destination-port", "--destination-ports"})
_ASKS_NOTHING = frozenset({"tcp", "comment", "conntrack", "state", "multiport"})  # without options of theirs
_OF_TEXT = frozenset({"--comment", "--log-prefix", "--nflog-prefix", "--ulog-prefix"})
_LONGEST = 4096  # characters of a line: a comment has 256 at the most
_STATES = frozenset({"--ctstate", "--state"})
_SYN = ("FIN,SYN,RST,ACK", "SYN")
_HIGHEST = "65535"


def of_iptables(saved: str, version: int) -> Chains:
    """The chains of iptables-save's text (version 4) or ip6tables-save's (6).

    Raises ValueError where it says itself that it does not tell all.
    """
    if "incompatible" in saved and "\n# Table `" in f"\n{saved}":
        message = "it has chains that iptables cannot show"
        raise ValueError(message)
    family = "ip" if version == IPV4 else "ip6"
    chains: Chains = defaultdict(Chain)
    table = ""
    for line in _lines(saved):
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":"):
            name, policy = [*line[1:].split(), "-", "-"][:2]
            chain = chains[family, table, name]
            chain.hook, chain.is_closing, chain.is_nat = _HOOKS.get(name, ""), policy == "DROP", table == "nat"
        elif line.startswith("-A "):
            try:
                words = shlex.split(line)
            except ValueError:
                words = []
            if len(words) > 1:
                chains[family, table, words[1]].rules.append(_rule(words[2:], family))
            else:  # nobody knows what it does
                chains[family, table, _word(line)].rules.append(Rule(Action.UNKNOWN, is_certain=False))
    return dict(chains)


def _word(line: str) -> str:
    """The second word, if there is one."""
    return [*line.split(), ""][1]


def _lines(saved: str) -> Iterator[str]:
    """The lines; a comment in quotes may go over several."""
    begun = ""
    for line in saved.split("\n"):
        begun = f"{begun}\n{line}" if begun else line
        if _has_open_quote(begun) and len(begun) < _LONGEST:
            continue
        yield begun
        begun = ""
    if begun:
        yield begun


def _has_open_quote(line: str) -> bool:
    quotes = line.replace("\\\\", "").replace('\\"', "").count('"')
    return line.startswith("-A ") and quotes % 2 == 1


def _rule(words: list[str], family: str) -> Rule:
    action, target, versions, is_certain = Action.NOTHING, "", FAMILIES[family], True
    ports: Ports | None = None
    for is_not, option, values in _options(words):
        value = values[0] if values else ""
        if option in {"-j", "-g"}:
            action, target = _action(option, value)
        elif option in _PORTS:
            listed = tuple(_listed(value))
            ports = all_but(listed) if is_not else listed
        elif option == "-p":
            versions = versions if (value in {"tcp", "all", "6"}) is not is_not else NEITHER
        elif option == "-i" and value == "lo":
            versions = versions if is_not else NEITHER  # from outside nothing comes in by lo
        elif option in _STATES and not is_not:
            versions = versions if "NEW" in value.split(",") else NEITHER
        elif option == "--syn" or (option == "--tcp-flags" and tuple(values) == _SYN):
            versions = NEITHER if is_not else versions
        elif option == "-m":
            is_certain = is_certain and value in _ASKS_NOTHING
        elif option != "--comment" and not (option.startswith("--") and action is not Action.NOTHING):
            is_certain = False  # an option behind the target is the target's own
    return Rule(action, target, versions, ports, is_certain)


def _options(words: list[str]) -> Iterator[tuple[bool, str, list[str]]]:
    """Whether it is negated, the option, and its values."""
    is_not, option, is_next = False, "", False
    values: list[str] = []
    for word in words:
        if option in _OF_TEXT and not values:
            values = [word]  # whatever it begins with
        elif word == "!":
            is_next = True
        elif word.startswith("-") and not word[1:2].isdigit():
            if option:
                yield is_not, option, values
            is_not, option, values, is_next = is_next, word, [], False
        else:
            values = [*values, word]
    if option:
        yield is_not, option, values


def _action(option: str, target: str) -> tuple[Action, str]:
    """What a target does. One that is no chain, a queue or a module's, is like a chain that nobody has seen."""
    if target in _ACTIONS:
        return _ACTIONS[target], ""
    if target in _GOING_ON:
        return Action.NOTHING, ""
    return (Action.GOTO if option == "-g" else Action.JUMP), target


def _listed(text: str) -> Iterator[tuple[int, int]]:
    """Ports and ranges as `80,90:95,1000:` has them; a name of a service is looked up by nobody."""
    for part in text.split(","):
        low, colon, high = part.partition(":")
        ends = [low or "0", (high or _HIGHEST) if colon else low]
        if all(end.isascii() and end.isdigit() for end in ends):
            yield int(ends[0]), int(ends[1])
