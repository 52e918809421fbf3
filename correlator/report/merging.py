"""Lines that several processes wrote, each of its share of the connections, in the order in which one would have.

Before each line stands a key (`Buffer.put_key`), and those of a process come in the order of their keys.
"""

from correlator.core import raw
from correlator.report.buffer import KEY, Buffer

_KEY = KEY


class _Lines:
    """The lines of one process."""

    def __init__(self) -> None:
        """None yet."""
        self.data = b""
        self.begin = 0
        """Of the line."""
        self.end = 0
        """Of the line; 0 behind the last one."""
        self.high = self.low = 0
        """Its key."""

    def add(self, data: bytes) -> None:
        """Add whole lines behind those that are left."""
        if data:
            self.data = self.data[self.begin - _KEY :] + data if self.end else data
            self._find(0)

    def go_on(self) -> None:
        """Go on to the next line."""
        self._find(self.end)

    def _find(self, at: int) -> None:
        raw_, size = raw.address(self.data), len(self.data)
        self.begin = at + _KEY
        self.end = raw.line_end(raw_, self.begin, size)
        if self.end:
            self.high, self.low = raw.net_long_word(raw_, at), raw.net_long_word(raw_, at + 8)


class Merging:
    """Puts lines in order."""

    def __init__(self, processes: int) -> None:
        """Of so many processes."""
        self.count = 0
        """Lines that were taken last."""
        self._sources = [_Lines() for _ in range(processes)]
        self._buffer = Buffer()

    def add(self, process: int, data: bytes) -> None:
        """Take in whole lines of one."""
        source = self._sources[process]
        source.add(data)

    def take(self, is_open: "list[bool]") -> bytes:
        """The lines without their keys whose place is certain. `is_open`: of which processes there may come more."""
        self.count = 0
        place = self._first(is_open)
        while place >= 0:
            source = self._sources[place]
            self._buffer.put_part(source.data, source.begin, source.end)
            self.count += 1
            source.go_on()
            place = self._first(is_open)
        return self._buffer.take()

    def _first(self, is_open: "list[bool]") -> int:
        """Who has the first line; -1 where that is not certain, or there is none."""
        found = -1
        high = low = 0
        for place in range(len(self._sources)):
            source = self._sources[place]
            if source.end:
                if found < 0 or source.high < high or (source.high == high and source.low < low):
                    found, high, low = place, source.high, source.low
            elif is_open[place]:
                return -1
        return found
