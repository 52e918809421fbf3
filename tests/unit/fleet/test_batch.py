"""Findings in batches."""

import gzip
import json
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.fleet.batch import FINDINGS, MAX_TEXT, BatchError, Batches, Part, findings_of, unpack
from correlator.report.rows import extended
from tests.scenes import passing, the_case

RUN = {"host": "web1", "program": "correlator"}


def batches() -> Batches:
    """Those of a run that begins."""
    made = Batches()
    made.begin(RUN)
    return made


def test_what_is_packed_is_unpacked() -> None:
    """The run, and each finding as JSON Lines have it; those that are not final stay."""
    made = batches()
    found = [the_case(), replace(the_case(), final=False), passing()]
    assert made.add(found) == []
    (batch,) = made.cut()
    assert made.cut() == []
    assert batch.count == 2
    run, records = unpack(batch.pack())
    assert run == {"type": "run", "schema": 1, **RUN}
    assert records == [json.loads(json.dumps({**extended(one), "type": "finding"})) for one in (found[0], found[2])]


@given(st.lists(st.integers(1, 2 * FINDINGS), max_size=5))
def test_batches_are_full(counts: list[int]) -> None:
    """Nothing is left out or doubled at their edges."""
    made, found = batches(), 0
    one = passing()
    for count in counts:
        for batch in made.add([one] * count):
            assert batch.count == FINDINGS == len(unpack(batch.pack())[1])
            found += batch.count
    found += sum(batch.count for batch in made.cut())
    assert found == sum(counts)


def test_long_findings_make_small_batches() -> None:
    """A server takes messages of a mebibyte."""
    made = batches()
    long = replace(passing(), explanation="x" * 100_000)
    full = made.add([long] * 20) + made.cut()
    assert sum(batch.count for batch in full) == 20
    assert all(len(batch.lines) < 1_000_000 for batch in full)
    assert len(full) == 4


def test_names() -> None:
    """The same for the same findings, whenever they are put together; another for others."""
    names = []
    for process in ("java", "java", "ssh"):
        made = batches()
        made.add([the_case(process)])
        names += [batch.name for batch in made.cut()]
    assert names[0] == names[1] != names[2]
    assert len(names[0]) == 32


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        gzip.compress(b""),
        gzip.compress(b'{"type":"finding"}\n'),
        gzip.compress(b'{"type":"run"}\n{"type":"counters"}\n'),
        gzip.compress(b'{"type":"run"}\nhello\n'),
        gzip.compress(b'{"type":"run"}\n{"type":"finding","pid":"1"}\n'),
        gzip.compress(b'{"type":"run"}\n' + b"x" * MAX_TEXT),
        gzip.compress(bytes(200 << 20)),
        gzip.compress(b'{"type":"run"}\n')[:-1],
    ],
)
def test_what_is_no_batch(data: bytes) -> None:
    """Is refused, however much there is of it."""
    with pytest.raises(BatchError):
        unpack(data)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(gzip.compress))
def test_any_bytes(data: bytes) -> None:
    """Are a batch or are refused."""
    try:
        run, _ = unpack(data)
    except BatchError:
        return
    assert run["type"] == "run"


def test_halves() -> None:
    """Have the findings of the whole, and names that tell of what and which; of one finding there are none."""
    made = batches()
    made.add([the_case(f"p{number}") for number in range(5)])
    (whole,) = made.cut()
    part = Part(whole.name, 0, whole.count, whole.pack())
    one, other = part.halves()
    assert (one.name, other.name) == (f"{whole.name}:0-2", f"{whole.name}:2-5")
    assert (one.count, other.count) == (2, 3)
    assert unpack(one.data)[1] + unpack(other.data)[1] == unpack(whole.pack())[1]
    assert unpack(one.data)[0] == unpack(whole.pack())[0]
    assert [half.name for half in other.halves()] == [f"{whole.name}:2-3", f"{whole.name}:3-5"]
    assert part.halves() == [one, other]
    assert one.halves()[0].halves() == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ab", ("ab", 0, sys.maxsize)),
        ("ab:2-5", ("ab", 2, 5)),
        ("a:2-5:0-1", ("a:2-5", 0, 1)),
        ("a:b-c", ("a:b-c", 0, sys.maxsize)),
    ],
)
def test_names_of_parts(name: str, expected: tuple[str, int, int]) -> None:
    """Of which batch, and which of its findings; of another's name nothing is made."""
    assert findings_of(name) == expected
