"""`correlator explain`: the answer in words, for the sockets that are asked about."""

import os
import shutil
import sys
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable

import click

from correlator.cli.exits import Exit, die
from correlator.core.address import is_any, parse, parse_endpoint, parse_port, unmapped
from correlator.core.model import Owner, Socket, TcpState
from correlator.kernel.host import bindv6only, host_table, with_owners
from correlator.report.answer import (
    Answer,
    Host,
    about_connection,
    about_listener,
    is_child,
    takes_ipv4_on_inet6,
)
from correlator.report.table import Row

_HEADING = 20  # columns
_NARROW, _WIDE = 60, 100
_LASTING = {TcpState.SYN_SENT, TcpState.SYN_RECV, TcpState.ESTABLISHED, TcpState.CLOSE_WAIT}
_FULL = 3  # answers that nobody asked for by name are told in full
_CONNECTIONS = 20  # without a listener, each with an answer of its own

Matches = Callable[[Socket, Owner | None], bool]


@click.command()
@click.argument("wanted", nargs=-1, metavar="[PORT | ADDRESS | ADDRESS:PORT]...")
@click.option("--pid", "pids", multiple=True, type=int, help="The sockets of this process.")
def explain(wanted: tuple[str, ...], pids: tuple[int, ...]) -> None:
    """Say in plain words what sockets are, why netstat shows tcp6, which clients come over IPv4, and what would change
    it.

    Without arguments: all listeners that take IPv4 on an AF_INET6 socket, in short where they are many.
    """  # noqa: D205  the help has the summary in one paragraph
    choices = [_choice(value) for value in wanted] + [_of_process(pid) for pid in pids]
    try:
        rows = with_owners(host_table())
    except OSError as error:
        die(Exit.FORBIDDEN, f"this host's sockets cannot be listed: {error}")
    found = answers(rows, choices, Host(bindv6only(), os.geteuid() == 0))
    if not found:
        sys.stdout.write(_nothing(wanted, pids))
        return
    if not choices and len(found) > _FULL:
        found = [answer.brief() for answer in found]
    width = max(_NARROW, min(_WIDE, shutil.get_terminal_size().columns))
    sys.stdout.write("\n".join(_shown(found, width)) + "\n")


def answers(rows: list[Row], choices: list[Matches], host: Host) -> list[Answer]:
    """The answers for the sockets that one of the choices matches; without choices for every dual-stack listener."""
    by_port: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_port[row[0].local_port].append(row)
    chosen = [row for row in rows if _is_chosen(row, choices)]
    asked = {id(row) for row in chosen if row[0].is_listener}
    alone = []
    for row in chosen:
        parents = [other for other in by_port[row[0].local_port] if other[0].is_listener and is_child(row[0], other[0])]
        asked |= {id(parent) for parent in parents}
        if not parents and row[0].state in _LASTING:
            alone.append(row)
    listeners = [row for row in rows if id(row) in asked]
    served = {  # from the other end: who asks about a listener hears of its clients anyway
        (_wire(child, far=True), _wire(child))
        for listener, _ in chosen
        if listener.is_listener
        for child, _ in by_port[listener.local_port]
        if is_child(child, listener)
    }
    alone = [row for row in alone if (_wire(row[0]), _wire(row[0], far=True)) not in served]
    told = [about_listener(row, by_port[row[0].local_port], host) for row in listeners]
    return told + [about_connection(row, host) for row in alone[:_CONNECTIONS]]


def _is_chosen(row: Row, choices: list[Matches]) -> bool:
    if not choices:
        return row[0].is_listener and takes_ipv4_on_inet6(row[0])
    return any(matches(*row) for matches in choices)


def _wire(socket: Socket, *, far: bool = False) -> tuple[bytes, int]:
    """One end of a connection as the wire has it."""
    return (unmapped(socket.remote), socket.remote_port) if far else (unmapped(socket.local), socket.local_port)


def _choice(value: str) -> Matches:
    """What an argument asks for; ends the program where it is none of the three."""
    try:
        port = parse_port(value)
    except ValueError:
        pass
    else:
        return lambda socket, _: port in {socket.local_port, socket.remote_port}
    try:
        has_brackets = value.startswith("[") and value.endswith("]")
        address = unmapped(parse(value[1:-1] if has_brackets else value))
    except ValueError:
        pass
    else:
        return lambda socket, _: address in {unmapped(socket.local), unmapped(socket.remote)}
    try:
        end, number = parse_endpoint(value)
    except ValueError:
        die(Exit.USAGE, f"{value}: no port, address or address:port (an IPv6 address with a port has brackets)")
    end = unmapped(end)

    def matches(socket: Socket, _: Owner | None) -> bool:
        near, far = (unmapped(socket.local), socket.local_port), (unmapped(socket.remote), socket.remote_port)
        takes = socket.is_listener and socket.local_port == number and is_any(socket.local)
        return (end, number) in {near, far} or takes

    return matches


def _of_process(pid: int) -> Matches:
    return lambda _, owner: owner is not None and owner.pid == pid


def _nothing(wanted: Iterable[str], pids: Iterable[int]) -> str:
    asked = [*wanted, *(f"PID {pid}" for pid in pids)]
    if not asked:
        return "No listener here takes IPv4 on an AF_INET6 socket: what netstat shows as tcp6 LISTEN takes IPv6 only.\n"
    hint = "" if os.geteuid() == 0 else " Other users' processes are not seen without sudo."
    return (
        f"No TCP socket of this network namespace has {' or '.join(asked)} now.{hint} "
        "`sudo correlator live -i any` shows who tries to connect.\n"
    )


def _shown(found: list[Answer], width: int) -> Iterable[str]:
    """The lines of the answers. What several would advise alike stands once."""
    for answer in found:
        yield from _paragraphs(answer.title, answer.facts, width)
    for heading, advised in _advice(found).items():
        yield from _paragraphs(heading, advised, width)


def _advice(found: list[Answer]) -> dict[str, list[tuple[str, str]]]:
    """The advice by what it is for."""
    told: dict[str, list[tuple[str, str]]] = {}
    for answer in found:
        if answer.advice:
            title = "What would change it" if len(found) == 1 else f"What would change it: {answer.title}"
            told[title] = answer.advice
    return told


def _paragraphs(title: str, parts: list[tuple[str, str]], width: int) -> Iterable[str]:
    yield title
    yield ""
    for heading, paragraph in parts:
        yield textwrap.fill(
            paragraph,
            width,
            initial_indent=f"  {heading:<{_HEADING - 2}}",
            subsequent_indent=" " * _HEADING,
            break_long_words=False,
            break_on_hyphens=False,
        )
    yield ""
