"""A hash of the two ends of a connection, the same for both directions: the sum of one for each end.

It is multilinear, by numbers that are made of a seed which nobody outside knows, so that nobody can make connections
that meet.
"""

from correlator.core.segment import Segment

_WORD = 0xFFFFFFFFFFFFFFFF
_GOLDEN = 0x9E3779B97F4A7C15  # splitmix64's constants
_MIX, _MIX_MORE = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def _randomly(seed: int, number: int) -> int:
    """One of a seed's random numbers, an odd one."""
    mixed = (seed + number * _GOLDEN) & _WORD
    mixed = (mixed ^ mixed >> 30) * _MIX & _WORD
    mixed = (mixed ^ mixed >> 27) * _MIX_MORE & _WORD
    return mixed ^ mixed >> 31 | 1


class EndsHash:
    """Hashes ends to 64 bits."""

    def __init__(self, seed: int) -> None:
        """One seed gives the same hashes in every process."""
        self._by_high, self._by_low, self._by_port, self._by_all = (_randomly(seed, number) for number in range(1, 5))

    def _of_end(self, high: int, low: int, port: int) -> int:
        linear = (high * self._by_high + low * self._by_low + port * self._by_port) & _WORD
        return (linear ^ linear >> 32) * self._by_all & _WORD

    def of_ends(self, high: int, low: int, port: int, far_high: int, far_low: int, far_port: int) -> int:
        """The hash of two ends, each of an address's two words and a port."""
        both = (self._of_end(high, low, port) + self._of_end(far_high, far_low, far_port)) & _WORD
        return both ^ both >> 32

    def of(self, segment: Segment) -> int:
        """The hash of a segment's ends."""
        source = self._of_end(segment.source_high, segment.source_low, segment.source_port)
        destination = self._of_end(segment.destination_high, segment.destination_low, segment.destination_port)
        both = (source + destination) & _WORD
        return both ^ both >> 32
