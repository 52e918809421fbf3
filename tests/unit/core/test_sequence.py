"""Sequence numbers come round."""

from correlator.core import sequence


def test_later_is_within_half_of_the_numbers() -> None:
    """RFC 9293 §3.4."""
    assert sequence.after(5, 4)
    assert sequence.after(5, 0xFFFFFFFF)
    assert not sequence.after(0xFFFFFFFF, 5)
    assert not sequence.after(5, 5)
    assert sequence.after(0x7FFFFFFF, 0)
    assert not sequence.after(0x80000000, 0)
