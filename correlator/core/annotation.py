"""What annotated pcapng says in comments: written by report, understood by wire and export.

    correlator: verdict=ipv4-on-af_inet6 cause=dual-stack-listener side=server socket=AF_INET6
    local=[::ffff:10.0.0.12]:4243 pid=31307 process=java

on one line; what is unknown is left out; the process comes last because its name may hold anything.
"""

import re
from enum import StrEnum
from typing import NamedTuple

from correlator.core.finding import Finding
from correlator.core.model import Cause, Family, Side, Verdict


class Kept(StrEnum):
    """Which packets a live run saved: a comment in the section header says it."""

    NOTABLE = "correlator: packets=handshake"
    ALL = "correlator: packets=all"


_PREFIX = "correlator: verdict="
_FIELD = r"(verdict|cause|side|socket|local|pid)=(\S*)(?: |$)"


class Annotation(NamedTuple):
    """A comment's facts."""

    verdict: Verdict
    cause: Cause
    side: Side
    family: Family | None
    local: str
    pid: int | None
    process: str


def comment(finding: Finding) -> str:
    """The comment for a packet of a finding's connection."""
    socket, owner, cause, side = finding.socket, finding.owner, finding.cause, finding.side
    text = f"{_PREFIX}{finding.verdict}"
    if cause:
        text += f" cause={cause}"
    if side:
        text += f" side={side}"
    if socket:
        text += f" socket={socket.family} local={socket.local_text}"
    if owner:
        text += f" pid={owner.pid}"
        if owner.process:
            text += f" process={_printable(owner.process)}"
    return text


def parse_comment(text: str) -> Annotation | None:
    """The facts of a comment; None for a comment that is not of this kind."""
    if not text.startswith(_PREFIX):
        return None
    head, _, process = text.partition(" process=")
    fields = dict(re.findall(_FIELD, head))
    try:
        return Annotation(
            Verdict(fields["verdict"]),
            Cause(fields.get("cause", "")),
            Side(fields.get("side", "")),
            Family(fields["socket"]) if "socket" in fields else None,
            fields.get("local", ""),
            int(fields["pid"]) if "pid" in fields else None,
            process,
        )
    except (KeyError, ValueError):
        return None


def _printable(name: str) -> str:
    return (
        name
        if name.isprintable()
        else "".join(
            character
            if character.isprintable()
            else character.encode("unicode_escape", "backslashreplace").decode("ascii")
            for character in name
        )
    )
