"""Pages of the kernel's trace ring buffer to events (include/linux/ring_buffer.h, events/header_page and header_event).

A page begins with the time of its first event and the number of bytes in it; each event has a 32-bit header of type
or length (5 bits) and the time since the one before it (27 bits). Where a record's fields lie the kernel tells in each
event's `format` file, so that an older or newer kernel is read as it is.
"""

import re
import struct
from collections import deque
from dataclasses import dataclass

from correlator.core.address import IPV4_LENGTH
from correlator.core.words import half, long_word, piece, word

STATE, DESTROY = 0, 1  # kinds of events: sock/inet_sock_set_state, tcp/tcp_destroy_sock

_HEADER = 16
_LENGTH_MASK = 0x000FFFFF
_MISSED, _MISSED_STORED = 1 << 31, 1 << 30  # RB_MISSED_EVENTS, RB_MISSED_STORED of kernel/trace/ring_buffer.c
_PADDING, _TIME_EXTEND, _TIME_STAMP = 29, 30, 31
_DELTA_BITS = 27
_STAMP_BITS = 59  # an absolute stamp lacks the highest five, which are the page's
_IRQ = 0x08 | 0x10  # TRACE_FLAG_HARDIRQ, TRACE_FLAG_SOFTIRQ of include/linux/trace_events.h
_AF_INET, _AF_INET6 = 2, 10
_IPV4_LENGTH = IPV4_LENGTH

_FIELDS = ("skaddr", "sport", "dport", "family", "saddr", "daddr", "saddr_v6", "daddr_v6")
_FIELD = re.compile(r"field:.*?(\w+)(?:\[\d+\])?;\s*offset:(\d+);\s*size:(\d+);")


@dataclass
class Event:
    """One event of a socket; a trace has one, which each fills anew."""

    at: int = 0  # ns since the epoch
    kind: int = 0
    socket: int = 0  # the kernel's struct sock: tells which events are of one socket while it lives
    thread: int = 0  # whose system call it was; 0 in an interrupt, which may run in anyone's time
    old: int = 0  # states, of STATE only
    new: int = 0
    family: int = 0
    local: bytes = b""
    local_port: int = 0
    remote: bytes = b""
    remote_port: int = 0
    cookie: int = 0  # of DESTROY only


@dataclass(frozen=True)
class Layout:
    """Where the fields of an event lie in its record."""

    number: int
    kind: int
    size: int
    socket: int
    source_port: int
    destination_port: int
    family: int
    source: int
    destination: int
    source_v6: int
    destination_v6: int
    old: int
    new: int
    cookie: int


def layout(kind: int, text: str) -> Layout:
    """The layout that an event's `format` file tells. Raises ValueError where a field is missing: an old kernel."""
    number = re.search(r"^ID: (\d+)$", text, re.MULTILINE)
    fields = {name: int(offset) for name, offset, _ in _FIELD.findall(text)}
    size = max((int(offset) + int(width) for _, offset, width in _FIELD.findall(text)), default=0)
    own = ("oldstate", "newstate") if kind == STATE else ("sock_cookie",)
    missing = [name for name in (*_FIELDS, *own) if name not in fields]
    if number is None or missing:
        message = f"the kernel's event has no {', '.join(missing) or 'number'}"
        raise ValueError(message)
    return Layout(
        int(number[1]),
        kind,
        size,
        fields["skaddr"],
        fields["sport"],
        fields["dport"],
        fields["family"],
        fields["saddr"],
        fields["daddr"],
        fields["saddr_v6"],
        fields["daddr_v6"],
        fields.get("oldstate", 0),
        fields.get("newstate", 0),
        fields.get("sock_cookie", 0),
    )


def missed(page: bytes) -> int:
    """How many events were overwritten before this page's first; 1 where the kernel does not tell how many."""
    (commit,) = struct.unpack_from("=Q", page, 8)
    if not commit & _MISSED:
        return 0
    at = _HEADER + (commit & _LENGTH_MASK)
    if commit & _MISSED_STORED and at + 8 <= len(page):
        return int(struct.unpack_from("=Q", page, at)[0])
    return 1


class Pages:
    """The pages of one CPU, gone through event by event; what does not fit its page is left out."""

    def __init__(self, layouts: dict[int, Layout]) -> None:
        """No pages yet."""
        self.now = 0
        """The trace's clock at the event where it stands."""
        self.shape: Layout | None = None
        """What the event is; None: there is none."""
        self._layouts = layouts
        self._waiting: deque[bytes] = deque()
        self._page = b""
        self._at = self._end = self._record = 0

    @property
    def count(self) -> int:
        """How many pages wait to be gone through."""
        return len(self._waiting)

    def add(self, page: bytes) -> None:
        """The next page."""
        self._waiting.append(page)
        if self.shape is None:
            self.advance()

    def advance(self) -> None:
        """Go to the next event."""
        self.shape = None
        while self.shape is None and (self._at + 4 <= self._end or self._turn()):
            self._step()

    def _turn(self) -> bool:
        """Go to the next page; False where there is none."""
        if not self._waiting:
            return False
        page = self._page = self._waiting.popleft()
        self._at = self._end = 0
        if len(page) >= _HEADER:
            self.now, commit = struct.unpack_from("=QQ", page, 0)
            self._at, self._end = _HEADER, min(len(page), _HEADER + (commit & _LENGTH_MASK))
        return True

    def _step(self) -> None:
        """Go past one entry; where it is an event that is wanted, `shape` tells it."""
        page, at, end = self._page, self._at, self._end
        if at + 4 > end:
            return  # an empty page
        head = word(page, at)
        kind, delta = head & 31, head >> 5
        at += 4
        extra = record = size = 0
        self._at = end  # unless what follows makes sense
        if kind == _PADDING and not delta:
            return
        if kind == 0 or kind >= _PADDING:
            if at + 4 > end:
                return
            extra = word(page, at)
        if kind == _TIME_EXTEND:
            self.now += extra << _DELTA_BITS | delta
            self._at = at + 4
        elif kind == _TIME_STAMP:
            self.now = self.now >> _STAMP_BITS << _STAMP_BITS | extra << _DELTA_BITS | delta
            self._at = at + 4
        elif kind == _PADDING:
            self.now += delta
            self._at = at + extra
        else:
            self.now += delta
            record, size = at, kind * 4
            if kind == 0:
                record, size = at + 4, extra - 4
            if size >= 8 and record + size <= end:
                self._at = record + size
                self._record = record
                self.shape = self._wanted(half(page, record), size)

    def _wanted(self, number: int, size: int) -> Layout | None:
        shape = self._layouts.get(number)
        return shape if shape is not None and size >= shape.size else None

    def fill(self, event: Event, offset: int) -> None:
        """The event where it stands. `offset`: from the trace's clock to the epoch."""
        page, at, shape = self._page, self._record, self.shape
        if shape is None:
            return
        event.at = self.now + offset
        event.kind = shape.kind
        event.socket = long_word(page, at + shape.socket)
        event.thread = 0 if page[at + 2] & _IRQ else word(page, at + 4)
        event.family = half(page, at + shape.family)
        if event.family == _AF_INET:
            event.local = piece(page, at + shape.source, _IPV4_LENGTH)
            event.remote = piece(page, at + shape.destination, _IPV4_LENGTH)
        else:
            event.local = piece(page, at + shape.source_v6, 16)
            event.remote = piece(page, at + shape.destination_v6, 16)
        event.local_port = half(page, at + shape.source_port)
        event.remote_port = half(page, at + shape.destination_port)
        event.old = event.new = event.cookie = 0
        if shape.kind == STATE:
            event.old, event.new = word(page, at + shape.old), word(page, at + shape.new)
        else:
            event.cookie = long_word(page, at + shape.cookie)


class Trace:
    """The events of all CPUs in order of time."""

    def __init__(self, layouts: dict[int, Layout], cpus: int) -> None:
        """No events yet."""
        self.cpus = [Pages(layouts) for _ in range(cpus)]
        self._event = Event()
        self._until = self._offset = 0

    def until(self, until: int, offset: int) -> "Trace":
        """The events up to a time by the trace's clock; later ones wait for the next call: iterate once.

        An event of one CPU may be read before an earlier one of another. `offset`: from that clock to the epoch.
        """
        self._until, self._offset = until, offset
        return self

    def __iter__(self) -> "Trace":
        """Itself."""
        return self

    def __next__(self) -> Event:
        """The next event, in the one object that is filled anew."""
        if not self._go_on():
            raise StopIteration
        return self._event

    def _go_on(self) -> bool:
        first: Pages | None = None
        for pages in self.cpus:
            if pages.shape is not None and pages.now <= self._until and (first is None or pages.now < first.now):
                first = pages
        if first is None:
            return False
        first.fill(self._event, self._offset)
        first.advance()
        return True
