"""Frames in one buffer."""

from correlator.core.frames import Frames, Packet, gathered
from correlator.core.segment import NO_TIME


def test_what_is_put_in_comes_out() -> None:
    """More frames than there is room for at first, some of them cut short."""
    packets = [Packet(number - 1, 1, number % 3, bytes([number]) * number, 1000 + number) for number in range(200)]
    frames = gathered(packets)
    assert len(frames) == 200
    assert frames.packets() == packets
    assert frames.packet(7) == packets[7]
    assert frames.last_at == 198
    one = frames.segments[5]
    assert (one.at, one.wire_length, one.captured_on) == (4, 1005, 2)


def test_frames_are_filled_anew() -> None:
    """Nothing of the buffer before is left; the objects are the same."""
    frames = gathered([Packet(1, 1, 0, b"one", 3), Packet(2, 1, 0, b"two", 3)])
    kept = frames.segments[0]
    frames.hold(b"three")
    assert frames.packets() == []
    frames.add(3, 1, 0, 0, 5, 5)
    assert frames.packets() == [Packet(3, 1, 0, b"three", 5)]
    assert frames.segments[0] is kept


def test_a_part_of_the_frames() -> None:
    """It lies in the same buffer, and stays what it is when the others are filled anew."""
    packets = [Packet(number, 1, 0, bytes([number]) * 5, 5) for number in range(9)]
    frames = gathered(packets)
    part = frames.part(3, 6)
    frames.hold(b"another")
    frames.add(0, 1, 0, 0, 7, 7)
    assert part.packets() == packets[3:6]


def test_no_frames() -> None:
    """Nothing to tell the time by."""
    assert Frames(b"").last_at == 0
    assert Frames(b"").packets() == []


def test_the_times_of_frames() -> None:
    """The earliest and the latest, wherever they stand."""
    frames = Frames()
    for at in (5, 3, NO_TIME, 9, 4):
        frames.add(at, 1, 0, 0, 0, 0)
    assert frames.times() == (NO_TIME, 9)
    assert frames.part(0, 2).times() == (3, 5)
    assert frames.part(3, 4).times() == (9, 9)
