"""Sockets as a table that fits, and as records."""

from correlator.core.model import Owner, Socket
from correlator.report.table import FIELDS, Row, fitted, record
from tests.play import listener, socket

JAVA = Owner(31307, "java", "java -jar app.jar", "app", cgroup="/system.slice/app.service")
ROWS: list[Row] = [
    (listener("::", 4243, v6only=False), JAVA),
    (socket("::ffff:10.0.0.12", 4243, "::ffff:10.0.0.20", 64702), JAVA),
    (socket("10.0.0.12", 22, "10.0.0.20", 64703), None),
]


def test_a_wide_terminal_has_both_forms_of_an_address() -> None:
    """What netstat shows stands beside what the kernel has."""
    header, first, mapped, plain = fitted(ROWS, 200)
    assert header.split() == [
        "netstat",
        "wire",
        "local",
        "remote",
        "state",
        "v6only",
        "owner",
        "unit",
        "netstat's",
        "addresses",
    ]
    assert first.split() == ["tcp6", "ipv4+ipv6", "[::]:4243", "[::]:*", "LISTEN", "off", "31307/java", "app.service"]
    assert "[::ffff:10.0.0.12]:4243" in mapped
    assert mapped.endswith("10.0.0.12:4243 10.0.0.20:64702")
    assert plain.endswith("-")


def test_less_is_shown_where_there_is_less_room() -> None:
    """No line is wider than the terminal; the least is two lines for each."""
    for width in range(60, 200):
        lines = list(fitted(ROWS, width))
        assert max(map(len, lines)) <= width
        assert len(lines) in {4, 8}
        assert any("[::ffff:10.0.0.12]:4243" in line for line in lines)
    assert len(list(fitted(ROWS, 60))) == 8
    assert list(fitted(ROWS, 60))[3].split() == ["[::]:4243", "[::]:*"]


def test_columns_that_nothing_has_are_not_shown() -> None:
    """A host without units and mapped addresses."""
    header, *_ = fitted([(listener("0.0.0.0", 22), Owner(1, "sshd"))], 200)
    assert header.split()[-1] == "owner"
    assert len(list(fitted([], 200))) == 1


def test_hostile_names_move_no_cursor() -> None:
    """Nor break the table."""
    owner = Owner(5, "a\nb\x1b[2J", container="\x1b]0;x\x07")
    lines = list(fitted([(listener("::", 1), owner)], 200))
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


def test_records() -> None:
    """Every field, unknown ones as None."""
    made: Socket = socket("::ffff:10.0.0.12", 4243, "::ffff:10.0.0.20", 64702, inode=7, uid=33)
    told = record(made, JAVA)
    assert tuple(told) == FIELDS
    assert (told["netstat"], told["wire"], told["family"]) == ("tcp6", "ipv4", "AF_INET6")
    assert (told["local"], told["netstat_local"]) == ("::ffff:10.0.0.12", "10.0.0.12:4243")
    assert (told["unit"], told["pid"], told["uid"], told["container"]) == ("app.service", 31307, 33, None)
    assert [record(listener("::", 1), None)[name] for name in ("pid", "process", "v6only", "netns")] == [None] * 4
