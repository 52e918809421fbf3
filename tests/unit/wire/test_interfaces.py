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


def test_a_capture_that_follows_has_the_same_interfaces() -> None:
    """By name, the first one first; what is still open keeps its own."""
    names = Interfaces()
    first = [names.add("eth0"), names.add(""), names.add("eth0")]
    other = names.add("eth0")
    names.end(first)
    assert [names.add("eth0"), names.add("eth0"), names.add("eth0"), names.add("lo"), names.add("")] == [0, 2, 4, 5, 1]
    assert other == 3
    names.end([3, 0])
    assert [names.add("eth0"), names.add("eth0"), names.add("eth0")] == [0, 3, 6]


def test_interfaces_of_captures_that_were_read_elsewhere() -> None:
    """They are those of captures that follow one another, also of what a cooked one folds into one."""
    here, one, other = Interfaces(), Interfaces(), Interfaces()
    one.part(one.add("any"), 2, 4)
    one.add("lo")
    other.add("lo")
    whole = other.add("any")
    parts = [other.part(whole, 7, 0), other.part(whole, 2, 4)]
    assert parts == [2, 3]
    assert here.join(one.described()) == [0, 1, 2]
    assert here.join(other.described()) == [2, 0, 3, 1]
    assert here.join(one.described()) == [0, 1, 2]
    assert here.names == ["any", "any", "lo", "any"]
