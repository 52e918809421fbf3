"""The names of TCP states in netstat(8), ss(8) and psutil."""

from correlator.core.model import TcpState

_NAMES = {
    TcpState.ESTABLISHED: ("ESTABLISHED", "ESTAB"),
    TcpState.SYN_SENT: ("SYN_SENT", "SYN-SENT"),
    TcpState.SYN_RECV: ("SYN_RECV", "SYN-RECV"),
    TcpState.FIN_WAIT1: ("FIN_WAIT1", "FIN-WAIT-1"),
    TcpState.FIN_WAIT2: ("FIN_WAIT2", "FIN-WAIT-2"),
    TcpState.TIME_WAIT: ("TIME_WAIT", "TIME-WAIT"),
    TcpState.CLOSE: ("CLOSE", "UNCONN"),
    TcpState.CLOSE_WAIT: ("CLOSE_WAIT", "CLOSE-WAIT"),
    TcpState.LAST_ACK: ("LAST_ACK", "LAST-ACK"),
    TcpState.LISTEN: ("LISTEN",),
    TcpState.CLOSING: ("CLOSING",),
}

STATES: dict[str, TcpState] = {name: state for state, names in _NAMES.items() for name in names}

# The kernel's diag handlers fill in uid 0 for these (inet_twsk_diag_fill, inet_req_diag_fill): it is no fact.
UNOWNED = frozenset({TcpState.TIME_WAIT, TcpState.SYN_RECV, TcpState.NEW_SYN_RECV})
