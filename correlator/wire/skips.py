"""Why a packet gave no segment: the tokens that the summary counts."""

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
