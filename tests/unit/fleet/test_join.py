"""Joining the ends of connections, and asking: on rows whose answer is known."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from correlator.report.record import Record
from correlator.report.rows import extended
from tests.ends import between, changed
from tests.play import START
from tests.scenes import passing, the_case

duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed: the extra `query`")
pytest.importorskip("pyarrow", reason="pyarrow is not installed: the extra `parquet`")

from correlator.fleet import join as fleet  # noqa: E402
from correlator.fleet.findings import QUESTIONS, NothingThereError, opened  # noqa: E402
from correlator.report.parquet import Rows, write  # noqa: E402

SECOND = 1_000_000_000


def end(
    side: str,
    at: int,
    isns: tuple[int | None, int | None] = (7, 9),
    *,
    client: str = "10.0.0.20",
    server: str = "10.0.0.12",
    rtts: tuple[int, int] = (100, 100),
) -> Record:
    """One end of a connection, as its host reports it. `rtts`: from SYN to SYN-ACK, from there to the ACK, in ns."""
    connection = changed(between((client, 5000), (server, 443)), opened_at=at, syn_rtt=rtts[0], ack_rtt=rtts[1])
    finding = replace(the_case("java" if side == "server" else "curl"), connection=connection)
    return {**extended(finding), "side": side, "client_isn": isns[0], "server_isn": isns[1]}


def joined(folder: Path, hosts: dict[str, list[Record]], near: float = 120) -> list[dict[str, Any]]:
    """The table of connections."""
    for host, found in hosts.items():
        rows = Rows()
        for one in found:
            rows.record(one)
        with (folder / f"{host}.parquet").open("wb") as file:
            write(file, rows.table(host), {})
    findings = opened(str(folder))
    fleet.join(findings, near)
    told = findings.execute("SELECT * FROM connections ORDER BY why, client_host, client_port")
    names = [column[0] for column in told.description or []]
    made = [dict(zip(names, row, strict=True)) for row in told.fetchall()]
    assert sum(path.count for path in fleet.paths(findings)) == sum(row["why"] is None for row in made)
    assert sum(rest.count for rest in fleet.left(findings)) == sum(row["why"] is not None for row in made)
    return made


@pytest.mark.parametrize("offset", [0, 250_000_000, -3 * SECOND])
@pytest.mark.parametrize("way", [100_000, 40_000_000])
def test_clocks(tmp_path: Path, offset: int, way: int) -> None:
    """The server's clock is ahead by so much, and a packet takes so long: both are found."""
    client = end("client", START, rtts=(2 * way + 5000, 3000))
    server = end("server", START + way + offset, rtts=(5000, 2 * way + 3000))
    (row,) = joined(tmp_path, {"a": [client], "b": [server]})
    assert row["clock_offset_us"] == pytest.approx(offset / 1000, abs=0.01)
    assert (row["client_host"], row["server_host"], row["nat"]) == ("a", "b", False)
    assert (row["client_rtt_us"], row["server_rtt_us"]) == ((2 * way + 5000) / 1000, (2 * way + 3000) / 1000)
    assert (row["client_process"], row["server_process"]) == ("curl", "java")


def test_nat(tmp_path: Path) -> None:
    """Another four-tuple, so another Community ID: the numbers are the same."""
    client = end("client", START, server="192.0.2.1")
    server = end("server", START, client="10.9.9.9")
    (row,) = joined(tmp_path, {"a": [client], "b": [server]})
    assert row["nat"] is True
    assert (row["server_ip"], row["server_sees_ip"]) == ("192.0.2.1", "10.9.9.9")


def test_each_end_has_one_other(tmp_path: Path) -> None:
    """Of several the one with the same four-tuple, then the nearest; a row that is there twice does not make two."""
    client = end("client", START)
    near = end("server", START + 5, client="10.9.9.9")
    same = end("server", START + SECOND)
    rows = joined(tmp_path, {"a": [client], "b": [near, same, same]})
    both = [row for row in rows if row["why"] is None]
    assert [row["nat"] for row in both] == [False]
    assert [row["why"] for row in rows if row["why"]] == ["no-agent"]


@pytest.mark.parametrize("ahead", [0, 4, 6, 9, 11, 30, -7])
def test_numbers_that_come_again(tmp_path: Path, ahead: int) -> None:
    """A program that chooses the same numbers every ten seconds, on hosts of which one's clock is ahead: each end has
    its own other one, also where one is missing.
    """  # noqa: D205
    times = [START + 10 * number * SECOND for number in range(4)]
    clients = [end("client", at) for at in times]
    servers = [end("server", at + ahead * SECOND) for at in times]
    others = [
        end(side, START + at * SECOND, (number, 1))
        for number in (1, 2, 3)
        for side, at in (("client", 0), ("server", ahead))
    ]
    rows = joined(tmp_path, {"a": [*clients, *others[::2]], "b": [*servers, *others[1::2]]})
    assert [row["why"] for row in rows] == [None] * 7
    assert {row["clock_offset_us"] for row in rows} == {ahead * 1e6}
    rows = joined(tmp_path, {"a": [*clients, *others[::2]], "b": [*servers[:1], *servers[2:], *others[1::2]]})
    assert [row["why"] for row in rows] == ["not-reported", *[None] * 6]
    assert rows[0]["opened_at"].timestamp() * SECOND == times[1]
    assert {row["clock_offset_us"] for row in rows[1:]} == {ahead * 1e6}


def test_none_is_left_over(tmp_path: Path) -> None:
    """Without connections that tell of the clocks the nearest are joined first, then those that are left."""
    clients = [end("client", START + at * SECOND) for at in (0, 10)]
    servers = [end("server", START + at * SECOND) for at in (6, 16)]
    rows = joined(tmp_path, {"a": clients, "b": servers})
    assert [row["why"] for row in rows] == [None, None]


@pytest.mark.parametrize(("near", "found"), [(10.0, True), (1.0, False)])
def test_times_that_are_far_apart(tmp_path: Path, near: float, found: bool) -> None:
    """Are not those of one connection."""
    ends = {"a": [end("client", START)], "b": [end("server", START + 5 * SECOND)]}
    rows = joined(tmp_path, ends, near)
    assert (len(rows) == 1) is found


def test_why_an_end_is_missing(tmp_path: Path) -> None:
    """No handshake, no agent at its address, or not reported by its host; what no socket here terminates is no end."""
    hosts = {
        "a": [
            end("client", START, (1, None)),
            end("client", START, (1, 2), server="198.51.100.1"),
            end("client", START, (3, 4)),
            extended(passing()),
        ],
        "b": [end("server", START, (5, 6), client="198.51.100.2")],
    }
    rows = joined(tmp_path, hosts)
    assert [(row["why"], row["client_host"], row["server_host"]) for row in rows] == [
        ("handshake-not-seen", "a", None),
        ("no-agent", "a", None),
        ("no-agent", None, "b"),
        ("not-reported", "a", None),
    ]
    assert {row["why"] for row in rows} == fleet.WHY.keys()


def test_nothing_there(tmp_path: Path) -> None:
    """One line says where."""
    with pytest.raises(NothingThereError, match="no Parquet files of findings are there"):
        opened(str(tmp_path))


def test_names_of_folders_are_no_patterns(tmp_path: Path) -> None:
    """Whatever is in them."""
    folder = tmp_path / "a[b]*'x"
    folder.mkdir()
    assert len(joined(folder, {"a": [end("client", START)]})) == 1


@pytest.mark.parametrize("name", QUESTIONS)
def test_questions(tmp_path: Path, name: str) -> None:
    """Those that are ready have their answers."""
    found = [
        end("server", START + number * SECOND, (number, 1), client=f"10.0.0.{20 + number % 2}") for number in range(5)
    ]
    joined(tmp_path, {"a": [*found, end("client", START)]})
    findings = opened(str(tmp_path))
    rows = findings.execute(QUESTIONS[name].sql).fetchall()
    expected: dict[str, list[tuple[Any, ...]]] = {
        "listeners": [("a", "[::]:4243", "java", "dual-stack-listener", 5, 2)],
        "would-break": [("10.0.0.20", "a", "[::]:4243", "java", 3), ("10.0.0.21", "a", "[::]:4243", "java", 2)],
        "since": [("a", "java", 443)],
    }
    assert [row[: len(expected[name][0])] for row in rows] == expected[name]


def test_a_row_without_an_address(tmp_path: Path) -> None:
    """Does not make every address known."""
    nowhere = {**end("client", START, (1, 2)), "client_ip": None}
    rows = joined(tmp_path, {"a": [end("client", START, (3, 4), server="198.51.100.1"), nowhere]})
    assert {row["why"] for row in rows if row["client_ip"]} == {"no-agent"}


def test_findings_that_are_in_two_files(tmp_path: Path) -> None:
    """Are one: what a collector has, and the report of the run itself."""
    ends = [end("client", START), end("server", START)]
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        joined(tmp_path / name, {"a": ends})
    findings = opened(str(tmp_path))
    fleet.join(findings)
    assert findings.execute("SELECT count(*), count(why) FROM connections").fetchone() == (1, 0)


def test_names_of_folders_are_no_columns(tmp_path: Path) -> None:
    """Whatever they look like, above or below what is asked for; files may lie at any depth."""
    folder = tmp_path / "host=evil" / "day=1"
    folder.mkdir(parents=True)
    for where in (folder, tmp_path):
        joined(where, {"a": [end("client", START, (len(str(where)), 1))]})
    rows = opened(str(tmp_path)).execute("SELECT DISTINCT host FROM findings").fetchall()
    assert rows == [("a",)]
