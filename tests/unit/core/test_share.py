"""Shares of the connections; tests/property/test_shares.py has trackers that each have one."""

from correlator.core.share import Share
from tests.play import Play
from tests.unit.core.test_edges import frames_of as decoded


def test_each_segment_is_in_one_share() -> None:
    """That of its connection, in both directions; a frame that was not decoded is nobody's."""
    plays = [Play(("10.0.0.1", port), ("10.0.0.2", 80)) for port in range(1, 20)]
    frames = decoded(*[play.segment(who, flags) for play in plays for who, flags in (("c", "S"), ("s", "SA"))])
    mine: list[list[bool]] = []
    for share in range(3):
        Share(share, 3).sift(frames)
        mine.append([not segment.is_elsewhere for segment in frames.segments[: frames.count - 1]])
        assert not frames.segments[frames.count - 1].is_elsewhere
    assert [sum(shares) for shares in zip(*mine, strict=True)] == [1] * 38
    assert all(one[::2] == one[1::2] and any(one) for one in mine)
