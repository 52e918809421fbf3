"""`correlator explain`: the answer in words, for the sockets that are asked about."""

import sys
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import click

from correlator.cli.exits import Exit, die
from correlator.cli.prose import columns, filled
from correlator.core.address import is_mapped, parse, parse_endpoint, parse_port, unmapped
from correlator.core.model import Family, Owner, Socket, TcpState
from correlator.kernel.firewall import filters
from correlator.kernel.host import bindv6only, host_table, is_own, with_owners
from correlator.kernel.privileges import sees_all
from correlator.report.answer import (
    WHY,
    Answer,
    Host,
    about_connection,
    about_listeners,
    is_child,
    shared,
    takes,
    takes_ipv4_on_inet6,
)
from correlator.report.escape import terminal
from correlator.report.table import Row

_HEADING = 20  # columns
_LASTING = {TcpState.SYN_SENT, TcpState.SYN_RECV, TcpState.ESTABLISHED, TcpState.CLOSE_WAIT}
_FULL, _FEW = 4, 3  # answers that are told in full where they were asked for, and where nobody did
_CONNECTIONS = 20  # without a listener, each with an answer of its own

Matches = Callable[[Socket, Owner | None], bool]
Wish = Callable[[list[Row]], Matches]
"""What is asked for, among a host's sockets."""


@click.command()
@click.argument("wanted", nargs=-1, metavar="[PORT | ADDRESS | ADDRESS:PORT]...")
@click.option(
    "--pid", "pids", multiple=True, type=click.IntRange(min=1), metavar="PID", help="Also the sockets of this process."
)
def explain(wanted: tuple[str, ...], pids: tuple[int, ...]) -> None:
    """Say in plain words what sockets are, why netstat shows tcp6, which clients come over IPv4, and what would change
    it.

    Without arguments: all that may have IPv4 on an AF_INET6 socket, listeners and connections that were opened so; in
    short where they are many.
    """  # noqa: D205  the help has the summary in one paragraph
    wishes = {value: _choice(value) for value in wanted} | {f"PID {pid}": _of_process(pid) for pid in pids}
    try:
        rows = with_owners(host_table())
    except OSError as error:
        die(Exit.FORBIDDEN, f"this host's sockets cannot be listed: {error}")
    choices = {value: wish(rows) for value, wish in wishes.items()}
    width = columns()
    found = answers(rows, list(choices.values()), Host(bindv6only(), sees_all(), filters().firewall))
    lines = _shown(found, width, is_asked=bool(choices))
    nothing = [asked for asked, matches in choices.items() if not any(matches(*row) for row in rows)]
    if nothing or not found:
        lines = [*lines, textwrap.fill(_nothing(nothing or list(choices)), width)]
    sys.stdout.write("\n".join(lines).rstrip() + "\n")


def answers(rows: list[Row], choices: list[Matches], host: Host) -> list[Answer]:
    """The answers for the sockets that one of the choices matches; without choices for every dual-stack listener."""
    by_port: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_port[row[0].local_port].append(row)
    chosen = [row for row in rows if _is_chosen(row, choices)]
    asked = {shared(row[0]) for row in chosen if row[0].is_listener}
    for_its_sake: defaultdict[tuple[object, ...], list[Socket]] = defaultdict(list)
    alone = []
    for row in chosen:
        parents = [other for other in by_port[row[0].local_port] if other[0].is_listener and is_child(row[0], other[0])]
        for parent in parents:
            if shared(parent[0]) not in asked:
                for_its_sake[shared(parent[0])].append(row[0])
        if not parents and row[0].state in _LASTING:
            alone.append(row)
    asked |= set(for_its_sake)
    served = {  # from the other end: who asks about a listener hears of its clients anyway
        (_wire(child, far=True), _wire(child))
        for listener, _ in chosen
        if listener.is_listener
        for child, _ in by_port[listener.local_port]
        if is_child(child, listener)
    }
    alone = [row for row in alone if (_wire(row[0]), _wire(row[0], far=True)) not in served]
    groups: defaultdict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row[0].is_listener and shared(row[0]) in asked:
            groups[shared(row[0])].append(row)
    told = [
        about_listeners(group, by_port[group[0][0].local_port], host, for_its_sake[key])
        for key, group in groups.items()
    ]
    return [
        about_connection(row, host, was_connected=_is_accepted(row[0], by_port)) for row in alone[:_CONNECTIONS]
    ] + told


def _is_accepted(socket: Socket, by_port: Mapping[int, list[Row]]) -> bool:
    """Whether a connection's other end is here, and a listener's."""
    there = by_port.get(socket.remote_port, [])
    listeners = [other for other, _ in there if other.is_listener]
    ends = (_wire(socket, far=True), _wire(socket))
    return any(
        (_wire(other), _wire(other, far=True)) == ends and any(is_child(other, listener) for listener in listeners)
        for other, _ in there
    )


def _is_chosen(row: Row, choices: list[Matches]) -> bool:
    if not choices:
        return takes_ipv4_on_inet6(row[0]) if row[0].is_listener else is_mapped(row[0].remote)
    return any(matches(*row) for matches in choices)


def _wire(socket: Socket, *, far: bool = False) -> tuple[bytes, int]:
    """One end of a connection as the wire has it."""
    return (unmapped(socket.remote), socket.remote_port) if far else (unmapped(socket.local), socket.local_port)


def _choice(value: str) -> Wish:
    """What an argument asks for; ends the program where it is none of the three."""
    wishes = [make for make in (_of_port(value), _of_address(value), _of_endpoint(value)) if make is not None]
    if not wishes:
        hint = "a port is 1 to 65535, names are not looked up, an IPv6 address with a port has brackets"
        die(Exit.USAGE, f"{value!r} is no port, address or address:port ({hint})")

    def wish(rows: list[Row]) -> Matches:
        choices = [one(rows) for one in wishes]
        return lambda socket, owner: any(matches(socket, owner) for matches in choices)

    return wish


def _of_port(value: str) -> Wish | None:
    try:
        port = parse_port(value.removeprefix("*").removeprefix(":") if value.startswith((":", "*:")) else value)
    except ValueError:
        return None
    if not port:
        return None
    return lambda _: lambda socket, _: port in {socket.local_port, socket.remote_port}


def _of_address(value: str) -> Wish | None:
    has_brackets = value.startswith("[") and value.endswith("]")
    try:
        address = unmapped(parse(value[1:-1] if has_brackets else value))
    except ValueError:
        return None
    is_ours = is_own(address)

    def matches(socket: Socket, _: Owner | None) -> bool:
        if socket.is_listener:
            return address == unmapped(socket.local) or (is_ours and takes(socket, address))
        return address in {unmapped(socket.local), unmapped(socket.remote)}

    return lambda _: matches


def _of_endpoint(value: str) -> Wish | None:
    """Also in netstat's form, without brackets."""
    try:
        end, port = parse_endpoint(value)
    except ValueError:
        return None
    if not port:
        return None
    end = unmapped(end)

    def wish(rows: list[Row]) -> Matches:
        taker = _taker([socket for socket, _ in rows if socket.is_listener and socket.local_port == port], end)
        return lambda socket, _: (
            (end, port) in {_wire(socket), _wire(socket, far=True)} or (socket.is_listener and shared(socket) == taker)
        )

    return wish


def _taker(listeners: list[Socket], address: bytes) -> tuple[object, ...] | None:
    """The listener to which the kernel gives what comes to an address: its own, then AF_INET, then dual-stack."""
    own = [one for one in listeners if unmapped(one.local) == address]
    able = sorted((one for one in listeners if takes(one, address)), key=lambda one: one.family is Family.INET6)
    return shared((own or able)[0]) if own or able else None


def _of_process(pid: int) -> Wish:
    return lambda _: lambda _, owner: owner is not None and owner.pid == pid


def _nothing(asked: list[str]) -> str:
    if not asked:
        return "No socket here has IPv4 on AF_INET6: what netstat shows as tcp6 has IPv6 only."
    hint = "" if sees_all() else " Other users' processes are not seen without sudo."
    return (
        f"Nothing here uses {terminal(' or '.join(asked))} now.{hint} Containers have sockets of their own: "
        "`sudo nsenter -t PID -n correlator explain ...` looks into that of a process. `sudo correlator live -i any` "
        "shows who tries to connect."
    )


def _shown(found: list[Answer], width: int, *, is_asked: bool) -> list[str]:
    """The lines of the answers: in full, or where they are many in a line each."""
    if len(found) > (_FULL if is_asked else _FEW):
        intro = f"{len(found)} answers, in short; `correlator explain PORT` says all of one. {WHY}"
        return [textwrap.fill(intro, width), "", *(answer.brief for answer in found), ""]
    lines: list[str] = []
    for answer in found:
        lines += _paragraphs(answer.title, answer.facts, width)
        if answer.advice:
            lines += _paragraphs("What can be done, from the next start of the program on:", answer.advice, width)
    return lines


def _paragraphs(title: str, parts: list[tuple[str, str]], width: int) -> Iterable[str]:
    yield title
    yield ""
    for heading, paragraph in parts:
        yield filled(paragraph, f"  {heading:<{_HEADING - 2}}", width)
    yield ""
