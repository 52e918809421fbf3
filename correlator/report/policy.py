"""Which dual-stack listeners may be: rules from a TOML file.

As sshd_config(5) has it with users: a `deny` rule that fits refuses; where there are `allow` rules, one of them must
fit. Names are patterns as in fnmatch(3).
"""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

MAX_TEXT = 1 << 18
_MAX_DOTS = 100  # of a key: to take one apart takes time by their square
_HIGHEST = 65535
_DIGITS, _HUGE = 5, 10**9
_NAMES = ("process", "unit", "container")
_KEYS = frozenset({"port", "address", "note", *_NAMES})


class PolicyError(ValueError):
    """A file of rules that is none: the message says where."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What rules are about."""

    port: int
    address: str
    process: str
    unit: str
    container: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Fits where all fits that it names."""

    where: str
    """As messages call it: `deny 2`."""
    ports: tuple[tuple[int, int], ...]
    names: tuple[tuple[str, str], ...]
    """A member of Subject, and a pattern for it."""
    note: str
    told: str
    """What it names, in words."""

    def fits(self, subject: Subject) -> bool:
        """Whether it is about a listener."""
        return (not self.ports or any(low <= subject.port <= high for low, high in self.ports)) and all(
            fnmatchcase(getattr(subject, name), pattern) for name, pattern in self.names
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of a file."""

    allow: tuple[Rule, ...]
    deny: tuple[Rule, ...]

    def refusal(self, subject: Subject) -> str:
        """Why a listener may not be; empty where it may."""
        for rule in self.deny:
            if rule.fits(subject):
                return f"{rule.where}: {rule.note or rule.told}"
        if self.allow and not any(rule.fits(subject) for rule in self.allow):
            return "no allow rule fits"
        return ""


def parse(text: str) -> Policy:
    """The rules of a file's text. Raises PolicyError."""
    if len(text) > MAX_TEXT or any(line.count(".") > _MAX_DOTS for line in text.split("\n")):
        message = f"too long: rules have {MAX_TEXT} characters at the most, and short keys"
        raise PolicyError(message)
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and what it lets through
        message = f"no TOML: {str(error)[:200]}"
        raise PolicyError(message) from None
    unknown = data.keys() - {"allow", "deny"}
    if unknown:
        message = f"{_first(unknown)} is no kind of rule: there are [[allow]] and [[deny]]"
        raise PolicyError(message)
    if not data:
        message = "it has no rules: [[allow]] or [[deny]]"
        raise PolicyError(message)
    return Policy(_rules("allow", data.get("allow", [])), _rules("deny", data.get("deny", [])))


def _rules(kind: str, tables: Any) -> tuple[Rule, ...]:  # noqa: ANN401  TOML's types
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        message = f"rules are written as [[{kind}]]"
        raise PolicyError(message)
    return tuple(_rule(f"{kind} {number}", table) for number, table in enumerate(tables, 1))


def _rule(where: str, table: dict[str, Any]) -> Rule:
    unknown = table.keys() - _KEYS
    if unknown:
        message = f"{where}: {_first(unknown)} is nothing that a rule can name ({', '.join(sorted(_KEYS))})"
        raise PolicyError(message)
    names = tuple((name, table[name]) for name in ("address", *_NAMES) if name in table)
    for name, value in (*names, ("note", table.get("note", ""))):
        if not isinstance(value, str):
            message = f"{where}: {name} is a text"
            raise PolicyError(message)
    ports = _ports(where, table["port"]) if "port" in table else ()
    if not ports and not names:
        message = f'{where}: it names nothing, so it would fit everything; to say so, port = "0-65535"'
        raise PolicyError(message)
    told = ", ".join(f"{name} {value}" for name, value in table.items() if name != "note")
    return Rule(where, ports, names, table.get("note", ""), told)


def _ports(where: str, value: Any) -> tuple[tuple[int, int], ...]:  # noqa: ANN401  TOML's types
    """A port, a range in a text, or a list of them."""
    found = []
    for one in value if isinstance(value, list) else [value]:
        is_huge = isinstance(one, int) and abs(one) > _HUGE  # to write it down takes time by the square of its digits
        shown = "a number so large" if is_huge else repr(one)[:40]
        low, dash, high = shown.strip("'").partition("-")
        ends = (low.strip(), (high if dash else low).strip())
        is_number = not isinstance(one, bool | float) and all(
            end.isascii() and end.isdigit() and len(end) <= _DIGITS for end in ends
        )
        if not is_number or not int(ends[0]) <= int(ends[1]) <= _HIGHEST:
            message = f'{where}: {shown} is no port: 443, "8000-8100", or a list of such'
            raise PolicyError(message)
        found.append((int(ends[0]), int(ends[1])))
    return tuple(found)


def _first(names: set[str]) -> str:
    return repr(min(names))
