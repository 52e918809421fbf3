"""The table of connections."""

from dataclasses import replace

import pytest

from correlator.core import table as module
from correlator.core.flow import Flow, begun
from correlator.core.segment import Segment
from correlator.core.table import Table
from tests.play import Play


def flow(segment: Segment, number: int) -> Flow:
    """A connection that a segment opens."""
    return begun(number, segment, 0, "", counted=False)


def turned(segment: Segment) -> Segment:
    """A segment of the other direction."""
    return replace(
        segment,
        source_high=segment.destination_high,
        source_low=segment.destination_low,
        source_port=segment.destination_port,
        destination_high=segment.source_high,
        destination_low=segment.source_low,
        destination_port=segment.source_port,
    )


def opening(number: int) -> Segment:
    """A SYN of one of many connections, of both families."""
    if number % 2:
        return Play(client=(f"2001:db8::{number:x}", 40000), server=("2001:db8::1", 80)).segment("c", "S")
    return Play(client=(f"10.0.{number >> 8}.{number & 255}", 40000), server=("10.0.0.12", 80)).segment("c", "S")


def found(table: Table, segment: Segment) -> Flow | None:
    """The connection of a segment by itself."""
    table.expect(segment)
    return table.find(segment)


@pytest.mark.parametrize("start", [1, 1024])
def test_both_directions_are_found_and_nothing_else(monkeypatch: pytest.MonkeyPatch, start: int) -> None:
    """While the table grows and shrinks, with long chains and short ones."""
    monkeypatch.setattr(module, "_START", start)
    table = Table()
    segments = [opening(number) for number in range(3000)]
    flows = [flow(segment, number) for number, segment in enumerate(segments)]
    for one, segment in zip(flows, segments, strict=True):
        assert found(table, segment) is None
        table.add(one, segment)
    assert len(table) == 3000
    assert [one.number for one in table] == list(range(3000))
    for one, segment in zip(flows, segments, strict=True):
        assert found(table, segment) is one
        assert table.place == 0
        assert found(table, turned(segment)) is one
        assert table.place == 1
    for one in flows[::2]:
        table.remove(one)
    for number, segment in enumerate(segments):
        assert found(table, segment) is (flows[number] if number % 2 else None)


@pytest.mark.parametrize(
    "change",
    [
        {"source_high": 7},
        {"source_low": 7},
        {"source_port": 7},
        {"destination_high": 7},
        {"destination_low": 7},
        {"destination_port": 7},
        {"is_ipv6": True},
    ],
)
def test_every_part_of_the_ends_counts(monkeypatch: pytest.MonkeyPatch, change: dict[str, int]) -> None:
    """Even where all hashes are one: connections that meet in a chain are told apart, in both directions."""
    for name in ("_BY_HIGH", "_BY_LOW", "_BY_PORT"):
        monkeypatch.setattr(module, name, 0, raising=False)  # of the compiled module they are no attributes
    table, segment = Table(), opening(2)
    one = flow(segment, 1)
    assert found(table, segment) is None
    table.add(one, segment)
    other = replace(segment, **change)  # type: ignore[arg-type]
    assert found(table, turned(other)) is None
    assert found(table, other) is None
    table.add(flow(other, 2), other)
    table.remove(one)
    assert found(table, turned(segment)) is None


def test_an_ipv4_address_is_not_the_ipv6_address_of_the_same_number() -> None:
    """::10.0.0.20 has the bits of 10.0.0.20."""
    four = Play().segment("c", "S")
    assert replace(four, is_ipv6=True).source_low == four.source_low
    table = Table()
    assert found(table, four) is None
    table.add(flow(four, 1), four)
    assert found(table, replace(four, is_ipv6=True)) is None
