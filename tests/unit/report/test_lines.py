"""Lines for the screen, the summary, and netstat's table."""

from dataclasses import replace

import pytest

from correlator.core.model import Owner, TcpState
from correlator.report.lines import header, line
from correlator.report.socket_lines import netstat_header, netstat_line, truth_cells, truth_table
from correlator.report.summary import Summary
from tests.play import listener, socket
from tests.scenes import passing, the_case

COUNTERS = {"connections": 2, "packets": 9, "segments": 8, "copies": 0, "skipped": {"not TCP": 1}}


def test_a_line() -> None:
    """Verdict, side, ends, socket, owner, cause."""
    shown = line(the_case()).split()
    assert shown[1:3] == ["ipv4-on-af_inet6", "server"]
    assert shown[-2:] == ["31307/java", "dual-stack-listener"]
    assert header().split()[:3] == ["time", "verdict", "side"]


def test_a_hostile_name_stays_on_its_line() -> None:
    """It cannot move the cursor."""
    assert "\x1b" not in line(the_case("\x1b[2J\nx"))
    assert "\n" not in line(the_case("\x1b[2J\nx"))


def test_a_line_without_a_socket() -> None:
    """Dashes."""
    assert line(passing()).split()[1:3] == ["no-socket", "-"]


def test_the_summary_gives_the_answer_first() -> None:
    """How many, on which listeners, by whom; then what was skipped and lost."""
    summary, finding = Summary(), the_case("ev\x1bil")
    summary.begin({})
    summary.findings([finding])
    summary.findings([passing()])
    summary.findings([replace(finding, final=False)])
    summary.end({})
    text = summary.text(COUNTERS, ["a \x1bnote"])
    first = text.splitlines()[0]
    assert first == "2 connections, 2 findings: 1 of IPv4 on AF_INET6 sockets"
    assert "[::]:4243  ev\\x1bil (31307)" in text
    assert "skipped: 1 not TCP" in text
    assert "lost: nothing" in text
    assert "\x1b" not in text


def test_the_summary_shows_what_was_lost() -> None:
    """Each loss by its name."""
    summary = Summary()
    text = summary.text(COUNTERS | {"dropped": 5, "evidence_lost": 1, "evicted": 2}, [])
    assert "sockets:" not in text
    summary.tables = []
    assert "sockets: no table; --sockets TABLE" in summary.text(COUNTERS, [])
    summary.tables = ["a.txt", "b\x1b.txt"]
    assert "sockets: a.txt, b\\x1b.txt\n" in summary.text(COUNTERS, [])
    assert "lost: 5 dropped, 1 evidence lost, 2 evicted" in text


def test_clients_and_unknown_owners_in_the_summary() -> None:
    """AF_INET6 sockets that connect over IPv4, and listeners that were not seen."""
    from correlator.core.model import Side

    summary, finding = Summary(), the_case()
    summary.findings([replace(finding, side=Side.CLIENT)])
    summary.findings([replace(finding, listener=None, owner=None)])
    text = summary.text(COUNTERS, [])
    assert "java (31307)" in text
    assert "10.0.0.12:4243  unknown owner" in text


@pytest.mark.parametrize(
    ("found", "netstat", "truth"),
    [
        (listener("::", 80, v6only=False), "tcp6 :::80 :::* LISTEN 7/x", "tcp6 ipv4+ipv6 [::]:80 [::]:* LISTEN off 7/x"),
        (listener("::", 80, v6only=True), "tcp6 :::80 :::* LISTEN 7/x", "tcp6 ipv6 [::]:80 [::]:* LISTEN on 7/x"),
        (listener("::", 80), "tcp6 :::80 :::* LISTEN 7/x", "tcp6 ipv6, ipv4? [::]:80 [::]:* LISTEN - 7/x"),
        (listener("0.0.0.0", 80), "tcp 0.0.0.0:80 0.0.0.0:* LISTEN 7/x", "tcp ipv4 0.0.0.0:80 0.0.0.0:* LISTEN - 7/x"),
        (
            socket("::ffff:10.0.0.12", 80, "::ffff:10.0.0.20", 1000),
            "tcp6 10.0.0.12:80 10.0.0.20:1000 ESTABLISHED 7/x",
            "tcp6 ipv4 [::ffff:10.0.0.12]:80 [::ffff:10.0.0.20]:1000 ESTABLISHED - 7/x",
        ),
        (
            socket("::1", 80, "::1", 1000, TcpState.NEW_SYN_RECV),
            "tcp6 ::1:80 ::1:1000 SYN_RECV 7/x",
            "tcp6 ipv6 [::1]:80 [::1]:1000 SYN_RECV - 7/x",
        ),
    ],
)  # fmt: skip
def test_netstat_and_the_truth(found: object, netstat: str, truth: str) -> None:
    """What netstat prints, and what stands behind it."""
    assert " ".join(netstat_line(found, Owner(7, "x")).split()) == netstat  # type: ignore[arg-type]
    _, line, end = truth_table([(found, Owner(7, "x"))]).split("\n")  # type: ignore[list-item]
    assert (" ".join(line.split()), end) == (truth, "")


def test_no_owner_is_a_dash() -> None:
    """As netstat has it."""
    assert netstat_line(listener("::", 80), None).endswith("-")
    assert netstat_header().startswith("Proto")
    assert truth_table([(listener("::", 80), None)]).endswith("  -\n")


@pytest.mark.parametrize("local", ["10.0.0.12", "2001:db8:1234:5678:9abc:def0:1234:5678"])
@pytest.mark.parametrize("process", ["x", "漢字", "a\x1b[31m", "\udc80", "trails "])
def test_the_truth_has_columns(local: str, process: str) -> None:
    """Each as wide as it must be, nothing is cut, and nothing of a stranger's reaches the terminal as it is."""
    found, owner = socket(local, 80, local, 1000), Owner(7, process)
    header, line, _ = truth_table([(found, owner)]).split("\n")
    form = "%-7s  %-11s  %-30s  %-30s  %-12s  %-7s  %s"
    assert header == form % ("netstat", "wire", "local", "remote", "state", "v6only", "owner")
    shown = (form % truth_cells(found, owner)).rstrip()
    assert line == shown.encode("utf-8", "backslashreplace").decode()
    assert line.isprintable()
