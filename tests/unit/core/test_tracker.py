"""Connections as they happen on real wires."""

import itertools
from dataclasses import replace

import pytest

from correlator.core.changes import Change, Event
from correlator.core.connection import Connection
from correlator.core.flow import covers, interval
from correlator.core.limits import LINGER, Limits
from correlator.core.model import Close, Handshake
from correlator.core.segment import NO_TIME, Segment
from correlator.core.tcp import UNSEEN
from correlator.core.tracker import Tracker
from tests.ends import facts
from tests.play import CLIENT, MS, SECOND, SERVER, START, Play, packed


def track(segments: list[Segment], limits: Limits | None = None) -> list[Connection]:
    """The connections of some segments, in the order of their reports."""
    tracker = Tracker(["eth0", "eth1"], limits or Limits())
    for segment in segments:
        tracker.segment(segment)
    tracker.finish()
    return tracker.take_reports()


def only(segments: list[Segment]) -> Connection:
    """The one connection of some segments."""
    (connection,) = track(segments)
    return connection


def test_a_handshake_is_complete() -> None:
    """SYN, SYN-ACK, ACK: complete, with both ISNs, counts and round-trip times."""
    play = Play()
    connection = only(play.handshake())
    assert connection.handshake is Handshake.COMPLETE
    assert connection.close is Close.OPEN
    assert (connection.client.address, connection.client.port) == (packed(CLIENT[0]), CLIENT[1])
    assert (connection.client.isn, connection.server.isn) == (1000, 9000)
    assert (connection.syn_rtt, connection.ack_rtt) == (MS, MS)
    assert (connection.client.packets, connection.server.packets) == (2, 1)
    assert (connection.syn_count, connection.syn_ack_count) == (1, 1)
    assert connection.interface == "eth0"
    assert connection.opened_at == START + MS


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_handshake_in_any_order_is_complete(order: tuple[int, ...]) -> None:
    """Capture on several queues mixes the three packets: they are one complete handshake of the same client."""
    segments = Play().handshake()
    connection = only([segments[at] for at in order])
    assert connection.handshake is Handshake.COMPLETE
    assert connection.client.port == CLIENT[1]


def test_a_retransmitted_syn_is_counted() -> None:
    """Three SYNs with one ISN are one attempt, and say nothing of the round-trip time."""
    play = Play()
    segments = [play.segment("c", "S"), play.segment("c", "S", after=SECOND), play.segment("s", "SA", ack=1)]
    connection = only([*segments, play.segment("c", "A", seq=1, ack=1)])
    assert (connection.syn_count, connection.syn_ack_count) == (2, 1)
    assert connection.syn_rtt == UNSEEN
    assert connection.ack_rtt == MS
    assert connection.handshake is Handshake.COMPLETE


def test_a_retransmitted_syn_ack_is_counted() -> None:
    """A SYN-ACK that came twice makes the ACK's round-trip time ambiguous."""
    play = Play()
    segments = [play.segment("c", "S"), play.segment("s", "SA", ack=1), play.segment("s", "SA", ack=1)]
    connection = only([*segments, play.segment("c", "A", seq=1, ack=1)])
    assert (connection.syn_count, connection.syn_ack_count) == (1, 2)
    assert connection.syn_rtt == MS
    assert connection.ack_rtt == UNSEEN


def test_a_server_that_chooses_a_second_isn_stays_in_its_connection() -> None:
    """A SYN-ACK with another ISN (SYN cookies, a restarted server) belongs to the same attempt; the first ISN is told."""
    play = Play()
    segments = [play.segment("c", "S"), play.segment("s", "SA", ack=1), play.segment("s", "SA", seq=77, ack=1)]
    connection = only(segments)
    assert connection.syn_ack_count == 2
    assert connection.server.isn == 9000


def test_a_lost_final_ack_is_unacked() -> None:
    """Without the client's ACK the handshake is not complete."""
    play = Play()
    assert only([play.segment("c", "S"), play.segment("s", "SA", ack=1)]).handshake is Handshake.UNACKED


def test_data_completes_a_handshake_whose_ack_was_lost() -> None:
    """Any segment of the client that acknowledges the SYN-ACK is the ACK."""
    play = Play()
    segments = [play.segment("c", "S"), play.segment("s", "SA", ack=1), play.segment("c", "PA", seq=1, ack=1, data=5)]
    assert only(segments).handshake is Handshake.COMPLETE


def test_an_ack_of_something_else_completes_nothing() -> None:
    """An old ACK on the four-tuple does not acknowledge the SYN-ACK."""
    play = Play()
    segments = [play.segment("c", "S"), play.segment("s", "SA", ack=1), play.segment("c", "A", seq=1, ack=-500)]
    assert only(segments).handshake is Handshake.UNACKED


def test_an_ack_after_a_missed_syn_ack_completes() -> None:
    """A capture of one direction sees SYN and ACK: the ACK proves the SYN-ACK."""
    play = Play()
    connection = only([play.segment("c", "S"), play.segment("c", "A", seq=1, ack=1)])
    assert connection.handshake is Handshake.COMPLETE
    assert connection.syn_ack_count == 0
    assert connection.ack_rtt == UNSEEN


def test_simultaneous_open() -> None:
    """Two SYNs that cross are one connection (RFC 9293 §3.5, figure 7); its client sent the first."""
    play = Play()
    segments = [
        play.segment("c", "S"),
        play.segment("s", "S"),
        play.segment("c", "SA", ack=1),
        play.segment("s", "SA", ack=1),
    ]
    connection = only(segments)
    assert connection.handshake is Handshake.COMPLETE
    assert connection.simultaneous
    assert connection.client.port == CLIENT[1]
    assert (connection.client.isn, connection.server.isn) == (1000, 9000)
    assert connection.syn_rtt == UNSEEN


@pytest.mark.parametrize("flags", ["RA", "R"])
def test_a_refusal(flags: str) -> None:
    """RST to a SYN refuses, with ACK as RFC 9293 has it or without as some firewalls send it."""
    play = Play(server_isn=0)
    connection = only([play.segment("c", "S"), play.segment("s", flags, ack=1)])
    assert connection.handshake is Handshake.REFUSED
    assert connection.close is Close.RST_SERVER
    assert connection.closed_at == START + 2 * MS
    assert connection.server.isn is None


def test_a_reset_that_acknowledges_something_else_refuses_nothing() -> None:
    """RFC 9293 §3.5.2: in SYN-SENT such a reset is ignored."""
    play = Play()
    connection = only([play.segment("c", "S"), play.segment("s", "RA", ack=-5)])
    assert connection.handshake is Handshake.UNANSWERED
    assert connection.close is Close.OPEN


def test_a_refused_client_may_try_again_with_the_same_isn() -> None:
    """Windows sends its SYN three times in spite of RST: one attempt, and it may succeed."""
    play = Play()
    segments = [play.segment("c", "S"), play.segment("s", "RA", ack=1), *play.handshake()]
    connection = only(segments)
    assert connection.handshake is Handshake.COMPLETE
    assert connection.close is Close.OPEN
    assert connection.closed_at == UNSEEN
    assert connection.syn_count == 2


def test_a_syn_without_answer() -> None:
    """A SYN alone is unanswered."""
    connection = only([Play().segment("c", "S")])
    assert connection.handshake is Handshake.UNANSWERED
    assert (connection.client.packets, connection.server.packets) == (1, 0)


def test_a_challenge_ack_answers_nothing() -> None:
    """A server that ACKs a SYN without SYN (RFC 5961 §4) has not accepted it."""
    play = Play()
    assert only([play.segment("c", "S"), play.segment("s", "A", seq=500, ack=-700)]).handshake is Handshake.UNANSWERED


def test_data_in_the_syn() -> None:
    """TCP Fast Open (RFC 7413): the SYN's data count, the SYN-ACK may acknowledge them."""
    play = Play()
    segments = [
        play.segment("c", "S", data=100),
        play.segment("s", "SA", ack=101),
        play.segment("c", "A", seq=101, ack=1),
    ]
    connection = only(segments)
    assert connection.handshake is Handshake.COMPLETE
    assert connection.client.payload == 100


def test_fin_from_both_ends_closes() -> None:
    """Closed at the second FIN."""
    play = Play()
    connection = only([*play.handshake(), *play.fins()])
    assert connection.close is Close.FIN
    assert connection.closed_at == START + 5 * MS


def test_half_close_stays_open() -> None:
    """After one FIN the other end may send for hours."""
    play = Play()
    segments = [*play.handshake(), play.segment("c", "FA", seq=1, ack=1)]
    segments.append(play.segment("s", "PA", seq=1, ack=2, data=1000, after=3600 * SECOND))
    connection = only(segments)
    assert connection.close is Close.OPEN
    assert connection.closed_at == UNSEEN
    assert connection.server.payload == 1000


@pytest.mark.parametrize(("who", "close"), [("c", Close.RST_CLIENT), ("s", Close.RST_SERVER)])
def test_a_reset_from_either_end(who: str, close: Close) -> None:
    """RST closes, and says who sent it."""
    play = Play()
    assert only([*play.handshake(), play.segment(who, "R", seq=1)]).close is close


def test_a_reset_after_both_fins_changes_nothing() -> None:
    """The first way to close is the one reported."""
    play = Play()
    assert only([*play.handshake(), *play.fins(), play.segment("s", "R", seq=2)]).close is Close.FIN


def test_a_scan_is_unacked_and_reset_by_its_client() -> None:
    """A half-open scan answers the SYN-ACK with RST."""
    play = Play()
    connection = only([play.segment("c", "S"), play.segment("s", "SA", ack=1), play.segment("c", "R", seq=1)])
    assert connection.handshake is Handshake.UNACKED
    assert connection.close is Close.RST_CLIENT


def test_a_reused_four_tuple_is_another_connection() -> None:
    """A SYN with a new ISN takes the four-tuple over, while the old connection still lingers."""
    first = Play()
    again = Play(client_isn=500_000, server_isn=700_000, at=START + SECOND)
    one, other = track([*first.handshake(), *first.fins(), *again.handshake()])
    assert (one.close, one.superseded_at) == (Close.FIN, START + SECOND + MS)
    assert (other.client.isn, other.superseded_at) == (500_000, UNSEEN)
    assert (one.number, other.number) == (1, 7)  # those of their first segments


def test_a_four_tuple_reused_from_the_other_end() -> None:
    """The former server connects to the former client's port: another connection with the roles swapped."""
    first = Play()
    again = Play(client=SERVER, server=CLIENT, client_isn=1, server_isn=2, at=START + SECOND)
    one, other = track([*first.handshake(), *first.fins(), *again.handshake()])
    assert one.client.port == CLIENT[1]
    assert other.client.port == SERVER[1]


def test_live_a_superseded_connection_waits_for_the_evidence_of_its_end() -> None:
    """A socket that was reset frees its port before it is closed, and told of: the report waits as any other."""
    limits = Limits(settle=SECOND, linger=10 * SECOND)
    tracker = Tracker([], limits)
    first, again = Play(), Play(client_isn=500_000, at=START + 10 * MS)
    for segment in [*first.handshake(), *again.handshake()]:
        tracker.segment(segment)
    assert [flow.number for flow in tracker.unreported()] == [4]  # the other's four-tuple is not its own any more
    tracker.take_reports()
    tracker.advance(START + 11 * MS + SECOND - 1)
    assert tracker.take_reports() == []
    tracker.advance(START + 11 * MS + SECOND)
    (connection,) = tracker.take_reports()
    assert (connection.number, connection.superseded_at) == (1, START + 11 * MS)
    assert len(tracker) == 1
    assert [connection.number for connection in track([*first.segments, *again.segments], limits)] == [1, 4]


def test_superseded_connections_are_bounded() -> None:
    """They count, and go before what is open."""
    tracker = Tracker([], Limits(connections=3, settle=SECOND, linger=10 * SECOND))
    for number in range(5):
        for segment in Play(client_isn=number * 100_000).handshake():
            tracker.segment(segment)
    reported = [connection.number for connection in tracker.take_reports()]
    assert (reported, tracker.evicted, len(tracker)) == ([1, 4], 2, 1)


def test_a_table_without_room() -> None:
    """It holds the one that it must."""
    assert len(track(Play().handshake(), Limits(connections=0))) == 1


def test_late_segments_of_a_closed_connection_are_its_own() -> None:
    """A retransmission after the close opens no ghost."""
    play = Play()
    late = [play.segment("c", "PA", seq=1, ack=1, data=9, after=LINGER // 2)]
    connection = only([*play.handshake(), *play.fins(), *late])
    assert connection.client.packets == 5
    assert connection.client.payload == 9


def test_a_closed_connection_is_reported_and_then_forgotten() -> None:
    """After `settle` it is reported, after `linger` its four-tuple means something new."""
    tracker = Tracker([], Limits(settle=SECOND, linger=3 * SECOND))
    play = Play()
    for segment in [*play.handshake(), *play.fins()]:
        tracker.segment(segment)
    tracker.take_reports()
    tracker.advance(play.at + SECOND - 1)
    assert tracker.take_reports() == []
    tracker.advance(play.at + SECOND)
    (connection,) = tracker.take_reports()
    assert connection.interface == ""
    flow = tracker.segment(play.segment("s", "A", seq=2, ack=2, after=2 * SECOND))  # renews it
    tracker.advance(play.at + 2 * SECOND)
    assert len(tracker) == 1
    tracker.advance(play.at + 3 * SECOND)
    assert len(tracker) == 0
    assert tracker.take_reports() == []
    assert tracker.segment(play.segment("s", "A", seq=2, ack=2)) is not flow


def test_what_is_reported_is_reported_once() -> None:
    """A late ACK completes the handshake of a connection that was reset, and reported so."""
    tracker = Tracker([], Limits(settle=SECOND, linger=3 * SECOND))
    play = Play()
    for segment in [play.segment("c", "S"), play.segment("s", "SA", ack=1), play.segment("s", "RA", seq=1, ack=1)]:
        tracker.segment(segment)
    tracker.advance(play.at + SECOND)
    assert len(tracker.take_reports()) == 1
    tracker.segment(play.segment("c", "A", seq=1, ack=1, after=SECOND))
    tracker.advance(play.at + 2 * SECOND)
    assert tracker.take_reports() == []
    tracker.advance(play.at + 3 * SECOND)
    assert len(tracker) == 0


def test_a_connection_is_forgotten_in_time_behind_one_that_goes_on() -> None:
    """Late segments renew one; another that fell silent before is over all the same."""
    tracker = Tracker([], Limits(settle=SECOND, linger=3 * SECOND))
    one, other = Play(), Play(client=("10.0.0.99", 1), at=START + 2500 * MS)
    for segment in [*one.handshake(), *one.fins(), *other.handshake(), *other.fins()]:
        tracker.segment(segment)
    tracker.segment(one.segment("s", "A", seq=2, ack=2, after=3 * SECOND))
    tracker.advance(START + 3600 * MS)
    tracker.advance(START + 5800 * MS)
    assert len(tracker) == 2
    last = tracker.segment(other.segment("s", "A", seq=2, ack=2, after=3400 * MS))
    assert last.number == 14


@pytest.mark.parametrize("settle", [SECOND, 10 * SECOND])
def test_closed_connections_wait_for_so_many_segments(settle: int) -> None:
    """Whoever's they are; then a connection is reported, and forgotten; nothing is lost of it."""
    tracker = Tracker([], Limits(segments=12, settle=settle, linger=10 * SECOND))
    per_connection = 6
    for number in range(4):
        play = Play(client=("10.0.0.20", 1000 + number), at=START + number * 2 * SECOND)
        for place, segment in enumerate([*play.handshake(), *play.fins()], 1):
            if number < 2:
                tracker.segment(segment)
            else:
                tracker.pass_by(segment.at)
            assert tracker.moment == number * per_connection + place
    assert len(tracker) == 0
    assert [(one.client.packets, one.reported_in, one.touched) for one in tracker.take_reports()] == (
        [(4, 18, 6), (4, 24, 12)] if settle == 10 * SECOND else [(4, 7, 6), (4, 13, 12)]
    )


def test_a_late_segment_puts_the_report_off() -> None:
    """The count in a report holds everything that came within `settle`."""
    tracker = Tracker([], Limits(settle=SECOND, linger=SECOND))
    play = Play()
    for segment in [*play.handshake(), *play.fins()]:
        tracker.segment(segment)
    tracker.segment(play.segment("s", "A", seq=2, ack=2, after=SECOND // 2))
    tracker.take_reports()
    tracker.advance(play.at + SECOND // 2)
    assert tracker.take_reports() == []
    tracker.advance(play.at + SECOND)
    assert len(tracker.take_reports()) == 1


def test_segments_let_time_pass() -> None:
    """A capture needs no clock: a later connection's segment reports what settled before it."""
    tracker = Tracker([], Limits(settle=SECOND, linger=SECOND))
    play, other = Play(), Play(client=("10.0.0.30", 1), at=START + 10 * SECOND)
    for segment in [*play.handshake(), *play.fins()]:
        tracker.segment(segment)
    tracker.take_reports()
    tracker.take()
    tracker.segment(other.segment("c", "S"))
    assert len(tracker.take_reports()) == 1
    assert [event.change for event in tracker.take()] == [Change.OPENED]


def test_a_refused_and_repeated_attempt_is_not_reported_while_it_goes_on() -> None:
    """A connection that closed and opened again with the same ISN is still going on."""
    tracker = Tracker([], Limits(settle=SECOND, linger=SECOND))
    play = Play()
    for segment in [play.segment("c", "S"), play.segment("s", "RA", ack=1), *play.handshake()]:
        tracker.segment(segment)
    tracker.take_reports()
    tracker.advance(play.at + 100 * SECOND)
    assert tracker.take_reports() == []


def test_a_syn_after_the_report_is_another_connection() -> None:
    """What is reported is done: even the same ISN begins anew."""
    tracker = Tracker([], Limits(settle=SECOND, linger=10 * SECOND))
    play = Play()
    first = tracker.segment(play.segment("c", "S"))
    tracker.segment(play.segment("s", "RA", ack=1))
    tracker.advance(play.at + 2 * SECOND)
    assert tracker.segment(play.segment("c", "S", after=3 * SECOND)) is not first


def test_an_unanswered_syn_is_reported_in_the_end() -> None:
    """Linux gives up after 127 s; the table does not keep a scan's SYNs for ever."""
    tracker = Tracker([], Limits())
    play = Play()
    tracker.segment(play.segment("c", "S"))
    tracker.segment(play.segment("c", "S", after=SECOND))
    tracker.take_reports()
    tracker.advance(play.at + LINGER - 1)
    assert tracker.take_reports() == []
    tracker.advance(play.at + LINGER)
    assert len(tracker.take_reports()) == 1
    assert len(tracker) == 0


def test_a_clock_that_steps_back() -> None:
    """A segment from the past belongs to its connection, and expires no other."""
    play, other = Play(), Play(client=("10.0.0.30", 1), at=START - 9000 * SECOND)
    segments = [*play.handshake(), *other.handshake(), *other.fins(), *play.fins()]
    assert [connection.close for connection in track(segments)] == [Close.FIN, Close.FIN]


def test_a_connection_older_than_the_capture() -> None:
    """Segments without a handshake are midstream, with nobody known to be the client."""
    play = Play()
    connection = only([play.segment("s", "PA", seq=1, ack=1, data=10), play.segment("c", "A", seq=1, ack=11)])
    assert connection.handshake is Handshake.MIDSTREAM
    assert not connection.oriented
    assert connection.client.isn is None
    assert connection.opened_at == START + MS


def test_a_syn_ack_alone_tells_who_is_the_server() -> None:
    """A capture that began inside the handshake: midstream, but oriented."""
    play = Play()
    connection = only([play.segment("s", "SA", ack=1), play.segment("c", "A", seq=1, ack=1)])
    assert connection.handshake is Handshake.MIDSTREAM
    assert connection.oriented
    assert connection.client.port == CLIENT[1]
    assert connection.server.isn == 9000


def test_a_syn_ack_after_other_segments_turns_the_roles_round() -> None:
    """The first sender was taken for the client until the SYN-ACK told otherwise; the close turns with it."""
    play = Play()
    segments = [play.segment("s", "FA", seq=1, ack=1), play.segment("s", "SA", ack=1), play.segment("c", "R", seq=1)]
    connection = only(segments)
    assert connection.client.port == CLIENT[1]
    assert connection.close is Close.RST_CLIENT


def test_keep_alives_change_nothing() -> None:
    """A keep-alive repeats the last byte's sequence number (RFC 9293 §3.8.4)."""
    play = Play()
    segments = [*play.handshake(), play.segment("c", "A", seq=0, ack=1, after=7200 * SECOND)]
    segments.append(play.segment("s", "A", seq=1, ack=1))
    connection = only(segments)
    assert connection.close is Close.OPEN
    assert connection.client.packets == 3


def test_the_same_packets_on_a_second_interface_are_copies() -> None:
    """A bridge or `any` shows each packet twice: neither retransmissions nor more packets."""
    play = Play()
    segments = [*play.handshake(), play.segment("c", "PA", seq=1, ack=1, data=10), *play.fins()]
    doubled = [copy for segment in segments for copy in (segment, replace(segment, interface=1, at=segment.at + 10))]
    tracker = Tracker(["eth0", "eth1"], Limits())
    notable = [tracker.notable for segment in doubled if tracker.segment(segment)]
    tracker.finish()
    (connection,) = tracker.take_reports()
    assert (connection.client.packets, connection.server.packets) == (5, 2)
    assert (connection.syn_count, connection.syn_ack_count, connection.client.payload) == (1, 1, 10)
    assert tracker.copies == len(segments)
    assert not any(notable[1::2])


def test_copies_put_no_report_off() -> None:
    """They say nothing new, not even that the connection is still alive."""
    tracker = Tracker(["eth0", "eth1"], Limits(settle=SECOND, linger=SECOND))
    play = Play()
    for segment in [*play.handshake(), *play.fins()]:
        tracker.segment(segment)
    tracker.segment(replace(play.segments[-1], interface=1, at=play.at + SECOND // 2))
    tracker.take_reports()
    tracker.advance(play.at + SECOND)
    assert len(tracker.take_reports()) == 1


def test_a_path_that_moves_to_another_interface_is_followed() -> None:
    """What is new on a second interface counts: the route changed."""
    play = Play()
    moved = [
        play.segment("c", "PA", seq=1, ack=1, data=10, interface=1),
        play.segment("s", "A", seq=1, ack=11, interface=1),
    ]
    connection = only([*play.handshake(), *moved])
    assert (connection.client.packets, connection.server.packets) == (3, 2)


@pytest.mark.parametrize("flags", ["S", "FA"])
def test_syn_and_fin_take_a_sequence_number(flags: str) -> None:
    """So that a SYN or FIN that is new on another interface is no copy of the segment before it (RFC 9293 §3.4)."""
    play = Play()
    first = play.segment("c", "A", seq=5, ack=1)
    new = play.segment("c", flags, seq=5, ack=1, interface=1)
    tracker = Tracker(["eth0", "eth1"], Limits())
    for segment in (first, new):
        tracker.segment(segment)
    assert tracker.copies == 0


def test_a_reset_on_a_second_interface_counts_once() -> None:
    """An RST has no sequence number of its own to tell it by."""
    play = Play()
    play.handshake()
    reset = play.segment("s", "R", seq=1)
    play.segments.remove(reset)
    for first_seen, copies in ((0, 1), (1, 0)):  # on the interface of the others, or on another: then it is new there
        tracker = Tracker(["eth0", "eth1"], Limits())
        for segment in [*play.segments, replace(reset, interface=first_seen), replace(reset, interface=1)]:
            tracker.segment(segment)
        assert tracker.copies == copies
        assert tracker.segment(reset).is_closed


def test_a_retransmission_on_one_interface_is_no_copy() -> None:
    """The same bytes again on the same interface are the sender's doing."""
    play = Play()
    segment = play.segment("c", "PA", seq=1, ack=1, data=10)
    assert only([*play.handshake(), segment, segment]).client.packets == 4


def test_a_later_fragment_adds_bytes_only() -> None:
    """One segment in three IP fragments is one packet."""
    play = Play()
    first = play.segment("c", "PA", seq=1, ack=1, data=1000)
    connection = only([*play.handshake(), first, replace(first, length=500, continuation=True)])
    assert (connection.client.packets, connection.client.payload) == (3, 1500)


def test_a_later_fragment_may_come_first() -> None:
    """Its connection is there, is no half-open one, and waits for nothing."""
    play = Play()
    first = play.segment("c", "PA", seq=1, ack=1, data=1000)
    (connection,) = track([replace(first, length=500, continuation=True), first])
    assert (connection.client.packets, connection.client.payload) == (1, 1000)
    assert connection.handshake is Handshake.MIDSTREAM


def test_a_socket_connected_to_itself() -> None:
    """One socket, both ends (a simultaneous open with itself): its packets are both ends' packets."""
    play = Play(client=SERVER, server=SERVER)
    connection = only([play.segment("c", "S")])
    assert (connection.client.packets, connection.server.packets) == (1, 1)
    assert connection.server.isn is None


def test_a_self_connection_opens_and_closes() -> None:
    """Its SYN crosses itself, its SYN-ACK answers itself, its FIN is both ends'."""
    play = Play(client=SERVER, server=SERVER, server_isn=1000)
    segments = [play.segment("c", "S"), play.segment("c", "SA", ack=1), play.segment("c", "FA", seq=1, ack=1)]
    connection = only(segments)
    assert (connection.handshake, connection.close) == (Handshake.COMPLETE, Close.FIN)
    assert connection.simultaneous


def test_sequence_numbers_wrap() -> None:
    """An ISN at the end of 32 bits is like any other (RFC 9293 §3.4)."""
    play = Play(client_isn=0xFFFFFFFF, server_isn=0xFFFFFFFF)
    connection = only([*play.handshake(), *play.fins()])
    assert connection.handshake is Handshake.COMPLETE
    assert connection.close is Close.FIN


def test_packets_without_a_time_have_no_round_trip() -> None:
    """A Simple Packet Block has no time; intervals are unknown, not zero."""
    segments = [replace(segment, at=NO_TIME) for segment in Play().handshake()]
    connection = only(segments)
    assert connection.handshake is Handshake.COMPLETE
    assert connection.syn_rtt == UNSEEN
    assert interval(NO_TIME, 5) == UNSEEN


def test_counts_are_empty_where_packets_were_left_out() -> None:
    """A live run keeps handshakes only: no packet or byte count is told."""
    (connection,) = track(Play().handshake(), Limits(counted=False))
    assert connection.client.packets is None
    assert connection.server.payload is None


def test_the_table_is_bounded() -> None:
    """What is closed and reported goes first, uncounted, then the oldest unanswered SYN, then the oldest of all."""
    tracker = Tracker([], Limits(connections=2, settle=SECOND, linger=100 * SECOND))
    established = Play()
    for segment in established.handshake():
        tracker.segment(segment)
    scan = Play(client=("10.0.0.99", 1))
    tracker.segment(scan.segment("c", "S"))
    closed = Play(client=("10.0.0.98", 1))
    tracker.segment(closed.segment("c", "S"))  # evicts the scan's
    tracker.segment(closed.segment("s", "RA", ack=1))
    tracker.advance(closed.at + 2 * SECOND)
    tracker.take_reports()
    late = Play(client=("10.0.0.97", 1), at=closed.at + 2 * SECOND)
    for segment in late.handshake():
        tracker.segment(segment)  # evicts what is closed
    assert tracker.take_reports() == []
    newest = tracker.segment(Play(client=("10.0.0.96", 1), at=late.at).segment("c", "S"))  # evicts the oldest
    reported = [connection.client.port for connection in tracker.take_reports()]
    assert reported == [CLIENT[1]]
    assert tracker.evicted == 2
    assert len(tracker) == 2
    assert (newest.number, tracker.seen) == (10, 5)


def test_notable_segments_alone_tell_the_same() -> None:
    """What a live run keeps (handshake, close, the first of each direction) gives the same connection again."""
    play = Play()
    segments = [*play.handshake(), play.segment("c", "PA", seq=1, ack=1, data=9), play.segment("s", "A", seq=1, ack=10)]
    segments += [play.segment("s", "FA", seq=1, ack=10), play.segment("c", "FA", seq=10, ack=2)]
    segments.append(play.segment("s", "A", seq=2, ack=11))
    limits = Limits(counted=False)
    tracker = Tracker([], limits)
    kept = [segment for segment in segments if tracker.segment(segment) and tracker.notable]
    assert len(kept) == len(segments) - 2
    assert [facts(one) for one in track(kept, limits)] == [facts(one) for one in track(segments, limits)]


def test_the_end_reports_the_closed_in_their_order_and_then_the_open() -> None:
    """A run that ends early reports in the order in which a longer one would have."""
    first, second, third = Play(client=("10.0.0.1", 1)), Play(client=("10.0.0.2", 2)), Play(client=("10.0.0.3", 3))
    segments = [*first.handshake(), *second.handshake(), *third.handshake()]
    third.at = second.at = START + SECOND
    segments += [*third.fins()]
    second.at += 10 * MS
    segments += second.fins()
    assert [connection.client.port for connection in track(segments)] == [3, 2, 1]


@pytest.mark.parametrize("ends", [(("127.0.0.1", 1), ("127.0.0.1", 2)), (("10.0.0.1", 7), ("10.0.0.2", 7))])
def test_ends_are_told_by_address_and_port(ends: tuple[tuple[str, int], tuple[str, int]]) -> None:
    """On loopback the addresses are one, between some servers the ports are."""
    play = Play(client=ends[0], server=ends[1])
    connection = only([*play.handshake(), play.segment("s", "PA", seq=1, ack=1, data=5), *play.fins()])
    assert (connection.client.packets, connection.server.packets) == (4, 3)
    assert (connection.server.payload, connection.handshake) == (5, Handshake.COMPLETE)


def test_a_syn_that_is_repeated_is_evicted_later() -> None:
    """Of two unanswered attempts the one that was given up goes first."""
    tracker = Tracker([], Limits(connections=2))
    repeated, given_up = Play(client=("10.0.0.1", 1)), Play(client=("10.0.0.2", 2))
    tracker.segment(repeated.segment("c", "S"))
    tracker.segment(given_up.segment("c", "S"))
    tracker.segment(repeated.segment("c", "S", after=SECOND))
    tracker.take_reports()
    tracker.segment(Play(client=("10.0.0.3", 3), at=repeated.at).segment("c", "S"))
    assert tracker.take_reports() == []
    assert [flow.client.port for flow in tracker.unreported()] == [1, 3]


def test_a_syn_acknowledges_nothing() -> None:
    """Its acknowledgement field means nothing without the flag."""
    play = Play()
    opening = replace(play.segment("c", "S"), ack=9001)
    assert only([opening, play.segment("s", "SA", ack=1)]).handshake is Handshake.UNACKED


def test_what_is_unknown_covers_nothing_or_all() -> None:
    """No ACK covers no SYN; an ISN that was not seen is covered by any."""
    assert not covers(UNSEEN, 5)
    assert covers(1, UNSEEN)
    assert covers(6, 5)
    assert not covers(5, 5)


def test_events_name_their_flow() -> None:
    """A handshake opens once and is established once."""
    tracker = Tracker([], Limits())
    for segment in Play().handshake():
        tracker.segment(segment)
    events = tracker.take()
    assert [event.change for event in events] == [Change.OPENED, Change.ANSWERED, Change.ESTABLISHED]
    assert all(isinstance(event, Event) and event.flow is events[0].flow for event in events)


def test_times_that_step_back_give_no_round_trip() -> None:
    """A negative interval is unknown."""
    play = Play()
    play.segment("c", "S")
    play.segment("s", "SA", ack=1, after=-SECOND)
    assert only(play.segments).syn_rtt == UNSEEN


def test_a_syn_without_a_time_is_of_the_connection_that_follows() -> None:
    """A Simple Packet Block first, then packets with times: no time has passed between them."""
    tracker = Tracker([], Limits())
    segments = Play().handshake()
    lone = replace(Play(client=("10.0.0.30", 1)).segment("c", "S"), at=NO_TIME)
    tracker.segment(replace(segments[0], at=NO_TIME))
    tracker.segment(lone)
    for segment in segments[1:]:
        tracker.segment(segment)
    assert tracker.seen == 2


def test_a_reset_without_a_time_settles_when_time_is_known() -> None:
    """The same for the end of a connection."""
    tracker = Tracker([], Limits(settle=SECOND, linger=SECOND))
    play = Play()
    for segment in (play.segment("c", "S"), play.segment("s", "RA", ack=1)):
        tracker.segment(replace(segment, at=NO_TIME))
    tracker.take_reports()
    tracker.advance(START)
    assert tracker.take_reports() == []
    tracker.advance(START + SECOND)
    assert len(tracker.take_reports()) == 1


def test_a_clock_that_leaps_cuts_no_connection() -> None:
    """An hour between SYN and SYN-ACK, by the capture's clock."""
    play = Play()
    segments = [play.segment("c", "S"), play.segment("s", "SA", ack=1, after=3600 * SECOND)]
    assert only([*segments, play.segment("c", "A", seq=1, ack=1)]).handshake is Handshake.COMPLETE


def test_the_acknowledged_syn_ack_counts() -> None:
    """Of two SYN-ACKs with different ISNs the client acknowledges the second, whichever number is higher."""
    play = Play()
    segments = [play.segment("c", "S"), play.segment("s", "SA", ack=1), play.segment("s", "SA", seq=-4000, ack=1)]
    assert only([*segments, play.segment("c", "A", seq=1, ack=-3999)]).handshake is Handshake.COMPLETE


def test_queues_do_not_outgrow_the_table() -> None:
    """SYN and RST on one four-tuple, again and again: what is superseded is not kept until its time."""
    tracker = Tracker([], Limits(connections=100))
    for number in range(5000):
        play = Play(client_isn=number * 1000)
        tracker.segment(play.segment("c", "S"))
        tracker.segment(play.segment("c", "R", seq=1))
    assert len(tracker) == 1
    assert len(tracker._settling) < 2000


def test_the_bound_holds_when_reported_connections_are_gone() -> None:
    """Connections that were reported and then superseded leave no credit for eviction."""
    tracker = Tracker([], Limits(connections=10, settle=MS, linger=1000 * SECOND))
    at = START
    for number in range(200):
        port = number % 10
        play = Play(client=("10.0.0.9", port), client_isn=number * 1000, at=at)
        for segment in (play.segment("c", "S"), play.segment("s", "RA", ack=1)):
            tracker.segment(segment)
        at = play.at + 10 * MS
        tracker.advance(at)
    for number in range(100):
        for segment in Play(client=("10.0.1.9", 1000 + number), at=at).handshake():
            tracker.segment(segment)
    assert len(tracker) <= 10


def test_a_fragment_of_a_copy_adds_no_bytes() -> None:
    """A forwarded datagram in fragments is counted where it came in."""
    play = Play()
    first = play.segment("c", "PA", seq=1, ack=1, data=1000)
    later = replace(first, length=500, continuation=True)
    both = [replace(segment, interface=number) for segment in (first, later) for number in (0, 1)]
    assert only([*Play().handshake(), *both]).client.payload == 1500
    assert only([*Play().handshake(), *both, replace(later, interface=1)]).client.payload == 1500


@pytest.mark.parametrize("step", [MS, 50 * MS, 5000 * MS])
def test_reports_come_in_one_order_however_time_passes(step: int) -> None:
    """A live run tells the time every 50 ms, a replay with each packet: both report in the same order."""
    plays = [Play(client=("10.0.9.9", number + 1), at=START + number % 7 * MS) for number in range(40)]
    segments = []
    for number, play in enumerate(plays):
        if number % 5 == 0:
            segments.append(play.segment("c", "S"))
            continue
        segments += [*play.handshake(), *play.fins()[: 2 + number % 2]]
        segments.append(play.segment("s", "A", seq=2, ack=2, after=number * 37 % 11 * MS))
    segments.sort(key=lambda segment: segment.at)

    def order(step: int) -> list[int]:
        tracker = Tracker([], Limits(settle=SECOND, linger=2 * SECOND))
        for segment in segments:
            tracker.segment(segment)
        for now in range(segments[-1].at, segments[-1].at + 10 * SECOND, step):
            tracker.advance(now)
        return [connection.number for connection in tracker.take_reports()]

    assert len(order(step)) == 40
    assert order(step) == order(MS)


def test_an_ack_that_was_missed_gives_no_round_trip() -> None:
    """A capture of bare ACKs misses one that came with data: the FIN a second later is not it."""
    play = Play()
    segments = [play.segment("c", "S"), play.segment("s", "SA", ack=1)]
    segments.append(play.segment("c", "FA", seq=6, ack=1, after=SECOND))
    connection = only(segments)
    assert connection.handshake is Handshake.COMPLETE
    assert connection.ack_rtt == UNSEEN


def test_half_open_connections_go_first_and_do_not_stay() -> None:
    """A flood of SYNs that were answered evicts no real connection, and is reported in the end."""
    tracker = Tracker([], Limits(connections=10))
    real = Play()
    for segment in real.handshake():
        flow = tracker.segment(segment)
    for number in range(50):
        flood = Play(client=("10.9.0.1", number + 1), at=real.at)
        tracker.segment(flood.segment("c", "S"))
        tracker.segment(flood.segment("s", "SA", ack=1))
    assert not flow.reported
    assert len(tracker) == 10
    tracker.take_reports()
    tracker.advance(START + 2 * LINGER)
    assert len(tracker.take_reports()) == 9
    assert len(tracker) == 1


def test_what_is_left_at_the_end_is_reported_a_few_at_a_time() -> None:
    """A million open connections are not held twice."""
    limits = Limits(settle=SECOND, linger=10 * SECOND)
    plays = [Play(client=("10.0.0.20", 1000 + number)) for number in range(7)]
    for number, play in enumerate(plays):
        play.handshake()
        if number % 3 == 0:
            play.fins()
    plays.append(Play(client=("10.0.0.20", 1001), client_isn=77_000, at=START + 10 * MS))
    plays[-1].handshake()
    segments = sorted((one for play in plays for one in play.segments), key=lambda one: one.at)
    expected = [facts(connection) for connection in track(segments, limits)]
    for most in (1, 2, 3, 8, 9):
        tracker, found = Tracker(["eth0"], limits), []
        for segment in segments:
            tracker.segment(segment)
        more = True
        while more:
            more = tracker.finish(most)
            reports = tracker.take_reports()
            assert len(reports) <= most
            found += [facts(connection) for connection in reports]
        assert found == expected
        assert len(found) == 8
