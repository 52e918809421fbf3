"""What happens to connections under way."""

from dataclasses import dataclass
from enum import IntEnum

from correlator.core.flow import Flow


class Change(IntEnum):
    """What happened to a connection."""

    OPENED = 0
    ANSWERED = 1
    ESTABLISHED = 2


@dataclass(frozen=True)
class Event:
    """A change, and the connection that it happened to."""

    change: Change
    flow: Flow
