"""What reaches over the edges of captures; tests/property/test_edges.py has captures that are tracked apart."""

import contextlib
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.core.config import Config
from correlator.core.edges import ROW, ROW_WORDS, Early, Edges, filter_of, hashes, hashes_of_keys, replay
from correlator.core.engine import Engine
from correlator.core.finding import Finding
from correlator.core.frames import Frames
from correlator.core.model import Side
from correlator.core.segment import NO_TIME, Segment, packed
from tests.ends import between
from tests.play import START, Play, ends

EVERYTHING = bytearray(b"\xff" * 8192)
IPV6 = ("2001:db8::1", 40000), ("2001:db8:0:7:8000::2", 443)


def frames_of(*segments: Segment) -> Frames:
    """Frames that were decoded to these, and one that was not."""
    frames = Frames()
    for segment in segments:
        frames.add(segment.at, 1, 0, 0, 0, 0)
        frames.segments[frames.count - 1].take(segment)
        frames.segments[frames.count - 1].is_decoded = True
    frames.add(START, 1, 0, 0, 0, 0)
    return frames


def under_way(*segments: Segment) -> Engine:
    """An engine that has seen these."""
    engine = Engine(Config(), [""])
    for segment in segments:
        engine.segment(segment)
    return engine


@pytest.mark.parametrize("client_and_server", [IPV6, (("10.0.0.1", 1), ("10.0.0.2", 2)), (("::1", 9), ("::1", 9))])
def test_a_connection_has_one_hash(client_and_server: tuple[tuple[str, int], tuple[str, int]]) -> None:
    """Whichever end sends, as a key, and as a connection that is under way; with another seed it is another."""
    play = Play(*client_and_server)
    engine = under_way(play.segment("c", "S"))
    (found,) = hashes(7, engine.tracker.lasting())
    connection = between(*client_and_server)
    assert list(hashes_of_keys(7, [connection.key(side) for side in (Side.CLIENT, Side.SERVER)])) == [found, found]
    assert list(hashes_of_keys(8, [connection.key(Side.CLIENT)])) != [found]
    rows = bytearray()
    edges, frames = (
        Edges(7, filter_of([found]), rows.extend),
        frames_of(play.segment("s", "SA"), play.segment("c", "A")),
    )
    edges.sift(frames)
    edges.flush()
    assert len(rows) == 2 * ROW
    assert [one.is_elsewhere for one in frames.segments] == [True, True, False]


def test_a_filter_takes_few_for_others() -> None:
    """It grows with what it is to know."""
    assert len(filter_of([])) == 8192
    known = [number * 0x9E3779B97F4A7C15 & (1 << 64) - 1 for number in range(1, 10_001)]
    bits = filter_of(known)
    assert len(bits) == 65_536

    def has(number: int) -> bool:
        return all(bits[probe >> 3] >> (probe & 7) & 1 for probe in (number & 0x7FFFF, number >> 32 & 0x7FFFF))

    assert all(map(has, known))
    others = [number * 0xBF58476D1CE4E5B9 & (1 << 64) - 1 for number in range(1, 10_001)]
    assert sum(map(has, others)) < 100


@pytest.mark.parametrize("size", [0, 3, 8191])
def test_a_filter_of_no_power_of_two(size: int) -> None:
    """Is none of ours: what it would be asked for lies elsewhere in memory."""
    with pytest.raises(ValueError, match=f"a filter of {size} bytes"):
        Edges(7, bytes(size), print)


def test_a_segment_comes_back_as_it_was() -> None:
    """Every field of it, with the largest numbers that there are; and what passed before it."""
    most, word = (1 << 64) - 1, (1 << 32) - 1
    one = Segment(START, 70_000, True, most, most - 1, 65535, most, 5, 65534, word, word - 1, 255, word, True)
    other = Segment(NO_TIME, 0, *ends(("10.0.0.1", 1), ("10.0.0.2", 2)), 1, 2, 16, 0)
    rows = bytearray()
    edges = Edges(7, EVERYTHING, rows.extend)
    for _ in range(2100):
        edges.sift(frames_of(one, other))
    edges.flush()
    numbers = array("Q", bytes(rows))
    assert len(numbers) == 4200 * ROW_WORDS
    assert [list(numbers[at + 8 : at + 10]) for at in (0, 10, 20)] == [[1, 0], [2, START], [3, START]]
    engine = Engine(Config(), [str(number) for number in range(70_001)])
    replay(engine, bytes(rows[: 2 * ROW]), list(range(70_001)), 41, 0, 1)
    engine.finish()
    first, second = (item.connection for item in engine.take() if isinstance(item, Finding))
    assert (first.number, second.number) == (42, 43)
    assert first.opened_at == START
    assert {(end.address, end.port) for end in (first.client, first.server)} == {
        (packed(most, most - 1, True), 65535),
        (packed(most, 5, True), 65534),
    }
    assert (second.opened_at, second.is_ipv6, second.interface) == (NO_TIME, False, "0")


def test_what_comes_first() -> None:
    """The four-tuples of the first segments, so many; what was not decoded counts for nothing."""
    plays = [Play(("10.0.0.1", port), ("10.0.0.2", 80)) for port in range(1, 6)]
    early = Early(7, 4)
    early.take_in(frames_of(*[play.segment("c", "S") for play in plays[:2]], plays[0].segment("s", "SA")))
    assert len(early.hashes) == 2
    early.take_in(frames_of(*[play.segment("c", "S") for play in plays[2:]]))
    keys = [between(play.client, play.server).key(Side.CLIENT) for play in plays]
    assert early.hashes == set(hashes_of_keys(7, keys[:3]))
    early.take_in(frames_of(plays[4].segment("c", "S")))
    assert len(early.hashes) == 3


def test_a_share_of_the_rows() -> None:
    """Each connection is in one of them, and has the same number in all."""
    segments = [Play(("10.0.0.1", port), ("10.0.0.2", 80)).segment("c", "S") for port in range(1, 30)]
    rows = bytearray()
    edges = Edges(7, EVERYTHING, rows.extend)
    edges.sift(frames_of(*segments))
    edges.flush()
    found = []
    for share in range(3):
        engine = Engine(Config(), [""])
        replay(engine, bytes(rows), [0], 0, share, 3)
        engine.finish()
        shared = [item.connection for item in engine.take() if isinstance(item, Finding)]
        assert 0 < len(shared) < 29
        found += [(one.number, one.client_port()) for one in shared]
    assert sorted(found) == [(port, port) for port in range(1, 30)]


@pytest.mark.parametrize(("interface", "cut"), [(1, 0), (0xFFFFFFFF, 0), (0x80000000, 0), (0, 8), (0, 79)])
def test_rows_of_strangers(interface: int, cut: int) -> None:
    """They lie in a folder that others may write to."""
    row = array("Q", [START, 0, 1, 0, 2, 3 << 48 | 4, 0, interface, 1, 0])
    with pytest.raises(ValueError, match="no row of ours" if not cut else "bytes are no rows"):
        replay(Engine(Config(), [""]), row.tobytes()[cut:], [0], 0, 0, 1)
    for place in (0, 8, 9):
        late = array("Q", [START, 0, 1, 0, 2, 3 << 48 | 4, 0, 0, 1, 0])
        late[place] = (1 << 62) + 1
        with pytest.raises(ValueError, match="no row of ours"):
            replay(Engine(Config(), [""]), late.tobytes(), [0], 0, 0, 1)
    good = array("Q", [START, 0, 1, 0, 2, 3 << 48 | 4, 0, 0, 1, 0])
    replay(Engine(Config(), [""]), good.tobytes(), [0], 0, 0, 1)


@given(st.binary(max_size=400))
def test_any_rows(data: bytes) -> None:
    """Are tracked or refused."""
    rows = data[: len(data) // 80 * 80]
    with contextlib.suppress(ValueError):
        replay(Engine(Config(), [""]), rows, [0], 0, 0, 1)
