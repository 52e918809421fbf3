"""Goes through the records of a finished capture in a thread that never has the interpreter's lock.

What is looked at of a packet is the first of its bytes, in the page cache's own pages. To copy all of them takes
longer than to decode and track it, and what is tracked would have to make room for it in the processor's caches.
"""

from mmap import mmap

from correlator.capture import parts, worker
from correlator.core.frames import Frames
from correlator.wire.reader import Reader
from correlator.wire.walk import SIZE, Batch

_PART = 1 << 22  # bytes of the file that are mapped at a time: they count as memory of ours
_ALIGNED = 1 << 21  # so that large pages can be mapped as they are
_BATCHES = 4
IS_APART = bool(worker.IS_APART)
"""Whether there is a thread: what is read can be walked through by the interpreter's as well."""


class Walker:
    """One walk, from a record on, as far as there are records that the reader knows."""

    def __init__(self, reader: Reader, descriptor: int, at: int) -> None:
        """`at`: where a record begins. The descriptor is to stay open, and the reader as it is, until `close`."""
        self.at = at
        """Where the first record begins that was not taken."""
        self.is_cut = False
        """Whether bytes were missing, of a file that was cut off or of a disk that fails: reading on tells which.

        What was found of the last records is not given.
        """
        self._reader = reader
        self._until = reader.until
        self._next_at = at  # as far as the thread is
        self._begin = at  # of the part of the file that it looks at
        self._looked_at = -1  # where it was when it looked for the part
        self._kept = parts.new(descriptor)
        self._part = parts.of(self._kept)
        self._block = parts.go_to(self._part, 0, 0)
        memory = memoryview(mmap(-1, _BATCHES * SIZE))  # pages that nobody writes to take none
        batches = (Batch(memory[number * SIZE : (number + 1) * SIZE]) for number in range(_BATCHES))
        self._worker = worker.begin(_fill, self, tuple(batches))

    def take(self, frames: Frames) -> bool:
        """Have the next packets in frames, decoded where they are plain; False where there are none."""
        batch = worker.take(self._worker)
        if batch is None or batch.is_cut:
            self.is_cut = self.is_cut or batch is not None
            return False
        batch.lay_out(frames)
        self.at = batch.next_at
        return bool(batch.count)

    def close(self) -> None:
        """Stop, wherever it is."""
        worker.end(self._worker)
        self._block = parts.go_to(self._part, 0, 0)

    def _go_on(self) -> bool:
        """Have the part of the file in which the next record begins; False where no reader would know one there."""
        if self._looked_at == self._next_at or self._next_at >= self._until:
            return False
        self._looked_at = self._next_at
        self._begin = self._next_at - self._next_at % _ALIGNED
        self._block = parts.go_to(self._part, self._begin, min(_PART, parts.file_size(self._part) - self._begin))
        return self._begin + parts.size(self._part) > self._next_at

    def fill(self, batch: Batch) -> bool:
        """Fill a batch; whether there may be more. It is the thread's."""
        batch.begin()
        is_more = True
        while is_more and batch.has_room():
            at, until, size = self._next_at - self._begin, self._until - self._begin, parts.size(self._part)
            batch.take(self._reader, self._block, at, until, size)
            self._next_at = self._begin + batch.at
            if batch.has_room():  # it is not why it stopped
                is_more = self._go_on()
        batch.next_at = self._next_at
        batch.is_cut = parts.is_cut(self._part) or parts.file_size(self._part) < self._next_at
        return is_more and not batch.is_cut


def _fill(walker: Walker, batch: Batch) -> bool:
    return walker.fill(batch)
