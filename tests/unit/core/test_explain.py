"""One plain sentence a finding."""

from dataclasses import replace

import pytest

from correlator.core.config import Config
from correlator.core.engine import Engine
from correlator.core.finding import Finding
from correlator.core.model import Family, Owner, Source, Statement, TcpState
from tests.play import CLIENT, MS, SERVER, START, Play, evidence, socket
from tests.play import listener as listening

MAPPED = socket("::ffff:10.0.0.12", SERVER[1], "::ffff:10.0.0.20", CLIENT[1], cookie=1)
NATIVE = socket("10.0.0.12", SERVER[1], "10.0.0.20", CLIENT[1], cookie=1)
CONNECTED = socket("::ffff:10.0.0.20", CLIENT[1], "::ffff:10.0.0.12", SERVER[1])


def sentence(play: Play, *statements: Statement) -> str:
    """The explanation of the one finding."""
    engine = Engine(Config(), [])
    for statement in statements:
        engine.evidence(statement)
    for segment in play.segments:
        engine.segment(segment)
    engine.finish()
    (finding,) = [item for item in engine.take() if isinstance(item, Finding)]
    return finding.explanation


@pytest.fixture
def play() -> Play:
    """An established IPv4 connection."""
    scene = Play()
    scene.handshake()
    return scene


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        ([evidence(MAPPED, owner=Owner(1, "java")), evidence(listening("::", SERVER[1]))], ["java's server", "dual-stack listener [::]:4243", "tcp6"]),
        ([evidence(MAPPED, owner=Owner(7))], ["PID 7's", "dual-stack listener (IPV6_V6ONLY off)", "[::ffff:10.0.0.20]:64702"]),
        ([evidence(MAPPED), evidence(listening("::ffff:10.0.0.12", SERVER[1]))], ["The server", "bound to", "IPv4 only"]),
        ([evidence(MAPPED), evidence(listening("0.0.0.0", SERVER[1]))], ["another one accepted it"]),
        ([evidence(NATIVE)], ["is AF_INET: IPv4 on the wire and in the kernel."]),
        ([evidence(NATIVE), evidence(listening("::", SERVER[1]))], ["its listener is AF_INET6", "IPV6_ADDRFORM"]),
        ([evidence(MAPPED), evidence(NATIVE, START + 20 * MS)], ["it was AF_INET6 until setsockopt(IPV6_ADDRFORM)"]),
        ([evidence(CONNECTED)], ["client socket", "was connected to the IPv4-mapped address [::ffff:10.0.0.12]:4243"]),
        ([evidence(MAPPED, None, Source.TABLE), evidence(NATIVE, None, Source.TABLE)], ["disagree"]),
        ([], ["No socket with this four-tuple was seen here"]),
    ],
)  # fmt: skip
def test_sentences(play: Play, statements: list[Statement], words: list[str]) -> None:
    """Each says what it is about, in words that the docs use."""
    text = sentence(play, *statements)
    assert all(word in text for word in words), text
    assert text.endswith(".")
    assert "\n" not in text


def test_ipv6() -> None:
    """Native IPv6, and what no kernel can do."""
    six = Play(client=("2001:db8::2", 2), server=("2001:db8::1", 1))
    six.handshake()
    found = socket("2001:db8::1", 1, "2001:db8::2", 2)
    assert "is AF_INET6: IPv6" in sentence(six, evidence(found))
    assert "which no kernel can do" in sentence(six, evidence(replace(found, family=Family.INET)))


def test_what_failed() -> None:
    """Refused and unanswered are told apart from unknown."""
    refused, unanswered = Play(), Play()
    refused.segment("c", "S")
    refused.segment("s", "RA", ack=1)
    unanswered.segment("c", "S")
    assert "refused" in sentence(refused)
    assert "never answered" in sentence(unanswered)


def test_the_state_of_a_clients_socket_is_no_matter() -> None:
    """A socket in SYN_SENT is the client's as much as an established one."""
    play = Play()
    play.segment("c", "S")
    trying = socket("10.0.0.20", CLIENT[1], "10.0.0.12", SERVER[1], TcpState.SYN_SENT)
    assert "client socket is AF_INET" in sentence(play, evidence(trying))
