"""Why a packet gave no segment: the tokens that the summary counts."""

from collections.abc import Mapping
from enum import StrEnum


class Skip(StrEnum):
    """A reason to skip a packet."""

    NOT_IP = "not IP"
    NOT_TCP = "not TCP"
    CUT_OFF = "headers cut off by the snaplen"
    BAD_IP = "malformed IP header"
    FRAGMENT = "IP fragment that completes no segment"
    LINK_TYPE = "unknown link type"
    TUNNEL = "tunnel that could not be opened"


# What looking into a frame comes to, by number: something was found, the frame is for the slow path, or a reason.
FOUND, SLOWLY, *_REASONS = range(len(Skip) + 2)
NOT_IP, NOT_TCP, CUT_OFF, BAD_IP, FRAGMENT, LINK_TYPE, TUNNEL = _REASONS


def in_order(skipped: Mapping[str, int]) -> dict[str, int]:
    """Counts by reason, in the order in which a decoder tells them: link types as they were met, behind all others."""
    known = [str(skip) for skip in Skip if skip in skipped]
    return {name: skipped[name] for name in (*known, *(name for name in skipped if name not in known))}


def reason(number: int) -> Skip:
    """The reason of a number."""
    return tuple(Skip)[number - NOT_IP]
