"""The hash of a connection's ends."""

from collections import Counter

from correlator.core.ends_hash import EndsHash
from correlator.core.segment import Segment
from tests.play import Play

NEAR, FAR = (0, 0x0A000001, 40000), (0x20010DB8 << 32, 7, 443)


def test_both_directions_are_one() -> None:
    """A segment's is that of its ends, whichever sent it; no end's parts can be swapped with the other's."""
    hash_of = EndsHash(7)
    play = Play(("2001:db8::1", 40000), ("2001:db8::2", 443))
    there, back = play.segment("c", "S"), play.segment("s", "SA")
    assert hash_of.of(there) == hash_of.of(back)
    assert hash_of.of_ends(*NEAR, *FAR) == hash_of.of_ends(*FAR, *NEAR)
    assert hash_of.of_ends(*NEAR, *FAR) != hash_of.of_ends(*NEAR[:2], 443, *FAR[:2], 40000)


def test_a_seed_tells_the_hashes() -> None:
    """One seed gives the same in every process, another one others, in every bit."""
    one, other = EndsHash(1), EndsHash(2)
    assert EndsHash(1).of_ends(*NEAR, *FAR) == one.of_ends(*NEAR, *FAR) == 7282623203904047443
    differing = 0
    for port in range(64):
        differing |= one.of_ends(*NEAR[:2], port, *FAR) ^ other.of_ends(*NEAR[:2], port, *FAR)
    assert differing == (1 << 64) - 1


def test_neighbours_are_far_apart() -> None:
    """Addresses and ports that follow one another fill the chains of a table evenly."""
    hash_of = EndsHash(3)
    chains = Counter(
        hash_of.of(Segment(0, 0, False, 0, 0x0A000000 + host, 1024 + port, 0, 0x0A010000, 80)) % 1024
        for host in range(64)
        for port in range(64)
    )
    assert len(chains) > 900
    assert max(chains.values()) < 20
