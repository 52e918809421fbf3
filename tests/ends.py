"""One connection, and the sockets that may terminate it."""

from typing import Any

from correlator.core.connection import Connection
from correlator.core.evidence import EvidenceIndex
from correlator.core.flow import begun
from correlator.core.handshake import Closing, State
from correlator.core.model import Socket, Statement
from correlator.core.segment import Segment
from correlator.report.columns import COLUMNS, put_connection
from correlator.report.values import Values
from tests.play import CLIENT, SECOND, SERVER, START, ends, socket


def changed(connection: Connection, **facts: Any) -> Connection:
    """A connection of which some facts are others."""
    made = connection.copy()
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def between(client: tuple[str, int], server: tuple[str, int], **facts: Any) -> Connection:
    """A connection that began at START."""
    begins = begun(1, Segment(START, 0, *ends(client, server)), START, "", counted=False)
    return changed(begins, **{"state": State.ESTABLISHED, "oriented": True, **facts})


def facts(connection: Connection) -> dict[str, Any]:
    """All that a connection tells."""
    names = ("handshake", "close", "opened_at", "closed_at", "superseded_at", "syn_rtt", "ack_rtt", "syn_count")
    more = ("number", "client", "server", "syn_ack_count", "interface", "oriented", "simultaneous", "wire_family")
    return {name: getattr(connection, name) for name in (*names, *more)}


CONNECTION = between(CLIENT, SERVER)
CLOSED = changed(CONNECTION, closing=Closing.FIN_BOTH, closed_at=START + SECOND)


def community_id(connection: Connection) -> str:
    """As a report has it."""
    cells = Values()
    put_connection(cells, connection)
    return str(cells.values[COLUMNS.index("community_id")])


def mapped(**facts: Any) -> Socket:
    """The server side's socket as AF_INET6."""
    return socket("::ffff:10.0.0.12", SERVER[1], "::ffff:10.0.0.20", CLIENT[1], **facts)


def mirrored(**facts: Any) -> Socket:
    """The client side's socket as AF_INET6."""
    return socket("::ffff:10.0.0.20", CLIENT[1], "::ffff:10.0.0.12", SERVER[1], **facts)


def native(**facts: Any) -> Socket:
    """The server side's socket as AF_INET."""
    return socket("10.0.0.12", SERVER[1], "10.0.0.20", CLIENT[1], **facts)


def known(*statements: Statement) -> EvidenceIndex:
    """An index of statements."""
    index = EvidenceIndex()
    for statement in statements:
        index.add(statement)
    return index
