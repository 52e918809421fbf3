"""Four-tuples."""

import pytest

from correlator.core.four_tuple import FourTuple, key_of
from tests.play import packed


def test_a_key_tells_ends_apart() -> None:
    """Addresses and ports, each in its place; the same whenever it is asked for."""
    near, far, six = packed("10.0.0.1"), packed("10.0.0.2"), packed("2001:db8::1")
    assert key_of(near, 1, far, 65535) == near + far + b"\0\1\xff\xff"
    assert FourTuple(near, 1, far, 65535).key == key_of(near, 1, far, 65535)
    four = [(near, 1, far, 2), (far, 2, near, 1), (near, 2, far, 1), (six, 1, six, 2)]
    assert len({key_of(*ends) for ends in four}) == len(four)


def test_what_is_longer_than_an_address_is_refused() -> None:
    """There is room for two of IPv6."""
    six = packed("2001:db8::1")
    assert len(key_of(six, 65535, six, 65535)) == 36
    with pytest.raises(ValueError, match="16 bytes"):
        key_of(six, 1, six + b"\0", 2)
