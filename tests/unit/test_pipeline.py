"""Counters of several inputs."""

from correlator.run import added


def test_counters_add_up() -> None:
    """Numbers and the numbers in them; what only one has is kept."""
    one = {"packets": 1, "skipped": {"a": 1, "b": 2}, "left": 7}
    other = {"packets": 2, "skipped": {"b": 3, "c": 4}, "right": 8}
    assert added(one, other) == {"packets": 3, "skipped": {"a": 1, "b": 5, "c": 4}, "left": 7, "right": 8}
    assert added({}, other) == other
