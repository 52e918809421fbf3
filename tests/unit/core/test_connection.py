"""A connection as a value."""

from correlator.core.connection import End
from correlator.core.four_tuple import FourTuple
from correlator.core.handshake import Closing
from correlator.core.model import Close, Side, WireFamily
from correlator.core.tcp import UNSEEN
from tests.ends import CONNECTION, between, changed, facts
from tests.play import CLIENT, SERVER, Play, packed
from tests.unit.core.test_tracker import only


def test_each_side_has_its_own_view() -> None:
    """The four-tuple and its key, of either family."""
    for client, server in ((CLIENT, SERVER), (("2001:db8::2", 4), ("fe80::1", 65535))):
        connection = between(client, server)
        own = FourTuple(packed(client[0]), client[1], packed(server[0]), server[1])
        its = FourTuple(own.remote, own.remote_port, own.local, own.local_port)
        assert connection.four_tuple(Side.CLIENT) == own == connection.ends(Side.CLIENT)
        assert connection.four_tuple(Side.SERVER) == its
        assert (connection.key(Side.CLIENT), connection.key(Side.SERVER)) == (own.key, its.key)
        assert connection.listener_tuple == its._replace(remote_port=0)
        assert (connection.client_port(), connection.server_port()) == (client[1], server[1])
        assert connection.wire_family is (WireFamily.IPV6 if ":" in client[0] else WireFamily.IPV4)


def test_packets_are_told_where_all_were_seen() -> None:
    """Otherwise their number means nothing."""
    connection = only([*Play().handshake()])
    assert connection.client == End(packed(CLIENT[0]), CLIENT[1], 1000, 2, 0)
    assert changed(connection, counted=False).client == End(packed(CLIENT[0]), CLIENT[1], 1000)


def test_a_copy_tells_the_same_and_stays_as_it_is() -> None:
    """While the connection goes on."""
    connection = only([*Play().handshake(), *Play().fins()])
    copy = connection.copy()
    assert facts(copy) == facts(connection)
    connection.closed_at = UNSEEN
    assert copy.closed_at != UNSEEN


def test_roles_swap() -> None:
    """Who is the client, and who reset it."""
    turned = changed(CONNECTION, closing=Closing.RST_CLIENT).turned_round()
    assert (turned.client, turned.server) == (CONNECTION.server, CONNECTION.client)
    assert (turned.close, CONNECTION.close) == (Close.RST_SERVER, Close.OPEN)


def test_another_leg_has_other_ends() -> None:
    """Whichever was seen first there."""
    connection = only([*Play().handshake()])
    leg = between(("2001:db8::1", 80), ("2001:db8::2", 5)).turned_round()
    behind = connection.between_ends_of(leg)
    assert behind.client == End(packed("2001:db8::2"), 5, 1000, 2, 0)
    assert behind.server == End(packed("2001:db8::1"), 80, 9000, 1, 0)
    assert facts(behind) | {"client": 0, "server": 0, "wire_family": 0} == facts(connection) | {
        "client": 0,
        "server": 0,
        "wire_family": 0,
    }
