"""Sequence numbers come round."""

from correlator.core import tcp


def test_later_is_within_half_of_the_numbers() -> None:
    """RFC 9293 §3.4."""
    assert tcp.after(5, 4)
    assert tcp.after(5, 0xFFFFFFFF)
    assert not tcp.after(0xFFFFFFFF, 5)
    assert not tcp.after(5, 5)
    assert tcp.after(0x7FFFFFFF, 0)
    assert not tcp.after(0x80000000, 0)
