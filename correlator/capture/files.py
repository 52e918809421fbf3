"""Capture files: finished and compressed ones, pipes, and files that still grow.

What may keep us waiting is read through aiofiles or the loop; finished files are those of `finished`.
"""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncGenerator, Iterable
from contextlib import ExitStack, aclosing, suppress
from io import FileIO
from typing import BinaryIO, NamedTuple

from correlator.capture.compressed import CompressionError, compression, inflated
from correlator.capture.finished import Finished
from correlator.capture.names import STANDARD_INPUT, UnreadableError
from correlator.core.annotation import Kept
from correlator.core.frames import Frames
from correlator.wire.cut import HEAD, head_length
from correlator.wire.formats import MAGIC_LENGTH, NotACaptureError, reader_for
from correlator.wire.interfaces import Interfaces
from correlator.wire.reader import Damage, Reader

_BLOCK = 1 << 18  # bytes
_IDLE = 0.2
"""Seconds without a byte after which those who wait are told."""


class Span(NamedTuple):
    """A part of a file: records that begin in it."""

    begin: int
    """Where a record begins."""
    end: int


class CaptureFile:
    """One capture file, or standard input. Iterate `batches` once, and once again behind `go_to`."""

    def __init__(
        self,
        name: str,
        interfaces: Interfaces,
        *,
        comments: bool = False,
        stop: asyncio.Event | None = None,
        follow: bool = False,
        span: Span | None = None,
        is_alone: bool = True,
        is_whole: bool = True,
    ) -> None:
        """`comments`: keep the comments of pcapng packets. `stop`: end the reading, even of an idle pipe.

        `follow`: the file is still being written; wait for more at its end. `span`: of a finished file the records that
        begin in it; what stands before the first packet is read in any case. `is_alone`: no others are open at the
        same time; a thousand that are must not take much memory each. `is_whole`: the bytes of all packets are wanted;
        else of a packet that is plain there may be the segment only.
        """
        self.name = name
        self.bytes_read = 0
        self.is_growing = follow or (name == STANDARD_INPUT and _is_pipe(sys.stdin.fileno()))
        """Whether it may be written just now."""
        self._follow = follow
        self._span = span
        self._is_alone = is_alone
        self._is_whole = is_whole or comments
        self._interfaces = interfaces
        self._comments = comments
        self._stop = stop or asyncio.Event()
        self._reader: Reader | None = None

    def go_to(self, span: Span) -> None:
        """Iterate `batches` again, for another part of the same file; `damage` and `next_at` are of that part."""
        self._span = span

    def end(self) -> None:
        """No packet of it is to come: its interfaces are free for a capture that follows."""
        if self._reader is not None:
            self._interfaces.end(self._reader.interfaces)

    @property
    def described(self) -> int:
        """How many sections and interfaces were described so far, without what cooked captures fold into one."""
        return self._reader.sections + len(self._reader.interfaces) if self._reader is not None else 0

    @property
    def next_at(self) -> int:
        """Where the first record begins that was not taken in."""
        return self._reader.next_at if self._reader is not None else 0

    @property
    def damage(self) -> Damage | None:
        """Where and why the capture was cut short, after `batches`."""
        return self._reader.damage if self._reader else None

    @property
    def kept(self) -> Kept | None:
        """What a live run of ours kept, where one wrote the file."""
        return self._reader.kept if self._reader else None

    def comments_of(self, packet: int) -> tuple[str, ...]:
        """The comments of a packet by its index in the file; taken once."""
        comments = getattr(self._reader, "comments", {})
        taken: tuple[str, ...] = comments.pop(packet, ())
        return taken

    @property
    def size(self) -> int | None:
        """The file's size in bytes where it has one."""
        if self.name == STANDARD_INPUT:
            return None
        try:
            status = os.stat(self.name)
        except OSError:  # it is gone by now
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    async def batches(self) -> AsyncGenerator[Iterable[Frames], None]:
        """The packets, some at a time, each frames good until the next; an empty list where nothing came for a while.

        Raises UnreadableError before the first where there is nothing to read. After an error in the middle of the
        file `damage` says where it was.
        """
        finished = self._finished()
        async with aclosing(self._from_blocks() if finished is None else finished.batches()) as batches:
            async for batch in batches:
                if finished is not None:
                    self.bytes_read = finished.at
                yield batch
        if finished is not None:
            self.bytes_read = finished.at
        if self._reader is None:
            return
        if self._reader.next_at < self._reader.until:
            self._reader.close()
        if self.damage is not None and self.damage.offset == 0:
            raise UnreadableError(self.damage.reason)

    async def _from_blocks(self) -> AsyncGenerator[list[Frames], None]:
        """The packets of what comes in blocks."""
        head = b""
        async with aclosing(self._contents()) as blocks:
            async for block in blocks:
                if self._reader is None:
                    head += block
                    if len(head) < MAGIC_LENGTH:
                        continue
                    self._reader = self._open(head)
                    block, head = head, b""  # noqa: PLW2901  the first block includes what was held back
                yield self._reader.feed(block) if block else []
        if self._reader is None and not self._stop.is_set():
            raise UnreadableError("it is empty" if not head else "it is too short for a capture file")

    def _finished(self) -> Finished | None:
        """The file, opened, if it is one that is finished and not compressed."""
        if self.name == STANDARD_INPUT or self._follow:
            return None
        with suppress(OSError), ExitStack() as opened:  # reading it as a stream will explain the error
            if not stat.S_ISREG(os.stat(self.name).st_mode):
                return None
            file = opened.enter_context(FileIO(self.name))
            if self._reader is None:
                head = os.pread(file.fileno(), MAGIC_LENGTH, 0)
                if len(head) < MAGIC_LENGTH or compression(head) is not None:
                    return None
                self._reader = self._open(head)
                if self._span is not None and self._span.begin:
                    head = os.pread(file.fileno(), HEAD, 0)
                    self._reader.feed(head[: head_length(head) or 0])
            if self._span is not None:
                self._reader.go_to(*self._span)
            begin = self._span.begin if self._span is not None else self.bytes_read
            opened.pop_all()
            return Finished(file, self._reader, begin, is_alone=self._is_alone, is_whole=self._is_whole)
        return None

    def _open(self, head: bytes) -> Reader:
        try:
            return reader_for(head, self._interfaces, comments=self._comments)
        except NotACaptureError as error:
            message = f"not a pcap or pcapng file (it begins with {error})"
            raise UnreadableError(message) from None

    async def _contents(self) -> AsyncGenerator[bytes, None]:
        """The capture's bytes, out of their compression."""
        blocks = self._blocks()
        try:
            async with aclosing(_from_compression(blocks)) as contents:
                async for block in contents:
                    yield block
        except CompressionError as error:
            self._fail(str(error))
        except OSError as error:
            self._fail(error.strerror or str(error))
        finally:
            await blocks.aclose()

    def _fail(self, reason: str) -> None:
        if self._reader is None:
            raise UnreadableError(reason)
        self._reader.damage = Damage(self.bytes_read, reason)

    async def _blocks(self) -> AsyncGenerator[bytes, None]:
        """The file's bytes; empty where nothing came for a while."""
        source = self._standard_input() if self.name == STANDARD_INPUT else self._file()
        async with aclosing(source) as blocks:
            async for block in blocks:
                self.bytes_read += len(block)
                yield block

    async def _file(self) -> AsyncGenerator[bytes, None]:
        import aiofiles  # noqa: PLC0415  slow to import, and few captures need it

        if stat.S_ISFIFO(os.stat(self.name).st_mode):
            # open(2) would wait for somebody who writes, and hear no signal; this way the loop waits
            with open(os.open(self.name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", 0) as pipe:
                async with aclosing(self._pipe(pipe)) as blocks:
                    async for block in blocks:
                        yield block
            return
        async with aiofiles.open(self.name, "rb", buffering=0) as file:
            is_last = False
            while not is_last:
                is_last = not self._follow or await self._is_stopped()
                if self._follow and os.fstat(file.fileno()).st_size < self.bytes_read:
                    message = "it was cut while it was followed"
                    raise OSError(message)
                while block := await file.read(_BLOCK):
                    yield block
                if self.damage is not None:
                    return
                yield b""

    async def _is_stopped(self) -> bool:
        """Waits a while for the word to stop."""
        try:
            await asyncio.wait_for(self._stop.wait(), _IDLE)
        except TimeoutError:
            return False
        return True

    async def _standard_input(self) -> AsyncGenerator[bytes, None]:
        """Standard input: a pipe through the loop, so that it can be left while it is idle; a file like any other."""
        if sys.stdin.isatty():
            message = "standard input is a terminal; pipe a capture into it"
            raise UnreadableError(message)
        if not _is_pipe(sys.stdin.fileno()):
            import aiofiles  # noqa: PLC0415  as above

            while block := await aiofiles.stdin_bytes.read(_BLOCK):
                yield block
            return
        async with aclosing(self._pipe(sys.stdin.buffer)) as blocks:
            async for block in blocks:
                yield block

    async def _pipe(self, file: BinaryIO) -> AsyncGenerator[bytes, None]:
        """What comes out of a pipe; empty where nothing came for a while. It can be left while it is idle."""
        reader = asyncio.StreamReader(limit=_BLOCK)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
        waiting = asyncio.ensure_future(self._stop.wait())
        waiting.add_done_callback(lambda _: None if reader.at_eof() else reader.feed_eof())
        try:
            while not reader.at_eof():
                try:
                    yield await asyncio.wait_for(reader.read(_BLOCK), _IDLE)
                except TimeoutError:
                    yield b""
        finally:
            waiting.cancel()
            transport.close()


def _is_pipe(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


async def _from_compression(blocks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The blocks as they are, or what they hold if they are compressed."""
    head = b""
    async for block in blocks:
        head += block
        if len(head) >= MAGIC_LENGTH:
            break
        yield b""  # nothing to work on yet
    form = compression(head)
    rest = _chained(head, blocks)
    async with aclosing(rest if form is None else inflated(rest, form)) as contents:
        async for block in contents:
            yield block


async def _chained(head: bytes, blocks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    yield head
    async for block in blocks:
        yield block
