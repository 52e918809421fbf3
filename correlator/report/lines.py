"""A line a finding, for the screen."""

from correlator.core.address import endpoint_text
from correlator.core.finding import Finding
from correlator.core.timetext import time_text
from correlator.report.escape import terminal

_HEAD = ("time", "verdict", "side", "client", "server", "socket", "owner", "cause")
_WIDTHS = (15, 17, 6, 23, 23, 36, 18, 0)


def header() -> str:
    """The names of the columns."""
    return _row(_HEAD)


def line(finding: Finding) -> str:
    """One finding."""
    connection, socket, owner = finding.connection, finding.socket, finding.owner
    client, server = connection.client, connection.server
    who = f"{owner.pid}/{terminal(owner.process)}" if owner else "-"
    state = str(connection.handshake) if connection.handshake != "complete" else ""
    return _row(
        (
            time_text(connection.opened_at)[11:26] or "-",
            str(finding.verdict),
            str(finding.side) or "-",
            endpoint_text(client.address, client.port),
            endpoint_text(server.address, server.port),
            f"{socket.family} {socket.local_text}" if socket else "-",
            who,
            " ".join(part for part in (str(finding.cause), state) if part) or "-",
        )
    )


def _row(values: tuple[str, ...]) -> str:
    return "  ".join(value.ljust(width) for value, width in zip(values, _WIDTHS, strict=True)).rstrip()
