"""The comments of annotated packets."""

from dataclasses import replace

import pytest

from correlator.core.annotation import Annotation, comment, parse_comment
from correlator.core.config import Config
from correlator.core.engine import Engine
from correlator.core.finding import Finding
from correlator.core.model import Cause, Family, Owner, Side, Verdict
from tests.play import CLIENT, SERVER, Play, evidence, listener, socket


def server_finding(process: str = "java") -> Finding:
    """The case: IPv4 on an AF_INET6 server socket."""
    engine = Engine(Config(), [])
    mapped = socket("::ffff:10.0.0.12", SERVER[1], "::ffff:10.0.0.20", CLIENT[1])
    engine.evidence(evidence(mapped, owner=Owner(31307, process)))
    engine.evidence(evidence(listener("::", SERVER[1], v6only=False)))
    for segment in Play().handshake():
        engine.segment(segment)
    engine.finish()
    (finding,) = [item for item in engine.take() if isinstance(item, Finding)]
    return finding


def test_the_comment_is_the_contract() -> None:
    """Tokens and order as documented."""
    assert comment(server_finding()) == (
        "correlator: verdict=ipv4-on-af_inet6 cause=dual-stack-listener side=server socket=AF_INET6 "
        "local=[::ffff:10.0.0.12]:4243 pid=31307 process=java"
    )


def test_what_is_unknown_is_left_out() -> None:
    """A connection without a socket has its verdict only."""
    bare = Finding(server_finding().connection, Side.NONE, Verdict.NO_SOCKET, Cause.NATIVE, "")
    assert comment(bare) == "correlator: verdict=no-socket"


@pytest.mark.parametrize("process", ["java", "nginx: worker", "a=b verdict=no-socket", ""])
def test_a_comment_reads_back(process: str) -> None:
    """A process may be named like a field."""
    finding = server_finding(process)
    assert parse_comment(comment(finding)) == Annotation(
        Verdict.IPV4_ON_INET6,
        Cause.DUAL_STACK_LISTENER,
        Side.SERVER,
        Family.INET6,
        "[::ffff:10.0.0.12]:4243",
        31307,
        process,
    )


def test_unknown_facts_are_left_out() -> None:
    """No owner and no socket: no fields."""
    finding = replace(server_finding(), owner=None, socket=None, cause=Cause.NATIVE, verdict=Verdict.AMBIGUOUS)
    assert comment(finding) == "correlator: verdict=ambiguous side=server"
    assert parse_comment(comment(finding)) == Annotation(
        Verdict.AMBIGUOUS, Cause.NATIVE, Side.SERVER, None, "", None, ""
    )


def test_control_characters_are_escaped() -> None:
    """A process name cannot break the line."""
    assert comment(server_finding("a\nb\x1b[31m")).endswith("process=a\\nb\\x1b[31m")


@pytest.mark.parametrize(
    "text",
    ["hello", "correlator: verdict=maybe", "correlator: verdict=ip\tv4", "correlator: verdict=no-socket side=left"],
)
def test_other_comments(text: str) -> None:
    """A comment of someone else's says nothing."""
    assert parse_comment(text) is None
