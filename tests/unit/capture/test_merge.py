"""Several captures as one timeline."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from random import Random

from correlator.capture.files import CaptureFile
from correlator.capture.merge import MergedCaptures
from correlator.core.frames import Frames
from correlator.wire.interfaces import Interfaces
from tests.frames import pcap_header, pcap_record


def write(path: Path, times: list[int], mark: bytes) -> str:
    """A capture whose packets say when they were captured, and where."""
    records = (pcap_record(mark + b"%d" % at, seconds=at) for at in times)
    path.write_bytes(pcap_header() + b"".join(records))
    return str(path)


def merged(names: list[str]) -> tuple[list[bytes], MergedCaptures, int]:
    """The packets, and how many captures were open at once at the most."""
    interfaces = Interfaces()
    captures = MergedCaptures(names, lambda name: CaptureFile(name, interfaces))

    async def read() -> list[bytes]:
        return [packet.data async for batch in captures.batches() for frames in batch for packet in frames.packets()]

    return asyncio.run(read()), captures, len(interfaces.names)


def test_packets_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    """Whatever the order of the files; of one time those of the first file come first."""
    chance = Random(3)
    times = sorted(chance.randrange(1000) for _ in range(900))
    parts: list[list[int]] = [[], [], []]
    for at in times:
        parts[chance.randrange(3)].append(at)
    files = [write(tmp_path / f"{place}.pcap", part, b"abc"[place : place + 1]) for place, part in enumerate(parts)]
    found, captures, opened = merged(files)
    assert found == [mark + b"%d" % at for at, mark in sorted(_marked(parts))]
    assert opened == len(captures.sources) == 3
    assert captures.bytes_read == sum(Path(name).stat().st_size for name in files)
    assert (captures.size, captures.kept, captures.unread) == (None, None, {})


def _marked(parts: list[list[int]]) -> list[tuple[int, bytes]]:
    return [(at, b"abc"[place : place + 1]) for place, part in enumerate(parts) for at in part]


def test_a_late_packet_keeps_its_place_in_its_file(tmp_path: Path) -> None:
    """Captures are not always sorted; nothing is lost."""
    first = write(tmp_path / "a", [5, 3, 6, 20], b"a")
    second = write(tmp_path / "b", [4, 7], b"b")
    found, _, _ = merged([first, second])
    assert found == [b"b4", b"a5", b"a3", b"a6", b"b7", b"a20"]


def test_a_rotated_set_is_opened_one_after_another(tmp_path: Path) -> None:
    """A thousand files are not open at once."""
    files = [write(tmp_path / f"x.pcap{number}", [number * 10, number * 10 + 9], b"") for number in range(1, 40)]
    open_now: set[str] = set()
    most = 0

    class Counted(CaptureFile):
        async def batches(self) -> AsyncGenerator[Iterable[Frames], None]:
            nonlocal most
            open_now.add(self.name)
            most = max(most, len(open_now))
            async for batch in super().batches():
                yield batch
            open_now.discard(self.name)

    interfaces = Interfaces()
    captures = MergedCaptures(files[::-1], lambda name: Counted(name, interfaces))

    async def read() -> list[bytes]:
        return [packet.data async for batch in captures.batches() for frames in batch for packet in frames.packets()]

    found = asyncio.run(read())
    assert found == sorted(found, key=int)
    assert len(found) == 78
    assert most <= 2


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """The others are merged; an empty capture has no packets, and is none of the unread."""
    (tmp_path / "bad").write_bytes(b"no capture at all")
    (tmp_path / "none").write_bytes(pcap_header())
    files = [str(tmp_path / "bad"), write(tmp_path / "a", [1], b"a"), str(tmp_path / "none")]
    found, captures, _ = merged(files)
    assert found == [b"a1"]
    assert list(captures.unread) == files[:1]


def test_a_capture_that_is_cut_off_meanwhile_is_no_other_capture(tmp_path: Path) -> None:
    """Packets of a merged timeline wait for those of other captures: what they were stays."""
    whole = pcap_header() + b"".join(pcap_record(bytes([at % 250]) * 900, seconds=at) for at in range(6000))
    one, other = tmp_path / "one.pcap", tmp_path / "other.pcap"
    one.write_bytes(whole)
    other.write_bytes(pcap_header() + pcap_record(b"", seconds=0) + pcap_record(b"", seconds=9000))
    merged = MergedCaptures([str(one), str(other)], lambda name: CaptureFile(name, Interfaces()))

    async def read() -> int:
        packets, most = 0, 0
        async for batch in merged.batches():
            os.truncate(one, 4096)
            most = max(most, sum(frames.count for frames in batch))
            for frames in batch:
                for packet in filter(lambda packet: packet.data, frames.packets()):
                    assert packet.data == bytes([packets % 250]) * 900
                    packets += 1
        assert most < 10_000
        return packets

    assert 0 < asyncio.run(read()) < 6000
    assert any(source.damage is not None for source in merged.sources)
