"""What an engine counts."""

from dataclasses import dataclass, field

from correlator.core.model import Verdict


@dataclass
class Counters:
    """The engine's share of the run's counters."""

    matched: int = 0
    unmatched: int = 0
    ambiguous: int = 0
    lookups: int = 0
    by_verdict: dict[Verdict, int] = field(default_factory=dict)
    """The matched ones."""
