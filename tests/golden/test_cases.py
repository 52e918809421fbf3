"""The samples in captures/: CASES.toml says what must be found in them."""

import csv
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
CASES: list[dict[str, Any]] = tomllib.loads((CAPTURES / "CASES.toml").read_text())["case"]


def correlator(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """The command, as a user runs it."""
    return subprocess.run(
        [sys.executable, "-m", "correlator", *arguments], capture_output=True, timeout=60, check=False
    )


@pytest.fixture(scope="module", params=CASES, ids=[case["name"] for case in CASES])
def analysed(request: pytest.FixtureRequest) -> tuple[dict[str, Any], bytes]:
    """A case, and the CSV that the command gives for it."""
    case: dict[str, Any] = request.param
    tables = [argument for table in case["sockets"] for argument in ("--sockets", str(CAPTURES / table))]
    done = correlator("analyse", str(CAPTURES / case["capture"]), *tables, "--csv", "-")
    assert done.returncode == 0, done.stderr
    return case, done.stdout


def test_the_whole_csv(analysed: tuple[dict[str, Any], bytes]) -> None:
    """Byte for byte what was looked at and kept."""
    case, output = analysed
    assert output == (CAPTURES / case["expected"]).read_bytes()


def test_the_facts_of_the_case(analysed: tuple[dict[str, Any], bytes]) -> None:
    """Each fact that the case is about stands in exactly one row."""
    case, output = analysed
    rows = list(csv.DictReader(output.decode().splitlines()))
    assert len({row["community_id"] + row["opened_at"] for row in rows}) == case["connections"]
    keys = ("server_port", "client_port", "client_ip", "side")
    for wanted in case["rows"]:
        chosen = [row for row in rows if all(row[key] == str(wanted[key]) for key in keys if key in wanted)]
        assert len(chosen) == 1, wanted
        assert {key: chosen[0][key] for key in wanted} == {key: str(value) for key, value in wanted.items()}


def test_only_three_rows_of_jessie_are_the_case() -> None:
    """The three tcp6 rows of the table, and no other."""
    done = correlator(
        "analyse", str(CAPTURES / "jessie.pcap"), "--sockets", str(CAPTURES / "jessie.netstat.txt"), "--csv", "-"
    )
    rows = list(csv.DictReader(done.stdout.decode().splitlines()))
    assert [row["server_port"] for row in rows if row["verdict"] == "ipv4-on-af_inet6"] == ["4243", "443", "443"]


def test_the_generated_samples_are_what_the_generator_makes(tmp_path: Path) -> None:
    """The captures in the repo can be made again, byte for byte."""
    subprocess.run([sys.executable, str(CAPTURES / "generate.py"), str(tmp_path)], check=True, timeout=60)
    for made in tmp_path.iterdir():
        assert made.read_bytes() == (CAPTURES / made.name).read_bytes()
