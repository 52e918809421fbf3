"""A TCP connection as the wire showed it: the tracker fills it in while it lasts, then it is a value.

What each of the two ends has is kept by place, 0 for the end that was seen first; `client_place` and `server_place`
say which is which. A socket that is connected to itself is both ends, in one place. No object is made of a number:
there may be a million connections.
"""

from dataclasses import dataclass

from correlator.core import tcp
from correlator.core.four_tuple import Ends, FourTuple, key_of_words
from correlator.core.handshake import CLOSE_TOKEN, HANDSHAKE_TOKEN, MIRRORED, Closing, State
from correlator.core.model import Close, Handshake, Side, WireFamily
from correlator.core.segment import packed

_HANDSHAKES = tuple(HANDSHAKE_TOKEN[state] for state in State)
_CLOSES = tuple(CLOSE_TOKEN[closing] for closing in Closing)
_MIRRORED = bytes(MIRRORED[closing] for closing in Closing)
_IPV4, _IPV6, _SERVER = WireFamily.IPV4, WireFamily.IPV6, Side.SERVER


@dataclass(frozen=True)
class End:
    """One end of a connection."""

    address: bytes
    port: int
    isn: int | None = None
    packets: int | None = None  # None where not every packet was captured
    payload: int | None = None  # TCP payload bytes


class Connection:
    """One TCP connection on the wire. Times and intervals are in nanoseconds, UNSEEN where nothing showed them."""

    number: int  # of its first segment
    is_ipv6: bool
    client_place: int
    server_place: int
    # By place: the address as a segment has it, the port, the number in its SYN or SYN-ACK, what it sent.
    high: list[int]
    low: list[int]
    port: list[int]
    isn: list[int]
    packets: list[int]
    payload: list[int]
    counted: bool  # every packet was seen, so that their number means something
    state: int
    closing: int
    opened_at: int
    closed_at: int
    superseded_at: int  # a newer connection took over the four-tuple
    syn_rtt: int  # UNSEEN where a retransmission makes it ambiguous (RFC 6298 §3)
    ack_rtt: int
    syn_count: int
    syn_ack_count: int
    # The order of reports: the segment of the capture at which it was reported, and the last one of its own.
    reported_in: int
    touched: int
    interface: str
    oriented: bool  # False: neither a SYN nor a SYN-ACK said who is the client
    simultaneous: bool  # both ends sent a SYN (RFC 9293 §3.5): neither was accepted by a listener

    @property
    def client(self) -> End:
        """The end that opened it."""
        return self._end(self.client_place, self.client_isn())

    @property
    def server(self) -> End:
        """The other end."""
        return self._end(self.server_place, self.server_isn())

    @property
    def wire_family(self) -> WireFamily:
        """The IP version on the wire."""
        return _IPV6 if self.is_ipv6 else _IPV4

    @property
    def handshake(self) -> Handshake:
        """How far the handshake was seen."""
        return _HANDSHAKES[self.state]

    @property
    def close(self) -> Close:
        """How it ended."""
        return _CLOSES[self.closing]

    @property
    def listener_tuple(self) -> FourTuple:
        """The server end with a remote port that no connection has: a lookup of it is answered with the listener."""
        return FourTuple(self.address(self.server_place), self.server_port(), self.address(self.client_place), 0)

    def server_port(self) -> int:
        """The port that the client connected to."""
        return self.port[self.server_place]

    def client_port(self) -> int:
        """The port that it connected from."""
        return self.port[self.client_place]

    def client_isn(self) -> int:
        """The client's initial sequence number."""
        return self.isn[self.client_place]

    def server_isn(self) -> int:
        """The server's initial sequence number; a socket that is connected to itself sent but one SYN, the client's."""
        if self.server_place == self.client_place and not self.syn_ack_count:
            return tcp.UNSEEN
        return self.isn[self.server_place]

    def address(self, place: int) -> bytes:
        """The address of the end in a place."""
        return packed(self.high[place], self.low[place], self.is_ipv6)

    def ends(self, side: Side) -> Ends:
        """The connection as the socket on one side sees it."""
        near, far = self.client_place, self.server_place
        if side is _SERVER:
            near, far = far, near
        return self.address(near), self.port[near], self.address(far), self.port[far]

    def four_tuple(self, side: Side) -> FourTuple:
        """The same, by name."""
        return FourTuple(*self.ends(side))

    def key(self, side: Side) -> bytes:
        """The same, for looking it up."""
        near, far = self.client_place, self.server_place
        if side is _SERVER:
            near, far = far, near
        return key_of_words(
            self.is_ipv6,
            self.high[near],
            self.low[near],
            self.port[near],
            self.high[far],
            self.low[far],
            self.port[far],
        )

    def copy(self) -> "Connection":
        """The connection as it is now, for good."""
        made = Connection.__new__(Connection)
        made.number, made.is_ipv6 = self.number, self.is_ipv6
        made.client_place, made.server_place = self.client_place, self.server_place
        made.high, made.low = [self.high[0], self.high[1]], [self.low[0], self.low[1]]
        made.port, made.isn = [self.port[0], self.port[1]], [self.isn[0], self.isn[1]]
        made.packets, made.payload = [self.packets[0], self.packets[1]], [self.payload[0], self.payload[1]]
        made.counted, made.state, made.closing = self.counted, self.state, self.closing
        made.opened_at, made.closed_at, made.superseded_at = self.opened_at, self.closed_at, self.superseded_at
        made.syn_rtt, made.ack_rtt = self.syn_rtt, self.ack_rtt
        made.syn_count, made.syn_ack_count = self.syn_count, self.syn_ack_count
        made.reported_in, made.touched = self.reported_in, self.touched
        made.interface, made.oriented, made.simultaneous = self.interface, self.oriented, self.simultaneous
        return made

    def turned_round(self) -> "Connection":
        """The same connection with the roles of its ends swapped."""
        made = self.copy()
        made.turn_round()
        return made

    def turn_round(self) -> None:
        """Swap the roles of the two ends."""
        self.client_place, self.server_place = self.server_place, self.client_place
        self.closing = _MIRRORED[self.closing]

    def between_ends_of(self, leg: "Connection") -> "Connection":
        """The same connection as another leg has it: other ends, all else the same."""
        made = self.copy()
        made.is_ipv6 = leg.is_ipv6
        for mine, its in ((made.client_place, leg.client_place), (made.server_place, leg.server_place)):
            made.high[mine], made.low[mine], made.port[mine] = leg.high[its], leg.low[its], leg.port[its]
        return made

    def _end(self, place: int, isn: int) -> End:
        known = None if isn == tcp.UNSEEN else isn
        if self.counted:
            return End(self.address(place), self.port[place], known, self.packets[place], self.payload[place])
        return End(self.address(place), self.port[place], known)
