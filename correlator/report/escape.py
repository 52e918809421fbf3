"""What strangers named, made safe: process names, command lines, interface names, comments."""

import unicodedata

# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

# Control, format (bidi overrides are among them), surrogate, private use, and the two line separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def terminal(value: str) -> str:
    """Text that cannot move a cursor or turn its direction: unsafe characters as escapes."""
    if value.isascii() and value.isprintable():
        return value
    return "".join(
        character if unicodedata.category(character) not in _UNSAFE else _escaped(character) for character in value
    )


def cell(value: str) -> str:
    """A CSV text cell that no spreadsheet takes for a formula, and no terminal for a command."""
    return ("'" if value.startswith(_FORMULA) else "") + terminal(value)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
