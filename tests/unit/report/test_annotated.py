"""Annotated pcapng, read back by our own reader."""

import struct
from dataclasses import replace

import pytest

from correlator.core.annotation import Kept
from correlator.core.finding import Finding
from correlator.core.frames import Packet
from correlator.core.model import Side
from correlator.report import annotated
from correlator.report.annotated import PcapngSink
from correlator.report.writer import Writer
from correlator.wire.interfaces import Interfaces
from correlator.wire.pcapng import PcapngReader
from tests.ends import changed
from tests.play import SECOND
from tests.scenes import passing, the_case


def packet(at: int = 5, data: bytes = b"abc", interface: int = 0, link_type: int = 1) -> Packet:
    """A packet."""
    return Packet(at, link_type, interface, data, len(data) + 1)


def sink(hold: int = SECOND) -> PcapngSink:
    """A sink of two interfaces."""
    return PcapngSink(Writer("x"), ["eth0", ""], hold=hold, kept=Kept.NOTABLE)


def read(made: PcapngSink) -> tuple[list[Packet], PcapngReader, Interfaces]:
    """What was written."""
    names = Interfaces()
    reader = PcapngReader(names, comments=True)
    if not made.writer._batch:
        return [], reader, names
    (frames,) = reader.feed(bytes(made.writer._batch))
    packets = frames.packets()
    reader.close()
    assert reader.damage is None
    return packets, reader, names


def blocks(made: PcapngSink) -> list[tuple[int, bytes]]:
    """The blocks by type and body."""
    data, at, found = bytes(made.writer._batch), 0, []
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        found.append((kind, data[at + 8 : at + length - 4]))
        at += length
    return found


def number(finding: Finding) -> int:
    """Its connection's number."""
    return finding.connection.number


def test_packets_survive_with_their_comments() -> None:
    """Original bytes, nanoseconds, lengths, link types, names; the comment is the contract's."""
    made, finding = sink(), the_case()
    made.findings([finding])
    made.packet(packet(1_700_000_000_123_456_789), number(finding), from_client=True)
    made.packet(packet(6, b"d", 1, 101), number(finding), from_client=False)
    made.end(None)
    packets, reader, names = read(made)
    assert packets == [packet(1_700_000_000_123_456_789), packet(6, b"d", 1, 101)]
    assert names.names == ["eth0", ""]
    assert reader.kept is Kept.NOTABLE
    assert reader.comments[0][0].startswith(
        "correlator: verdict=ipv4-on-af_inet6 cause=dual-stack-listener side=server"
    )
    assert made.annotated == 2


@pytest.mark.parametrize(("from_client", "direction"), [(True, 1), (False, 2)])
def test_direction_and_process(from_client: bool, direction: int) -> None:
    """epb_flags: inbound what the client sent to our server; the process that holds our end, described once before."""
    made, finding = sink(), the_case()
    made.findings([finding])
    for _ in range(2):
        made.packet(packet(), number(finding), from_client=from_client)
    kinds = [kind for kind, _ in blocks(made)]
    assert kinds == [0x0A0D0D0A, 1, 0xBAD, 6, 6]
    custom = blocks(made)[2][1]
    assert struct.unpack_from("<III", custom) == (32622, 3, 31307)
    assert b"java -jar x" in custom
    assert b"/usr/bin/java" in custom
    body = blocks(made)[3][1]
    assert struct.pack("<HHI", 2, 4, direction) in body
    assert struct.pack("<HHII", 8, 8, 31307, 0) in body


def test_both_ends_on_this_host() -> None:
    """Two comments; the process is the sender's, and inbound or outbound means nothing."""
    made, server = sink(), the_case()
    client = replace(server, side=Side.CLIENT, owner=replace(server.owner, pid=5) if server.owner else None)
    made.findings([server])
    made.findings([client])
    made.packet(packet(), number(server), from_client=True)
    _packets, reader, _ = read(made)
    assert [comment.split("side=")[1].split()[0] for comment in reader.comments[0]] == ["client", "server"]
    body = blocks(made)[-1][1]
    assert struct.pack("<HHII", 8, 8, 5, 0) in body
    assert struct.pack("<HH", 2, 4) not in body


def test_a_packet_waits_for_its_finding() -> None:
    """Order is kept: what follows waits too."""
    made, finding = sink(), the_case()
    made.packet(packet(5), number(finding), from_client=True)
    made.packet(packet(6), 99, from_client=True)
    assert read(made)[0] == []
    made.findings([replace(finding, final=False)])
    made.tick(7)
    packets, reader, _ = read(made)
    assert [one.at for one in packets] == [5]
    assert 0 in reader.comments


def test_a_run_without_packets() -> None:
    """Its file is a capture all the same: with an interface, without which tcpdump takes none for one."""
    made = sink(hold=10)
    assert not made.writer._batch  # a run that is killed leaves no half of a header
    made.end((0, 0))
    packets, reader, names = read(made)
    assert (packets, names.names, reader.kept) == ([], [""], Kept.NOTABLE)


def test_the_wait_ends() -> None:
    """After `hold` a packet goes without a comment, and is counted."""
    made = sink(hold=10)
    made.packet(packet(5), 1, from_client=True)
    made.tick(14)
    assert read(made)[0] == []
    made.tick(15)
    packets, reader, _ = read(made)
    assert len(packets) == 1
    assert reader.comments == {}
    assert (made.released, made.annotated, made.queued) == (1, 0, 1)


def test_waiting_packets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In bytes."""
    monkeypatch.setattr(annotated, "MAX_HELD", 10)
    made = sink()
    for _ in range(4):
        made.packet(packet(data=b"12345"), 1, from_client=True)
    assert len(read(made)[0]) == 2


def test_findings_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest connection's finding goes."""
    monkeypatch.setattr(annotated, "_MAX_FINDINGS", 1)
    made, finding = sink(), the_case()
    made.findings([finding])
    made.findings([replace(finding, connection=changed(finding.connection, number=77))])
    made.packet(packet(), number(finding), from_client=True)
    made.end(None)
    assert made.released == 1


def test_no_socket_is_no_comment() -> None:
    """Nothing is known, nothing is said."""
    made, finding = sink(), passing()
    made.findings([finding])
    made.packet(packet(-1), number(finding), from_client=True)
    made.end((10, 2))
    packets, reader, _ = read(made)
    assert [one.at for one in packets] == [0]
    assert reader.comments == {}
    kind, body = blocks(made)[-1]
    assert kind == 5
    assert struct.pack("<HHQ", 4, 8, 10) + struct.pack("<HHQ", 5, 8, 2) in body
