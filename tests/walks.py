"""A capture's bytes walked through, as `capture.finished` walks through files: the rest is read."""

import sys
from collections.abc import Iterator

from correlator.core.frames import Frames
from correlator.wire.reader import Reader
from correlator.wire.walk import SIZE, Batch


def walked(reader: Reader, data: bytes, step: int = 61) -> Iterator[Frames]:
    """The frames of a capture that a reader was found for, good until the next; `step`: bytes that are read at a time."""
    at, batch, frames = 0, Batch(memoryview(bytearray(SIZE))), Frames()
    while reader.damage is None and at < len(data):
        begin = reader.next_at
        while reader.damage is None and reader.next_at == begin and at < len(data):
            yield from reader.feed(data[at : at + step])
            at += step
        if reader.damage is not None or not begin < reader.next_at < len(data):
            continue
        begin = before = reader.next_at
        while True:
            batch.begin()
            batch.take(reader, data, begin, sys.maxsize, len(data))
            if not batch.count:
                break
            batch.lay_out(frames)
            yield frames
            begin = batch.at
        if begin > before:
            reader.go_to(begin, sys.maxsize)
            at = begin
