"""Times in text: RFC 3339, UTC, nanoseconds."""

from datetime import UTC, datetime
from functools import lru_cache

_SECOND = 1_000_000_000
_LATEST = (1 << 63) - 1  # of 64 bits with a sign


# Rows come in order of time, so that most share their second with the one before.
@lru_cache(maxsize=64)
def _second_text(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return ""  # past the year 9999, which RFC 3339 cannot write


def time_text(at: int | None) -> str:
    """`2026-11-22T13:07:17.000000001Z`; empty where the time is unknown or cannot be written."""
    if at is None or at < 0:
        return ""
    second = _second_text(at // _SECOND)
    return f"{second}.{at % _SECOND:09d}Z" if second else ""


def parse_time(value: str) -> int:
    """Nanoseconds since the epoch of `time_text`'s form, from 1970 until 2262. Raises ValueError."""
    whole, _, fraction = value.removesuffix("Z").partition(".")
    if not (fraction.isascii() and fraction.isdigit() and len(fraction) == 9):
        message = f"no time: {value!r}"
        raise ValueError(message)
    at = _parse_second(whole) * _SECOND + int(fraction)
    if not 0 <= at <= _LATEST:
        message = f"no time that a kernel tells: {value!r}"
        raise ValueError(message)
    return at


@lru_cache(maxsize=64)
def _parse_second(whole: str) -> int:
    return int(datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp())
