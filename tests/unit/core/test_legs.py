"""The legs of one connection, joined by their initial sequence numbers."""

from dataclasses import replace

import pytest

from correlator.core.config import Config
from correlator.core.connection import Connection
from correlator.core.engine import Engine
from correlator.core.evidence import Bounds
from correlator.core.finding import Finding
from correlator.core.legs import Legs
from correlator.core.limits import LIVE_SETTLE, Limits
from correlator.core.model import Cause, Owner, OwnerBy, Side, Source, TcpState, Verdict
from correlator.core.tracker import Tracker
from tests.play import MS, SECOND, START, Play, evidence, socket
from tests.play import listener as listening

CLIENT, OUTSIDE, INSIDE = ("198.51.100.7", 50_000), ("203.0.113.5", 8080), ("172.17.0.2", 80)
LIVE = Config(Limits(settle=LIVE_SETTLE), Bounds(), lookups=True)


def conversations(*ends: tuple[tuple[str, int], tuple[str, int]], close: bool = True) -> list[Play]:
    """One connection as each leg shows it."""
    plays = [Play(client=client, server=server) for client, server in ends]
    for play in plays:
        play.handshake()
        if close:
            play.fins()
    return plays


def findings(engine: Engine, plays: list[Play]) -> list[Finding]:
    """The final findings after all legs have passed, each on an interface of its own."""
    for segments in zip(*(play.segments for play in plays), strict=True):
        for interface, segment in enumerate(segments):
            engine.segment(replace(segment, interface=interface))
    engine.tick(plays[0].at + 2 * SECOND)
    return [item for item in engine.take() if isinstance(item, Finding)]


def test_the_leg_outside_gets_the_socket_inside() -> None:
    """Docker's DNAT: the finding has the wire's four-tuple and the socket's own, and says how."""
    engine = Engine(LIVE, ["eth0", "docker0"])
    inside = socket("::ffff:172.17.0.2", 80, "::ffff:198.51.100.7", 50_000, state=TcpState.CLOSE, cookie=7, netns="c")
    engine.evidence(evidence(listening("::", 80, v6only=False, netns="c", cookie=1), START, foreign=True))
    owner = Owner(99, "nginx")
    engine.evidence(
        evidence(inside, START + SECOND, Source.DESTROY, owner=owner, owner_by=OwnerBy.STATE_EVENT, foreign=True)
    )
    found = findings(engine, conversations((CLIENT, OUTSIDE), (CLIENT, INSIDE)))
    assert [finding.connection.server.port for finding in found] == [8080, 80]
    for finding in found:
        assert (finding.side, finding.verdict) == (Side.SERVER, Verdict.IPV4_ON_INET6)
        assert (finding.cause, finding.owner, finding.socket and finding.socket.netns) == (
            Cause.DUAL_STACK_LISTENER,
            owner,
            "c",
        )
    outside, own = found
    assert outside.leg == (bytes([198, 51, 100, 7]), 50_000, bytes([172, 17, 0, 2]), 80)
    assert "203.0.113.5:8080 to this socket as 198.51.100.7:50000 to 172.17.0.2:80" in outside.explanation
    assert own.leg is None


def test_legs_without_a_socket() -> None:
    """What is only forwarded terminates nowhere here, however many legs it has."""
    engine = Engine(LIVE, ["eth0", "eth1"])
    found = findings(engine, conversations((CLIENT, OUTSIDE), (CLIENT, INSIDE)))
    assert [(finding.verdict, finding.leg) for finding in found] == [(Verdict.NO_SOCKET, None)] * 2


def test_other_numbers_are_another_connection() -> None:
    """The same addresses prove nothing."""
    engine = Engine(LIVE, ["eth0", "docker0"])
    inside = socket("172.17.0.2", 80, "198.51.100.7", 50_000, state=TcpState.CLOSE, cookie=7)
    engine.evidence(evidence(inside, START + SECOND, Source.DESTROY))
    plays = [Play(client=CLIENT, server=OUTSIDE), Play(client=CLIENT, server=INSIDE, client_isn=77)]
    for play in plays:
        play.handshake()
        play.fins()
    found = findings(engine, plays)
    assert [finding.verdict for finding in found] == [Verdict.NO_SOCKET, Verdict.IPV4_ON_INET]


def test_one_interface_has_no_legs() -> None:
    """Nothing is remembered for what cannot be."""
    engine = Engine(LIVE, ["eth0"])
    inside = socket("172.17.0.2", 80, "198.51.100.7", 50_000, state=TcpState.CLOSE, cookie=7)
    engine.evidence(evidence(inside, START + SECOND, Source.DESTROY))
    found = findings(engine, conversations((CLIENT, OUTSIDE), (CLIENT, INSIDE)))
    assert [finding.verdict for finding in found] == [Verdict.NO_SOCKET, Verdict.IPV4_ON_INET]


@pytest.mark.parametrize(("interface", "later"), [(0, 0), (1, 2 * SECOND)])
def test_numbers_that_a_program_made_up(interface: int, later: int) -> None:
    """The same on one interface, or again after a while: connections of their own."""
    engine = Engine(LIVE, ["eth0", "docker0"])
    inside = socket("172.17.0.2", 80, "198.51.100.7", 50_000, state=TcpState.CLOSE, cookie=7)
    engine.evidence(evidence(inside, START + later + SECOND // 2, Source.DESTROY))
    first, second = conversations((CLIENT, OUTSIDE), (CLIENT, INSIDE))
    for segment in first.segments:
        engine.segment(segment)
    for segment in second.segments:
        engine.segment(replace(segment, interface=interface, at=segment.at + later + MS))
    engine.finish()
    found = [item for item in engine.take() if isinstance(item, Finding)]
    assert [finding.verdict for finding in found] == [Verdict.NO_SOCKET, Verdict.IPV4_ON_INET]


def test_bounds() -> None:
    """The latest numbers are remembered, and some legs of each."""
    legs, tracker = Legs(most=1), Tracker([f"v{number}" for number in range(12)], Limits())

    def connection(number: int, isn: int) -> Play:
        return Play(client=(f"10.0.0.{number}", 1), client_isn=isn)

    plays = [connection(number, 5) for number in range(1, 12)] + [connection(99, 6)]
    snapshots: list[Connection] = []
    for play in plays:
        for segment in play.handshake():
            flow = tracker.segment(replace(segment, interface=len(snapshots)))
        snapshots.append(flow.copy())
        legs.note(snapshots[-1])
        if play is plays[-2]:
            assert len(legs.others(snapshots[0])) == 4
    assert legs.others(snapshots[0]) == []
    half = Play()
    assert legs.others(tracker.segment(half.segment("c", "S"))) == []
