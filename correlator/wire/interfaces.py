"""The interfaces of a run: small numbers for segments to carry, names for reports."""

from collections.abc import Iterable
from heapq import heappop, heappush

Described = tuple[str, tuple[int, int, int] | None]
"""A name, and of what cooked captures fold into one: the whole's number, the interface's index, the direction."""


class Interfaces:
    """A growing list of interface names, and the interfaces that cooked captures fold into one.

    The files of a rotated set were captured on one interface: what comes again in the next of them is sent again, and
    no copy that passed by another interface. So a capture takes the numbers of those that have ended, by name.
    """

    # A cooked capture names its interfaces in every packet: hostile bytes could name four billion.
    MAX_PARTS = 4096

    def __init__(self, names: Iterable[str] = ()) -> None:
        """`names`: of the first ones."""
        self.names = list(names)
        self._parts: dict[tuple[int, int, int], int] = {}
        self._ended: dict[str, list[int]] = {}  # heaps

    def add(self, name: str) -> int:
        """An interface of a capture; returns its number."""
        ended = self._ended.get(name)
        if ended:
            return heappop(ended)
        self.names.append(name)
        return len(self.names) - 1

    def end(self, numbers: Iterable[int]) -> None:
        """The capture that had these interfaces has ended."""
        for number in numbers:
            heappush(self._ended.setdefault(self.names[number], []), number)

    def part(self, whole: int, index: int, direction: int) -> int:
        """The number of one interface and direction inside a capture of several (`any`).

        The same packet that goes in by one and out by the other must not look like a retransmission.
        """
        key = (whole, index, direction)
        number = self._parts.get(key)
        if number is None:
            if len(self._parts) >= self.MAX_PARTS:
                return whole
            number = self._parts[key] = self.add(self.names[whole])
        return number

    def described(self) -> list[Described]:
        """What each number stands for."""
        parts = {number: key for key, number in self._parts.items()}
        return [(name, parts.get(number)) for number, name in enumerate(self.names)]

    def join(self, others: list[Described]) -> list[int]:
        """The numbers that the interfaces of captures have here which come when all others have ended."""
        folded = set(self._parts.values())
        self._ended = {}
        self.end(number for number in range(len(self.names)) if number not in folded)
        found: list[int] = []
        for name, part in others:
            found.append(self.add(name) if part is None else self.part(found[part[0]], *part[1:]))
        return found
