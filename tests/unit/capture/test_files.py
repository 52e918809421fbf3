"""Finished files, which are read ahead: the packets of the whole, whatever happens to the file meanwhile."""

import asyncio
import mmap
import os
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from correlator.capture import finished
from correlator.capture.files import CaptureFile, Span
from correlator.capture.walker import IS_APART
from correlator.core.frames import UNKNOWN, Packet
from correlator.core.segment import Segment
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces
from tests.frames import block, enhanced, ethernet, ipv4, tcp

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


def read(
    path: Path, meanwhile: Callable[[], None] = lambda: None, *, is_whole: bool = True
) -> tuple[list[Packet], CaptureFile]:
    """The packets of a file, to which something happens after each batch."""
    source = CaptureFile(str(path), Interfaces(), is_whole=is_whole)

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
    monkeypatch.setattr(finished, "BLOCK", request.param)


@pytest.fixture(params=[True, False])
def is_whole(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """What is wanted: the frames, none of which is plain; else the file is walked through wherever that can be."""
    monkeypatch.setattr(finished, "_LEAST", 5000)
    monkeypatch.setattr(finished, "_STEP", 700)
    return bool(request.param)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("form", [pcap, pcapng])
@pytest.mark.parametrize("cut", [0, 1, 600, PAGE])
def test_parts_are_the_whole(tmp_path: Path, form: Callable[[list[bytes]], bytes], cut: int, *, is_whole: bool) -> None:
    """Packets across their seams, and a last packet that is cut off."""
    path = tmp_path / "a.cap"
    data = form(BODIES)
    path.write_bytes(data[: len(data) - cut])
    packets, source = read(path, is_whole=is_whole)
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
def test_a_file_that_grows_is_read_to_its_end(tmp_path: Path, *, is_whole: bool) -> None:
    """What comes while it is read belongs to it."""
    path = tmp_path / "a.pcap"
    data = pcap(BODIES)
    half = len(pcap(BODIES[:1000]))
    path.write_bytes(data[:half])

    def grow() -> None:
        with path.open("ab") as file:
            file.write(data[file.tell() :])

    packets, source = read(path, grow, is_whole=is_whole)
    assert [packet.data for packet in packets] == BODIES
    assert source.damage is None


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("left", [0, 100, PAGE + 5])
def test_a_file_that_is_cut_off_meanwhile(tmp_path: Path, left: int, *, is_whole: bool) -> None:
    """What was read is kept, and the damage is told: no signal ends the program."""
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(BODIES))
    packets, source = read(path, lambda: os.truncate(path, left), is_whole=is_whole)
    assert [packet.data for packet in packets] == BODIES[: len(packets)]
    assert 0 < len(packets) < len(BODIES)
    assert source.damage is not None
    assert source.damage.reason == "it was cut off while it was read"


@pytest.mark.parametrize("form", [pcap, pcapng])
def test_segments_are_the_same_where_no_more_is_wanted(
    tmp_path: Path, form: Callable[[list[bytes]], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With frames among them that are not plain, and blocks that nobody needs; in a part of the file, too."""
    path = tmp_path / "a.cap"
    plain = [ethernet(ipv4(tcp(seq=number, payload=bytes(number % 900)))) for number in range(3000)]
    data = form([body if number % 50 else BODIES[number % 2000] for number, body in enumerate(plain)])
    path.write_bytes(data)
    monkeypatch.setattr(finished, "_LEAST", 5000)
    monkeypatch.setattr(finished, "_STEP", 700)

    def segments(span: Span | None, *, is_whole: bool) -> tuple[list[Segment], dict[str, int], int, object]:
        names = Interfaces()
        source = CaptureFile(str(path), names, span=span, is_whole=is_whole)
        decoder = Decoder(names)
        found: list[Segment] = []
        walked = 0

        async def all_of_it() -> None:
            nonlocal walked
            async for batch in source.batches():
                for frames in batch:
                    walked += frames.count * (frames.odd != UNKNOWN)  # decoded where they are plain
                    decoder.decode(frames)
                    found.extend(replace(one) for one in frames.segments[: frames.count] if one.is_decoded)

        asyncio.run(all_of_it())
        assert (walked > 1000) == (IS_APART and not is_whole)
        return found, decoder.skipped, source.next_at, source.damage

    for span in (None, Span(0, len(data) // 2), Span(len(data) // 2, len(data))):
        if span is not None and span.begin:
            span = Span(segments(Span(0, len(data) // 2), is_whole=True)[2], span.end)  # noqa: PLW2901  a record's
        walked = segments(span, is_whole=False)
        assert walked == segments(span, is_whole=True)
        assert len(walked[0]) > 1000
