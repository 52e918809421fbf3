"""Exit statuses (docs/FORMATS.md) and the one way to end with an error."""

import contextlib
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


INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def say(message: str) -> None:
    """A line on standard error."""
    show(f"correlator: {terminal(message)}\n")


def show(text: str) -> None:
    """Text on standard error; where nobody takes it, it is lost, and nothing else is."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()


def die(status: Exit, message: str) -> NoReturn:
    """One line on standard error, and the end."""
    say(message)
    raise SystemExit(status)
