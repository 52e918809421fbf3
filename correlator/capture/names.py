"""Names of captures as a user gives them: files, folders, patterns."""

import os
import re
import stat
from collections.abc import Iterable

STANDARD_INPUT = "-"

# tcpdump -C adds a number to the suffix: trace.pcap, trace.pcap1, trace.pcap2
_CAPTURE = r"(?i)\.(pcap|pcapng|cap|dmp|ntar)\d*(\.(gz|bz2|xz|zst|lz4))?$"
_DIGITS = r"(\d+)"
_MAGIC = "*?["  # of a pattern


class UnreadableError(Exception):
    """An input of which nothing could be read: the message says why."""


def expand(names: list[str]) -> list[str]:
    """The names with folders and patterns replaced by the captures that they hold, rotated sets in their order.

    Raises UnreadableError for a folder or pattern without any.
    """
    found = []
    for name in names:
        if name != STANDARD_INPUT and os.path.isdir(name):
            found += _inside(name)
        elif name != STANDARD_INPUT and any(sign in name for sign in _MAGIC) and not os.path.lexists(name):
            import glob  # noqa: PLC0415  shells have replaced most patterns

            matches = [match for match in glob.glob(name, recursive=True) if os.path.isfile(match)]
            if not matches:
                message = f"{name}: matches no file"
                raise UnreadableError(message)
            found += in_order(matches)
        else:
            found.append(name)
    return found


def _inside(folder: str) -> list[str]:
    if not os.access(folder, os.R_OK | os.X_OK):
        message = f"{folder}: Permission denied"
        raise UnreadableError(message)
    return captures_in(folder, filter(_is_to_be_read, (os.path.join(folder, name) for name in os.listdir(folder))))


def captures_in(folder: str, names: Iterable[str]) -> list[str]:
    """The captures among the files of a folder, in order. Raises UnreadableError where there are none."""
    inside = in_order(name for name in names if re.search(_CAPTURE, name))
    if not inside:
        message = f"{folder}: a folder without captures (.pcap, .pcapng, .cap, .dmp, .ntar, also compressed)"
        raise UnreadableError(message)
    return inside


def in_order(names: Iterable[str]) -> list[str]:
    """Rotated sets in their order."""
    return sorted(names, key=_in_order)


def _is_to_be_read(name: str) -> bool:
    """Whether it is a file, or may be one: reading it tells what is wrong with it."""
    try:
        return stat.S_ISREG(os.stat(name).st_mode)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _in_order(name: str) -> list[tuple[int, str]]:
    """Numbers by their value: trace.pcap2 comes before trace.pcap10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(_DIGITS, name)]
