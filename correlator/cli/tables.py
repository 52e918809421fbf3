"""Socket tables for an analysis: files beside the capture, files that are named, this host's own."""

import os

from correlator.capture.names import STANDARD_INPUT
from correlator.cli.exits import Exit, die
from correlator.core.model import Statement

EVIDENCE_SUFFIX = ".sockets.jsonl"
LIVE, PSUTIL = "live", "psutil"


class Tables:
    """The statements of the tables that were read, and how many of their rows made no sense."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self.statements: list[Statement] = []
        self.damaged: list[str] = []

    def add(self, name: str) -> None:
        """Read a table that was asked for: a file, `live`, or `psutil`.

        Ends the program with status 3 or 5 where it cannot be: an analysis without it would answer another question.
        """
        if not name:
            die(Exit.USAGE, "a table needs a name (is a variable empty?)")
        if name in {LIVE, PSUTIL} and not os.path.exists(name):
            self.statements += _of_this_host(name)
            return
        reason = self._read(name)
        if reason is not None:
            die(Exit.UNREADABLE, reason)

    def add_beside(self, capture: str) -> None:
        """Read the evidence file beside a capture, if there is one."""
        name = beside_capture(capture)
        if name is not None:
            self.add_found(name)

    def add_found(self, name: str) -> None:
        """Read an evidence file that nobody asked for; one that cannot be read is a trouble."""
        reason = self._read(name)
        if reason is not None:
            self.damaged.append(f"{reason}; the capture is analysed without it")

    def _read(self, name: str) -> str | None:
        """Read a file; returns why it cannot be."""
        from correlator.kernel.tables import UnknownTableError, read_table  # noqa: PLC0415  most analyses have none

        try:
            with open(name, encoding="utf-8-sig", errors="replace", newline="\n") as file:
                table = read_table(file)
        except OSError as error:
            return f"{name}: {error.strerror or error}"
        except UnknownTableError:
            return f"{name}: not a socket table (netstat -tupan, ss -tanpe, /proc/net/tcp or tcp6, .sockets.jsonl)"
        self.statements += table.statements
        if table.damaged:
            self.damaged.append(
                f"{name}: {table.damaged} rows of this {table.form} table make no sense; "
                f"the other {len(table.statements)} are used"
            )
        if table.is_cut:
            self.damaged.append(f"{name}: it is too large: its first {len(table.statements)} rows are used")
        return None


def beside_capture(capture: str) -> str | None:
    """The evidence file that a live run wrote beside a capture, if there is one."""
    if capture == STANDARD_INPUT:
        return None
    found = os.path.splitext(capture)[0] + EVIDENCE_SUFFIX
    return found if os.path.isfile(found) else None


def _of_this_host(name: str) -> list[Statement]:
    import psutil  # noqa: PLC0415  only where this host's table is asked for

    from correlator.kernel.host import host_table  # noqa: PLC0415

    try:
        return host_table(by_psutil=name == PSUTIL)
    except (OSError, psutil.AccessDenied) as error:
        die(Exit.FORBIDDEN, f"this host's sockets cannot be listed: {error}")
