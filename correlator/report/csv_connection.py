"""The cells of a connection as CSV, written in one go: they are most of every row.

The same as `columns.put_connection` into `cells.CsvCells`; a property test holds the two together. Compiled, `raw` is
a pointer into the buffer: room for all cells is made at the beginning.
"""

from correlator.core import tcp
from correlator.core.connection import Connection
from correlator.core.handshake import CLOSE_TOKEN, HANDSHAKE_TOKEN, Closing, State
from correlator.core.model import WireFamily
from correlator.report import decimals
from correlator.report.buffer import Buffer
from correlator.report.community import CommunityHash
from correlator.report.digits import put_address, put_base64

_MOST = 512  # bytes: 2 times, 2 addresses, 14 numbers, 3 tokens, the community ID
_COMMA = ord(",")
_FAMILIES = tuple(f"{family},".encode() for family in (WireFamily.IPV4, WireFamily.IPV6))
_HANDSHAKES = tuple(f"{HANDSHAKE_TOKEN[state]},".encode() for state in State)
_CLOSES = tuple(f"{CLOSE_TOKEN[closing]},".encode() for closing in Closing)
_NOT_COUNTED = b",,,,"
_VERSION = b"1:"
_HASH = CommunityHash()


def put_csv(buffer: Buffer, connection: Connection) -> None:
    """The cells of a connection from the first one on, and the comma behind each."""
    near, far, is_ipv6 = connection.client_place, connection.server_place, connection.is_ipv6
    buffer.need(_MOST)
    if connection.opened_at != tcp.UNSEEN:
        buffer.put_time(connection.opened_at)
    buffer.put_byte(_COMMA)
    if connection.closed_at != tcp.UNSEEN:
        buffer.put_time(connection.closed_at)
    buffer.put_byte(_COMMA)
    out, at = buffer.bytes, buffer.end
    raw = out
    at = decimals.put_bytes(raw, at, _FAMILIES[is_ipv6])
    at = put_address(out, at, connection.high[near], connection.low[near], is_ipv6)
    raw[at] = _COMMA
    at = _number(raw, at + 1, connection.port[near])
    at = put_address(out, at, connection.high[far], connection.low[far], is_ipv6)
    raw[at] = _COMMA
    at = _number(raw, at + 1, connection.port[far])
    at = decimals.put_bytes(raw, at, _HANDSHAKES[connection.state])
    at = _interval(raw, at, connection.syn_rtt)
    at = _interval(raw, at, connection.ack_rtt)
    at = _number(raw, at, connection.syn_count)
    at = _number(raw, at, connection.syn_ack_count)
    at = decimals.put_bytes(raw, at, _CLOSES[connection.closing])
    if connection.counted:
        at = _number(raw, at, connection.packets[near])
        at = _number(raw, at, connection.packets[far])
        at = _number(raw, at, connection.payload[near])
        at = _number(raw, at, connection.payload[far])
    else:
        at = decimals.put_bytes(raw, at, _NOT_COUNTED)
    at = _number(raw, at, connection.client_isn())
    at = _number(raw, at, connection.server_isn())
    at = decimals.put_bytes(raw, at, _VERSION)
    at = put_base64(out, at, _HASH.of(connection))
    raw[at] = _COMMA
    buffer.end = at + 1


def _number(raw: bytearray, at: int, number: int) -> int:
    """A number, or nothing, and a comma."""
    if number != tcp.UNSEEN:
        at = decimals.put_number(raw, at, number)
    raw[at] = _COMMA
    return at + 1


def _interval(raw: bytearray, at: int, nanoseconds: int) -> int:
    """Microseconds, or nothing, and a comma."""
    if nanoseconds != tcp.UNSEEN:
        at = decimals.put_microseconds(raw, at, nanoseconds)
    raw[at] = _COMMA
    return at + 1
