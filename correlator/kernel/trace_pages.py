"""Pages of the kernel's trace ring buffer to events (include/linux/ring_buffer.h, events/header_page and header_event).

A page begins with the time of its first event and the number of bytes in it; each event has a 32-bit header of type
or length (5 bits) and the time since the one before it (27 bits). Where a record's fields lie the kernel tells in each
event's `format` file, so that an older or newer kernel is read as it is.
"""

import re
import struct
from dataclasses import dataclass

from correlator.core.address import IPV4_LENGTH
from correlator.core.words import half, long_word, word

STATE, DESTROY = 0, 1  # kinds of events: sock/inet_sock_set_state, tcp/tcp_destroy_sock

_HEADER = 16
_LENGTH_MASK = 0x000FFFFF
_MISSED, _MISSED_STORED = 1 << 31, 1 << 30  # RB_MISSED_EVENTS, RB_MISSED_STORED of kernel/trace/ring_buffer.c
_PADDING, _TIME_EXTEND, _TIME_STAMP = 29, 30, 31
_DELTA_BITS = 27
_STAMP_BITS = 59  # an absolute stamp lacks the highest five, which are the page's
_IRQ = 0x08 | 0x10  # TRACE_FLAG_HARDIRQ, TRACE_FLAG_SOFTIRQ of include/linux/trace_events.h
_AF_INET, _AF_INET6 = 2, 10

_FIELDS = ("skaddr", "sport", "dport", "family", "saddr", "daddr", "saddr_v6", "daddr_v6")
_FIELD = re.compile(r"field:.*?(\w+)(?:\[\d+\])?;\s*offset:(\d+);\s*size:(\d+);")


@dataclass(frozen=True)
class Event:
    """One event of a socket."""

    at: int  # ns since the epoch
    kind: int
    socket: int  # the kernel's struct sock: tells which events are of one socket while it lives
    thread: int  # whose system call it was; 0 in an interrupt, which may run in anyone's time
    old: int  # states, of STATE only
    new: int
    family: int
    local: bytes
    local_port: int
    remote: bytes
    remote_port: int
    cookie: int  # of DESTROY only


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


def events(page: bytes, layouts: dict[int, Layout], offset: int) -> list[Event]:
    """The events of one page, in order; what does not fit its page is left out.

    `offset`: from the trace's clock to the epoch.
    """
    found: list[Event] = []
    if len(page) < _HEADER:
        return found
    now, commit = struct.unpack_from("=QQ", page, 0)
    end = min(len(page), _HEADER + (commit & _LENGTH_MASK))
    at = _HEADER
    while at + 4 <= end:
        head = word(page, at)
        kind, delta = head & 31, head >> 5
        at += 4
        if kind == _PADDING and not delta:
            break
        if kind == 0 or kind >= _PADDING:
            if at + 4 > end:
                break
            extra = word(page, at)
        if kind == _TIME_EXTEND:
            now += extra << _DELTA_BITS | delta
            at += 4
            continue
        if kind == _TIME_STAMP:
            now = now >> _STAMP_BITS << _STAMP_BITS | extra << _DELTA_BITS | delta
            at += 4
            continue
        now += delta
        if kind == _PADDING:
            at += extra
            continue
        if kind == 0:
            record, size = at + 4, extra - 4
            at += extra
        else:
            record, size = at, kind * 4
            at += size
        if size < 8 or at > end:
            break
        shape = layouts.get(half(page, record))
        if shape is not None and size >= shape.size:
            found.append(_event(page, record, now + offset, shape))
    return found


def _event(page: bytes, at: int, now: int, shape: Layout) -> Event:
    family = half(page, at + shape.family)
    if family == _AF_INET:
        local = page[at + shape.source : at + shape.source + IPV4_LENGTH]
        remote = page[at + shape.destination : at + shape.destination + IPV4_LENGTH]
    else:
        local = page[at + shape.source_v6 : at + shape.source_v6 + 16]
        remote = page[at + shape.destination_v6 : at + shape.destination_v6 + 16]
    is_state = shape.kind == STATE
    return Event(
        now,
        shape.kind,
        long_word(page, at + shape.socket),
        0 if page[at + 2] & _IRQ else word(page, at + 4),
        word(page, at + shape.old) if is_state else 0,
        word(page, at + shape.new) if is_state else 0,
        family,
        local,
        half(page, at + shape.source_port),
        remote,
        half(page, at + shape.destination_port),
        0 if is_state else long_word(page, at + shape.cookie),
    )
