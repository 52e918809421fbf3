"""One connection, and the sockets that may terminate it."""

from dataclasses import replace
from typing import Any

from correlator.core.evidence import EvidenceIndex
from correlator.core.model import Close, Connection, End, Handshake, Socket, Statement
from tests.play import CLIENT, SECOND, SERVER, START, packed, socket

CONNECTION = Connection(
    1, End(packed(CLIENT[0]), CLIENT[1]), End(packed(SERVER[0]), SERVER[1]), Handshake.COMPLETE, Close.OPEN, START
)
CLOSED = replace(CONNECTION, close=Close.FIN, closed_at=START + SECOND)


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
