"""Interfaces by number."""

from correlator.wire.interfaces import Interfaces


def test_parts_of_a_cooked_capture() -> None:
    """Each interface and direction of `any` is one of its own, with the whole's name."""
    names = Interfaces()
    whole = names.add("any")
    out, back = names.part(whole, 2, 4), names.part(whole, 2, 0)
    assert len({whole, out, back, names.part(whole, 3, 4)}) == 4
    assert names.part(whole, 2, 4) == out
    assert names.names[out] == "any"


def test_parts_are_bounded() -> None:
    """Hostile bytes could name four billion."""
    names = Interfaces()
    whole = names.add("any")
    for index in range(5000):
        names.part(whole, index, 0)
    assert len(names.names) == 1 + Interfaces.MAX_PARTS
    assert names.part(whole, 4999, 0) == whole
