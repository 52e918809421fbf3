"""The handshake and the close of a TCP connection as an observer sees them: one table each.

A host walks RFC 9293's state machine (§3.3.2) with one view, its own. An observer sees both directions, misses
packets, and gets them in an order that neither host saw. So the states here say what *has been seen*:

    NEW            nothing yet
    SYN_SENT       a SYN from the client
    CROSSED        a SYN from each end (simultaneous open, §3.5, figure 7)
    CROSSED_ACKED  the same, and the client has acknowledged the server's SYN
    SYN_ACK_SEEN   a SYN-ACK, but no SYN: the capture began inside the handshake, or they came out of order
    SYN_RECEIVED   SYN and SYN-ACK
    ESTABLISHED    SYN, SYN-ACK and the client's ACK; a client's ACK after its SYN proves a SYN-ACK the capture missed
    REFUSED        RST to the SYN; a client may try again with the same ISN (Windows sends three SYNs)
    MIDSTREAM      segments, but neither SYN nor SYN-ACK: the connection is older than the capture

An observer does not reject: a segment that no host would send in a state leaves the state as it is, and the cell
says so. Each cell is (next state where the client sent it, next state where the server sent it). In NEW the
sender's role follows from the segment: the sender of a SYN is the client, of a SYN-ACK the server.

`Kind` is what the tracker makes of a segment's flags and numbers: an RST or ACK whose numbers are not the
handshake's is BARE and moves nothing.
"""

from enum import IntEnum

from correlator.core.model import Close, Handshake


class Kind(IntEnum):
    """What a segment means to the handshake."""

    SYN = 0
    SYN_ACK = 1
    ACK = 2
    FIN = 3
    RST = 4
    BARE = 5


class State(IntEnum):
    """What has been seen of the handshake."""

    NEW = 0
    SYN_SENT = 1
    CROSSED = 2
    CROSSED_ACKED = 3
    SYN_ACK_SEEN = 4
    SYN_RECEIVED = 5
    ESTABLISHED = 6
    REFUSED = 7
    MIDSTREAM = 8


class Closing(IntEnum):
    """What has been seen of the close."""

    OPEN = 0
    FIN_CLIENT = 1
    FIN_SERVER = 2
    FIN_BOTH = 3
    RST_CLIENT = 4
    RST_SERVER = 5


_S = State
_C = Closing

HANDSHAKE: dict[State, dict[Kind, tuple[State, State]]] = {
    _S.NEW: {
        Kind.SYN: (_S.SYN_SENT, _S.SYN_SENT),
        Kind.SYN_ACK: (_S.SYN_ACK_SEEN, _S.SYN_ACK_SEEN),
        Kind.ACK: (_S.MIDSTREAM, _S.MIDSTREAM),
        Kind.FIN: (_S.MIDSTREAM, _S.MIDSTREAM),
        Kind.RST: (_S.MIDSTREAM, _S.MIDSTREAM),
        Kind.BARE: (_S.MIDSTREAM, _S.MIDSTREAM),
    },
    _S.SYN_SENT: {
        Kind.SYN: (_S.SYN_SENT, _S.CROSSED),
        Kind.SYN_ACK: (_S.CROSSED_ACKED, _S.SYN_RECEIVED),  # from the client: the server's SYN was missed
        Kind.ACK: (_S.ESTABLISHED, _S.SYN_SENT),  # from the server: a challenge ACK (RFC 5961 §4)
        Kind.FIN: (_S.ESTABLISHED, _S.SYN_SENT),
        Kind.RST: (_S.SYN_SENT, _S.REFUSED),  # from the client: it gave up
        Kind.BARE: (_S.SYN_SENT, _S.SYN_SENT),
    },
    _S.CROSSED: {
        Kind.SYN: (_S.CROSSED, _S.CROSSED),
        Kind.SYN_ACK: (_S.CROSSED_ACKED, _S.SYN_RECEIVED),
        Kind.ACK: (_S.CROSSED_ACKED, _S.SYN_RECEIVED),
        Kind.FIN: (_S.CROSSED_ACKED, _S.SYN_RECEIVED),
        Kind.RST: (_S.CROSSED, _S.REFUSED),
        Kind.BARE: (_S.CROSSED, _S.CROSSED),
    },
    _S.CROSSED_ACKED: {
        Kind.SYN: (_S.CROSSED_ACKED, _S.CROSSED_ACKED),
        Kind.SYN_ACK: (_S.CROSSED_ACKED, _S.ESTABLISHED),
        Kind.ACK: (_S.CROSSED_ACKED, _S.ESTABLISHED),
        Kind.FIN: (_S.CROSSED_ACKED, _S.ESTABLISHED),
        Kind.RST: (_S.CROSSED_ACKED, _S.CROSSED_ACKED),
        Kind.BARE: (_S.CROSSED_ACKED, _S.CROSSED_ACKED),
    },
    _S.SYN_ACK_SEEN: {
        Kind.SYN: (_S.SYN_RECEIVED, _S.SYN_ACK_SEEN),  # out of order
        Kind.SYN_ACK: (_S.SYN_ACK_SEEN, _S.SYN_ACK_SEEN),
        Kind.ACK: (_S.SYN_ACK_SEEN, _S.SYN_ACK_SEEN),
        Kind.FIN: (_S.SYN_ACK_SEEN, _S.SYN_ACK_SEEN),
        Kind.RST: (_S.SYN_ACK_SEEN, _S.SYN_ACK_SEEN),
        Kind.BARE: (_S.SYN_ACK_SEEN, _S.SYN_ACK_SEEN),
    },
    _S.SYN_RECEIVED: {
        Kind.SYN: (_S.SYN_RECEIVED, _S.SYN_RECEIVED),
        Kind.SYN_ACK: (_S.ESTABLISHED, _S.SYN_RECEIVED),  # from the client: a simultaneous open's acknowledgement
        Kind.ACK: (_S.ESTABLISHED, _S.SYN_RECEIVED),
        Kind.FIN: (_S.ESTABLISHED, _S.SYN_RECEIVED),
        Kind.RST: (_S.SYN_RECEIVED, _S.SYN_RECEIVED),
        Kind.BARE: (_S.SYN_RECEIVED, _S.SYN_RECEIVED),
    },
    _S.ESTABLISHED: dict.fromkeys(Kind, (_S.ESTABLISHED, _S.ESTABLISHED)),
    _S.REFUSED: {
        Kind.SYN: (_S.SYN_SENT, _S.REFUSED),
        Kind.SYN_ACK: (_S.REFUSED, _S.SYN_RECEIVED),  # the RST was not the server's
        Kind.ACK: (_S.REFUSED, _S.REFUSED),
        Kind.FIN: (_S.REFUSED, _S.REFUSED),
        Kind.RST: (_S.REFUSED, _S.REFUSED),
        Kind.BARE: (_S.REFUSED, _S.REFUSED),
    },
    _S.MIDSTREAM: {
        Kind.SYN: (_S.SYN_SENT, _S.SYN_SENT),  # out of order; its sender is the client
        Kind.SYN_ACK: (_S.SYN_ACK_SEEN, _S.SYN_ACK_SEEN),
        Kind.ACK: (_S.MIDSTREAM, _S.MIDSTREAM),
        Kind.FIN: (_S.MIDSTREAM, _S.MIDSTREAM),
        Kind.RST: (_S.MIDSTREAM, _S.MIDSTREAM),
        Kind.BARE: (_S.MIDSTREAM, _S.MIDSTREAM),
    },
}

# The first way to close is the one reported; kinds that are not named leave the state as it is.
CLOSING: dict[Closing, dict[Kind, tuple[Closing, Closing]]] = {
    _C.OPEN: {Kind.FIN: (_C.FIN_CLIENT, _C.FIN_SERVER), Kind.RST: (_C.RST_CLIENT, _C.RST_SERVER)},
    _C.FIN_CLIENT: {Kind.FIN: (_C.FIN_CLIENT, _C.FIN_BOTH), Kind.RST: (_C.RST_CLIENT, _C.RST_SERVER)},
    _C.FIN_SERVER: {Kind.FIN: (_C.FIN_BOTH, _C.FIN_SERVER), Kind.RST: (_C.RST_CLIENT, _C.RST_SERVER)},
    _C.FIN_BOTH: {},
    _C.RST_CLIENT: {Kind.SYN: (_C.OPEN, _C.RST_CLIENT)},  # the same ISN again: the attempt goes on
    _C.RST_SERVER: {Kind.SYN: (_C.OPEN, _C.RST_SERVER)},
}

HANDSHAKE_TOKEN: dict[State, Handshake] = {
    _S.NEW: Handshake.MIDSTREAM,
    _S.SYN_SENT: Handshake.UNANSWERED,
    _S.CROSSED: Handshake.UNANSWERED,
    _S.CROSSED_ACKED: Handshake.UNACKED,
    _S.SYN_ACK_SEEN: Handshake.MIDSTREAM,
    _S.SYN_RECEIVED: Handshake.UNACKED,
    _S.ESTABLISHED: Handshake.COMPLETE,
    _S.REFUSED: Handshake.REFUSED,
    _S.MIDSTREAM: Handshake.MIDSTREAM,
}

# A half-closed connection is open: the other end may still send.
CLOSE_TOKEN: dict[Closing, Close] = {
    _C.OPEN: Close.OPEN,
    _C.FIN_CLIENT: Close.OPEN,
    _C.FIN_SERVER: Close.OPEN,
    _C.FIN_BOTH: Close.FIN,
    _C.RST_CLIENT: Close.RST_CLIENT,
    _C.RST_SERVER: Close.RST_SERVER,
}

# Attempts that may come to nothing: what floods are made of, and what no FIN ends.
HALF_OPEN = frozenset({_S.SYN_SENT, _S.CROSSED, _S.CROSSED_ACKED, _S.SYN_RECEIVED})

CLOSED = frozenset({Closing.FIN_BOTH, Closing.RST_CLIENT, Closing.RST_SERVER})

# The close seen from the other end, for a connection whose roles turn out to be the other way round.
MIRRORED: dict[Closing, Closing] = {
    _C.OPEN: _C.OPEN,
    _C.FIN_CLIENT: _C.FIN_SERVER,
    _C.FIN_SERVER: _C.FIN_CLIENT,
    _C.FIN_BOTH: _C.FIN_BOTH,
    _C.RST_CLIENT: _C.RST_SERVER,
    _C.RST_SERVER: _C.RST_CLIENT,
}

# The tables laid out flat, a byte a cell, for every segment takes a step in both: by state, kind and sender.
_KINDS = len(Kind)
_STATES = bytes(HANDSHAKE[state][kind][sender] for state in State for kind in Kind for sender in (0, 1))
_CLOSINGS = bytes(
    CLOSING[closing].get(kind, (closing, closing))[sender] for closing in Closing for kind in Kind for sender in (0, 1)
)
_IS_HALF_OPEN = bytes(state in HALF_OPEN for state in State)
_ORDINARY = (Kind.ACK, Kind.BARE)
_IS_STEADY = bytes(all(HANDSHAKE[state][kind] == (state, state) for kind in _ORDINARY) for state in State)
_IS_CLOSED = bytes(closing in CLOSED for closing in Closing)


def next_state(state: int, kind: int, from_client: bool) -> int:  # noqa: FBT001  compiled: takes no keywords
    """The handshake's next state: numbers of `State` and `Kind`."""
    return _STATES[(state * _KINDS + kind) * 2 + (not from_client)]


def next_closing(closing: int, kind: int, from_client: bool) -> int:  # noqa: FBT001  compiled: takes no keywords
    """The close's next state: numbers of `Closing` and `Kind`."""
    return _CLOSINGS[(closing * _KINDS + kind) * 2 + (not from_client)]


def half_open(state: int) -> bool:
    """Whether a state is one of `HALF_OPEN`."""
    return _IS_HALF_OPEN[state] != 0


def steady(state: int) -> bool:
    """Whether no segment without SYN, FIN and RST moves a state."""
    return _IS_STEADY[state] != 0


def closed(closing: int) -> bool:
    """Whether a close is one of `CLOSED`."""
    return _IS_CLOSED[closing] != 0
