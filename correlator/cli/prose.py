"""Paragraphs on a terminal."""

import re
import shutil
import textwrap

_NARROW, _WIDE = 60, 100
_CODE = re.compile(r"`[^`]*`")
_NO_BREAK = "\u00a0"


def columns() -> int:
    """The columns that prose takes: those of the terminal, where it is not very narrow or wide."""
    return max(_NARROW, min(_WIDE, shutil.get_terminal_size().columns))


def filled(text: str, begins: str, width: int) -> str:
    """A paragraph behind what it begins with, its further lines indented as far; names are not broken."""
    whole = _CODE.sub(lambda found: found[0].replace(" ", _NO_BREAK), text)  # what is to be copied stays in one line
    told = textwrap.fill(
        whole,
        width,
        initial_indent=begins,
        subsequent_indent=" " * len(begins),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return told.replace(_NO_BREAK, " ")
