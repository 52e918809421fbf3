"""The end of an analysis, and counters of several inputs."""

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

from correlator.core.annotation import Kept
from correlator.core.config import Config
from correlator.core.engine import Engine
from correlator.core.frames import Frames, Packet, gathered
from correlator.pipeline import Until, _Turns, analyse
from correlator.run import Outputs, Run, added
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces
from tests.frames import ethernet, ipv4, tcp


class Endless:
    """A capture without an end, which notes that it was let go."""

    is_growing = False
    kept: Kept | None = None
    is_closed = False

    async def batches(self) -> AsyncGenerator[list[Frames], None]:
        """Empty blocks."""
        try:
            while True:
                yield [Frames(b"")]
        finally:
            self.is_closed = True


def test_a_capture_is_let_go_where_an_analysis_is_stopped() -> None:
    """Not some time later, when its file would be closed while it is being read."""

    async def stopped() -> bool:
        source, stop, interfaces = Endless(), asyncio.Event(), Interfaces()
        run = Run(Engine(Config(), interfaces.names), Decoder(interfaces), Outputs())
        await analyse(run, source, stop, stop.set)
        return source.is_closed

    assert asyncio.run(stopped())


class InBlocks(Endless):
    """A finished capture, in blocks."""

    def __init__(self, blocks: list[list[Packet]]) -> None:
        self.blocks = blocks

    async def batches(self) -> AsyncGenerator[list[Frames], None]:
        """Them."""
        for block in self.blocks:
            yield [gathered(block)]


def test_what_is_found_does_not_depend_on_where_blocks_end() -> None:
    """Not even where a frame without a segment claims to be of another day, and a block ends with it."""
    second, day = 1_000_000_000, 86_400_000_000_000
    syn, answer = ethernet(ipv4(tcp(flags=2))), ethernet(ipv4(tcp(80, 1000, 9, 2, 0x12), "10.0.0.2", "10.0.0.1"))
    packets = [
        Packet(second, 1, 0, syn, len(syn)),
        Packet(day, 1, 0, b"no segment", 10),
        Packet(second, 1, 0, answer, len(answer)),
    ]

    async def seen(blocks: list[list[Packet]]) -> int:
        interfaces = Interfaces([""])
        run = Run(Engine(Config(), interfaces.names), Decoder(interfaces), Outputs())
        await analyse(run, InBlocks(blocks), asyncio.Event(), lambda: None)
        return run.engine.tracker.seen

    assert asyncio.run(seen([packets])) == asyncio.run(seen([[packet] for packet in packets])) == 1


def test_a_live_run_takes_what_was_captured_since_its_evidence_began() -> None:
    """What is older would be taken for another host's; rings may hand it over after newer packets of another one."""
    begun, second = 1_000_000_000_000, 1_000_000_000
    nobody: Any = None
    opened: Any = SimpleNamespace(opened_at=begun - second // 10)
    turns = _Turns(nobody, opened, nobody, Until(asyncio.Event()), begun)

    def taken(*times: int) -> list[int]:
        frames = gathered([Packet(begun + at, 1, 0, b"x", 1) for at in times])
        return [packet.at - begun for packet in turns._of_the_run(frames).packets()]

    assert taken() == []
    assert taken(-3, -1, 0, 1) == [0, 1]
    assert taken(-9, -8) == []
    assert taken(5, 6) == [5, 6]
    assert taken(-2, 7) == [7]
    assert taken(2 * second) == [2 * second]


def test_a_clock_that_was_set_back_for_a_moment() -> None:
    """No packet is older than the capture: it was set back and forward again before anybody looked."""
    begun, second = 1_000_000_000_000, 1_000_000_000
    nobody: Any = None
    opened: Any = SimpleNamespace(opened_at=begun - second // 10)
    turns = _Turns(nobody, opened, nobody, Until(asyncio.Event()), begun)
    frames = gathered([Packet(begun - 14 * second, 1, 0, b"x", 1)])
    assert turns._of_the_run(frames).count == 1


def test_counters_add_up() -> None:
    """Numbers and the numbers in them; what only one has is kept."""
    one = {"packets": 1, "skipped": {"a": 1, "b": 2}, "left": 7}
    other = {"packets": 2, "skipped": {"b": 3, "c": 4}, "right": 8}
    assert added(one, other) == {"packets": 3, "skipped": {"a": 1, "b": 5, "c": 4}, "left": 7, "right": 8}
    assert added({}, other) == other
