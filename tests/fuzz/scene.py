"""Connections that statements may be about, and facts in a form that both cores print alike."""

from correlator.core.config import Config
from correlator.core.engine import Engine
from correlator.core.evidence import Bounds
from correlator.core.limits import Limits
from correlator.core.model import Statement
from correlator.core.segment import Segment
from tests.play import SECOND, START, Play


def _plays() -> tuple[Play, ...]:
    return (
        Play(),
        Play(("2001:db8::20", 50000), ("2001:db8::12", 443), client_isn=5),
        Play(("127.0.0.1", 40000), ("127.0.0.1", 8080), client_isn=7),
    )


def engine_with(statements: list[Statement]) -> Engine:
    """An engine that has seen some connections and was told statements."""
    engine = Engine(Config(Limits(), Bounds(tuples=64, statements=4, listeners=16, answers=8)), ["eth0", "eth1"])
    for statement in statements:
        engine.evidence(statement)
    for play in _plays():
        for segment in [*play.handshake(), *play.fins()]:
            engine.segment(segment)
    engine.tick(START + SECOND)
    return engine


def facts(segment: Segment) -> tuple[object, ...]:
    """A segment's."""
    return (
        segment.at,
        segment.interface,
        segment.is_ipv6,
        segment.source.hex(),
        segment.source_port,
        segment.destination.hex(),
        segment.destination_port,
        segment.seq,
        segment.ack,
        segment.flags,
        segment.length,
        segment.continuation,
    )
