"""Verdicts and causes."""

import pytest

from correlator.core.model import Cause, Family, Side, Socket, Verdict, WireFamily
from correlator.core.verdict import cause, verdict
from tests.ends import CONNECTION, changed
from tests.play import listener, socket

MAPPED = socket("::ffff:10.0.0.12", 4243, "::ffff:10.0.0.20", 64702)
NATIVE = socket("10.0.0.12", 4243, "10.0.0.20", 64702)


@pytest.mark.parametrize(
    ("wire", "family", "expected"),
    [
        (WireFamily.IPV4, Family.INET6, Verdict.IPV4_ON_INET6),
        (WireFamily.IPV4, Family.INET, Verdict.IPV4_ON_INET),
        (WireFamily.IPV6, Family.INET6, Verdict.IPV6_ON_INET6),
        (WireFamily.IPV6, Family.INET, Verdict.ANOMALY),
    ],
)
def test_verdicts(wire: WireFamily, family: Family, expected: Verdict) -> None:
    """Every meeting of wire and socket family."""
    assert verdict(wire, family) is expected


@pytest.mark.parametrize(
    ("side", "found", "origin", "expected"),
    [
        (Side.SERVER, MAPPED, listener("::", 4243), Cause.DUAL_STACK_LISTENER),
        (Side.SERVER, MAPPED, None, Cause.DUAL_STACK_LISTENER),
        (Side.SERVER, MAPPED, listener("::ffff:10.0.0.12", 4243), Cause.MAPPED_LISTENER),
        (Side.SERVER, MAPPED, listener("0.0.0.0", 4243), Cause.UNKNOWN),
        (Side.CLIENT, MAPPED, None, Cause.MAPPED_CONNECT),
        (Side.SERVER, NATIVE, listener("0.0.0.0", 4243), Cause.NATIVE),
        (Side.CLIENT, NATIVE, None, Cause.NATIVE),
    ],
)
def test_causes(side: Side, found: Socket, origin: Socket | None, expected: Cause) -> None:
    """Why IPv4 is on AF_INET6, for each side and listener."""
    what = verdict(WireFamily.IPV4, found.family)
    assert cause(what, CONNECTION, side, origin) is expected


def test_a_simultaneous_open_has_no_listener() -> None:
    """Both ends connected: a mapped server end was connected too."""
    crossed = changed(CONNECTION, simultaneous=True)
    assert cause(Verdict.IPV4_ON_INET6, crossed, Side.SERVER, None) is Cause.MAPPED_CONNECT
