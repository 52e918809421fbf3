"""Finished files, which are read ahead: the packets of the whole, whatever happens to the file meanwhile."""

import asyncio
import mmap
import os
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from correlator.capture import files
from correlator.capture.blocks import Blocks
from correlator.capture.files import CaptureFile
from correlator.core.frames import Packet
from correlator.wire.interfaces import Interfaces
from tests.frames import block, enhanced

PAGE = mmap.ALLOCATIONGRANULARITY
BODIES = [bytes([number % 251]) * (number * 37 % 1500) for number in range(2000)]


def pcap(bodies: list[bytes]) -> bytes:
    """A classic capture."""
    records = [struct.pack("<IIII", 1, at, len(body), len(body)) + body for at, body in enumerate(bodies)]
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(records)


def pcapng(bodies: list[bytes]) -> bytes:
    """The same with blocks in it that nobody needs, one longer than a part."""
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    interface = block(1, struct.pack("<HHI", 1, 0, 0))
    packets = [enhanced(body) for body in bodies]
    return section + interface + b"".join([*packets[:700], block(99, bytes(7 * PAGE)), *packets[700:]])


def read(path: Path, meanwhile: Callable[[], None] = lambda: None) -> tuple[list[Packet], CaptureFile]:
    """The packets of a file, to which something happens after each batch."""
    source = CaptureFile(str(path), Interfaces())

    async def all_of_it() -> list[Packet]:
        found: list[Packet] = []
        async for batch in source.batches():
            found += [packet for frames in batch for packet in frames.packets()]
            meanwhile()
        return found

    return asyncio.run(all_of_it()), source


@pytest.fixture(params=[1000, 3 * PAGE])
def _small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many blocks, or some."""
    monkeypatch.setattr(files, "Blocks", partial(Blocks, size=request.param))


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("form", [pcap, pcapng])
@pytest.mark.parametrize("cut", [0, 1, 600, PAGE])
def test_parts_are_the_whole(tmp_path: Path, form: Callable[[list[bytes]], bytes], cut: int) -> None:
    """Packets across their seams, and a last packet that is cut off."""
    path = tmp_path / "a.cap"
    data = form(BODIES)
    path.write_bytes(data[: len(data) - cut])
    packets, source = read(path)
    assert [packet.data for packet in packets] == BODIES[: len(packets)]
    assert (len(packets) == len(BODIES)) == (cut == 0)
    assert (source.damage is None) == (cut == 0)
    assert source.bytes_read == len(data) - cut
    whole = CaptureFile(str(path), Interfaces(), follow=True, stop=asyncio.Event())
    whole._stop.set()

    async def streamed() -> list[Packet]:
        return [packet async for batch in whole.batches() for frames in batch for packet in frames.packets()]

    assert asyncio.run(streamed()) == packets
    assert whole.damage == source.damage


@pytest.mark.usefixtures("_small")
def test_a_file_that_grows_is_read_to_its_end(tmp_path: Path) -> None:
    """What comes while it is read belongs to it."""
    path = tmp_path / "a.pcap"
    data = pcap(BODIES)
    half = len(pcap(BODIES[:1000]))
    path.write_bytes(data[:half])

    def grow() -> None:
        path.write_bytes(data)

    packets, source = read(path, grow)
    assert [packet.data for packet in packets] == BODIES
    assert source.damage is None


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("left", [0, 100, PAGE + 5])
def test_a_file_that_is_cut_off_meanwhile(tmp_path: Path, left: int) -> None:
    """What was read is kept, and the damage is told: no signal ends the program."""
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(BODIES))
    packets, source = read(path, lambda: os.truncate(path, left))
    assert [packet.data for packet in packets] == BODIES[: len(packets)]
    assert 0 < len(packets) < len(BODIES)
    assert source.damage is not None
    assert source.damage.reason == "it was cut off while it was read"
