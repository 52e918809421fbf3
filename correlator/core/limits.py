"""How long and how many connections the tracker remembers."""

from typing import NamedTuple

SECOND = 1_000_000_000

# Twice RFC 9293's maximum segment lifetime would be 240 s; Linux keeps TIME_WAIT for 60 s and retransmits at
# intervals of up to 120 s (TCP_RTO_MAX). What comes later than this on a closed four-tuple is a connection of its own.
LINGER = 180 * SECOND

# Live, a finding is wanted soon: a closed connection's destroy event and its last ACKs are in by then.
LIVE_SETTLE = SECOND


class Limits(NamedTuple):
    """How long and how many connections the tracker remembers."""

    connections: int = 1_000_000
    """Entries in the table, about 400 bytes each."""
    segments: int = 131_072
    """Segments of the capture after which a closed connection has waited enough for late ones of its own.

    Where one of ten closes a connection, at 5,000 closes a second, that is more than two seconds: a FIN whose
    acknowledgement was lost has been sent again three times by then. More than the caches hold would cost as much as
    everything else.
    """
    settle: int = LINGER
    """Nanoseconds without a segment after which a closed connection is reported."""
    linger: int = LINGER
    """Nanoseconds without a segment after which a closed connection is forgotten; not less than `settle`."""
    counted: bool = True
    """Whether the input holds every packet, so that packet and byte counts mean something."""
