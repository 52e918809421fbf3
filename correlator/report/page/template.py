"""The page from its template: jinja2 escapes what strangers named, and the page's policy lets nothing else run.

Script and style stand in the page and are allowed by their hashes (Content Security Policy Level 3, §2.3.1): whatever
else might get into it is text.
"""

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from correlator import __version__
from correlator.core.address import endpoint_text, text
from correlator.core.model import Verdict
from correlator.core.timetext import time_text
from correlator.report.columns import COLUMNS
from correlator.report.escape import terminal
from correlator.report.page import shapes
from correlator.report.page.overview import Overview
from correlator.report.record import Record

_SHOWN = 12  # listeners, clients, processes; the table has them all
_FEW = 6
_RUN = ("host", "kernel", "started", "program")
_LOST = ("dropped", "evidence_lost", "evidence_dropped", "evicted")
_SECONDS = 19
MEANINGS: dict[str, str] = {
    Verdict.IPV4_ON_INET6: "IPv4 on the wire, an AF_INET6 socket in the kernel: netstat shows tcp6",
    Verdict.IPV4_ON_INET: "IPv4 on the wire and in the kernel",
    Verdict.IPV6_ON_INET6: "IPv6 on the wire and in the kernel",
    Verdict.NO_SOCKET: "forwarded, another host's, or nothing known",
    Verdict.AMBIGUOUS: "candidates disagree: not guessed",
    Verdict.ANOMALY: "evidence that cannot be: IPv6 on an AF_INET socket",
}


def rendered(overview: Overview, run: Record, counters: Record, rows: str, *, kept: int, left_out: int) -> str:
    """The page. `rows`: the table's rows as base64 of gzip of JSON, a line each."""
    style, script = _part("page.css"), _part("page.js")
    numbers = {name: value for name, value in counters.items() if isinstance(value, int)}
    mixed = overview.verdicts[Verdict.IPV4_ON_INET6]
    return (
        _environment()
        .get_template("page.html")
        .render(
            version=__version__,
            style=style,
            script=script,
            policy=(
                f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
                "base-uri 'none'; form-action 'none'"
            ),
            run=dict.fromkeys(_RUN, "") | {name: value for name, value in run.items() if isinstance(value, str)},
            inputs=_inputs(run),
            mixed=mixed,
            total=overview.verdicts.total(),
            connections=overview.connections,
            verdicts=[(str(one), overview.verdicts[one], MEANINGS[one]) for one in Verdict if overview.verdicts[one]],
            uses=overview.usage.busiest(),
            clients=overview.clients.most_common(_SHOWN),
            client_count=len(overview.clients),
            connectors=overview.connectors.most_common(_SHOWN),
            connector_count=len(overview.connectors),
            timeline=shapes.timeline(overview.timeline),
            rtt=shapes.rtt(overview.rtt),
            map=shapes.flow_map(overview.flows),
            lost={name.replace("_", " "): numbers[name] for name in _LOST if numbers.get(name)},
            numbers=numbers,
            columns_json=json.dumps(COLUMNS),
            rows=rows,
            kept=kept,
            left_out=left_out,
            shown=_SHOWN,
            shapes=shapes,
        )
    )


def prepare() -> None:
    """Read what a page is made of, while it can be read."""
    _environment()
    for name in ("page.html", "page.css", "page.js"):
        _part(name)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FunctionLoader(_part), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update(
        safe_text=lambda value: terminal(str(value)),
        endpoint=lambda value: endpoint_text(*value),
        address=text,
        when=_when,
        count=lambda value: f"{value:,}",
        addresses=lambda clients: clients.told(_FEW),
        percent=_percent,
    )
    return made


def _inputs(run: Record) -> list[str]:
    """The captures or interfaces of a run; a report may be anyone's, and have anything in their place."""
    found = run.get("captures") or run.get("interfaces")
    return [str(name) for name in found] if isinstance(found, list) else []


def _when(at: int | None) -> str:
    return time_text(at)[:_SECONDS].replace("T", " ") or "unknown"


def _percent(share: float) -> str:
    """A share in percent: 0 and 100 only where it is none or all."""
    whole = round(share * 100)
    if 0 < share < 1:
        return "<1 %" if whole == 0 else ">99 %" if whole == 100 else f"{whole} %"
    return f"{whole} %"


@cache
def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(value: str) -> str:
    digest = hashlib.sha256(value.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
