"""What strangers named."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.report.escape import cell, terminal


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("java", "java"),
        ("Grüße 漢字", "Grüße 漢字"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\u202eb", "a\\u202eb"),
        ("a\nb\rc", "a\\nb\\rc"),
        ("\udc80", "\\udc80"),
    ],
)
def test_terminals(given_text: str, shown: str) -> None:
    """Control and bidi characters are shown, not obeyed; letters of all scripts stay."""
    assert terminal(given_text) == shown


@given(st.text())
def test_nothing_dangerous_is_left(text: str) -> None:
    """Whatever goes in."""
    assert all(unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in terminal(text))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_formulas(text: str) -> None:
    """A spreadsheet sees text."""
    assert cell(text) == "'" + terminal(text)


def test_other_cells() -> None:
    """They stay as they are."""
    assert cell("java") == "java"
    assert cell("") == ""
    assert cell("a\nb\x1b") == "a\\nb\\x1b"
