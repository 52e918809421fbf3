"""What the kernel, and programs of the host, tell: netlink messages, pages of the trace, control groups, packet filters."""

import json
from dataclasses import astuple

from correlator.core.firewall import IPV4, IPV6, Firewall
from correlator.core.iptables import of_iptables
from correlator.core.model import Evidence, Owner, Source, Statement
from correlator.core.nft import of_nft
from correlator.core.records import to_record
from correlator.kernel.cgroups import container_of, path_of_process
from correlator.kernel.endings import Endings
from correlator.kernel.joining import Joining, destroyed_at_some_time
from correlator.kernel.sock_diag import Entry, entry, messages
from correlator.kernel.trace_pages import Trace, missed
from correlator.report.statements import StatementLines
from tests.fuzz.outcome import outcome
from tests.fuzz.scene import engine_with
from tests.trace import LAYOUTS

_PAGE = 512
_PORTS = (0, 22, 80, 443, 65535)


def netlink(data: bytes) -> object:
    """Datagrams of NETLINK_SOCK_DIAG: sockets, or nothing."""
    found: list[Statement] = []
    for number, (_kind, message) in enumerate(messages(data)):
        described = entry(message, lambda group: f"/group{group}", "net", number, number, bool(number & 1))
        if described is None:
            continue
        at = None if number & 2 else 1_700_000_000_000_000_000
        found.append(Evidence(at, Source.LOOKUP, described.socket, tcp_info=described.tcp_info))
        found.append(destroyed_at_some_time(described))
    return _told(found), outcome(engine_with(found))


def trace(data: bytes) -> object:
    """Pages of two CPUs, folded to the ends of sockets and joined with destroy events."""
    made, lost = Trace(LAYOUTS, 2), 0
    for at in range(0, len(data), _PAGE):
        page = data[at : at + _PAGE]
        if len(page) >= 16:  # the kernel gives whole pages
            lost += missed(page)
        made.cpus[at // _PAGE & 1].add(page)
    endings, joining = Endings(8), Joining(lambda thread: Owner(thread, "x") if thread & 1 else None, 8)
    ended, listening = endings.fold(made.until(1 << 62, 0))
    destroyed: list[Entry] = [
        one for message in (data[:160], data[160:320]) if (one := entry(message, str, "net", 1, 0, False)) is not None
    ]
    found: list[Statement] = [*joining.take(destroyed, ended, 1 << 61), *joining.take([], [], 1 << 62)]
    return lost, len(listening), [astuple(one) for one in ended], _told(found), outcome(engine_with(found))


def _told(found: list[Statement]) -> list[object]:
    """Statements as records; their lines are the same."""
    records = [to_record(one) for one in found if isinstance(one, Evidence)]
    lines = StatementLines().lines(found).splitlines()
    assert [json.loads(line) for line in lines] == records
    return [sorted(record.items(), key=str) for record in records]


def groups(data: bytes) -> object:
    """/proc/PID/cgroup."""
    path = path_of_process(data.decode("utf-8", "replace"))
    return path, container_of(path)


def filters(data: bytes) -> object:
    """What nft and iptables-save print: an answer for each port, or the error that is documented."""
    text = data.decode("utf-8", "replace")
    try:
        chains = of_nft(json.loads(text))
    except (ValueError, RecursionError):  # kernel/firewall.py takes neither for rules
        try:
            chains = of_iptables(text, IPV4) | of_iptables(text, IPV6)
        except ValueError as error:
            return str(error)
    walls = Firewall(chains)
    return [str(walls.fate(port, version)) for port in _PORTS for version in (IPV4, IPV6)]
