"""The legs of one connection: NAT gives it other addresses on each side, and keeps its sequence numbers.

Two connections with the same two initial sequence numbers (32 random bits each, RFC 6528), opened at one time on two
interfaces, are one, seen before and after a translation. The socket is where the last leg ends: in a container, behind
a DNAT rule. Numbers that come more often than that are not random: a program made them up, and they prove nothing.

Bounds: the latest `most` connections with both numbers known.
"""

from collections import OrderedDict

from correlator.core import tcp
from correlator.core.connection import Connection
from correlator.core.model import Side

_MOST = 65_536
_SEVERAL = 4  # legs of one connection; real ones have two or three
_AT_ONCE = 1_000_000_000  # ns between the SYNs of two legs: they wait for an ARP answer at the longest


class Legs:
    """Connections by their initial sequence numbers."""

    def __init__(self, most: int = _MOST) -> None:
        """`most` pairs of numbers are remembered."""
        self._most = most
        self._legs: OrderedDict[tuple[int, int], list[Connection]] = OrderedDict()

    def note(self, connection: Connection) -> None:
        """Remember a connection whose SYN and SYN-ACK were seen."""
        legs = self._legs.setdefault(_isns(connection), [])
        if len(legs) <= _SEVERAL:
            legs.append(connection)
        if len(self._legs) > self._most:
            self._legs.popitem(last=False)

    def others(self, connection: Connection) -> list[Connection]:
        """The connection as its other legs have it: other ends, all else the same."""
        isns = _isns(connection)
        if tcp.UNSEEN in isns:
            return []
        legs = self._legs.get(isns, [])
        if len({leg.interface for leg in legs}) != len(legs):
            return []
        own = connection.ends(Side.CLIENT)
        return [
            connection.between_ends_of(leg)
            for leg in legs
            if leg.interface != connection.interface
            and leg.ends(Side.CLIENT) != own
            and abs(leg.opened_at - connection.opened_at) <= _AT_ONCE
        ]


def _isns(connection: Connection) -> tuple[int, int]:
    return connection.client_isn(), connection.server_isn()
