"""A rotated set says what the whole capture says: its files were captured on one interface."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from correlator.cli.inputs import Inputs
from correlator.cli.outputs import Wanted
from correlator.cli.part import part_of
from correlator.run import Run
from tests.rotated import capture, conversations, files


def rows(folder: Path, captures: list[bytes]) -> tuple[list[str], dict[str, object]]:
    """The rows of captures on one timeline, and what was counted."""
    names = [str(folder / f"part.pcap{place}") for place in range(len(captures))]
    for name, content in zip(names, captures, strict=True):
        Path(name).write_bytes(content)
    found = folder / "found.csv"

    async def take(inputs: Inputs, run: Run) -> None:
        await inputs.take(run, names)

    part = asyncio.run(part_of(Wanted(csv=str(found), quiet=True, force=True), [], take))
    assert part.troubles == []
    return found.read_text().splitlines(), part.counters


@pytest.mark.parametrize("seed", range(25))
def test_files_of_a_set_are_the_whole(seed: int, tmp_path: Path) -> None:
    """Wherever it was cut: between what is sent twice, between the fragments of one segment."""
    chance = Random(seed)
    packets = conversations(chance, 200)
    whole = rows(tmp_path, [capture(packets)])
    assert len(whole[0]) > 10
    assert rows(tmp_path, files(packets, chance, 6)) == whole
