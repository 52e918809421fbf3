"""Shares of the connections: several trackers, each with one, and whoever decodes for them.

A capture is decoded piece by piece, by any process, and the segments of each are left in a slot of memory that all
have: whose share their connections are in, their times, and their rows. So every tracker hears of all segments, does
what one that has all connections would do for those of its share, at the same moment, and reports it with the same
place in the order of reports: what it does depends on other connections by the number and the times of the segments
that pass, and by nothing else.

Compiled, what lies in a slot is a pointer: for how many segments there is room is compared before.
"""

from array import array

from correlator.core import raw
from correlator.core.frames import Frames
from correlator.core.packing import WORDS, Rows
from correlator.core.tracker import Tracker

_WORDS = WORDS
_AT_ONCE = 2048  # segments
_TIME, _SHARE, _ROW = 8, 1, WORDS * 8  # bytes
SEGMENT = _ROW + _TIME + _SHARE
"""Bytes that a segment takes in a slot."""


class Slot:
    """Room for the segments of a piece."""

    def __init__(self, memory: memoryview) -> None:
        """As many as go into some bytes."""
        room = len(memory) // SEGMENT
        ends = room * _ROW, room * (_ROW + _TIME), room * SEGMENT
        self.rows = memory[: ends[0]].cast("Q")
        self.times = memory[ends[0] : ends[1]].cast("q")
        self.shares = memory[ends[1] : ends[2]]


class Sorting:
    """Leaves the segments of a piece of a capture in a slot."""

    def __init__(self, slot: Slot, shares: int) -> None:
        """For so many, 256 at the most: a share is a byte."""
        self._slot = slot
        self._rows = Rows(slot.rows)
        self._times, self._shares = raw.times(slot.times), raw.octets(slot.shares)
        self._room = len(slot.times)
        self._count = shares
        self.segments = 0
        """So far."""

    def take_in(self, frames: Frames) -> None:
        """Take in frames that were decoded. Raises ValueError where there is no room for them."""
        segments, end = frames.segments, self.segments
        for number in range(frames.count):
            segment = segments[number]
            if segment.is_decoded:
                if end == self._room:
                    message = f"there is room for {end} segments"
                    raise ValueError(message)
                self._rows.pack(segment, end * _WORDS)
                self._times[end] = segment.at
                self._shares[end] = segment.share(self._count)
                end += 1
        self.segments = end


class Arrivals:
    """The segments in slots as they come to one tracker: its own, and of all others the times."""

    def __init__(self, tracker: Tracker, share: int) -> None:
        """Nothing comes yet."""
        self._tracker = tracker
        self._share = share
        self._kept_places = memoryview(array("q", bytes(_AT_ONCE * 8)))
        self._places = raw.times(self._kept_places)
        self.frames = Frames()
        """Those of its own that came last, decoded."""
        self.begin(Slot(memoryview(bytearray())), 0, [])

    def begin(self, slot: Slot, segments: int, interfaces: "list[int]") -> None:
        """Take what `Sorting` left in a slot: so many. `interfaces`: the numbers that the capture's have here.

        Raises ValueError where the slot has no room for so many.
        """
        if not 0 <= segments <= len(slot.times):
            message = f"{segments} segments where there is room for {len(slot.times)}"
            raise ValueError(message)
        self._slot = slot
        self._rows, self._shares = Rows(slot.rows, interfaces), raw.octets(slot.shares)
        self._before = self._tracker.moment
        self._total = segments
        self._at = 0
        self._tracker.hear(slot.times)

    def come(self) -> bool:
        """Have the next ones in `frames`; False where there are none. Raises ValueError for what is none of ours."""
        frames, places, count = self.frames, self._places, self._next()
        frames.hold(b"")
        for number in range(count):
            if number == len(frames.segments):
                frames.grow()
            segment = frames.segments[number]
            self._rows.unpack(segment, places[number] * _WORDS)
            segment.moment = self._before + places[number] + 1
            segment.is_decoded = True
        frames.count = count
        return count > 0

    def end(self) -> None:
        """Let those pass that come behind the last one."""
        self._tracker.pass_to(self._before + self._total)

    def _next(self) -> int:
        """Find the places of those that come next; how many. Their rows come nearer."""
        places, shares, rows, share = self._places, self._shares, self._rows.numbers, self._share
        count, at, total = 0, self._at, self._total
        while at < total and count < _AT_ONCE:
            if shares[at] == share:
                raw.prefetch_word(rows, at * _WORDS)
                places[count] = at
                count += 1
            at += 1
        self._at = at
        return count
