"""`correlator sockets`: this host's TCP sockets, as netstat lists them and as they are."""

import csv
import gc
import json
import shutil
import sys
from collections.abc import Callable
from typing import Any

import click

from correlator.cli.exits import Exit, die, say
from correlator.cli.selection import of_processes
from correlator.kernel.host import host_table, with_owners
from correlator.kernel.privileges import sees_all
from correlator.report.escape import cell
from correlator.report.socket_lines import truth_table
from correlator.report.table import FIELDS, Row, fitted, record

_ORDERS: dict[str, Callable[[Row], Any]] = {
    "local": lambda row: (row[0].local, row[0].local_port, row[0].remote, row[0].remote_port),
    "remote": lambda row: (row[0].remote, row[0].remote_port, row[0].local, row[0].local_port),
    "port": lambda row: (row[0].local_port, row[0].remote_port),
    "state": lambda row: (row[0].state.name, row[0].local_port),
    "process": lambda row: (row[1] is None, row[1].process if row[1] else "", row[0].local_port),
    "pid": lambda row: (row[1] is None, row[1].pid if row[1] else 0, row[0].local_port),
}


@click.command()
@click.option(
    "--save",
    "save",
    metavar="FILE",
    help="Record the table as an evidence file (.sockets.jsonl) for `analyse --sockets`.",
)
@click.option("--watch", is_flag=True, help="Keep recording until Ctrl-C (with --save): for use beside tcpdump.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@click.option("--psutil", "by_psutil", is_flag=True, help="Ask psutil instead of the kernel's sock_diag.")
@click.option("-l", "--listening", is_flag=True, help="Only listeners.")
@click.option(
    "--port",
    "ports",
    multiple=True,
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Only sockets with this port at either end.",
)
@of_processes
@click.option("--sort", type=click.Choice(list(_ORDERS)), help="The order, instead of listeners first, by port.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array, an object for each socket.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV with a header.")
def sockets(  # noqa: PLR0913  click's options
    save: str | None,
    ports: tuple[int, ...],
    processes: tuple[str, ...],
    pids: tuple[int, ...],
    sort: str | None,
    *,
    as_json: bool,
    as_csv: bool,
    watch: bool,
    force: bool,
    by_psutil: bool,
    listening: bool,
) -> None:
    """List this host's TCP sockets: netstat's protocol, and the IP versions, addresses and IPV6_V6ONLY behind it."""
    if as_json and as_csv:
        die(Exit.USAGE, "--json and --csv cannot share standard output")
    if save is not None and (as_json or as_csv):
        die(Exit.USAGE, "--save writes an evidence file; without it --json and --csv write the table")
    if watch and save is None:
        die(Exit.USAGE, "--watch records: give it a file with --save")
    if save is not None and (listening or ports or processes or pids):
        die(Exit.USAGE, "--save records all sockets; select when you analyse")
    if save is not None:
        from correlator.cli import recording  # noqa: PLC0415  a table does not need the half of what that imports

        if watch:
            raise SystemExit(recording.watch(save, force=force))
    gc.disable()  # a hundred thousand objects that stay until the end
    try:
        statements = host_table(by_psutil=by_psutil)
    except OSError as error:
        die(Exit.FORBIDDEN, f"this host's sockets cannot be listed: {error}")
    if save is not None:
        raise SystemExit(recording.save(save, statements, force=force))
    rows = with_owners(statements)
    hidden = sum(1 for socket, owner in rows if socket.inode and owner is None)
    if hidden and not sees_all():
        say(f"the owners of {hidden} sockets are other users': run it with sudo to see them")
    chosen = [
        (socket, owner)
        for socket, owner in rows
        if not (listening and not socket.is_listener)
        and not (ports and socket.local_port not in ports and socket.remote_port not in ports)
        and not (processes and (owner is None or owner.process not in processes))
        and not (pids and (owner is None or owner.pid not in pids))
    ]
    if sort is not None:
        chosen.sort(key=_ORDERS[sort])
    _write(chosen, "json" if as_json else "csv" if as_csv else None)


def _write(rows: list[Row], form: str | None) -> None:
    """Write them in a form; a table that fits the terminal, or has columns of its own where there is none."""
    out = sys.stdout
    if form == "json":
        out.write("[" + ",".join(f"\n  {json.dumps(record(*row))}" for row in rows) + "\n]\n")
    elif form == "csv":
        lines = csv.writer(out)
        lines.writerow(FIELDS)
        for row in rows:
            lines.writerow(_safe(value) for value in record(*row).values())
    elif out.isatty():
        for text in fitted(rows, shutil.get_terminal_size().columns):
            out.write(text + "\n")
    else:
        out.write(truth_table(rows))


def _safe(value: object) -> object:
    """A cell: unknown is empty, text is safe for spreadsheets."""
    if isinstance(value, bool):
        return str(value).lower()
    return cell(value) if isinstance(value, str) else value
