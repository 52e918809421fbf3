"""A host's sockets as a table that fits its terminal, and as records: netstat's view and the kernel's side by side."""

from collections.abc import Iterable, Iterator, Sequence

from correlator.core.address import is_mapped, text
from correlator.core.model import Owner, Socket
from correlator.report.escape import terminal
from correlator.report.record import Record
from correlator.report.socket_lines import bare, protocol, state_name, truth_cells, unit_of, wire

Row = tuple[Socket, Owner | None]
"""A socket, and who holds it."""

_COLUMNS = ("netstat", "wire", "local", "remote", "state", "v6only", "owner", "unit", "netstat's addresses")
_GAP = "  "
_ADDRESSES = (2, 3)  # their places: on a narrow terminal they have a line of their own
_WHERE, _SEEN = 7, 8  # what is left out where it does not fit, and where nothing has it

FIELDS = (
    *("netstat", "wire", "family", "local", "local_port", "remote", "remote_port", "netstat_local", "netstat_remote"),
    *("state", "v6only", "pid", "process", "cmdline", "user", "uid", "inode", "cookie", "netns", "cgroup", "unit"),
    "container",
)
"""Of a record, in order: a contract."""


def fitted(rows: Iterable[Row], width: int) -> Iterator[str]:
    """The lines of a table in so many columns; where even the least is too wide, two lines for each socket."""
    table = [_COLUMNS, *(_cells(*row) for row in rows)]
    columns = list(zip(*table, strict=True))
    widths = [max(map(len, column)) for column in columns]
    needed = [place for place in range(len(_COLUMNS)) if place < _WHERE or any(columns[place][1:])]
    for left_out in ((), (_SEEN,), (_WHERE, _SEEN)):
        kept = [place for place in needed if place not in left_out]
        if sum(widths[place] for place in kept) + len(_GAP) * (len(kept) - 1) <= width:
            yield from (_line(cells, kept, widths) for cells in table)
            return
    kept = [place for place in range(_WHERE) if place not in _ADDRESSES]
    for cells in table:
        yield _line(cells, kept, widths)
        yield f"    {_GAP.join(cells[place] for place in _ADDRESSES)}"


def record(socket: Socket, owner: Owner | None) -> Record:
    """A socket's facts by name; None is unknown."""
    return {
        "netstat": protocol(socket),
        "wire": wire(socket),
        "family": str(socket.family),
        "local": text(socket.local),
        "local_port": socket.local_port,
        "remote": text(socket.remote),
        "remote_port": socket.remote_port,
        "netstat_local": bare(socket.local, socket.local_port),
        "netstat_remote": bare(socket.remote, socket.remote_port),
        "state": state_name(socket),
        "v6only": socket.v6only,
        "pid": owner.pid if owner else None,
        "process": (owner.process or None) if owner else None,
        "cmdline": (owner.cmdline or None) if owner else None,
        "user": (owner.user or None) if owner else None,
        "uid": socket.uid,
        "inode": socket.inode,
        "cookie": socket.cookie,
        "netns": socket.netns or None,
        "cgroup": _cgroup(socket, owner) or None,
        "unit": unit_of(_cgroup(socket, owner)) or None,
        "container": (owner.container or None) if owner else None,
    }


def _cells(socket: Socket, owner: Owner | None) -> tuple[str, ...]:
    container = owner.container if owner else ""
    seen = ""
    if is_mapped(socket.local) or is_mapped(socket.remote):
        seen = f"{bare(socket.local, socket.local_port)} {bare(socket.remote, socket.remote_port)}"
    unit = terminal(container or unit_of(_cgroup(socket, owner)))
    return (*truth_cells(socket, owner), unit, seen)


def _cgroup(socket: Socket, owner: Owner | None) -> str:
    return (owner.cgroup if owner else "") or socket.cgroup


def _line(cells: Sequence[str], places: Sequence[int], widths: Sequence[int]) -> str:
    return _GAP.join([cells[place].ljust(widths[place]) for place in places]).rstrip()
