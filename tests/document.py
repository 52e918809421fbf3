"""Tables in documents, between marks: what a program found, written by it."""

from collections.abc import Sequence
from pathlib import Path


def written(path: Path, name: str, lines: Sequence[str]) -> None:
    """Put lines between the marks of that name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = path.read_text()
    first, last = text.index(begin) + len(begin), text.index(end)
    path.write_text(text[:first] + "\n\n" + "\n".join(lines) + "\n\n" + text[last:])
