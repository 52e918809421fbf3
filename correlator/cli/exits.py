"""Exit statuses (docs/FORMATS.md) and the one way to end with an error."""

import sys
from enum import IntEnum
from typing import NoReturn

from correlator.report.escape import terminal


class Exit(IntEnum):
    """What a command's exit status means."""

    DONE = 0
    FOUND = 1  # --fail-on
    USAGE = 2
    UNREADABLE = 3
    DAMAGED = 4  # done, but the input was damaged or evidence was lost
    FORBIDDEN = 5
    OUTPUT = 6


def say(message: str) -> None:
    """A line on standard error."""
    sys.stderr.write(f"correlator: {terminal(message)}\n")


def die(status: Exit, message: str) -> NoReturn:
    """One line on standard error, and the end."""
    say(message)
    raise SystemExit(status)
