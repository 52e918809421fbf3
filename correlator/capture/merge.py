"""Several captures as one timeline, by the times of their packets.

A capture is opened when its time has come: of a rotated set few are open at once, in whatever order they are named. As
long as one is alone its packets go on as they are; of several, each has its turn with a part of what was read of it.
"""

import heapq
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field

from correlator.capture.files import CaptureFile
from correlator.capture.names import UnreadableError
from correlator.core.annotation import Kept
from correlator.core.frames import Frames
from correlator.wire.interfaces import Interfaces

_NEVER = (1 << 63, 0)
_PARTS, _FRAMES = 512, 4096  # in a batch: of many captures in turn, of one that is alone


@dataclass(order=True)
class _Head:
    """Where a capture stands."""

    at: int
    place: int  # among the captures: those of one time go in their order
    frames: Frames = field(compare=False)
    number: int = field(compare=False)  # of the next frame
    waiting: Iterator[Frames] = field(compare=False)
    batches: AsyncGenerator[Iterable[Frames], None] = field(compare=False)
    source: CaptureFile = field(compare=False)


class MergedCaptures:
    """Captures as one. Iterate `batches` once."""

    is_growing = False

    def __init__(self, names: list[str], open_capture: Callable[[str], CaptureFile]) -> None:
        """`open_capture` makes a capture of a name."""
        self.sources: list[CaptureFile] = []
        """Those that were opened."""
        self.unread: dict[str, str] = {}
        """Captures of which nothing could be read, and why."""
        self._names = names
        self._open = open_capture

    @property
    def kept(self) -> Kept | None:
        """What live runs of ours kept: the least, where some did."""
        kept = {source.kept for source in self.sources}
        return Kept.NOTABLE if Kept.NOTABLE in kept else Kept.ALL if Kept.ALL in kept else None

    @property
    def bytes_read(self) -> int:
        """Of all captures so far."""
        return sum(source.bytes_read for source in self.sources)

    @property
    def size(self) -> int | None:
        """Not known before all are opened."""
        return None

    async def batches(self) -> AsyncGenerator[list[Frames], None]:
        """The packets in the order of their times; those of one capture keep the order in which they stand there."""
        coming: list[tuple[int, int, str]] = []
        for place, name in enumerate(self._names):
            begins = await self._begins(name)
            if begins is not None:
                coming.append((begins, place, name))
        coming.sort(reverse=True)
        heads: list[_Head] = []
        async with AsyncExitStack() as opened:
            while coming or heads:
                while coming and (not heads or coming[-1][:2] <= (heads[0].at, heads[0].place)):
                    _, place, name = coming.pop()
                    source = self._open(name)
                    self.sources.append(source)
                    batches = await opened.enter_async_context(aclosing(source.batches()))
                    head = _Head(0, place, Frames(b""), 0, iter(()), batches, source)
                    try:
                        if await _advance(head):
                            heapq.heappush(heads, head)
                    except UnreadableError as error:  # it could be read before: too many are open, or it has changed
                        self.unread[name] = f"{error} (those that overlap are open at once: ulimit -n)"
                opens = coming[-1][:2] if coming else _NEVER
                alone = _alone(heads, opens)
                if alone is not None:
                    yield [alone]
                    await _forward(heads)
                    continue
                batch, count = list[Frames](), 0
                while heads and len(batch) < _PARTS and count < _FRAMES and opens > (heads[0].at, heads[0].place):
                    batch.append(await _next_part(heads, opens))
                    count += batch[-1].count
                if batch:
                    yield batch

    async def _begins(self, name: str) -> int | None:
        """When a capture's first packet was captured; None where there is none."""
        source = CaptureFile(name, Interfaces(), is_alone=False)
        try:
            async with aclosing(source.batches()) as batches:
                async for batch in batches:
                    for frames in batch:
                        if frames.count:
                            return frames.segments[0].at
        except UnreadableError as error:
            self.unread[name] = str(error)
            return None
        return 0


def _alone(heads: list[_Head], opens: tuple[int, int]) -> Frames | None:
    """The frames of the one capture that is open, where all come before another one `opens`: a time and a place."""
    if len(heads) != 1 or heads[0].number:
        return None
    head = heads[0]
    at = max(head.at, head.frames.times()[1])
    if (at, head.place) >= opens:
        return None
    head.at, head.number = at, head.frames.count
    return head.frames


async def _next_part(heads: list[_Head], opens: tuple[int, int]) -> Frames:
    """The frames of the first capture until another one's turn comes, or a capture `opens`."""
    head = heads[0]
    until = min(opens, _NEVER, *((other.at, other.place) for other in heads[1:3]))  # a heap's second is one of these
    begin, head.number = head.number, _end_of_turn(head, until)
    part = head.frames.part(begin, head.number)
    await _forward(heads)
    return part


async def _forward(heads: list[_Head]) -> None:
    """Let the first capture go on: it may have to stand behind others then, or have ended."""
    head = heapq.heappop(heads)
    if await _advance(head):
        heapq.heappush(heads, head)


async def _advance(head: _Head) -> bool:
    """Go on to the next frame that there is; False at the end of the capture."""
    while head.number >= head.frames.count:
        while (frames := next(head.waiting, None)) is None:
            try:
                head.waiting = iter(await anext(head.batches))
            except StopAsyncIteration:
                head.source.end()
                return False
        head.frames, head.number = frames, 0
    # a packet that stands too late in its file does not hold the others up
    head.at = max(head.at, head.frames.segments[head.number].at)
    return True


def _end_of_turn(head: _Head, until: tuple[int, int]) -> int:
    """The number of the first frame that is later than others are; at least one frame has its turn."""
    frames, number = head.frames, head.number + 1
    while number < frames.count:
        if (frames.segments[number].at, head.place) > until:
            break
        number += 1
    return number
