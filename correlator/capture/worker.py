"""A thread that fills places, in turn, while what is in those before is taken; it never has the interpreter's lock.

Threads of Python's would wait for that lock each time, for longer than filling a place takes. This module is imported
as a whole and never compiled; without the compiled part a place is filled when it is taken.
"""

from collections.abc import Callable
from typing import Any

IS_APART = False
"""Whether there is a thread."""


class Worker:
    """What fills places."""

    def __init__(self, fill: Callable[[Any, Any], bool], whole: Any, places: tuple[Any, ...]) -> None:  # noqa: ANN401
        """Nothing is filled yet."""
        self.fill, self.whole, self.places = fill, whole, places
        self.taken = 0
        self.is_last = False


def begin(fill: Callable[[Any, Any], bool], whole: Any, places: tuple[Any, ...]) -> Worker:  # noqa: ANN401
    """Have places filled: `fill` gets `whole` and a place, and tells whether there is more after it."""
    return Worker(fill, whole, places)


def take(worker: Worker) -> Any:  # noqa: ANN401
    """The place that was filled next, or None behind the last; until the next call. May be interrupted by a signal."""
    if worker.is_last:
        return None
    place = worker.places[worker.taken % len(worker.places)]
    worker.taken += 1
    worker.is_last = not worker.fill(worker.whole, place)
    return place


def end(worker: Worker) -> None:
    """Fill nothing more: `whole` and the places are free when this returns."""
    worker.is_last = True
