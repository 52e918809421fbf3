"""Paragraphs on a terminal."""

import shutil
import textwrap

_NARROW, _WIDE = 60, 100


def columns() -> int:
    """The columns that prose takes: those of the terminal, where it is not very narrow or wide."""
    return max(_NARROW, min(_WIDE, shutil.get_terminal_size().columns))


def filled(text: str, begins: str, width: int) -> str:
    """A paragraph behind what it begins with, its further lines indented as far; names are not broken."""
    return textwrap.fill(
        text,
        width,
        initial_indent=begins,
        subsequent_indent=" " * len(begins),
        break_long_words=False,
        break_on_hyphens=False,
    )
