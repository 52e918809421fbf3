"""Which socket terminates a connection, and when nothing may be said."""

from dataclasses import replace

import pytest

from correlator.core.connection import Connection
from correlator.core.evidence import EvidenceIndex
from correlator.core.handshake import State
from correlator.core.matcher import TIME_WAIT, Match, match
from correlator.core.model import Family, Gap, Owner, Ownership, Side, Source, Statement, TcpState
from tests.ends import CLOSED, CONNECTION, between, changed, known, mapped, mirrored, native
from tests.play import CLIENT, MS, SECOND, SERVER, START, evidence, packed, socket


def server(index: EvidenceIndex, connection: Connection = CONNECTION) -> Match | None:
    """What terminates the server side."""
    return match(index, connection, Side.SERVER)


def family(found: Match | None) -> Family | None:
    """The family of a match."""
    return found.socket.family if found and found.socket else None


def test_no_evidence_is_no_match() -> None:
    """Nothing known, nothing said."""
    assert server(known()) is None
    assert match(known(evidence(mapped())), CONNECTION, Side.CLIENT) is None


def test_the_kernels_form_is_kept() -> None:
    """The wire's IPv4 finds the AF_INET6 socket with its mapped addresses."""
    found = server(known(evidence(mapped())))
    assert found
    assert found.socket
    assert found.socket.local_text == "[::ffff:10.0.0.12]:4243"
    assert found.socket


def test_an_older_socket_with_the_four_tuple_is_no_match() -> None:
    """Evidence from before the SYN is about the connection before."""
    assert server(known(evidence(mapped(), START - 1))) is None


def test_evidence_from_before_the_first_segment_counts_midstream() -> None:
    """A connection older than the capture was there when the run began."""
    midstream = changed(CONNECTION, state=State.MIDSTREAM)
    assert family(server(known(evidence(mapped(), START - SECOND)), midstream)) is Family.INET6


def test_a_socket_destroyed_before_the_first_segment_is_no_match() -> None:
    """Even midstream: a destroyed socket ends no connection that is still talking."""
    midstream = changed(CONNECTION, state=State.MIDSTREAM)
    index = known(
        evidence(native(cookie=1), START - 2 * SECOND),
        evidence(native(cookie=1), START - SECOND, Source.DESTROY),
        evidence(mapped(cookie=2), START + MS),
    )
    assert family(server(index, midstream)) is Family.INET6


@pytest.mark.parametrize(("after", "matches"), [(SECOND + TIME_WAIT, True), (SECOND + TIME_WAIT + 1, False)])
def test_time_wait_is_evidence_for_a_minute(after: int, matches: bool) -> None:
    """A TIME_WAIT entry tells of the closed connection, until the four-tuple may be another's."""
    index = known(evidence(mapped(state=TcpState.TIME_WAIT), START + after))
    assert (server(index, CLOSED) is not None) is matches


@pytest.mark.parametrize(
    ("state", "after", "matches"),
    [
        (TcpState.ESTABLISHED, 50 * MS, True),
        (TcpState.ESTABLISHED, 200 * MS, False),
        (TcpState.CLOSE_WAIT, 200 * MS, True),
    ],
)
def test_what_is_open_after_the_close_is_another(state: TcpState, after: int, matches: bool) -> None:
    """An ESTABLISHED entry some time after FIN or RST took the four-tuple over."""
    index = known(evidence(mapped(state=state), START + SECOND + after))
    assert (server(index, CLOSED) is not None) is matches


def test_patience_can_be_shorter() -> None:
    """A live run reports soon: what comes later is not part of its finding."""
    index = known(evidence(mapped(), START + 3 * SECOND))
    assert match(index, CLOSED, Side.SERVER, SECOND) is None


def test_a_superseded_connection_has_only_its_own_evidence() -> None:
    """From the new SYN on the four-tuple is another connection's."""
    old = changed(CONNECTION, superseded_at=START + SECOND)
    assert server(known(evidence(mapped(), START + SECOND)), old) is None
    assert family(server(known(evidence(mapped(), START + SECOND - 1)), old)) is Family.INET6


def test_addrform_is_a_change_of_one_socket() -> None:
    """The same cookie with another family later: the family at the end, and what it was."""
    index = known(evidence(mapped(cookie=5), START + MS), evidence(native(cookie=5), START + 2 * MS))
    found = server(index)
    assert found
    assert (family(found), found.was) == (Family.INET, Family.INET6)
    assert found.socket
    assert found.socket.local_text == "10.0.0.12:4243"


def test_what_is_left_in_time_wait_does_not_dispute_the_change() -> None:
    """The minisocket has a cookie of its own; of another family it is another socket's."""
    before = evidence(mapped(cookie=1), START + MS, Source.STATE_EVENT)
    after = evidence(native(cookie=1, state=TcpState.CLOSE), START + 2 * MS, Source.DESTROY)
    left = evidence(native(cookie=2, state=TcpState.TIME_WAIT), START + 3 * MS, Source.LOOKUP)
    found = server(known(before, after, left))
    assert found
    assert (family(found), found.was) == (Family.INET, Family.INET6)
    others = evidence(mapped(cookie=2, state=TcpState.TIME_WAIT), START + 3 * MS, Source.LOOKUP)
    assert family(server(known(after, others))) is None


def test_a_socket_born_before_the_connection_is_not_its_own() -> None:
    """A server that closes late: the four-tuple is in use again by then."""
    older = evidence(native(state=TcpState.CLOSE, cookie=1), START + MS, Source.DESTROY, born=START - 1)
    own = evidence(mapped(state=TcpState.CLOSE, cookie=2), START + 2 * MS, Source.DESTROY, born=START)
    assert family(server(known(older, own))) is Family.INET6
    former = changed(CONNECTION, opened_at=START - SECOND, superseded_at=START)
    assert family(server(known(older, own), former)) is Family.INET


def test_another_namespaces_socket_terminates_what_this_one_does_not() -> None:
    """A container's, seen on its bridge; what this namespace has itself comes first, and loopback is each one's own."""
    foreign = evidence(mapped(netns="c", cookie=1), foreign=True)
    assert family(server(known(foreign))) is Family.INET6
    assert family(server(known(foreign, evidence(native(cookie=2))))) is Family.INET
    home = between(("127.0.0.1", CLIENT[1]), ("127.0.0.1", SERVER[1]))
    inside = socket("127.0.0.1", SERVER[1], "127.0.0.1", CLIENT[1], cookie=3)
    assert server(known(evidence(inside, foreign=True)), home) is None
    assert family(server(known(evidence(inside)), home)) is Family.INET
    six = between(("::1", CLIENT[1]), ("::1", SERVER[1]))
    inside = socket("::1", SERVER[1], "::1", CLIENT[1], cookie=3)
    assert server(known(evidence(inside, foreign=True)), six) is None


@pytest.mark.parametrize(
    ("side", "born", "is_its_own"),
    [
        (Side.CLIENT, -SECOND, True),
        (Side.CLIENT, MS, True),
        (Side.CLIENT, MS + 1, False),
        (Side.SERVER, -1, False),
        (Side.SERVER, 0, True),
        (Side.SERVER, 110 * MS, True),
        (Side.SERVER, 110 * MS + 1, False),
    ],
)
def test_a_socket_is_made_before_the_syn_or_by_the_handshake(side: Side, born: int, is_its_own: bool) -> None:
    """Where the close was not captured, a later connection's socket is in the span, but was made too late."""
    connection = changed(CONNECTION, syn_rtt=5 * MS, ack_rtt=5 * MS)
    near = mapped if side is Side.SERVER else mirrored
    index = known(evidence(near(cookie=1), START + SECOND, Source.DESTROY, born=START + born))
    assert (match(index, connection, side) is not None) is is_its_own
    index.add(evidence(near(cookie=1, inode=5), START + MS, Source.LOOKUP))  # the same socket, by its cookie
    assert (match(index, connection, side) is not None) is is_its_own


def test_what_was_first_seen_after_packets_were_lost_may_be_anothers() -> None:
    """The connection may have closed, and another have taken its four-tuple; what tells its birth is its own."""
    for since, at, seen, matches in ((1, 2, 3, False), (1, 2, 1, True), (1, 5, 3, False), (-2, -1, 3, True)):
        gap = Gap(START + since * MS, START + at * MS)
        entry = evidence(mapped(cookie=1), START + seen * MS, Source.LOOKUP)
        assert (server(known(entry, gap)) is not None) == matches
        timeless = replace(entry, at=None)
        assert server(known(timeless, gap))
        assert server(known(replace(entry, born=CONNECTION.opened_at), gap))


def test_of_two_clients_the_last_that_was_made() -> None:
    """A port is free after an RST, while the socket that had it is still to be closed."""
    index = known(
        evidence(mirrored(cookie=1), START + 2 * SECOND, Source.DESTROY, born=START - SECOND),
        evidence(socket("10.0.0.20", CLIENT[1], "10.0.0.12", SERVER[1], cookie=2), START + SECOND, born=START - MS),
    )
    found = match(index, CONNECTION, Side.CLIENT)
    assert family(found) is Family.INET


def test_without_round_trips_a_servers_socket_may_be_made_later() -> None:
    """A SYN that was repeated says little about the handshake's end."""
    index = known(evidence(mapped(cookie=1), START + 9 * SECOND, Source.DESTROY, born=START + 8 * SECOND))
    assert server(index) is not None


def test_addrform_seen_in_the_destroy_event() -> None:
    """The destroy event has the last family, though the living state is what is shown."""
    index = known(
        evidence(mapped(cookie=5, inode=9), START + MS, Source.LOOKUP),
        evidence(native(cookie=5, state=TcpState.CLOSE), START + SECOND + MS, Source.DESTROY),
    )
    found = server(index, CLOSED)
    assert found
    assert found.socket
    assert (found.socket.family, found.was, found.socket.state) == (Family.INET, Family.INET6, TcpState.ESTABLISHED)
    assert (found.socket.local, found.socket.inode) == (packed("10.0.0.12"), 9)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (evidence(mapped(), START + MS), evidence(native(), START + 2 * MS)),
        (evidence(mapped(inode=1), START + MS), evidence(native(inode=2), START + 2 * MS)),
        (evidence(mapped(), None, Source.TABLE), evidence(native(), None, Source.TABLE)),
        (evidence(mapped(inode=1), None, Source.TABLE), evidence(native(inode=1), None, Source.TABLE)),
    ],
)
def test_candidates_that_disagree_are_ambiguous(one: Statement, other: Statement) -> None:
    """Two families and nothing that makes them one socket in time: never a guess."""
    for statements in ((one, other), (other, one)):
        found = server(known(*statements))
        assert found
        assert found.socket is None


def test_two_sockets_of_one_family_agree_on_the_family_alone() -> None:
    """A second socket in the connection's time: the verdict stands, but not whose it is."""
    index = known(
        evidence(mapped(inode=1, uid=5, netns="n"), START + MS),
        evidence(mapped(inode=2, uid=5, netns="n"), START + 2 * MS),
        Ownership(START, 1, Owner(10), "n"),
        Ownership(START, 2, Owner(20), "n"),
    )
    found = server(index)
    assert found
    assert found.socket
    assert (found.socket.inode, found.socket.uid, found.socket.netns, found.owner) == (None, 5, "n", None)


def test_a_table_without_time_and_a_four_tuple_used_twice() -> None:
    """Either connection may be meant by the entry: ambiguous for both."""
    index = known(evidence(mapped(), None, Source.TABLE))
    (entry,) = index.sockets(CONNECTION.key(Side.SERVER))
    answers = []
    for uses in (1, 2):
        entry.uses = uses
        answers.append(server(index))
    assert [found.socket is None for found in answers if found] == [False, True]


def test_facts_come_from_all_statements_of_the_socket() -> None:
    """The lookup has the inode, the destroy event the uid of an orphan, the snapshot the namespace."""
    index = known(
        evidence(mapped(inode=7, cookie=1, netns="n"), START + MS, Source.LOOKUP),
        evidence(mapped(cookie=1, uid=33, cgroup="/x", state=TcpState.CLOSE), START + SECOND, Source.DESTROY),
        Ownership(START, 7, Owner(70), "n"),
    )
    found = server(index, CLOSED)
    assert found
    assert found.socket
    facts = found.socket
    assert (facts.inode, facts.uid, facts.cgroup, facts.netns, facts.state) == (7, 33, "/x", "n", TcpState.ESTABLISHED)
    assert found.source is Source.LOOKUP
    assert found.owner == Owner(70)


def test_the_state_shown_is_one_of_its_life() -> None:
    """TIME_WAIT came after the close: it is shown only where nothing else was seen."""
    waiting = evidence(mapped(state=TcpState.TIME_WAIT, cookie=1), START + 2 * SECOND)
    both = server(known(evidence(mapped(cookie=1), START + MS), waiting), CLOSED)
    alone = server(known(waiting), CLOSED)
    table = server(known(evidence(mapped(state=TcpState.CLOSE_WAIT), None, Source.TABLE)), CLOSED)
    states = [found.socket.state for found in (both, alone, table) if found and found.socket]
    assert states == [TcpState.ESTABLISHED, TcpState.TIME_WAIT, TcpState.CLOSE_WAIT]


# --- listeners
