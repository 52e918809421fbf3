"""Findings for the tests of reports."""

from dataclasses import replace

from correlator.core.address import text as address_text
from correlator.core.config import Config
from correlator.core.engine import Engine
from correlator.core.finding import Finding
from correlator.core.model import Owner, Source, Statement
from correlator.core.tcp import UNSEEN
from tests.ends import between, changed
from tests.play import CLIENT, SERVER, START, Play, evidence, listener, socket


def findings(*statements: Statement, interfaces: tuple[str, ...] = ("eth0",), close: bool = True) -> list[Finding]:
    """The final findings of one connection."""
    engine = Engine(Config(), interfaces)
    for statement in statements:
        engine.evidence(statement)
    play = Play()
    for segment in [*play.handshake(), *(play.fins() if close else [])]:
        engine.segment(segment)
    engine.finish()
    return [item for item in engine.take() if isinstance(item, Finding)]


def the_case(process: str = "java", **facts: str) -> Finding:
    """IPv4 on an AF_INET6 server socket, with everything known."""
    mapped = socket("::ffff:10.0.0.12", SERVER[1], "::ffff:10.0.0.20", CLIENT[1], inode=7, uid=33, cookie=9, netns="n")
    owner = Owner(
        31307, process, facts.get("cmdline", "java -jar x"), "app", ppid=1, started_at=START, path="/usr/bin/java"
    )
    (finding,) = findings(
        evidence(mapped, owner=owner, source=Source.LOOKUP, tcp_info={"rtt_us": 5}),
        evidence(listener("::", SERVER[1], v6only=False), START),
    )
    return finding


def passing() -> Finding:
    """A connection that no socket here terminates."""
    (finding,) = findings(interfaces=("",), close=False)
    return finding


def any_finding(
    owner: Owner, text: str, interval: int | None, number: int | None, port: int, address: bytes
) -> Finding:
    """The case with other facts: a text and numbers in many places, known or not; ends with any addresses."""
    finding = the_case()
    assert finding.socket
    connection = changed(
        between((address_text(address), port), (address_text(address[::-1]), SERVER[1])),
        interface=text,
        syn_rtt=UNSEEN if interval is None else interval,
        closed_at=UNSEEN if number is None else number >> 2,
        counted=port % 2 == 0,
    )
    socket = replace(finding.socket, cookie=number, netns=text, cgroup=text[1:])
    return replace(finding, connection=connection, socket=socket, owner=owner, explanation=text + ", and so on")
