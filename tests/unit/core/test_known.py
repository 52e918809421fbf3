"""Statements that agree."""

from typing import Any

import pytest

from correlator.core.known import UNKNOWN, Known, fold_into, is_aged, known_of
from correlator.core.model import Socket, Source
from tests.play import MS, START, evidence, socket


def mapped(**facts: Any) -> Socket:
    """An AF_INET6 socket of an IPv4 connection."""
    return socket("::ffff:10.0.0.12", 80, "::ffff:10.0.0.20", 1000, **facts)


def test_equal_statements_fold_into_a_span() -> None:
    """A socket that is seen again and again is one entry with its first and last time."""
    rows: list[Known] = []
    for at in (START + MS, START, START + 2 * MS):
        fold_into(rows, evidence(mapped(cookie=1), at, tcp_info={"rtt_us": at}))
    fold_into(rows, evidence(mapped(cookie=1), START + MS))
    (known,) = rows
    assert (known.first_at, known.last_at) == (START, START + 2 * MS)
    assert known.tcp_info == {"rtt_us": START + 2 * MS}


def test_an_event_that_waited_spans_its_wait() -> None:
    """It happened between the last time that nothing waited and the reading."""
    rows: list[Known] = []
    fold_into(rows, evidence(mapped(), START + MS, Source.DESTROY, since=START))
    (known,) = rows
    assert (known.first_at, known.last_at) == (START, START + MS)
    fold_into(rows, evidence(mapped(cookie=1), START + 3 * MS, Source.DESTROY, since=START + 2 * MS))
    fold_into(rows, evidence(mapped(cookie=1), START + 3 * MS, Source.DESTROY, since=START + MS))
    assert [(known.first_at, known.last_at) for known in rows][1] == (
        START + MS,
        START + 3 * MS,
    )


def test_equal_statements_without_identity_stay_apart() -> None:
    """Without cookie or inode they may be two sockets, and nothing is known of the time between."""
    rows: list[Known] = []
    fold_into(rows, evidence(mapped(), START))
    fold_into(rows, evidence(mapped(), START + 2 * MS))
    assert len(rows) == 2
    assert not any(known.within(START + 1, START + MS) for known in rows)


def test_the_same_table_twice_adds_nothing() -> None:
    """A table without a time says the same thing however often it is given."""
    rows: list[Known] = []
    fold_into(rows, evidence(mapped(), None, Source.TABLE))
    fold_into(rows, evidence(mapped(), None, Source.TABLE))
    fold_into(rows, evidence(mapped(), START, Source.TABLE))
    assert len(rows) == 2
    turned: list[Known] = []
    fold_into(turned, evidence(mapped(), START, Source.TABLE))
    fold_into(turned, evidence(mapped(), None, Source.TABLE))
    assert len(turned) == 2


FOREVER = 1 << 62


@pytest.mark.parametrize(
    ("start", "end", "inside"),
    [
        (0, FOREVER, True),
        (START, FOREVER, True),
        (START + 2 * MS, FOREVER, False),
        (0, START - 1, False),
        (0, START, True),
    ],
)
def test_spans(start: int, end: int, inside: bool) -> None:
    """A statement counts where its span touches the connection's."""
    known = Known(mapped(), Source.SNAPSHOT, START, START + MS)
    assert known.within(start, end) is inside
    assert Known(mapped(), Source.TABLE, UNKNOWN, UNKNOWN).within(start, end)


def test_age() -> None:
    """Against a new statement; without times nothing is old."""
    rows = [known_of(evidence(mapped(), START))]
    assert is_aged(rows, evidence(mapped(), START + MS + 1), MS)
    assert not is_aged(rows, evidence(mapped(), START + MS), MS)
    assert not is_aged(rows, evidence(mapped(), None), MS)
    assert not is_aged([known_of(evidence(mapped(), None))], evidence(mapped(), START + MS + 1), MS)
