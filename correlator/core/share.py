"""A share of the connections: others are another tracker's."""

from correlator.core.frames import Frames


class Share:
    """Tells which segments of a capture are another share's."""

    def __init__(self, share: int, shares: int) -> None:
        """One of so many."""
        self._share, self._shares = share, shares

    def sift(self, frames: Frames) -> None:
        """Note of each segment whether it is another's."""
        segments, share, shares = frames.segments, self._share, self._shares
        for number in range(frames.count):
            segment = segments[number]
            if segment.is_decoded:
                segment.is_elsewhere = segment.share(shares) != share
