"""Frames in one buffer."""

from correlator.core.frames import Frames, Packet, gathered


def test_what_is_put_in_comes_out() -> None:
    """More frames than there is room for at first, some of them cut short."""
    packets = [Packet(number - 1, 1, number % 3, bytes([number]) * number, 1000 + number) for number in range(200)]
    frames = gathered(packets)
    assert len(frames) == 200
    assert frames.packets() == packets
    assert frames.packet(7) == packets[7]
    assert frames.last_at == 198
    frames.look(5)
    assert (frames.at, frames.length, frames.interface) == (4, 1005, 2)


def test_no_frames() -> None:
    """Nothing to tell the time by."""
    assert Frames(b"").last_at == 0
    assert Frames(b"").packets() == []
