"""Pages of the trace ring buffer: what the kernel writes, and what it would never write."""

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.kernel.trace_pages import DESTROY, STATE, Event, Trace, layout, missed
from tests.trace import (
    DESTROY_FORMAT,
    HERE,
    LAYOUTS,
    MAPPED_HERE,
    MAPPED_THERE,
    SOCKET,
    THERE,
    destroyed,
    entry,
    page,
    state,
)


def events(*pages: bytes, offset: int = 0) -> list[Event]:
    """The events of one CPU."""
    trace = Trace(LAYOUTS, 1)
    for one in pages:
        trace.cpus[0].add(one)
    return [replace(event) for event in trace.until(2**63, offset)]


def test_events_of_a_page() -> None:
    """Times add up, addresses are of the socket's family, an interrupt is nobody's doing."""
    found = events(page(entry(state(7, 2)), entry(state(2, 1, family=10, flags=0x10)), entry(destroyed())), offset=50)
    assert found == [
        Event(1055, STATE, SOCKET, 77, 7, 2, 2, HERE, 80, THERE, 4000, 0),
        Event(1060, STATE, SOCKET, 0, 2, 1, 10, MAPPED_HERE, 80, MAPPED_THERE, 4000, 0),
        Event(1065, DESTROY, SOCKET, 77, 0, 0, 10, MAPPED_HERE, 80, MAPPED_THERE, 4000, 9),
    ]


def test_what_else_a_page_holds() -> None:
    """Long deltas, absolute times, long records, padding, discarded events, events of others."""
    extend = struct.pack("=II", 3 << 5 | 30, 2)
    stamp = struct.pack("=II", 7 << 5 | 31, 1)
    discarded = struct.pack("=II", 1 << 5 | 29, 8) + bytes(4)
    long = struct.pack("=II", 1 << 5, 4 + len(state(7, 2))) + state(7, 2)
    other = entry(struct.pack("=HBBi", 5, 0, 0, 1))
    made = page(extend, entry(state(7, 2)), stamp, entry(state(7, 2)), discarded, other, long, struct.pack("=I", 29))
    times = [event.at for event in events(made)]
    first = 1000 + (2 << 27) + 3 + 5
    second = (1 << 27 | 7) + 5
    assert times == [first, second, second + 1 + 5 + 1]


def test_missed_events_are_counted() -> None:
    """The kernel tells how many where the page has room for the number."""
    assert missed(page(entry(state(7, 2)))) == 0
    assert missed(page(entry(state(7, 2)), flags=1 << 31)) == 1
    assert missed(page(entry(state(7, 2)), flags=3 << 30, after=struct.pack("=Q", 42))) == 42


@pytest.mark.parametrize("name", ["skaddr", "family", "sock_cookie", "ID"])
def test_an_event_that_this_kernel_lacks(name: str) -> None:
    """A field is missing: said by name."""
    with pytest.raises(ValueError, match=name.lower().replace("id", "number")):
        layout(DESTROY, "\n".join(line for line in DESTROY_FORMAT.splitlines() if name not in line))


@given(st.binary(max_size=300), st.integers(0, 2**32 - 1))
def test_any_bytes(data: bytes, flags: int) -> None:
    """A page that makes no sense gives events or none, and never an error."""
    events(data)
    found = events(struct.pack("=QQ", 1, len(data) | flags & 3 << 30) + data, page(entry(state(7, 2))), data)
    assert found[-1].new == 2


def test_events_of_several_cpus_come_in_order_of_time() -> None:
    """Those after the time that is asked for wait; pages that come meanwhile are in their place."""
    trace = Trace(LAYOUTS, 3)
    trace.cpus[0].add(page(entry(state(7, 2)), entry(state(7, 3), delta=100), start=1000))
    trace.cpus[1].add(page())
    trace.cpus[1].add(page(entry(state(7, 4)), start=1050))
    assert [(event.at, event.new) for event in trace.until(1060, 0)] == [(1005, 2), (1055, 4)]
    trace.cpus[2].add(page(entry(state(7, 5)), start=1095))
    trace.cpus[0].add(page(entry(state(7, 6)), start=1200))
    assert [(event.at, event.new) for event in trace.until(1150, 7)] == [(1107, 5), (1112, 3)]
    assert [event.new for event in trace.until(9999, 0)] == [6]
    assert list(trace.until(9999, 0)) == []
