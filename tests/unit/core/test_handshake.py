"""Every cell of the tables, stated a second time by hand."""

import itertools
import runpy
from pathlib import Path

import pytest

from correlator.core.handshake import (
    CLOSE_TOKEN,
    CLOSED,
    CLOSING,
    HANDSHAKE,
    HANDSHAKE_TOKEN,
    MIRRORED,
    Closing,
    Kind,
    State,
    next_closing,
    next_state,
)
from correlator.core.model import Close, Handshake

# One row a state; for each kind (SYN SYN_ACK ACK FIN RST BARE) what the client's, then the server's leads to.
GRID = """
NEW           SYN_SENT     SYN_SENT     SYN_ACK_SEEN  SYN_ACK_SEEN MIDSTREAM     MIDSTREAM    MIDSTREAM     MIDSTREAM    MIDSTREAM     MIDSTREAM     MIDSTREAM     MIDSTREAM
SYN_SENT      SYN_SENT     CROSSED      CROSSED_ACKED SYN_RECEIVED ESTABLISHED   SYN_SENT     ESTABLISHED   SYN_SENT     SYN_SENT      REFUSED       SYN_SENT      SYN_SENT
CROSSED       CROSSED      CROSSED      CROSSED_ACKED SYN_RECEIVED CROSSED_ACKED SYN_RECEIVED CROSSED_ACKED SYN_RECEIVED CROSSED       REFUSED       CROSSED       CROSSED
CROSSED_ACKED CROSSED_ACKED CROSSED_ACKED CROSSED_ACKED ESTABLISHED CROSSED_ACKED ESTABLISHED CROSSED_ACKED ESTABLISHED  CROSSED_ACKED CROSSED_ACKED CROSSED_ACKED CROSSED_ACKED
SYN_ACK_SEEN  SYN_RECEIVED SYN_ACK_SEEN SYN_ACK_SEEN  SYN_ACK_SEEN SYN_ACK_SEEN  SYN_ACK_SEEN SYN_ACK_SEEN  SYN_ACK_SEEN SYN_ACK_SEEN  SYN_ACK_SEEN  SYN_ACK_SEEN  SYN_ACK_SEEN
SYN_RECEIVED  SYN_RECEIVED SYN_RECEIVED ESTABLISHED   SYN_RECEIVED ESTABLISHED   SYN_RECEIVED ESTABLISHED   SYN_RECEIVED SYN_RECEIVED  SYN_RECEIVED  SYN_RECEIVED  SYN_RECEIVED
ESTABLISHED   ESTABLISHED  ESTABLISHED  ESTABLISHED   ESTABLISHED  ESTABLISHED   ESTABLISHED  ESTABLISHED   ESTABLISHED  ESTABLISHED   ESTABLISHED   ESTABLISHED   ESTABLISHED
REFUSED       SYN_SENT     REFUSED      REFUSED       SYN_RECEIVED REFUSED       REFUSED      REFUSED       REFUSED      REFUSED       REFUSED       REFUSED       REFUSED
MIDSTREAM     SYN_SENT     SYN_SENT     SYN_ACK_SEEN  SYN_ACK_SEEN MIDSTREAM     MIDSTREAM    MIDSTREAM     MIDSTREAM    MIDSTREAM     MIDSTREAM     MIDSTREAM     MIDSTREAM
"""
CELLS = {row.split()[0]: row.split()[1:] for row in GRID.strip().splitlines()}

# state → what FIN (client, server), RST (client, server) and SYN (client, server) lead to
CLOSES = {
    "OPEN": "FIN_CLIENT FIN_SERVER RST_CLIENT RST_SERVER OPEN OPEN",
    "FIN_CLIENT": "FIN_CLIENT FIN_BOTH RST_CLIENT RST_SERVER FIN_CLIENT FIN_CLIENT",
    "FIN_SERVER": "FIN_BOTH FIN_SERVER RST_CLIENT RST_SERVER FIN_SERVER FIN_SERVER",
    "FIN_BOTH": "FIN_BOTH FIN_BOTH FIN_BOTH FIN_BOTH FIN_BOTH FIN_BOTH",
    "RST_CLIENT": "RST_CLIENT RST_CLIENT RST_CLIENT RST_CLIENT OPEN RST_CLIENT",
    "RST_SERVER": "RST_SERVER RST_SERVER RST_SERVER RST_SERVER OPEN RST_SERVER",
}


@pytest.mark.parametrize(("state", "kind", "sender"), list(itertools.product(State, Kind, ("client", "server"))))
def test_every_cell_of_the_handshake(state: State, kind: Kind, sender: str) -> None:
    """Each (state, kind, sender) leads where the grid says."""
    expected = CELLS[state.name][2 * kind + (sender == "server")]
    assert State(next_state(state, kind, sender == "client")).name == expected


@pytest.mark.parametrize(("closing", "kind", "sender"), list(itertools.product(Closing, Kind, ("client", "server"))))
def test_every_cell_of_the_close(closing: Closing, kind: Kind, sender: str) -> None:
    """FIN, RST and SYN lead where the table says; other kinds leave the close as it is."""
    columns = CLOSES[closing.name].split()
    at = {Kind.FIN: 0, Kind.RST: 2, Kind.SYN: 4}.get(kind)
    expected = closing.name if at is None else columns[at + (sender == "server")]
    assert Closing(next_closing(closing, kind, sender == "client")).name == expected


def test_tables_are_complete() -> None:
    """No state, kind or token is missing from any table."""
    assert set(HANDSHAKE) == set(State) == set(HANDSHAKE_TOKEN)
    assert all(set(row) == set(Kind) for row in HANDSHAKE.values())
    assert set(CLOSING) == set(Closing) == set(CLOSE_TOKEN) == set(MIRRORED)


def test_nothing_leads_back_to_new() -> None:
    """What has been seen stays seen."""
    assert all(State.NEW not in cell for row in HANDSHAKE.values() for cell in row.values())


def test_only_a_reset_of_the_server_refuses() -> None:
    """REFUSED is entered by the server's RST alone."""
    entries = [
        (kind, sender)
        for state, row in HANDSHAKE.items()
        for kind, cell in row.items()
        for sender, target in zip(("client", "server"), cell, strict=True)
        if target is State.REFUSED and state is not State.REFUSED
    ]
    assert set(entries) == {(Kind.RST, "server")}


def test_every_state_can_be_reached() -> None:
    """The table has no dead rows."""
    reached, edge = {State.NEW}, [State.NEW]
    while edge:
        for cell in HANDSHAKE[edge.pop()].values():
            edge += [state for state in cell if state not in reached]
            reached |= set(cell)
    assert reached == set(State)


def test_mirroring_twice_changes_nothing() -> None:
    """Swapping the roles twice gives the same close, and closed stays closed."""
    for closing in Closing:
        assert MIRRORED[MIRRORED[closing]] is closing
        assert (MIRRORED[closing] in CLOSED) == (closing in CLOSED)


def test_tokens() -> None:
    """A half-closed connection is open; only ESTABLISHED is complete."""
    assert CLOSE_TOKEN[Closing.FIN_CLIENT] is Close.OPEN
    assert [state for state, token in HANDSHAKE_TOKEN.items() if token is Handshake.COMPLETE] == [State.ESTABLISHED]


def test_the_diagram_is_drawn_from_the_tables() -> None:
    """docs/HANDSHAKE.md is what docs/draw_handshake.py makes of them."""
    docs = Path(__file__).resolve().parents[3] / "docs"
    assert runpy.run_path(str(docs / "draw_handshake.py"))["document"]() == (docs / "HANDSHAKE.md").read_text()
