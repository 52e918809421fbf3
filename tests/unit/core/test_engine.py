"""Events in, findings and lookups out: each test reads as a play."""

from dataclasses import replace

from correlator.core.config import Config
from correlator.core.engine import LOOK_AGAIN, LOOKS_A_TICK, LOOKS_AT_ATTEMPTS, Engine
from correlator.core.evidence import Bounds
from correlator.core.finding import Finding
from correlator.core.frames import Frames
from correlator.core.limits import LIVE_SETTLE, Limits
from correlator.core.model import Cause, Handshake, Lookup, Owner, OwnerBy, Ownership, Side, Source, TcpState, Verdict
from correlator.core.segment import Segment
from tests.play import CLIENT, MS, SECOND, SERVER, START, Play, evidence, four, socket
from tests.play import listener as listening

MAPPED = socket("::ffff:10.0.0.12", SERVER[1], "::ffff:10.0.0.20", CLIENT[1], inode=7, cookie=1)
CLIENT_SIDE, SERVER_SIDE = four(CLIENT, SERVER), four(SERVER, CLIENT)
LIVE = Config(Limits(settle=LIVE_SETTLE), lookups=True, announce=True)


def findings(engine: Engine) -> list[Finding]:
    """What the engine found since the last look."""
    return [item for item in engine.take() if isinstance(item, Finding)]


def lookups(engine: Engine) -> list[Lookup]:
    """What the engine wants to know."""
    return [item for item in engine.take() if isinstance(item, Lookup)]


def feed(engine: Engine, segments: list[Segment]) -> None:
    """Segments, one after the other."""
    for segment in segments:
        engine.segment(segment)


def test_offline_only_final_findings_are_given() -> None:
    """On one interface or on several, where legs are looked for; announced only where that is wanted."""
    for interfaces in (["eth0"], ["eth0", "eth1"]):
        for announce in (False, True):
            engine = Engine(Config(announce=announce), interfaces)
            engine.evidence(evidence(MAPPED))
            feed(engine, Play().handshake())
            assert {finding.final for finding in findings(engine)} == ({False} if announce else set())
            engine.finish()
            assert [finding.final for finding in findings(engine)] == [True]


def test_the_case() -> None:
    """IPv4 on an AF_INET6 socket: verdict, cause, side, listener, v6only, owner."""
    engine = Engine(Config(), ["eth0"])
    engine.evidence(evidence(MAPPED, tcp_info={"rtt_us": 9}))
    engine.evidence(evidence(listening("::", SERVER[1], v6only=False), START))
    engine.evidence(Ownership(START, 7, Owner(31307, "java")))
    feed(engine, Play().handshake())
    engine.finish()
    (finding,) = findings(engine)
    assert (finding.verdict, finding.cause) == (Verdict.IPV4_ON_INET6, Cause.DUAL_STACK_LISTENER)
    assert (finding.side, finding.evidence, finding.v6only) == (Side.SERVER, Source.SNAPSHOT, False)
    assert (finding.owner, finding.owner_by) == (Owner(31307, "java"), OwnerBy.INODE)
    assert finding.listener == listening("::", SERVER[1], v6only=False)
    assert finding.tcp_info == {"rtt_us": 9}
    assert finding.final
    assert engine.counters.matched == 1
    assert engine.counters.by_verdict == {Verdict.IPV4_ON_INET6: 1}


def test_a_loopback_connection_has_two_terminations() -> None:
    """Both ends are ours: a finding each."""
    engine = Engine(Config(), [])
    engine.evidence(evidence(MAPPED))
    engine.evidence(evidence(socket("10.0.0.20", CLIENT[1], "10.0.0.12", SERVER[1])))
    feed(engine, Play().handshake())
    engine.finish()
    found = [(finding.side, finding.verdict, finding.v6only) for finding in findings(engine)]
    assert found == [(Side.CLIENT, Verdict.IPV4_ON_INET, None), (Side.SERVER, Verdict.IPV4_ON_INET6, None)]


def test_a_connection_that_only_passes() -> None:
    """No evidence: one finding without a side."""
    engine = Engine(Config(), [])
    feed(engine, Play().handshake())
    engine.finish()
    (finding,) = findings(engine)
    assert (finding.verdict, finding.side, finding.socket) == (Verdict.NO_SOCKET, Side.NONE, None)
    assert engine.counters.unmatched == 1


def test_disagreement_is_ambiguous() -> None:
    """A finding with a side and a source, but no socket."""
    engine = Engine(Config(), [])
    engine.evidence(evidence(MAPPED, None, Source.TABLE))
    engine.evidence(evidence(socket("10.0.0.12", SERVER[1], "10.0.0.20", CLIENT[1]), None, Source.TABLE))
    feed(engine, Play().handshake())
    engine.finish()
    (finding,) = findings(engine)
    assert (finding.verdict, finding.side, finding.socket, finding.owner) == (
        Verdict.AMBIGUOUS,
        Side.SERVER,
        None,
        None,
    )
    assert engine.counters.ambiguous == 1


def test_a_connection_that_nobody_accepted_has_its_listeners_owner() -> None:
    """Without an inode of its own the listener's PID is told, and that it is the listener's."""
    engine = Engine(Config(), [])
    engine.evidence(evidence(replace(MAPPED, inode=None)))
    engine.evidence(evidence(listening("::", SERVER[1], inode=5), START))
    engine.evidence(Ownership(START, 5, Owner(99, "idle")))
    feed(engine, Play().handshake())
    engine.finish()
    (finding,) = findings(engine)
    assert (finding.owner, finding.owner_by) == (Owner(99, "idle"), OwnerBy.LISTENER)


def test_a_row_without_an_owner_stays_without() -> None:
    """The kernel's own socket (NFS) has no PID."""
    engine = Engine(Config(), [])
    engine.evidence(evidence(replace(MAPPED, inode=None), None, Source.TABLE))
    feed(engine, Play().handshake())
    engine.finish()
    (finding,) = findings(engine)
    assert (finding.owner, finding.owner_by) == (None, OwnerBy.NONE)


def test_midstream_takes_its_side_from_the_listener() -> None:
    """A connection without a SYN, whose higher port listens."""
    engine = Engine(Config(), [])
    high = Play(client=("10.0.0.20", 80), server=("10.0.0.12", 40_000))
    engine.evidence(evidence(socket("::ffff:10.0.0.12", 40_000, "::ffff:10.0.0.20", 80)))
    engine.evidence(evidence(listening("::", 40_000)))
    feed(engine, [high.segment("s", "PA", seq=1, ack=1, data=5)])
    engine.finish()
    (finding,) = findings(engine)
    assert (finding.side, finding.cause) == (Side.SERVER, Cause.DUAL_STACK_LISTENER)
    assert finding.connection.handshake is Handshake.MIDSTREAM


LISTENER_TUPLE = four(SERVER, (CLIENT[0], 0))
BOTH = [Lookup(SERVER_SIDE), Lookup(CLIENT_SIDE)]


def test_live_asks_about_what_stays_open() -> None:
    """After a moment for both ends and the listener, later for the ends again while something is unknown."""
    engine = Engine(LIVE, [])
    play = Play()
    opened = play.at + MS
    feed(engine, play.handshake())
    engine.tick(opened + LOOK_AGAIN[0] - 1)
    assert engine.take() == []
    engine.tick(opened + LOOK_AGAIN[0])
    assert engine.take() == [Lookup(LISTENER_TUPLE), *BOTH]
    engine.tick(opened + sum(LOOK_AGAIN[:2]))
    assert engine.take() == []  # owners are being looked for
    engine.tick(opened + sum(LOOK_AGAIN[:3]))
    assert engine.take() == BOTH
    engine.tick(opened + sum(LOOK_AGAIN))
    assert engine.take() == []
    assert engine.counters.lookups == 5


def test_a_short_connection_costs_no_lookup() -> None:
    """Its destroy events tell all."""
    engine = Engine(LIVE, [])
    play = Play()
    feed(engine, [*play.handshake(), *play.fins()])
    engine.tick(play.at + sum(LOOK_AGAIN))
    assert lookups(engine) == []


def test_without_events_live_asks_at_once() -> None:
    """At the SYN for the client and the listener, at the ACK for both ends, and again after a moment."""
    engine = Engine(LIVE._replace(eager=True), [])
    play = Play()
    engine.segment(play.segment("c", "S"))
    assert lookups(engine) == [Lookup(CLIENT_SIDE), Lookup(LISTENER_TUPLE)]
    engine.segment(play.segment("s", "SA", ack=1))
    assert lookups(engine) == []
    engine.segment(play.segment("c", "A", seq=1, ack=1))
    assert lookups(engine) == BOTH


def test_where_listeners_contend_the_kernel_says_which_it_chooses() -> None:
    """At the SYN, before anybody closes."""
    engine = Engine(LIVE, [])
    engine.evidence(evidence(listening("::", SERVER[1], cookie=1), START))
    engine.evidence(evidence(listening("10.0.0.12", SERVER[1], cookie=2), START))
    engine.segment(Play().segment("c", "S"))
    assert lookups(engine) == [Lookup(CLIENT_SIDE), Lookup(LISTENER_TUPLE)]


def test_live_asks_though_the_ack_is_missed() -> None:
    """A client whose ACK comes with data, which the kernel's filter does not pass."""
    engine = Engine(LIVE, [])
    play = Play()
    feed(engine, [play.segment("c", "S"), play.segment("s", "SA", ack=1)])
    engine.tick(play.at + LOOK_AGAIN[0])
    assert engine.take() == [Lookup(LISTENER_TUPLE), *BOTH]


def test_a_flood_waits_for_its_turn() -> None:
    """What is unanswered is asked about when all else has been, and so much at a time."""
    engine = Engine(LIVE, [])
    for number in range(LOOKS_AT_ATTEMPTS + 10):
        engine.segment(Play(client=(f"10.9.{number >> 8}.{number & 255}", 7)).segment("c", "S"))
    play = Play()
    feed(engine, play.handshake())
    engine.tick(play.at + LOOK_AGAIN[0])
    asked = lookups(engine)
    assert asked[:3] == [Lookup(LISTENER_TUPLE), *BOTH]
    assert len(asked) == 3 + 3 * LOOKS_AT_ATTEMPTS
    engine.tick(play.at + LOOK_AGAIN[0] + 1)
    assert len(lookups(engine)) == 3 * 10


def test_a_crowd_is_asked_about_in_turns() -> None:
    """So many every tick; none is left out."""
    engine = Engine(LIVE, [])
    for number in range(LOOKS_A_TICK + 10):
        feed(engine, Play(client=(f"10.9.{number >> 8}.{number & 255}", 7)).handshake())
    engine.tick(START + LOOK_AGAIN[0] + SECOND)
    assert len(lookups(engine)) == 3 * LOOKS_A_TICK
    engine.tick(START + LOOK_AGAIN[0] + SECOND)
    assert len(lookups(engine)) == 3 * 10


def test_all_are_asked_about_when_events_were_lost() -> None:
    """Those that are reported are over."""
    engine = Engine(LIVE, [])
    over, going_on = Play(client=("10.0.0.9", 1)), Play()
    feed(engine, [*over.handshake(), *over.fins()])
    going_on.at = over.at
    feed(engine, going_on.handshake())
    engine.tick(going_on.at + LIVE_SETTLE)
    engine.take()
    engine.ask_all()
    assert engine.take() == BOTH


def test_nobody_accepted_what_was_refused() -> None:
    """A socket with the server's four-tuple is another attempt's."""
    engine = Engine(Config(), [])
    engine.evidence(evidence(replace(MAPPED, inode=None)))
    play = Play()
    feed(engine, [play.segment("c", "S"), play.segment("s", "RA", ack=1)])
    engine.finish()
    assert [finding.verdict for finding in findings(engine)] == [Verdict.NO_SOCKET]


def test_live_announces_what_is_known() -> None:
    """An open connection's finding is provisional; the final one follows."""
    engine = Engine(LIVE, [])
    play = Play()
    feed(engine, play.handshake())
    engine.evidence(evidence(MAPPED))
    engine.evidence(Ownership(START, 7, Owner(1)))
    listener_tuple = four(SERVER, (CLIENT[0], 0))
    engine.evidence(evidence(listening("::", SERVER[1]), source=Source.LOOKUP, asked=listener_tuple))
    engine.take()
    engine.tick(play.at + LOOK_AGAIN[0])
    assert findings(engine) == []
    engine.tick(play.at + sum(LOOK_AGAIN[:2]))
    assert [(finding.final, finding.verdict) for finding in findings(engine)] == [(False, Verdict.IPV4_ON_INET6)]
    feed(engine, play.fins())
    engine.tick(play.at + LIVE_SETTLE)
    assert [(finding.final, finding.connection.close) for finding in findings(engine)] == [(True, "fin")]
    assert engine.index.sockets(SERVER_SIDE.key) == []
    assert engine.index.answers(listener_tuple.key)  # it is every connection's from this client's address


def test_live_gives_up_on_an_owner_in_the_end() -> None:
    """After the last look what is known is announced, PID or not."""
    engine = Engine(LIVE, [])
    play = Play()
    feed(engine, play.handshake())
    engine.evidence(evidence(replace(MAPPED, inode=None)))
    opened = play.at - 2 * MS
    for turns in (1, 2):
        engine.tick(opened + sum(LOOK_AGAIN[:turns]))
    engine.tick(opened + sum(LOOK_AGAIN[:3]) - 1)
    assert findings(engine) == []
    engine.tick(opened + sum(LOOK_AGAIN[:3]))
    assert [finding.owner for finding in findings(engine)] == [None]
    engine.tick(opened + sum(LOOK_AGAIN))
    assert findings(engine) == []


def test_a_run_that_announces_nothing_still_looks() -> None:
    """Lookups without announcements: only final findings come."""
    engine = Engine(LIVE._replace(announce=False), [])
    play = Play()
    feed(engine, play.handshake())
    for turns in range(1, 5):
        engine.tick(play.at + sum(LOOK_AGAIN[:turns]))
    assert findings(engine) == []


def test_live_does_not_look_at_what_is_reported() -> None:
    """A connection that was over before the second look."""
    engine = Engine(LIVE._replace(limits=Limits(settle=10 * MS)), [])
    play = Play()
    feed(engine, [*play.handshake(), *play.fins()])
    engine.take()
    engine.tick(play.at + SECOND)
    assert [type(item) for item in engine.take()] == [Finding]


def test_offline_announces_where_packets_are_annotated() -> None:
    """A provisional finding when a connection opens, is answered, and when its handshake is complete."""
    engine = Engine(Config(announce=True), [])
    engine.evidence(evidence(MAPPED))
    feed(engine, Play().handshake())
    assert [finding.final for finding in findings(engine)] == [False, False, False]


def test_a_block_of_frames_tells_as_much() -> None:
    """What came of each segment is found before the next one is taken in."""
    frames = Frames()
    for segment in Play().handshake():
        frames.add(0, 1, 0, 0, 0, 0)
        frames.segments[-1].take(segment)
        frames.segments[-1].is_decoded = True
    engine = Engine(Config(announce=True), [])
    engine.evidence(evidence(MAPPED))
    engine.take_in(frames)
    assert engine.has_output
    assert [finding.final for finding in findings(engine)] == [False, False, False]
    quiet = Engine(Config(), [])
    quiet.take_in(frames)
    assert len(quiet.tracker) == 1
    assert not quiet.has_output


def test_a_capture_that_is_being_written_is_reported_promptly() -> None:
    """Two seconds after the close, as live, and not two minutes."""
    engine, play = Engine(Config(), []), Play()
    engine.set_prompt()
    feed(engine, [*play.handshake(), *play.fins()])
    engine.tick(play.at + LIVE_SETTLE)
    assert [finding.final for finding in findings(engine)] == [True]


def test_a_four_tuple_used_twice_with_a_table_without_time() -> None:
    """Neither use can be told from the other, though the first was over long before the second began."""
    engine = Engine(Config(Limits(settle=SECOND, linger=SECOND)), [])
    engine.evidence(evidence(MAPPED, None, Source.TABLE))
    first, again = Play(), Play(client_isn=77, at=START + 1000 * SECOND)
    feed(engine, [*first.handshake(), *first.fins(), *again.handshake()])
    engine.finish()
    assert [finding.verdict for finding in findings(engine)] == [Verdict.AMBIGUOUS, Verdict.AMBIGUOUS]


def test_a_reused_four_tuple_with_evidence_of_its_own() -> None:
    """Each connection gets the socket of its time."""
    engine = Engine(Config(), [])
    first, again = Play(), Play(client_isn=77, at=START + SECOND)
    native = socket("10.0.0.12", SERVER[1], "10.0.0.20", CLIENT[1], cookie=2)
    engine.evidence(evidence(MAPPED, START + 10 * MS))
    engine.evidence(evidence(native, START + SECOND + 10 * MS))
    feed(engine, [*first.handshake(), *first.fins(), *again.handshake()])
    engine.finish()
    assert [finding.verdict for finding in findings(engine)] == [Verdict.IPV4_ON_INET6, Verdict.IPV4_ON_INET]


def test_a_live_run_and_its_recording_agree() -> None:
    """Evidence that came after a live run's report changes nothing in the replay, and counts are left out."""
    late = evidence(replace(MAPPED, state=TcpState.CLOSE), START + 5 * SECOND, Source.DESTROY)
    replayed = Engine(Config(), [])
    replayed.set_recorded(counted=False)
    replayed.evidence(late)
    play = Play()
    feed(replayed, [*play.handshake(), *play.fins()])
    replayed.finish()
    (finding,) = findings(replayed)
    assert finding.verdict is Verdict.NO_SOCKET
    assert finding.connection.client.packets is None


def test_connections_that_wait_for_the_end_are_bounded() -> None:
    """Those that a table without a time may be about; the oldest is told as things stand."""
    engine = Engine(Config(bounds=Bounds(tuples=1)), [])
    engine.evidence(evidence(MAPPED, None, Source.TABLE))
    for number in range(4):
        feed(engine, Play(client_isn=number * 1000, at=START + number * SECOND).handshake())
    assert len(findings(engine)) == 2
    engine.finish()
    assert [finding.verdict for finding in findings(engine)] == [Verdict.AMBIGUOUS, Verdict.AMBIGUOUS]
