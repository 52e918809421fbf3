"""Which listener a connection came from, and which end is the server."""

from dataclasses import replace

import pytest

from correlator.core.connection import Connection
from correlator.core.evidence import EvidenceIndex
from correlator.core.handshake import State
from correlator.core.listeners import listener, oriented, takes
from correlator.core.model import Family, Owner, Ownership, Socket, Source, TcpState
from tests.ends import CONNECTION, between, changed, known
from tests.play import CLIENT, MS, SECOND, SERVER, START, evidence, packed, socket
from tests.play import listener as listening


def test_the_one_listener_may_take_nothing_of_this() -> None:
    """IPV6_V6ONLY: another one was there, and nobody saw it."""
    index = known(evidence(listening("::", SERVER[1], cookie=5, v6only=True), START))
    assert found_listener(index, Family.INET6) is None


def test_a_listener_accepts_in_its_own_namespace() -> None:
    """Every container may listen on port 80."""
    index = known(
        evidence(listening("::", SERVER[1], netns="a", cookie=1, v6only=False), START),
        evidence(listening("::", SERVER[1], netns="b", cookie=2, v6only=True), START, foreign=True),
    )
    for netns, v6only in (("a", False), ("b", True)):
        origin = listener(index, changed(CONNECTION, simultaneous=False), Family.INET6, netns)
        assert v6only or origin
        assert origin is None or origin[0].v6only is v6only
    assert not index.is_contested(SERVER[1])


def found_listener(index: EvidenceIndex, child: Family | None, connection: Connection = CONNECTION) -> Socket | None:
    """The listener that a server side came from."""
    found = listener(index, connection, child)
    return found[0] if found else None


def test_the_answer_of_the_kernel_is_the_listener() -> None:
    """A lookup about this very connection decides, whatever else listens."""
    answer = evidence(listening("::", SERVER[1], cookie=2), source=Source.LOOKUP, asked=CONNECTION.listener_tuple)
    index = known(evidence(listening("10.0.0.12", SERVER[1], cookie=1)), answer)
    assert found_listener(index, Family.INET6) == listening("::", SERVER[1], cookie=2)


def test_an_old_answer_is_not_about_this_connection() -> None:
    """The four-tuple was used before, when another listener was there."""
    old = evidence(listening("::", SERVER[1]), START - 1, Source.LOOKUP, asked=CONNECTION.listener_tuple)
    new = evidence(listening("0.0.0.0", SERVER[1]))
    assert found_listener(known(old, new), Family.INET) == listening("0.0.0.0", SERVER[1])


@pytest.mark.parametrize(
    ("listeners", "child", "expected"),
    [
        ([listening("::", 4243), listening("10.0.0.12", 4243)], None, "10.0.0.12"),
        ([listening("::", 4243), listening("0.0.0.0", 4243)], None, "0.0.0.0"),
        ([listening("::", 4243), listening("0.0.0.0", 4243)], Family.INET6, "::"),
        ([listening("::ffff:10.0.0.12", 4243), listening("::", 4243)], Family.INET6, "::ffff:10.0.0.12"),
        ([listening("::", 4243, v6only=True)], Family.INET6, None),
        ([listening("10.0.0.99", 4243)], None, None),
        ([listening("2001:db8::1", 4243)], None, None),
        ([listening("0.0.0.0", 4243)], Family.INET6, "0.0.0.0"),
    ],
)
def test_the_kernels_choice_among_listeners(
    listeners: list[Socket], child: Family | None, expected: str | None
) -> None:
    """The bound address before the wildcard, AF_INET before AF_INET6, the child's family before all."""
    found = found_listener(known(*map(evidence, listeners)), child)
    assert (found.local if found else None) == (packed(expected) if expected else None)


def test_a_simultaneous_open_came_from_no_listener() -> None:
    """Even where one listens on the port."""
    index = known(evidence(listening("::", SERVER[1])))
    assert found_listener(index, Family.INET6, changed(CONNECTION, simultaneous=True)) is None


def test_the_listener_of_the_time() -> None:
    """A port that changed hands: the listener that was there when the connection opened, else the nearest."""
    before = evidence(listening("::", SERVER[1], cookie=1), START - 5 * SECOND)
    during = evidence(listening("::", SERVER[1], cookie=2), START)
    later = evidence(listening("::", SERVER[1], cookie=3), START + SECOND)
    just_before = evidence(listening("::", SERVER[1], cookie=4), START - SECOND // 2)
    cookies = [
        found.cookie
        for statements in ((before, during, later), (before, later), (before,), (later,), (just_before, later))
        if (found := found_listener(known(*statements), Family.INET6))
    ]
    assert cookies == [2, 3, 1, 3, 4]


def test_a_listener_of_the_past_takes_nothing() -> None:
    """A bound address goes before the wildcard only while both listen."""
    bound, wildcard = listening("::ffff:10.0.0.12", SERVER[1], cookie=1), listening("::", SERVER[1], cookie=2)
    index = known(
        evidence(bound, START - 100 * SECOND),
        evidence(bound, START - 90 * SECOND),
        evidence(wildcard, START - SECOND),
        evidence(wildcard, START + SECOND),
    )
    assert found_listener(index, Family.INET6) == wildcard


def test_a_reuseport_group_agrees_on_what_is_common() -> None:
    """Several listeners on one port: family, address and V6ONLY are known, inode and owner are not."""
    index = known(
        evidence(listening("::", SERVER[1], inode=1, v6only=False), START),
        evidence(listening("::", SERVER[1], inode=2, v6only=False), START),
        Ownership(START, 1, Owner(10)),
        Ownership(START, 2, Owner(20)),
    )
    found = listener(index, CONNECTION, Family.INET6)
    assert found
    assert (found[0].inode, found[0].v6only, found[1]) == (None, False, None)


def test_the_kernel_may_have_chosen_another_of_a_group() -> None:
    """An SO_REUSEPORT group's member is chosen by the client's port: its answer to another port names no owner."""
    answer = evidence(listening("::", SERVER[1], inode=1), source=Source.LOOKUP, asked=CONNECTION.listener_tuple)
    index = known(
        answer,
        evidence(listening("::", SERVER[1], inode=2), START),
        evidence(listening("10.0.0.12", SERVER[1], inode=3), START),
        Ownership(START, 1, Owner(10)),
        Ownership(START, 2, Owner(20)),
    )
    found = listener(index, CONNECTION, Family.INET6)
    assert found
    assert (found[0].local, found[0].inode, found[1]) == (packed("::"), None, None)


def test_a_listener_that_was_restarted_is_no_group() -> None:
    """The old one was destroyed before the connection opened."""
    old = listening("::", SERVER[1], inode=2, cookie=2)
    index = known(
        evidence(listening("::", SERVER[1], inode=1, cookie=1), source=Source.LOOKUP, asked=CONNECTION.listener_tuple),
        evidence(old, START - 9 * SECOND),
        evidence(replace(old, state=TcpState.CLOSE), START - SECOND, Source.DESTROY),
        Ownership(START, 1, Owner(10)),
    )
    found = listener(index, CONNECTION, Family.INET6)
    assert found
    assert (found[0].inode, found[1]) == (1, Owner(10))


def test_listeners_that_were_both_there_are_both_meant() -> None:
    """However long each had been there before."""
    index = known(
        evidence(listening("::", SERVER[1], inode=1), START - 5 * SECOND),
        evidence(listening("::", SERVER[1], inode=1), START + SECOND),
        evidence(listening("::", SERVER[1], inode=2), START - SECOND),
        evidence(listening("::", SERVER[1], inode=2), START + SECOND),
    )
    found = listener(index, CONNECTION, Family.INET6)
    assert found
    assert found[0].inode is None


IPV6 = between(("2001:db8::2", 1), ("2001:db8::1", SERVER[1]))


@pytest.mark.parametrize(
    ("bound", "takes_ipv6"),
    [("::", True), ("2001:db8::1", True), ("2001:db8::9", False), ("0.0.0.0", False), ("::ffff:0.0.0.0", False)],
)
def test_who_takes_ipv6(bound: str, takes_ipv6: bool) -> None:
    """Only AF_INET6, at the address or at the wildcard, V6ONLY or not."""
    assert takes(listening(bound, SERVER[1], v6only=True), IPV6) is takes_ipv6


# --- roles without a SYN

MIDSTREAM = changed(CONNECTION, state=State.MIDSTREAM, oriented=False)


def test_a_syn_settles_the_roles() -> None:
    """Nothing else is asked."""
    assert oriented(known(evidence(listening("::", CLIENT[1]))), CONNECTION) is CONNECTION


@pytest.mark.parametrize("connection", [MIDSTREAM, MIDSTREAM.turned_round()])
def test_a_listener_settles_the_roles(connection: Connection) -> None:
    """The end with a listener on its port is the server, though its port is the higher."""
    index = known(evidence(listening("0.0.0.0", CLIENT[1])))
    assert oriented(index, connection).server.port == CLIENT[1]


@pytest.mark.parametrize("connection", [MIDSTREAM, MIDSTREAM.turned_round()])
@pytest.mark.parametrize("both", [True, False])
def test_the_lower_port_is_the_servers(connection: Connection, both: bool) -> None:
    """Without a listener, or with one at either port."""
    statements = [evidence(listening("0.0.0.0", port)) for port in (CLIENT[1], SERVER[1])] if both else []
    assert oriented(known(*statements), connection).server.port == SERVER[1]


def test_equal_ports_leave_the_roles_as_they_were_seen() -> None:
    """Neither port is lower: the first sender stays the client."""
    even = between((CLIENT[0], SERVER[1]), SERVER, state=State.MIDSTREAM, oriented=False)
    assert oriented(known(), even) is even


def test_what_is_known_of_the_one_listener_comes_from_all_statements() -> None:
    """A dump tells whether it is IPV6_V6ONLY, a state event who made it; it is gone when its end is told."""
    index = known(
        evidence(listening("::", SERVER[1], cookie=5, v6only=False), START),
        evidence(listening("::", SERVER[1], cookie=5, inode=7), START + MS, Source.STATE_EVENT),
    )
    sole = listening("::", SERVER[1], cookie=5, inode=7, v6only=False)
    found = index.sole_listener(SERVER[1])
    assert found is not None
    assert found[:2] == (sole, None)
    assert found_listener(index, Family.INET6) == sole
    index.add(Ownership(START + MS, 7, Owner(70)))
    found = index.sole_listener(SERVER[1])
    assert found is not None
    assert found[:2] == (sole, Owner(70))
    gone = socket("::", SERVER[1], state=TcpState.CLOSE, cookie=5)
    index.add(evidence(gone, CONNECTION.opened_at - 1, Source.DESTROY))
    assert found_listener(index, Family.INET6) is None
    index.add(evidence(listening("10.0.0.12", SERVER[1], cookie=6), START))
    assert index.sole_listener(SERVER[1]) is None
    assert index.sole_listener(9) is None
