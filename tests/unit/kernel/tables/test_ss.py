"""ss's table."""

import pytest

from correlator.core.model import Evidence, Family, Owner, TcpState
from correlator.kernel.tables import read_table
from correlator.kernel.tables.ss import parse_lines
from tests.play import packed

HEADER = "State     Recv-Q Send-Q          Local Address:Port             Peer Address:Port Process"


def one(*lines: str) -> Evidence:
    """The statement of a row."""
    (statement,) = parse_lines(lines)
    assert isinstance(statement, Evidence)
    return statement


def test_an_established_mapped_connection() -> None:
    """Everything that -p and -e tell."""
    found = one(
        HEADER,
        "ESTAB     0      0      [::ffff:10.0.0.12]:4243   [::ffff:10.0.0.20]:64702 "
        'users:(("java",pid=31307,fd=5),("x",pid=9,fd=5)) uid:1000 ino:12345 sk:1a cgroup:/system.slice/x.service <->',
    )
    socket = found.socket
    assert (socket.family, socket.local_text) == (Family.INET6, "[::ffff:10.0.0.12]:4243")
    assert (socket.uid, socket.inode, socket.cookie, socket.cgroup) == (1000, 12345, 0x1A, "/system.slice/x.service")
    assert found.owner == Owner(31307, "java")


@pytest.mark.parametrize(
    ("cell", "family", "v6only"),
    [
        ("*:80", Family.INET6, False),
        ("[::]:80", Family.INET6, True),
        ("0.0.0.0:80", Family.INET, None),
        ("[::1]:80", Family.INET6, None),
    ],
)
def test_listeners(cell: str, family: Family, v6only: bool | None) -> None:
    """Ss tells IPV6_V6ONLY by how it prints the wildcard."""
    found = one(f"LISTEN 0 128 {cell} *:*")
    assert (found.socket.family, found.socket.v6only, found.socket.local_port) == (family, v6only, 80)
    assert found.socket.is_listener


def test_v6only_in_words() -> None:
    """-e says it too."""
    assert one("LISTEN 0 128 [::]:80 [::]:* ino:5 sk:1 v6only:1 <->").socket.v6only is True
    assert one("LISTEN 0 128 *:80 *:* ino:5 sk:1 v6only:0 <->").socket.v6only is False


def test_old_versions() -> None:
    """Before iproute2 4.12 `:::22` was AF_INET6 and `*:22` AF_INET; neither told IPV6_V6ONLY."""
    lines = ["LISTEN 0 128 *:22 *:*", "LISTEN 0 128 :::22 :::*"]
    rows = [row for row in parse_lines(lines) if isinstance(row, Evidence)]
    assert [(row.socket.family, row.socket.v6only) for row in rows] == [(Family.INET, None), (Family.INET6, None)]


def test_a_process_cannot_make_a_table_old() -> None:
    """Only addresses tell the version."""
    rows = list(parse_lines(['LISTEN 0 128 *:22 *:* users:(("a:::b",pid=1,fd=2))', "LISTEN 0 128 *:23 *:*"]))
    assert [row.socket.family for row in rows if isinstance(row, Evidence)] == [Family.INET6] * 2


def test_listeners_bound_to_a_device() -> None:
    """The device stands behind the address."""
    assert one("LISTEN 0 128 *%lo:5007 *:*").socket.v6only is False
    assert one("LISTEN 0 128 [::]%lo:5009 [::]:*").socket.v6only is True


def test_details_of_other_protocols_are_passed_over() -> None:
    """Their lines are not rows of their own."""
    other = ["udp UNCONN 0 0 1.1.1.1:5 0.0.0.0:*", '\tusers:(("x",pid=7,fd=3))']
    assert len(list(parse_lines([*other, "tcp ESTAB 0 0 1.1.1.1:1 1.1.1.2:2"]))) == 1


def test_root_is_a_uid() -> None:
    """Ss leaves out uid:0; without -e nothing is known."""
    assert one("ESTAB 0 0 10.0.0.1:1 10.0.0.2:2 ino:5 sk:1 <->").socket.uid == 0
    assert one("ESTAB 0 0 10.0.0.1:1 10.0.0.2:2").socket.uid is None
    assert one("TIME-WAIT 0 0 10.0.0.1:1 10.0.0.2:2 ino:0 sk:1").socket.uid is None


def test_a_netid_column_and_zones() -> None:
    """With several families asked for; link-local addresses name their interface."""
    found = one('tcp   LISTEN 0 128 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=5,fd=14))')
    assert (found.socket.local, found.owner) == (packed("127.0.0.53"), Owner(5, "systemd-resolve"))
    assert one("tcp ESTAB 0 0 [fe80::1]%eth0:22 [fe80::2]%eth0:1000").socket.local == packed("fe80::1")


def test_timers_and_wrapped_lines() -> None:
    """Without -O details may follow on a line of their own."""
    found = one(
        "ESTAB 0 0 10.0.0.1:1 10.0.0.2:2 timer:(keepalive,10sec,0)", '\t users:(("x",pid=7,fd=3)) uid:5 ino:6 sk:2 <->'
    )
    assert (found.owner, found.socket.inode, found.socket.uid) == (Owner(7, "x"), 6, 5)


@pytest.mark.parametrize(
    ("name", "state"), [("SYN-SENT", TcpState.SYN_SENT), ("FIN-WAIT-1", TcpState.FIN_WAIT1), ("UNCONN", TcpState.CLOSE)]
)
def test_states(name: str, state: TcpState) -> None:
    """Ss's own names."""
    assert one(f"{name} 0 0 10.0.0.1:1 10.0.0.2:2").socket.state is state


@pytest.mark.parametrize(
    "line",
    [
        "what is this",
        "ESTAB 0 0 10.0.0.1:99999 10.0.0.2:2",
        "ESTAB 0 0 10.0.0:1 10.0.0.2:2",
        "ESTAB 0 0 10.0.0.1:1 [::1]:2",
    ],
)
def test_rows_that_make_no_sense(line: str) -> None:
    """Counted."""
    assert list(parse_lines([HEADER, line])) == [None]


def test_details_that_make_no_sense_are_unknown() -> None:
    """A cookie that is no number."""
    assert one("ESTAB 0 0 10.0.0.1:1 10.0.0.2:2 ino:x sk:zz").socket.cookie is None


def test_a_process_that_is_named_like_a_detail() -> None:
    """What stands in quotes is a name."""
    found = one('ESTAB 0 0 10.0.0.1:1 10.0.0.2:2 users:(("a ino:9 b",pid=7,fd=3)) ino:6 sk:2')
    assert (found.owner, found.socket.inode) == (Owner(7, "a ino:9 b"), 6)


def test_it_is_recognised_with_and_without_a_header() -> None:
    """-H leaves the header out."""
    row = "LISTEN 0      128          0.0.0.0:22        0.0.0.0:*    "
    assert [read_table(text).form for text in (f"{HEADER}\n{row}\n", row)] == ["ss", "ss"]
    assert (
        read_table(
            "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port\nudp UNCONN 0 0 1.1.1.1:5 0.0.0.0:*\n"
        ).statements
        == []
    )


ROW = "ESTAB 0 0 10.0.0.1:1 10.0.0.2:2"
TRUE = "pid=7,fd=3)) uid:5 ino:6 sk:2 cgroup:/a v6only:0 <->"


@pytest.mark.parametrize(
    "name",
    [
        'a",pid=1,fd=3)',
        '",pid=1,fd=3)) ',
        '",pid=1,fd=3),(',
        '",1,3),("x',
        ")) uid:0 ino:9",
        '"))',
        " cgroup:/b",
        "users:((",
    ],
)
def test_a_process_cannot_name_itself_another_one(name: str) -> None:
    """The kernel keeps 15 bytes of a name."""
    assert len(name) <= 15
    found = one(f'{ROW} users:(("{name}",{TRUE}')
    assert (found.owner, found.socket.uid, found.socket.inode) == (Owner(7, name), 5, 6)
    assert one(f'{ROW} users:(("x",pid=8,fd=4),("{name}",{TRUE}').socket.inode == 6


@pytest.mark.parametrize(
    "name", ['/a users:(("x",pid=1,fd=2))', "/a)) ino:9 uid:0", "/a uid:0", "/a v6only:1", '/a,pid=")),("']
)
def test_a_cgroup_cannot_name_another_owner(name: str) -> None:
    """Nothing that stands behind it is about the owner."""
    for uid, told in ((0, ""), (5, "uid:5 ")):
        found = one(f"LISTEN 0 128 [::]:80 [::]:* {told}ino:6 sk:2 cgroup:{name} v6only:0 <->")
        assert (found.owner, found.socket.uid, found.socket.inode, found.socket.v6only) == (None, uid, 6, False)
        found = one(f'{ROW} users:(("x",pid=7,fd=3)) {told}ino:6 sk:2 cgroup:{name} <->')
        assert (found.owner, found.socket.uid, found.socket.inode) == (Owner(7, "x"), uid, 6)


@pytest.mark.parametrize(
    "user",
    [
        '"x",pid=7,tid=8,fd=3',  # -T
        '"x",pid=7,proc_ctx=u:r:t:s0-s0:c0,c5,fd=3',  # -Z
        '"x",pid=7,tid=8,proc_ctx=u:r,fd=3,sock_ctx=u:r:s0:c0,c5',  # -zT
        '"x",7,3',  # versions that did not say pid=
    ],
)
def test_users_of_other_options_and_versions(user: str) -> None:
    """Threads and security contexts are passed over."""
    for users in (f"({user})", f"({user}),({user})"):
        found = one(f"{ROW} users:({users}) uid:5 ino:6 sk:2")
        assert (found.owner, found.socket.inode) == (Owner(7, "x"), 6)


def test_users_of_an_unknown_form() -> None:
    """What stands behind them is still known."""
    found = one(f'{ROW} users:(("x",what=7)) ino:6 sk:2')
    assert (found.owner, found.socket.inode) == (None, 6)
    assert one(f'{ROW} users:(("x",pid=7,fd=3),("y",what=7)) ino:6 sk:2').socket.inode == 6


@pytest.mark.parametrize("end", ["abc", "abc:1", "[::1:80", "[::1]", "1.2.3.4", ":80", "*", "[::1]:", "[::1]:+1"])
def test_ends_that_make_no_sense(end: str) -> None:
    """Both are looked at."""
    assert list(parse_lines([f"ESTAB 0 0 {end} 10.0.0.2:2", f"ESTAB 0 0 10.0.0.2:2 {end}"])) == [None, None]


def test_rows_that_make_no_sense_are_still_ss() -> None:
    """They are told apart by state and queues."""
    table = read_table("ESTAB 0 0 nonsense:1 10.0.0.2:2\n")
    assert (table.form, table.damaged) == ("ss", 1)


def test_a_row_of_many_lines() -> None:
    """They are put together once, not line by line: that would take a minute."""
    found = one(ROW, *["\t cubic"] * 500_000, "\t ino:6 sk:2", "udp UNCONN 0 0 1.1.1.1:5 0.0.0.0:*", "\t ino:7")
    assert (found.socket.inode, found.socket.cookie) == (6, 2)
