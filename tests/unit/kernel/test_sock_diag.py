"""Netlink messages: what the kernel sends, and what it would never send."""

import socket
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.core.four_tuple import FourTuple
from correlator.core.model import Family, Socket, Source, TcpState
from correlator.kernel.sock_diag import DestroyEvents, SockDiag, entry, messages, request
from tests.netlink import attribute, message
from tests.play import packed


def parsed(data: bytes) -> Socket | None:
    """The socket of a message."""
    found = entry(data, lambda number: f"/group{number}", "n", 2, 1, False)
    return found.socket if found else None


def test_a_mapped_socket() -> None:
    """Family, addresses in the kernel's form, cookie, uid, inode, V6ONLY, group."""
    data = message(attributes=attribute(11, b"\1") + attribute(21, struct.pack("<Q", 9)))
    assert parsed(data) == Socket(
        Family.INET6, packed("::ffff:10.0.0.12"), 4243, packed("::ffff:10.0.0.20"), 64702, TcpState.ESTABLISHED,
        7, 33, 1 << 32 | 5, True, "/group9", "n",
    )  # fmt: skip


def test_a_native_socket() -> None:
    """Four bytes of address; what is not sent is unknown."""
    found = parsed(message(2))
    assert found
    assert (found.local, found.v6only, found.cgroup) == (packed("10.0.0.12"), None, "")


@pytest.mark.parametrize(("state", "inode", "uid"), [(6, 0, None), (3, 0, None), (5, 0, None), (5, 7, 33), (4, 0, 33)])
def test_uids_that_the_kernel_makes_up(state: int, inode: int, uid: int | None) -> None:
    """TIME_WAIT, SYN_RECV and orphaned FIN_WAIT2 come with uid 0, which is no fact."""
    found = parsed(message(state=state, inode=inode))
    assert found
    assert (found.uid, found.inode) == (uid, inode or None)


def test_tcp_info() -> None:
    """The fields that a shorter struct of an older kernel has."""
    info = bytearray(144)
    struct.pack_into("=I", info, 68, 1234)
    struct.pack_into("=Q", info, 120, 99)
    found = entry(message(attributes=attribute(2, bytes(info))), lambda _: "", "", 2, 1, False)
    assert found
    assert (found.at, found.since, found.foreign) == (2, 1, False)
    assert found.tcp_info
    assert found.tcp_info["rtt_us"] == 1234
    assert found.tcp_info["bytes_acked"] == 99
    with pytest.raises(KeyError):
        found.tcp_info["min_rtt_us"]


@pytest.mark.parametrize("data", [b"", message()[:80], message(family=99), message(state=99)])
def test_messages_that_are_none_of_ours(data: bytes) -> None:
    """Passed over."""
    assert parsed(data) is None


@given(st.binary(max_size=200))
def test_any_attributes(data: bytes) -> None:
    """Lying lengths end the attributes; nothing raises."""
    assert parsed(message(attributes=data)) is not None


@given(st.binary(max_size=300))
def test_any_datagram(data: bytes) -> None:
    """Messages end where a length is impossible."""
    for _kind, part in messages(data):
        parsed(part)


def test_a_request_for_all_is_a_dump() -> None:
    """NLM_F_DUMP, no cookie, all states."""
    length, kind, flags, _sequence, _port = struct.unpack_from("=IHHII", request(2))
    assert (length, kind, flags) == (72, 20, 0x301)
    assert struct.unpack_from("=H", request(2, FourTuple(b"", 1, b"", 2)), 6) == (1,)


@pytest.fixture
def diag() -> SockDiag:
    """The kernel's answers, without privileges."""
    return SockDiag(lambda _: "", "")


def test_the_real_kernel(diag: SockDiag) -> None:
    """Lookup by the wire's IPv4 four-tuple finds the AF_INET6 socket; the dump has it too; then nothing is left."""
    with socket.socket(socket.AF_INET6) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, server.accept()[0] as accepted:
            home = packed("127.0.0.1")
            four = FourTuple(home, port, home, client.getsockname()[1])
            nobody = FourTuple(home, 1, home, 1)
            found, listening, none, _six = diag.lookup(
                [(four, 0), (four._replace(remote_port=0), 0), (nobody, 0), (FourTuple(bytes(16), 1, bytes(16), 1), 0)]
            )
            assert none is None
            assert found
            assert (found.source, found.socket.family, found.asked) == (Source.LOOKUP, Family.INET6, None)
            assert found.socket.local_text == f"[::ffff:127.0.0.1]:{port}"
            assert found.tcp_info
            assert listening
            assert (listening.socket.state, listening.socket.v6only) == (TcpState.LISTEN, False)
            assert listening.asked == four._replace(remote_port=0)
            rows = [row.socket for row in diag.dump() if row.socket.local_port == port]
            assert {(row.state, row.family) for row in rows} == {
                (TcpState.LISTEN, Family.INET6),
                (TcpState.ESTABLISHED, Family.INET6),
            }
            assert accepted.fileno()
    many = [(FourTuple(home, 1 + number, home, 1), 0) for number in range(200)]  # more than go in one send
    assert diag.lookup(many) == [None] * 200
    assert diag.lookup([]) == []
    diag.close()


def test_destroy_events() -> None:
    """A closed connection's sockets are told with their last family, without a lookup."""
    try:
        events = DestroyEvents(lambda _: "", "", 1 << 20)
    except PermissionError:
        pytest.skip("this kernel asks CAP_NET_ADMIN for destroy events")
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client, server.accept()[0]:
            port = client.getsockname()[1]
    for _ in range(50):
        time.sleep(0.02)
        ports = {event.socket.remote_port for event in events.read(100)}
        if port in ports:
            break
    else:
        pytest.fail("no destroy event came")
    assert events.lost == 0
    events.close()


def test_lost_events_are_counted() -> None:
    """An overflow of the smallest buffer: ENOBUFS is a count, not an exception."""
    try:
        events = DestroyEvents(lambda _: "", "", 1)
    except PermissionError:
        pytest.skip("this kernel asks CAP_NET_ADMIN for destroy events")
    with socket.create_server(("127.0.0.1", 0)) as server:
        for _ in range(60):
            with socket.create_connection(server.getsockname()), server.accept()[0]:
                pass
    time.sleep(0.2)
    events.read(1000)
    assert events.lost > 0
    events.close()
