"""Sets of files, each complete in itself."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from correlator.capture.files import CaptureFile
from correlator.core.annotation import Kept
from correlator.report.annotated import PcapngSink
from correlator.report.rotation import Rotation
from correlator.report.text_sinks import CsvSink, JsonlSink
from correlator.run import Outputs, writing
from correlator.wire.interfaces import Interfaces
from tests.play import START
from tests.scenes import the_case
from tests.unit.report.test_annotated import packet

SECOND = 1_000_000_000


def outputs(prefix: Path, **options: Any) -> Outputs:
    """A run's rotating files."""
    rotation = Rotation(str(prefix), **options)
    report, table = JsonlSink(rotation.writer(".jsonl")), CsvSink(rotation.writer(".csv"))
    packets = PcapngSink(rotation.writer(".pcapng"), ["eth0"], hold=0, kept=Kept.NOTABLE)
    rotation.reports += [(".jsonl", report), (".csv", table)]
    rotation.packets.append((".pcapng", packets))
    made = Outputs([report, table], packets, writers=[report.writer, table.writer, packets.writer], rotation=rotation)
    for writer in made.writers:
        writer.open()
    return made


async def turns(made: Outputs, times: list[int]) -> list[bool]:
    """One finding and one packet a set; whether each time ended one."""
    turned = []
    packets = made.packets
    assert packets
    async with writing(made):
        for sink in made.sinks:
            sink.begin({"host": "h"})
        for now in times:
            for sink in made.sinks:
                sink.findings([the_case()])
            packets.packet(packet(START), 1, from_client=True)
            turned.append(await made.rotate(now, {"host": "h"}, {"packets": 1}))
        packets.end((1, 0))
        for sink in made.sinks:
            sink.end({"packets": 9})
    return turned


async def test_each_set_is_complete(tmp_path: Path) -> None:
    """A header, the run, the counters, a section of its own in every file."""
    made = outputs(tmp_path / "x", every=SECOND)
    assert await turns(made, [0, SECOND - 1, SECOND, 2 * SECOND]) == [False, False, True, True]
    assert made.failures == []
    sets = sorted(path.name for path in tmp_path.iterdir())
    assert sets == [f"x-0000{number}{suffix}" for number in (1, 2, 3) for suffix in (".csv", ".jsonl", ".pcapng")]
    for number, findings in ((1, 3), (2, 1), (3, 0)):
        stem = tmp_path / f"x-0000{number}"
        with open(f"{stem}.csv", newline="") as file:
            assert len(list(csv.DictReader(file))) == findings
        kinds = [json.loads(line)["type"] for line in Path(f"{stem}.jsonl").read_text().splitlines()]
        assert kinds == ["run", *["finding"] * findings, "counters"]
        interfaces = Interfaces()
        capture = CaptureFile(f"{stem}.pcapng", interfaces)
        assert sum([len(frames) async for batch in capture.batches() for frames in batch]) == findings
        assert capture.damage is None
        assert (stem.with_suffix(".csv").stat().st_mode & 0o777) == 0o600


async def test_sets_end_by_size(tmp_path: Path) -> None:
    """The largest file counts."""
    assert await turns(outputs(tmp_path / "x", size=1), [0]) == [True]
    assert await turns(outputs(tmp_path / "y", size=1 << 20), [0]) == [False]


async def test_the_latest_sets_are_kept(tmp_path: Path) -> None:
    """The one that is being written among them."""
    await turns(outputs(tmp_path / "x", size=1, keep=2), [0, 1, 2, 3])
    assert {path.name[:7] for path in tmp_path.iterdir()} == {"x-00004", "x-00005"}


async def test_a_set_that_cannot_be_opened_ends_rotation(tmp_path: Path) -> None:
    """The run goes on in the files that it has, and says so."""
    made = outputs(tmp_path / "x", size=1)
    (tmp_path / "x-00002.csv").write_text("mine")
    assert await turns(made, [0, 1]) == [False, False]
    assert (tmp_path / "x-00002.csv").read_text() == "mine"
    (failure,) = made.failures
    assert "x-00002.csv: exists" in failure
    with (tmp_path / "x-00001.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 2


async def test_a_run_goes_on_behind_the_sets_of_the_one_before(tmp_path: Path) -> None:
    """As a service that was restarted: nothing is overwritten, and only so many are kept, old and new."""
    for number in ("00006", "00007"):
        for suffix in (".csv", ".jsonl", ".pcapng", ".sockets.jsonl", ".txt"):
            (tmp_path / f"x-{number}{suffix}").write_text("old")
    others = {
        "x-7.csv",
        "x-00009.csv.gz",
        "xy-00011.csv",
        "x-20240101.csv",
        "x-00050.csv",
        "x-00051.txt",
        "x-\u0660\u0660\u0660\u0660\u0667.csv",
    }
    for name in others:
        (tmp_path / name).write_text("somebody's own")
    await turns(outputs(tmp_path / "x", size=1, keep=2), [0])
    own = {f"x-0000{number}{suffix}" for number in (8, 9) for suffix in (".csv", ".jsonl", ".pcapng")}
    assert {path.name for path in tmp_path.iterdir()} == own | others


@pytest.mark.parametrize("words", [("--rotate-every", "1"), ("--keep", "2"), ("-w", "x", "--keep", "2")])
def test_options_that_mean_nothing(words: tuple[str, ...]) -> None:
    """Rotation is of PREFIX's files, keeping is of rotated sets."""
    from click.testing import CliRunner

    from correlator.cli.live import live

    done = CliRunner().invoke(live, ["-i", "lo", *words])
    assert done.exit_code == 2
