"""What an engine is to do."""

from typing import NamedTuple

from correlator.core.evidence import Bounds
from correlator.core.limits import Limits


class Config(NamedTuple):
    """What an engine is to do, fixed for a run."""

    limits: Limits = Limits()
    bounds: Bounds = Bounds()
    lookups: bool = False
    """Ask the kernel for each connection that stays open (live)."""
    eager: bool = False
    """Ask for each at once, because no event tells of those that close."""
    announce: bool = False
    """Give a provisional finding as soon as an open connection's sockets are known."""
