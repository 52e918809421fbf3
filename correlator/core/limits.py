"""How long and how many connections the tracker remembers."""

from dataclasses import dataclass

SECOND = 1_000_000_000

# Twice RFC 9293's maximum segment lifetime would be 240 s; Linux keeps TIME_WAIT for 60 s and retransmits at
# intervals of up to 120 s (TCP_RTO_MAX). What comes later than this on a closed four-tuple is a connection of its own.
LINGER = 180 * SECOND

# Live, a finding is wanted soon: a closed connection's destroy event and its last ACKs are in by then.
LIVE_SETTLE = SECOND


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how many connections the tracker remembers."""

    connections: int = 1_000_000
    """Entries in the table, about 400 bytes each."""
    closed: int = 16_384
    """Entries of closed connections that wait for late segments; Linux bounds those in TIME_WAIT likewise.

    At 5,000 closes a second that is more than three seconds: a FIN whose acknowledgement was lost has been sent again
    four times by then. More than the caches hold would cost as much as everything else.
    """
    settle: int = LINGER
    """Nanoseconds without a segment after which a closed connection is reported."""
    linger: int = LINGER
    """Nanoseconds without a segment after which a closed connection is forgotten; not less than `settle`."""
    counted: bool = True
    """Whether the input holds every packet, so that packet and byte counts mean something."""
