"""netstat's table."""

import time

import pytest

from correlator.core.model import Clipped, Evidence, Family, Owner, Source, TcpState
from correlator.kernel.tables import read_table
from correlator.kernel.tables.netstat import parse_lines
from tests.play import packed

HEADER = "Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name"
EXTENDED = "Proto Recv-Q Send-Q Local Address           Foreign Address         State       User       Inode      PID/Program name"


def one(row: str, header: str = HEADER) -> Evidence:
    """The statement of a row."""
    (statement,) = parse_lines([header, row])
    assert isinstance(statement, Evidence)
    return statement


def test_the_case() -> None:
    """A tcp6 row with bare IPv4 addresses is an AF_INET6 socket with mapped ones."""
    found = one("tcp6       0      0 10.0.0.12:4243          10.0.0.20:64702         ESTABLISHED 31307/java      ")
    assert (found.source, found.at, found.owner) == (Source.TABLE, None, Owner(31307, "java"))
    assert found.socket.family is Family.INET6
    assert found.socket.local_text == "[::ffff:10.0.0.12]:4243"
    assert found.socket.state is TcpState.ESTABLISHED


def test_mapped_addresses_written_out() -> None:
    """Some builds print ::ffff: in front."""
    found = one("tcp6       0      0 ::ffff:10.0.0.1:80      ::ffff:10.0.0.2:1000    TIME_WAIT   -")
    assert (found.socket.remote, found.owner) == (packed("::ffff:10.0.0.2"), None)


@pytest.mark.parametrize(
    ("cell", "family", "local"),
    [
        ("0.0.0.0:22", "tcp ", "0.0.0.0"),
        (":::22", "tcp6", "::"),
        ("127.0.0.1:22", "tcp ", "127.0.0.1"),
        ("::1:22", "tcp6", "::1"),
    ],
)
def test_listeners(cell: str, family: str, local: str) -> None:
    """Netstat does not tell IPV6_V6ONLY: unknown."""
    other = "0.0.0.0:*" if family == "tcp " else ":::*"
    found = one(f"{family}      0      0 {cell:23} {other:23} LISTEN      1/sshd: /usr/sbin/s ")
    assert found.socket.is_listener
    assert (found.socket.local, found.socket.local_port, found.socket.v6only) == (packed(local), 22, None)
    assert found.owner == Owner(1, "sshd: /usr/sbin/s")


def test_user_and_inode() -> None:
    """With -e; a name instead of a number is no uid."""
    found = one(
        "tcp        0      0 10.0.0.12:80            10.0.0.20:1             ESTABLISHED 33         12345      7/x",
        EXTENDED,
    )
    assert (found.socket.uid, found.socket.inode, found.owner) == (33, 12345, Owner(7, "x"))
    named = one(
        "tcp        0      0 10.0.0.12:80            10.0.0.20:1             ESTABLISHED www-data   0          -",
        EXTENDED,
    )
    assert (named.socket.uid, named.socket.inode, named.owner) == (None, None, None)


def test_timers() -> None:
    """With -o a timer follows the program's name."""
    row = "tcp        0      0 10.0.0.12:80            10.0.0.20:1             ESTABLISHED 7/nginx: worker      keepalive (10.23/0/0)"
    assert one(row).owner == Owner(7, "nginx: worker")


def test_a_cut_cell_is_a_prefix() -> None:
    """The port is whole."""
    row = "tcp6       0      0 ::ffff:192.168.10:48932 2001:db8:85a3:8d3:1:443 ESTABLISHED 7/x"
    (statement,) = parse_lines([row])
    assert isinstance(statement, Clipped)
    assert (statement.local_prefix, statement.remote_prefix) == ("::ffff:192.168.10", "2001:db8:85a3:8d3:1")
    assert (statement.evidence.socket.local_port, statement.evidence.socket.remote_port) == (48932, 443)
    assert statement.evidence.owner == Owner(7, "x")


@pytest.mark.parametrize(
    "row",
    [
        "tcp  nonsense",
        "tcp        0      0 10.0.0.12:80            10.0.0.20:1             DREAMING   7/x",
        "tcp        0      0 10.0.0.12:99999         10.0.0.20:1             ESTABLISHED 7/x",
        "tcp        0      0 10.0.0:80               10.0.0.20:1             ESTABLISHED 7/x",
        "tcp        0      0 ::1:80                  10.0.0.20:1             ESTABLISHED 7/x",
        "tcp        0      0 10.0.0.12:80 10.0.0.20:1 ESTABLISHED 7/x".replace("10.0.0.20", "10.0.0.256"),
    ],
)
def test_rows_that_make_no_sense(row: str) -> None:
    """None, to be counted: never a guess."""
    assert list(parse_lines([row])) == [None]


def test_a_cut_listener_is_no_damage() -> None:
    """It cannot be used, but the table is as it should be."""
    (statement,) = parse_lines(["tcp6       0      0 fe80::1234:5678:90ab:80 :::*                    LISTEN      7/x"])
    assert isinstance(statement, Clipped)


def test_a_wide_table_has_no_cut_cells() -> None:
    """-W: one longer cell proves it."""
    rows = [
        "tcp6       0      0 2001:db8:1::22:33:50123 :::*                    LISTEN      7/x",
        "tcp6       0      0 2001:db8:aaaa:bbbb:cccc:dddd:eeee:1:80 2001:db8::1:1000 ESTABLISHED 7/x",
    ]
    assert all(isinstance(statement, Evidence) for statement in parse_lines(rows))


@pytest.mark.parametrize("tail", ["1/" + " " * 50_000 + "x", " off (" * 20_000, "1/" + " " * 50_000])
def test_hostile_program_names_cost_no_time(tail: str) -> None:
    """A name of spaces; this took minutes when it was one pattern."""
    started = time.monotonic()
    list(parse_lines(["tcp6 0 0 1.1.1.1:1 2.2.2.2:2 ESTABLISHED " + tail]))
    assert time.monotonic() - started < 5


def test_digits_of_other_scripts_are_no_numbers() -> None:
    """int() would take them, or refuse them."""
    row = "tcp 0 0 10.0.0.12:80 10.0.0.20:1 ESTABLISHED ² " + "9" * 5000 + " 7/x"
    assert one(row, EXTENDED).socket.uid is None


def test_other_rows_are_passed_over() -> None:
    """UDP, UNIX sockets, headings."""
    text = f"Active Internet connections (servers and established)\n{HEADER}\nudp        0      0 0.0.0.0:68  0.0.0.0:*   1/dhclient\n"
    table = read_table(text)
    assert (table.form, table.statements, table.damaged) == ("netstat", [], 0)
