"""Parquet: the rows of the other reports, typed, for those who read it with what they have."""

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.core.finding import Finding
from correlator.core.model import Family, Owner
from correlator.core.timetext import parse_time
from correlator.report.columns import COLUMNS
from correlator.report.rows import extended
from correlator.report.writer import Writer
from correlator.run import Outputs, writing
from tests.scenes import any_finding, passing, the_case
from tests.unit.cli.test_commands import CAPTURES, JESSIE, TABLE, correlator

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: the extra `parquet`")

from pyarrow import parquet as pq  # noqa: E402

from correlator.report import parquet  # noqa: E402
from correlator.report.columnar import NUMBER, Columns  # noqa: E402
from correlator.report.parquet import ParquetSink, Rows  # noqa: E402

TEXTS = st.text(max_size=20) | st.sampled_from(["=1+1", 'a "b"', "a,\r\nb", "\x1b[31m", "\0", "\ud800", "漢字"])


def as_parquet(finding: Finding) -> dict[str, Any]:
    """What a row should hold, by the record of JSON Lines."""
    told = extended(finding)
    leg = told.pop("leg", [None, None])
    told.pop("tcp_info", None)
    told = {"host": "h", "was_family": None, **told, "leg_client": leg[0], "leg_server": leg[1]}
    for name in ("opened_at", "closed_at"):
        told[name] = None if told[name] is None else parse_time(told[name])
    return {name: _utf8(value) for name, value in told.items()}


def _utf8(value: object) -> object:
    """Text as it can be written: half of a surrogate pair cannot."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def rows_of(table: Any) -> list[dict[str, Any]]:
    """The rows of a table, times in nanoseconds."""
    for name in ("opened_at", "closed_at"):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table.column(name).cast(pa.int64()))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


@given(
    st.builds(Owner, st.integers(0, 2**32 - 1), TEXTS, TEXTS, TEXTS, TEXTS, TEXTS),
    TEXTS,
    st.none() | st.integers(0, 10**12),
    st.none() | st.integers(0, 2**64 - 1),
    st.integers(0, 65535),
    st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16) | st.just(bytes(10) + b"\xff\xff\1\2\3\4"),
)
def test_rows_are_the_records(
    owner: Owner, text: str, interval: int | None, number: int | None, port: int, address: bytes
) -> None:
    """For any text and number, known or not; from findings, and from the lines of a report."""
    finding = any_finding(owner, text, interval, number, port, address)
    leg = (bytes([10, 0, 0, 1]), 1, bytes(15) + b"\1", 2)
    found = [finding, replace(finding, listener=None, was=Family.INET6, leg=leg), passing(), finding]
    rows, again = Rows(), Rows()
    rows.findings([*found, replace(finding, final=False)])
    for one in found:
        again.record(json.loads(json.dumps(extended(one))))
    expected = [as_parquet(one) for one in found]
    table = rows.table("h")
    assert rows_of(table) == expected
    assert again.table("h").equals(table)
    table.validate(full=True)


def test_an_interval_of_centuries() -> None:
    """A packet from 1970, and its answer: more than a double holds exactly."""
    rows = Rows()
    rows.findings([any_finding(Owner(1), "", 2**62 - 1, 1, 1, bytes(4))])
    (row,) = rows_of(rows.table("h"))
    assert row["syn_rtt_us"] == pytest.approx(2**62 / 1000)


def test_rows_are_taken_out() -> None:
    """What is known of one is not taken for another's; there is room for any number."""
    rows = Rows()
    for count in (1, 200, 3, 64, 65):
        rows.findings([the_case(), *[passing()] * count])
        rows.findings([the_case("ssh")])
        assert len(rows) == count + 2
        table = rows.table(None)
        assert table.column("process").to_pylist() == ["java", *[None] * count, "ssh"]
        assert table.column("listener").to_pylist() == ["[::]:4243", *[None] * count, "[::]:4243"]
        assert table.column("explanation").to_pylist()[1:-1] == [passing().explanation] * count
        assert table.column("host").null_count == count + 2
        del table  # its memory is theirs
        rows.clear()


@pytest.mark.parametrize(
    "wrong",
    [
        {"leg": "x"},
        {"leg": ["x"]},
        {"leg": [1, 2]},
        {"client_port": 65536},
        {"pid": 1 << 32},
        {"opened_at": "yesterday"},
        {"opened_at": "9999-01-01T00:00:00Z"},
        {"opened_at": "1960-01-01T00:00:00Z"},
    ],
)
def test_records_of_strangers(wrong: dict[str, Any]) -> None:
    """What no run of ours writes is refused whole."""
    rows = Rows()
    rows.record(extended(the_case()))
    with pytest.raises(ValueError, match=r".*"):
        rows.record({**extended(the_case()), **wrong})
    rows.record(extended(the_case()))
    assert rows.table("h").column("pid").to_pylist() == [31307, 31307]


async def test_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many rows as there are, in their order; the run and the counters are the file's metadata."""
    monkeypatch.setattr(parquet, "GROUP", 10)
    sink = ParquetSink(Writer(str(tmp_path / "x"), whole=True))
    async with writing(Outputs([sink], writers=[sink.writer])):
        sink.begin({"host": "web1", "interfaces": ["eth0"]})
        for number in range(37):
            sink.findings([the_case(f"p{number}")])
            await sink.writer.flush()
        sink.end({"packets": 5})
    assert sink.writer.failure is None
    file = pq.ParquetFile(tmp_path / "x")
    assert file.metadata.num_row_groups == 4
    assert file.read().column("process").to_pylist() == [f"p{number}" for number in range(37)]
    assert set(file.read().column("host").to_pylist()) == {"web1"}
    assert json.loads(file.metadata.metadata[parquet.RUN])["host"] == "web1"
    assert json.loads(file.metadata.metadata[parquet.COUNTERS]) == {"type": "counters", "packets": 5}


async def test_what_comes_at_once_is_one_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group that is but a remainder would cost the footer as much as a whole one."""
    monkeypatch.setattr(parquet, "GROUP", 10)
    sink = ParquetSink(Writer(str(tmp_path / "x"), whole=True))
    async with writing(Outputs([sink], writers=[sink.writer])):
        sink.begin({})
        sink.findings([the_case(f"p{number}") for number in range(9)])
        sink.findings([the_case(f"p{number}") for number in range(9, 25)])
        sink.findings([the_case("p25")])
        sink.end({})
    groups = pq.ParquetFile(tmp_path / "x").metadata
    assert [groups.row_group(number).num_rows for number in range(groups.num_row_groups)] == [25, 1]


@pytest.mark.parametrize(("form", "most"), [("H", (1 << 16) - 1), ("I", (1 << 32) - 1), ("Q", (1 << 64) - 1)])
def test_a_number_has_the_room_that_it_has(form: str, most: int) -> None:
    """What is larger is not cut."""
    columns = Columns([(NUMBER, form)])
    for value in (0, most):
        columns.number(value)
        columns.end()
    (column,) = columns.columns
    assert struct.unpack_from(f"=2{form}", column.packed(2)) == (0, most)
    if form != "Q":
        columns.number(most + 1)
        columns.end()
        with pytest.raises(ValueError, match=str(most + 1)):
            column.packed(3)


@given(st.lists(st.integers(0, (1 << 64) - 1), max_size=100))
def test_thousandths(values: list[int]) -> None:
    """As floating-point numbers have them."""
    columns = Columns([(NUMBER, "d")])
    for value in values:
        columns.number(value)
        columns.end()
    packed = memoryview(columns.columns[0].packed(len(values))).cast("B").cast("d")
    assert packed.tolist() == [float(value) / 1000 for value in values]


def test_pyarrow_does_not_load_what_computes(tmp_path: Path) -> None:
    """Nor what makes Python objects of its own: it takes 10 MB, and more than most reports."""
    code = (
        "import sys, correlator.cli.main as commands\n"
        "commands._leave = lambda _status: None\n"
        "commands.main(sys.argv[1:])\n"
        "print({'pyarrow.compute', 'pyarrow._compute', 'pandas'} & set(sys.modules), 'pyarrow' in sys.modules)"
    )
    run = [sys.executable, "-c", code, "analyse", "-q", str(JESSIE), "--parquet", str(tmp_path / "x")]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout == "set() True\n"


def _by_duckdb(path: Path) -> list[tuple[Any, ...]]:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed: the extra `query`")
    table = duckdb.read_parquet(str(path))
    rows: list[tuple[Any, ...]] = table.project("server_port, side, verdict, pid, epoch_ns(opened_at)").fetchall()
    return rows


def _by_pandas(path: Path) -> list[tuple[Any, ...]]:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.read_parquet(path)
    assert str(frame["opened_at"].dtype) == "datetime64[ns, UTC]"
    assert str(frame["verdict"].dtype) == "category"
    columns = [frame[name].astype(object) for name in ("server_port", "side", "verdict", "pid")]
    at = frame["opened_at"].astype("int64")
    return [
        (*(None if pandas.isna(cell) else cell for cell in row), int(time))
        for *row, time in zip(*columns, at, strict=True)
    ]


@pytest.mark.parametrize("read", [_by_duckdb, _by_pandas])
def test_other_programs_read_it(tmp_path: Path, read: Callable[[Path], list[tuple[Any, ...]]]) -> None:
    """The same as the JSON Lines of the run."""
    done = correlator(
        *("analyse", JESSIE, "--sockets", TABLE, "--parquet", tmp_path / "x.parquet", "--jsonl", tmp_path / "x.jsonl")
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()[1:-1]]
    expected = [
        (row["server_port"], row["side"], row["verdict"], row["pid"], parse_time(row["opened_at"])) for row in lines
    ]
    assert read(tmp_path / "x.parquet") == expected
    assert len(expected) > 10
    assert (tmp_path / "x.parquet").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["jessie.pcap", "meetings.pcapng", "handshakes.pcap"])
def test_exports_equal_the_runs_own(tmp_path: Path, name: str) -> None:
    """All rows and columns, but the host, which a report of captures does not know."""
    run, export = tmp_path / "run.parquet", tmp_path / "export.parquet"
    correlator("analyse", CAPTURES / name, "--parquet", run, "--jsonl", tmp_path / "x.jsonl")
    assert correlator("export", tmp_path / "x.jsonl", "--parquet", export).returncode == 0
    assert pq.read_table(run).equals(pq.read_table(export))
    assert pq.read_table(run).num_rows > 2
    assert pq.read_table(run).schema.names == ["host", *COLUMNS, "was_family", "leg_client", "leg_server"]


def test_without_pyarrow(tmp_path: Path) -> None:
    """One line says what to install, and no output is made."""
    (tmp_path / "pyarrow.py").write_text("raise ModuleNotFoundError(name='pyarrow')")
    command = [
        sys.executable,
        "-m",
        "correlator",
        "analyse",
        JESSIE,
        "--csv",
        tmp_path / "x",
        "--parquet",
        tmp_path / "y",
    ]
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path)},
        timeout=20,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "correlator: --parquet needs pyarrow: pip install 'correlator[parquet]'\n"
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ""] in ([], ["__pycache__"])


def test_nothing_else_is_imported() -> None:
    """Pandas takes longer to import than most reports to write; pyarrow imports it for many things."""
    code = (
        "import sys; from tests.scenes import the_case, passing; from correlator.report.parquet import Rows\n"
        "rows = Rows(); rows.findings([the_case(), passing()]); rows.table('h'); print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout == "False\n"
