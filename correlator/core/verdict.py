"""Verdict and cause: what a termination is, and why."""

from correlator.core.address import is_mapped
from correlator.core.model import Cause, Connection, Family, Side, Socket, Verdict, WireFamily


def verdict(wire: WireFamily, family: Family) -> Verdict:
    """The verdict on a socket family under a wire family."""
    if family is Family.INET6:
        return Verdict.IPV4_ON_INET6 if wire is WireFamily.IPV4 else Verdict.IPV6_ON_INET6
    return Verdict.IPV4_ON_INET if wire is WireFamily.IPV4 else Verdict.ANOMALY  # AF_INET cannot carry IPv6


def cause(connection: Connection, side: Side, socket: Socket, listener: Socket | None) -> Cause:
    """Why a termination is IPv4 on AF_INET6 (RFC 3493 §3.7); NATIVE where it is not."""
    if verdict(connection.wire_family, socket.family) is not Verdict.IPV4_ON_INET6:
        return Cause.NATIVE
    if side is Side.CLIENT or connection.simultaneous:
        return Cause.MAPPED_CONNECT
    if listener is None:
        return Cause.DUAL_STACK_LISTENER
    if listener.family is Family.INET:
        return Cause.UNKNOWN  # an AF_INET listener has no AF_INET6 children: it is not the one that accepted
    return Cause.MAPPED_LISTENER if is_mapped(listener.local) else Cause.DUAL_STACK_LISTENER
