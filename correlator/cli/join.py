"""`correlator join`: both ends of the connections of a fleet."""

import sys
from typing import TYPE_CHECKING

import click

from correlator.cli.exits import Exit, die
from correlator.cli.query import done, findings_of, in_short, rows_of, write_csv
from correlator.report.escape import terminal

if TYPE_CHECKING:
    from correlator.fleet.join import Clocks, Left, Path

_SHOWN = 20  # lines of each kind
_CAUSES = {
    "dual-stack-listener": "AF_INET6 dual-stack listener",
    "mapped-listener": "AF_INET6 listener on a mapped address",
    "": "",
}


@click.command()
@click.argument("folder", metavar="DIR")
@click.option(
    "--near",
    default=120.0,
    show_default=True,
    type=click.FloatRange(0, 1e6),
    metavar="SECONDS",
    help="Seconds that the clocks of two hosts may differ.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Write all connections as CSV: both ends, or why one is missing.")
def join(folder: str, near: float, *, as_csv: bool) -> None:
    """Join the client's and the server's findings of each connection in DIR, from different hosts, also across NAT.

    Says how connections go, from which socket to which, the times that both ends saw, how far the clocks are apart, and
    why the other end of some is missing.
    """
    findings = findings_of(folder)
    from correlator.fleet import join as fleet  # noqa: PLC0415  an extra; findings_of has said so
    from correlator.fleet.findings import FAILURES  # noqa: PLC0415  as below

    try:
        done(findings, lambda: fleet.join(findings, near))
    except FAILURES as error:  # files of others, without our columns
        die(Exit.UNREADABLE, f"{folder}: {in_short(error)}")
    if as_csv:
        found = findings.execute("SELECT * FROM connections ORDER BY opened_at, client_port, server_local_port")
        write_csv([column[0] for column in found.description or []], rows_of(found))
        return
    paths, clocks, left = fleet.paths(findings), fleet.clocks(findings), fleet.left(findings)
    if not paths and not left:
        die(Exit.UNREADABLE, f"{folder}: no finding there is of a client's or a server's socket")
    sys.stdout.write("\n".join(_told(paths, clocks, left)) + "\n")


def _told(paths: "list[Path]", clocks: "list[Clocks]", left: "list[Left]") -> list[str]:
    both, one = sum(path.count for path in paths), sum(rest.count for rest in left)
    lines = [f"{both} connections with both ends, {one} with one"]
    lines += _first([f"  {path.count:>9}  {terminal(_path(path))}" for path in paths])
    if clocks:
        lines.append("clocks:")
        lines += _first([f"  {terminal(_clock(pair))}" for pair in clocks])
    if left:
        lines.append("one end only:")
        lines += _first([f"  {rest.count:>9}  {terminal(_rest(rest))}" for rest in left])
    return lines


def _first(lines: list[str]) -> list[str]:
    return lines[:_SHOWN] + ([f"  and {len(lines) - _SHOWN} more (--csv has all)"] if len(lines) > _SHOWN else [])


def _path(path: "Path") -> str:
    wire = "IPv4" if path.wire_family == "ipv4" else "IPv6"
    through = f"{wire} through NAT" if path.nat else wire
    kind = _CAUSES.get(path.cause)
    if kind is None:
        server = f"{path.server_family} socket of {path.server}"
    else:
        server = f"{kind or path.server_family + ' listener'} {path.listener} of {path.server}"
    ends = ((path.client_rtt, "client"), (path.server_rtt, "server"))
    times = ", ".join(f"RTT {value:.0f} us at the {end}" for value, end in ends if value is not None)
    client = f"{path.client_family} client {path.client} on {path.client_host}"
    way = f"{client} -> {through} -> {server} on {path.server_host}"
    return f"{way} ({times})" if times else way


def _clock(pair: "Clocks") -> str:
    word = "ahead of" if pair.offset >= 0 else "behind"
    return (
        f"{pair.server_host} is {abs(pair.offset) / 1000:.3f} ms {word} {pair.client_host} ({pair.count} connections)"
    )


def _rest(rest: "Left") -> str:
    from correlator.fleet.join import WHY  # noqa: PLC0415  an extra, which is there by now

    return f"{rest.side} on {rest.host}, the other end at {rest.other}: {rest.why}: {WHY[rest.why]}"
