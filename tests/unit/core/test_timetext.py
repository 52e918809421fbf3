"""Times in text and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.core.timetext import parse_time, time_text

YEAR_10000 = 253_402_300_800 * 10**9


@given(st.integers(0, 2**63 - 1))
def test_every_nanosecond_survives(at: int) -> None:
    """RFC 3339 text with nine digits holds the whole time."""
    assert parse_time(time_text(at)) == at


def test_known_times() -> None:
    """The epoch, and a time of this century."""
    assert time_text(0) == "1970-01-01T00:00:00.000000000Z"
    assert time_text(1_420_070_400_000_000_001) == "2015-01-01T00:00:00.000000001Z"


@pytest.mark.parametrize("at", [None, -1, YEAR_10000, 2**64 * 10**9])
def test_what_cannot_be_written_is_empty(at: int | None) -> None:
    """Unknown and out of RFC 3339's range."""
    assert time_text(at) == ""


@pytest.mark.parametrize(
    "text",
    [
        "1969-12-31T23:59:59.999999999Z",
        "2262-04-11T23:47:16.854775808Z",
        "",
        "2015-01-01T00:00:00Z",
        "2015-01-01T00:00:00.1Z",
        "x.000000000Z",
        "2015-13-01T00:00:00.000000000Z",
    ],
)
def test_what_is_no_time(text: str) -> None:
    """ValueError, nothing else."""
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)
