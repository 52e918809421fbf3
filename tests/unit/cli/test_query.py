"""`query` and `join` as a user runs them."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.cli.test_commands import JESSIE, TABLE, Done, correlator, errors

pytest.importorskip("duckdb", reason="DuckDB is not installed: the extra `query`")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: the extra `parquet`")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report as Parquet."""
    made = tmp_path_factory.mktemp("fleet")
    done = correlator("analyse", JESSIE, "--sockets", TABLE, "-q", "--parquet", made / "x.parquet")
    assert done.returncode == 0, done.stderr
    return made


def ask(folder: Path, *words: str, text: str = "") -> Done:
    """Ask."""
    return correlator("query", folder, *words, stdin=text.encode())


def test_sql(folder: Path) -> None:
    """A table, or CSV; of a folder, or of a file."""
    sql = "SELECT verdict, count(*) AS n FROM findings GROUP BY ALL ORDER BY n DESC, verdict LIMIT 1"
    done = ask(folder, sql)
    assert (done.returncode, done.stderr) == (0, "")
    head, row = done.stdout.splitlines()
    assert (head.split(), len(row.split())) == (["verdict", "n"], 2)
    assert ask(folder / "x.parquet", sql, "--csv").stdout.splitlines() == ["verdict,n", ",".join(row.split())]


def test_the_prompt(folder: Path) -> None:
    """Questions end with a semicolon, the last one with the input; one that is wrong does not end it."""
    done = ask(folder, text="SELECT 1 AS one\n;\nSELEC;\n.listeners\nSELECT 2 AS two")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[:2] == ["one", "1"]
    assert lines[2].split()[:3] == ["host", "listener", "process"]
    assert lines[-2:] == ["two", "2"]
    assert len(errors(done)) == 1
    assert "Parser Error" in done.stderr


def test_many_rows(folder: Path) -> None:
    """A table shows a thousand, and says so; CSV has all."""
    done = ask(folder, "SELECT range AS n FROM range(5000)")
    assert len(done.stdout.splitlines()) == 1001
    assert "only the first 1000 rows are shown" in done.stderr
    assert len(ask(folder, "SELECT range AS n FROM range(5000)", "--csv").stdout.splitlines()) == 5001


def test_what_strangers_have_named(folder: Path) -> None:
    """Is escaped for the terminal, and for spreadsheets; numbers are numbers."""
    sql = "SELECT chr(27) || '[31m' || chr(8238) AS \"a\x1b[31m\", '=1+1' AS \"=b\", -1.5 AS c"
    assert "\x1b" not in ask(folder, sql).stdout
    assert "\u202e" not in ask(folder, sql).stdout
    lines = ask(folder, sql, "--csv").stdout.splitlines()
    assert lines[1].endswith("'=1+1,-1.5")
    assert lines[0].endswith(",'=b,c")
    assert "\x1b" not in lines[0]


@pytest.mark.parametrize(
    ("words", "status"), [(["SELEC"], 2), (["SELECT 1", "--ask", "since"], 2), (["SELECT * FROM nowhere"], 2)]
)
def test_wrong_questions(folder: Path, words: list[str], status: int) -> None:
    """One line."""
    done = ask(folder, *words)
    assert (done.returncode, done.stdout, len(errors(done))) == (status, "", 1)


@pytest.mark.parametrize("command", ["query", "join"])
def test_folders_without_findings(tmp_path: Path, command: str) -> None:
    """One line says where; a file that is no Parquet is told, too."""
    words = ["SELECT 1"] if command == "query" else []
    for name in ("missing", "."):
        done = correlator(command, tmp_path / name, *words)
        assert (done.returncode, len(errors(done))) == (3, 1)
    (tmp_path / "x.parquet").write_bytes(b"hello")
    (tmp_path / "empty.parquet").write_bytes(b"")
    (tmp_path / "folder.parquet").mkdir()
    done = correlator(command, tmp_path, *words)
    assert (done.returncode, len(errors(done))) == (3, 1)


def test_files_that_are_no_parquet(folder: Path, tmp_path: Path) -> None:
    """Are left out, and told; the others are asked."""
    (tmp_path / "good.parquet").write_bytes((folder / "x.parquet").read_bytes())
    for name, content in (("empty", b""), ("junk", b"hello"), ("cut", b"PAR1PAR")):
        (tmp_path / f"{name}.parquet").write_bytes(content)
    done = ask(tmp_path, "SELECT count(*) > 10 AS some FROM findings")
    assert (done.returncode, done.stdout.split()) == (0, ["some", "True"])
    assert sorted(errors(done)) == [
        f"correlator: {tmp_path}/{name}.parquet: has no findings of ours; it is left out"
        for name in ("cut", "empty", "junk")
    ]


@pytest.mark.parametrize("command", ["query", "join"])
def test_ctrl_c(folder: Path, command: str) -> None:
    """Ends what DuckDB does, at once."""
    import duckdb

    endless = "SELECT count(*) FROM range(10000000000) a, range(1000) b"
    source = folder
    if command == "join":  # every end with every other one
        source = folder.parent / "many"
        source.mkdir()
        ends = (
            "SELECT x.* REPLACE (if(range % 2 = 0, 'client', 'server') AS side, 7 AS client_isn, 7 AS server_isn, "
            "range % 60000 AS client_port) FROM (FROM read_parquet($1) LIMIT 1) x, range(120000)"
        )
        made = duckdb.sql(ends, params=[f"{folder}/x.parquet"])
        assert made is not None
        pq.write_table(made.to_arrow_table(), source / "x.parquet")
    words = [command, str(source), *([endless] if command == "query" else [])]
    with subprocess.Popen([sys.executable, "-m", "correlator", *words], stderr=subprocess.PIPE, text=True) as process:
        time.sleep(2)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in said


def test_parquet_of_others(tmp_path: Path) -> None:
    """Without our columns there is nothing to join: one line."""
    import duckdb

    duckdb.connect().execute(f"COPY (SELECT 1 AS x) TO '{tmp_path}/x.parquet'")
    done = correlator("join", tmp_path)
    assert (done.returncode, len(errors(done))) == (3, 1)


def test_ends_of_one_host(folder: Path) -> None:
    """A report of captures has no host; its ends are told all the same."""
    done = correlator("join", folder)
    assert done.returncode == 0
    assert " with both ends, " in done.stdout
    rows = correlator("join", folder, "--csv").stdout.splitlines()
    assert rows[0].split(",")[:3] == ["opened_at", "client_host", "client_process"]
    assert json.dumps(rows[0]).count("why") == 1
