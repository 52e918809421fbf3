"""Finished capture files: read ahead, or walked through where segments are all that is wanted.

The loop has its turn every few megabytes: such a file keeps nobody waiting.
"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, closing
from io import FileIO

from correlator.capture.blocks import AHEAD, BLOCK, Blocks
from correlator.capture.walker import IS_APART, Walker
from correlator.core.frames import Frames
from correlator.wire.reader import Damage, Reader

_TURN, _WALK_TURN = 4, 16  # blocks, and batches of a walk, after which the loop has its turn
_SMALL = 1 << 18  # bytes of a block, where many files are open
_STEP = 1 << 16  # bytes that are read, and not walked through, at the beginning, and where there is something odd
_LEAST = 1 << 20  # bytes for which a walk is worth its while
_WORTH = 16  # a walk is, where it goes so many times as far as was read before it
_MISSING = "it was cut off while it was read"


class Finished:
    """A file that nobody writes to, and that is not compressed."""

    def __init__(self, file: FileIO, reader: Reader, at: int, *, is_alone: bool, is_whole: bool) -> None:
        """It is closed behind `batches`. `at`: offset of the first byte that the reader has not seen.

        `is_alone`: no others are open at the same time. `is_whole`: the bytes of all packets are wanted.
        """
        self.at = at
        """The offset of the first byte that was not read."""
        self._file = file
        self._reader = reader
        self._is_alone = is_alone
        self._can_walk = IS_APART and is_alone and not is_whole
        self._is_walking = False

    async def batches(self) -> AsyncGenerator[Iterable[Frames], None]:
        """The packets, as `CaptureFile` gives them; the reader's `damage` says why they end early."""
        reader, step = self._reader, _STEP
        with self._file:
            size = os.fstat(self._file.fileno()).st_size
            while True:
                is_to_walk = self._can_walk and size - reader.next_at > _LEAST
                goal = reader.next_at + step if is_to_walk else sys.maxsize
                async with aclosing(self._read(goal)) as batches:
                    async for batch in batches:
                        yield batch
                if reader.damage is not None or not goal <= reader.next_at < reader.until:
                    break
                begin = reader.next_at
                if size - begin > _LEAST:
                    async with aclosing(self._walk()) as batches:
                        async for batch in batches:
                            yield batch
                    # what is odd again and again is read: a walk takes a while to begin
                    step = _STEP if self.at - begin > step * _WORTH else step * 2
        if reader.damage is None and reader.next_at < reader.until and self.at < size:
            self._fail(_MISSING)

    async def _read(self, until: int) -> AsyncGenerator[Iterable[Frames], None]:
        """Read on, as far as a record that begins at `until` or behind it."""
        reader, turn = self._reader, 0
        until = min(until, reader.until)
        is_far = until == reader.until or until - self.at > BLOCK * AHEAD
        size, ahead = (BLOCK, AHEAD) if is_far else (_STEP, 0)
        if not self._is_alone:
            size, ahead = _SMALL, 0
        try:
            with closing(Blocks(self._file.fileno(), self.at, until=until, size=size, ahead=ahead)) as blocks:
                while reader.damage is None and reader.next_at < until and (block := blocks.take()):
                    self.at += len(block)
                    yield reader.feed(block)
                    turn += 1
                    if turn % _TURN == 0:
                        await asyncio.sleep(0)
        except OSError as error:
            self._fail(error.strerror or str(error))

    async def _walk(self) -> AsyncGenerator[Iterator[Frames], None]:
        """Go on as far as there are records that can be walked through."""
        reader, frames = self._reader, Frames()
        with closing(Walker(reader, self._file.fileno(), reader.next_at)) as walker:
            self._is_walking = True
            while self._is_walking:
                yield self._turn(walker, frames)
                await asyncio.sleep(0)
            self._can_walk = not walker.is_cut
        reader.go_to(self.at, reader.until)

    def _turn(self, walker: Walker, frames: Frames) -> Iterator[Frames]:
        """The next batches of a walk, each in the same frames."""
        for _ in range(_WALK_TURN):
            self._is_walking = walker.take(frames)
            self.at = walker.at
            if not self._is_walking:
                break
            yield frames

    def _fail(self, reason: str) -> None:
        self._reader.damage = Damage(self.at, reason)
