"""What to show: --verdict, --port, --process, --pid, and --fail-on."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from correlator.core.finding import Finding
from correlator.core.model import Verdict
from correlator.report.record import Record

if TYPE_CHECKING:
    from correlator.run import FindingSink

VERDICTS = click.Choice([str(verdict) for verdict in Verdict])


class Selection(NamedTuple):
    """Which findings go to the sinks; empty selects all."""

    verdicts: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset()
    processes: frozenset[str] = frozenset()
    pids: frozenset[int] = frozenset()

    def takes(self, verdict: str, ports: set[int], process: str | None, pid: int | None) -> bool:
        """Whether a finding with these facts is selected."""
        return (
            (not self.verdicts or verdict in self.verdicts)
            and (not self.ports or bool(self.ports & ports))
            and (not self.processes or process in self.processes)
            and (not self.pids or pid in self.pids)
        )

    def takes_finding(self, finding: Finding) -> bool:
        """Whether a finding is selected."""
        owner, connection = finding.owner, finding.connection
        ports = {connection.client.port, connection.server.port}
        return self.takes(str(finding.verdict), ports, owner.process if owner else None, owner.pid if owner else None)

    def takes_record(self, row: Record) -> bool:
        """Whether a record of a report is selected."""
        return self.takes(
            str(row.get("verdict")),
            {row.get("client_port", -1), row.get("server_port", -1)},
            row.get("process"),
            row.get("pid"),
        )


class Selected:
    """A sink that passes on the selected findings."""

    def __init__(self, sink: "FindingSink", selection: Selection) -> None:
        """`sink` gets what `selection` takes."""
        self._sink = sink
        self._selection = selection

    def begin(self, run: Record) -> None:
        """Pass on."""
        self._sink.begin(run)

    def findings(self, found: list[Finding]) -> None:
        """Pass on what is selected."""
        self._sink.findings([finding for finding in found if self._selection.takes_finding(finding)])

    def end(self, counters: Record) -> None:
        """Pass on."""
        self._sink.end(counters)


class FailOn:
    """A sink that notes whether a verdict was found."""

    def __init__(self, verdicts: tuple[str, ...]) -> None:
        """`verdicts`: those that make the exit status 1."""
        self._verdicts = frozenset(verdicts)
        self.met = False

    def begin(self, run: Record) -> None:
        """Nothing to note."""

    def findings(self, found: list[Finding]) -> None:
        """Note it."""
        self.met = self.met or any(finding.final and finding.verdict in self._verdicts for finding in found)

    def end(self, counters: Record) -> None:
        """Nothing to note."""


def of_processes(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that select sockets by who holds them."""
    by_name = click.option(
        "--process", "processes", multiple=True, metavar="NAME", help="Only sockets of processes with this name."
    )
    by_pid = click.option(
        "--pid",
        "pids",
        multiple=True,
        type=click.IntRange(min=1),
        metavar="PID",
        help="Only sockets of this process.",
    )
    return by_name(by_pid(command))


def selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that select findings."""
    options = (
        click.option(
            "--verdict",
            "verdicts",
            multiple=True,
            type=VERDICTS,
            metavar="VERDICT",
            help=f"Only findings with this verdict, again for more: {', '.join(VERDICTS.choices)}.",
        ),
        click.option(
            "--port",
            "ports",
            multiple=True,
            type=click.IntRange(0, 65535),
            metavar="PORT",
            help="Only connections with this port at either end.",
        ),
    )
    command = of_processes(command)
    for option in reversed(options):  # decorators are applied from the last
        command = option(command)
    return command


def selection(
    verdicts: tuple[str, ...], ports: tuple[int, ...], processes: tuple[str, ...], pids: tuple[int, ...]
) -> Selection:
    """The selection that the options ask for."""
    return Selection(frozenset(verdicts), frozenset(ports), frozenset(processes), frozenset(pids))
