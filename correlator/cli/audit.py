"""`correlator audit`: who would be hit if a dual-stack listener took IPv6 only, and which listeners may be at all."""

import asyncio
import json
import os
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence

import click

from correlator.capture.names import UnreadableError
from correlator.cli.exits import Exit, die, say
from correlator.cli.prose import columns, filled
from correlator.cli.reports import Report
from correlator.cli.tables import LIVE, Tables
from correlator.core.address import endpoint_text
from correlator.core.timetext import time_text
from correlator.kernel.firewall import Filters, filters
from correlator.kernel.host import with_owners
from correlator.kernel.privileges import sees_all
from correlator.report.answer import FATES
from correlator.report.audit import Audited, Remark, audit, record
from correlator.report.escape import terminal
from correlator.report.policy import MAX_TEXT, Policy, PolicyError, parse
from correlator.report.table import Row
from correlator.report.termination import of_record
from correlator.report.usage import Clients, Usage

_HEADING = 14
_SHOWN = 6  # addresses
_SECONDS = 19
_HIDDEN = "Other users' processes are not seen without sudo: their names are unknown here."


@click.command("audit")
@click.argument("reports", nargs=-1, metavar="[REPORT]...")
@click.option(
    "--sockets",
    "tables",
    multiple=True,
    metavar="TABLE",
    help="The listeners: `live` for this host's (without REPORT that is so anyway), or a saved table.",
)
@click.option("--rules", metavar="FILE", help="TOML: [[allow]] and [[deny]] by port, process, unit and more.")
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice([str(remark) for remark in Remark]),
    help="Exit with 1 if this is found (again for more); `denied` is, if there are rules.",
)
@click.option("--json", "as_json", is_flag=True, help="A JSON array, an object for each listener.")
def audit_(
    reports: tuple[str, ...], tables: tuple[str, ...], rules: str | None, fail_on: tuple[str, ...], *, as_json: bool
) -> None:
    """Say of each dual-stack listener who comes over IPv4 and IPv6, and who would be refused if it were IPV6_V6ONLY.

    REPORTs (.jsonl or annotated .pcapng) tell who came; without them it is who is connected now. Of this host's
    listeners it also says which ports have ip6 rules only in its packet filter.
    """
    if Remark.DENIED in fail_on and rules is None:
        die(Exit.USAGE, "--fail-on denied needs --rules FILE: without rules nothing is denied")
    policy = _policy(rules) if rules is not None else None
    usage, troubles = asyncio.run(_usage(reports))
    wanted = tables or (() if reports else (LIVE,))
    rows = _rows(wanted, troubles) if wanted else None
    is_here = LIVE in wanted
    known = filters() if is_here else Filters(None, (), ())
    at = time.time_ns()
    found = audit(usage, rows, at, known.firewall, policy, host=_host(usage, is_here=is_here))
    if as_json:
        sys.stdout.write("[" + ",".join(f"\n  {json.dumps(record(one))}" for one in found) + "\n]\n")
    else:
        width = columns()
        sys.stdout.write("\n".join(_text(found, known, at, width, is_here=is_here, since=bool(reports))) + "\n")
    for trouble in troubles:
        say(trouble)
    failing = {*fail_on, *([Remark.DENIED] if policy else [])}
    if troubles:
        raise SystemExit(Exit.DAMAGED)
    if any(failing & set(one.remarks) for one in found):
        raise SystemExit(Exit.FOUND)


def _host(usage: Usage, *, is_here: bool) -> str:
    """Whose the table of sockets is: a saved one is taken for that of the reports' host, if they have but one."""
    if is_here:
        return os.uname().nodename
    hosts = {use.host for use in usage.uses.values()}
    return hosts.pop() if len(hosts) == 1 else ""


def _policy(name: str) -> Policy:
    try:
        with open(name, encoding="utf-8-sig") as file:
            return parse(file.read(MAX_TEXT + 1))
    except OSError as error:
        die(Exit.UNREADABLE, f"{name}: {error.strerror or error}")
    except UnicodeDecodeError:
        die(Exit.UNREADABLE, f"{name}: is no text in UTF-8, as TOML is")
    except PolicyError as error:
        die(Exit.UNREADABLE, f"{name}: {error}")


async def _usage(names: Iterable[str]) -> tuple[Usage, list[str]]:
    """What reports tell, and what was wrong with them."""
    usage, troubles = Usage(), []
    for name in names:
        report, misfits = Report(name), 0
        try:
            async for row in report.records():
                try:
                    usage.count(of_record(row), str(report.run.get("host") or ""))
                except ValueError:
                    misfits += 1
        except UnreadableError as error:
            die(Exit.UNREADABLE, f"{name}: {error}")
        if misfits:
            troubles.append(f"{name}: {misfits} findings that no run of ours makes are left out")
        troubles += [report.trouble] if report.trouble else []
    if usage.uncounted:
        troubles.append(f"{usage.uncounted} connections are of listeners beyond the {len(usage.uses)} that are kept")
    return usage, troubles


def _rows(names: Iterable[str], troubles: list[str]) -> Sequence[Row]:
    tables = Tables()
    for name in names:
        tables.add(name)
    troubles += tables.damaged
    return with_owners(tables.statements)


def _text(found: list[Audited], known: Filters, at: int, width: int, *, is_here: bool, since: bool) -> Iterable[str]:
    yield textwrap.fill(_headline(found), width)
    if is_here:
        yield textwrap.fill(_of_filters(known), width)
        if not sees_all():
            yield textwrap.fill(_HIDDEN, width)
    has_hosts = len({one.use.host for one in found}) > 1
    for one in found:
        yield ""
        use = one.use
        who = f"{terminal(use.process) or 'unknown process'}" + (f" (PID {use.pid})" if use.pid else "")
        where = endpoint_text(*use.where) + ("" if use.is_seen else " (as its clients call it)")
        more = [terminal(name) for name in (use.container, use.unit, f"on {use.host}" * has_hosts) if name]
        yield f"{where}  {who}{'  ' + ', '.join(more) if more else ''}"
        for heading, paragraph in _facts(one, at, since=since):
            yield filled(paragraph, f"  {heading:<{_HEADING - 2}}", width)


def _headline(found: list[Audited]) -> str:
    if not found:
        return "No dual-stack listener: nothing here takes IPv4 on an AF_INET6 socket of both versions."
    counts = {remark: sum(remark in one.remarks for one in found) for remark in Remark}
    told = [
        f"{counts[remark]} {words}"
        for remark, words in (
            (Remark.IPV4_CLIENTS, "with clients over IPv4"),
            (Remark.IPV4_UNUSED, "that nobody was seen to use over IPv4"),
            (Remark.IPV4_UNFILTERED, "open to IPv4 though the packet filter closes or restricts IPv6"),
            (Remark.DENIED, "denied by the rules"),
        )
        if counts[remark]
    ]
    return f"{len(found)} dual-stack listener{'s' if len(found) > 1 else ''}: {'; '.join(told) or 'nothing to remark'}."


def _of_filters(known: Filters) -> str:
    read = f"The packet filter was read by {', '.join(known.read)}." if known.read else "The packet filter is unknown."
    return f"{read} Not asked: {terminal('; '.join(known.unread))}." if known.unread else read


def _facts(one: Audited, at: int, *, since: bool) -> Iterable[tuple[str, str]]:
    use = one.use
    if one.is_listening is False:
        yield "now", "it does not listen any more."
    if use.v6only is None:
        yield "IPV6_V6ONLY", "not known here: `ss -tlne` or `sudo correlator sockets -l` tells."
    yield "IPv4", _told(use.ipv4, use.connections, at, since=since)
    yield "IPv6", _told(use.ipv6, use.connections, at, since=since)
    if one.is_outdone:
        yield (
            "beside it",
            "an AF_INET listener on 0.0.0.0 with its port takes the IPv4: V6ONLY would refuse nobody.",
        )
    elif use.ipv4.connections:
        yield "if V6ONLY", f"these would be refused: {use.ipv4.told(_SHOWN)}."
    else:
        yield "if V6ONLY", "nobody who was seen would be refused."
    if one.fates:
        yield "firewall", f"from outside it is {FATES[one.fates[0]]} over IPv4, {FATES[one.fates[1]]} over IPv6."
    if one.refusal:
        yield "denied", f"{terminal(one.refusal)}."


def _told(clients: Clients, total: int, at: int, *, since: bool) -> str:
    if not clients.connections:
        return "never seen." if since else "nobody now."
    share = f"{clients.connections / total:.0%}"
    known = time_text(clients.last_seen)[:_SECONDS].replace("T", " ")
    last = "now" if clients.last_seen == at else f"last {known} UTC" if known else "nobody knows when"
    plural = "s" if clients.connections > 1 else ""
    return f"{clients.connections} connection{plural}, {share}, {last}, from {clients.told(_SHOWN)}."
