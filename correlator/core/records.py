"""Statements as records: the lines of an evidence file (.sockets.jsonl), without the JSON.

A record is a dict of JSON's types. Unknown facts are left out. Reading checks every field: the file may come from
anyone.
"""

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from correlator.core.address import IPV4_LENGTH, endpoint_text, parse_endpoint
from correlator.core.four_tuple import FourTuple
from correlator.core.model import Evidence, Family, Gap, Owner, OwnerBy, Ownership, Socket, Source, Statement, TcpState
from correlator.core.timetext import parse_time, time_text

Record = dict[str, Any]

MAX_TEXT = 4096  # a command line's bound; nothing else is near
_MAX_INTEGER = 2**64 - 1
_MEMBER = re.compile("[a-z0-9_]{1,32}")  # of struct tcp_info: it is written as it is


class RecordError(ValueError):
    """A record is not what it should be."""


def to_record(statement: Evidence | Ownership | Gap) -> Record:
    """The record of a statement."""
    if isinstance(statement, Ownership):
        record: Record = {
            "type": "owner",
            "inode": statement.inode,
            "netns": statement.netns,
            **owner_record(statement.owner),
        }
    elif isinstance(statement, Gap):
        record = {"type": "gap", "since": time_text(statement.since)}
    else:
        record = {"type": "socket", "source": str(statement.source), **socket_record(statement.socket)}
        if statement.asked is not None:
            four = statement.asked
            record["asked"] = [endpoint_text(four.local, four.local_port), endpoint_text(four.remote, four.remote_port)]
        if statement.owner is not None:
            record["owner"] = owner_record(statement.owner)
            if statement.owner_by is not OwnerBy.INODE:
                record["owner_by"] = str(statement.owner_by)
        if statement.tcp_info is not None:
            record["tcp_info"] = dict(statement.tcp_info)
        if statement.since is not None:
            record["since"] = time_text(statement.since)
        if statement.foreign:
            record["foreign"] = True
        if statement.born is not None:
            record["born"] = time_text(statement.born)
    if statement.at is not None:
        record["at"] = time_text(statement.at)
    return {key: value for key, value in record.items() if value is not None and value != ""}


def socket_record(socket: Socket) -> Record:
    """The fields of a socket."""
    return {
        "family": str(socket.family),
        "local": socket.local_text,
        "remote": socket.remote_text,
        "state": socket.state.name,
        "inode": socket.inode,
        "uid": socket.uid,
        "cookie": socket.cookie,
        "v6only": socket.v6only,
        "cgroup": socket.cgroup,
        "netns": socket.netns,
    }


def owner_record(owner: Owner) -> Record:
    """The fields of an owner."""
    fields = {
        "pid": owner.pid,
        "process": owner.process,
        "cmdline": owner.cmdline,
        "user": owner.user,
        "cgroup": owner.cgroup,
        "container": owner.container,
        "path": owner.path,
        "ppid": owner.ppid,
        "started_at": time_text(owner.started_at),
    }
    return {key: value for key, value in fields.items() if value is not None and value != ""}


def from_record(record: Mapping[str, Any]) -> Statement | None:
    """The statement of a record; None for a record of another type (run, counters). Raises RecordError."""
    kind = record.get("type")
    try:
        at = parse_time(_text(record, "at")) if "at" in record else None
        if kind == "owner":
            inode = _integer(record, "inode")
            if inode is None:
                _fail("inode")
            return Ownership(at, inode, _owner(record), _text(record, "netns"))
        if kind == "gap":
            return Gap(parse_time(_text(record, "since")), parse_time(_text(record, "at")))
        if kind == "socket":
            asked = _asked(record["asked"]) if "asked" in record else None
            owner = _owner(record["owner"]) if "owner" in record else None
            info = _tcp_info(record["tcp_info"]) if "tcp_info" in record else None
            since = parse_time(_text(record, "since")) if "since" in record else None
            born = parse_time(_text(record, "born")) if "born" in record else None
            by = OwnerBy(_text(record, "owner_by")) if "owner_by" in record else OwnerBy.INODE
            return Evidence(
                at,
                Source(_text(record, "source")),
                _socket(record),
                asked,
                owner,
                info,
                since,
                by,
                born,
                record.get("foreign") is True,
            )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"a damaged record: {error}"
        raise RecordError(message) from error
    return None


def _socket(record: Mapping[str, Any]) -> Socket:
    family = Family(_text(record, "family"))
    local, local_port = parse_endpoint(_text(record, "local"))
    remote, remote_port = parse_endpoint(_text(record, "remote"))
    if {len(local) == IPV4_LENGTH, len(remote) == IPV4_LENGTH} != {family is Family.INET}:
        _fail("family")
    v6only = record.get("v6only")
    if not isinstance(v6only, bool | None):
        _fail("v6only")
    return Socket(
        family,
        local,
        local_port,
        remote,
        remote_port,
        TcpState[_text(record, "state")],
        _integer(record, "inode"),
        _integer(record, "uid"),
        _integer(record, "cookie"),
        v6only,
        _text(record, "cgroup"),
        _text(record, "netns"),
    )


def _owner(record: Mapping[str, Any]) -> Owner:
    pid = _integer(record, "pid")
    if pid is None:
        _fail("pid")
    return Owner(
        pid,
        _text(record, "process"),
        _text(record, "cmdline"),
        _text(record, "user"),
        _text(record, "cgroup"),
        _text(record, "container"),
        _text(record, "path"),
        _integer(record, "ppid"),
        parse_time(_text(record, "started_at")) if "started_at" in record else None,
    )


def _asked(value: Any) -> FourTuple:  # noqa: ANN401  whatever JSON held
    local, remote = value
    return FourTuple(*parse_endpoint(local), *parse_endpoint(remote))


def _tcp_info(value: Any) -> dict[str, int]:  # noqa: ANN401  whatever JSON held
    if len(value) > 64 or not all(_MEMBER.fullmatch(name) for name in value):
        _fail("tcp_info")
    return {str(name): number for name in value if (number := _integer(value, name)) is not None}


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name, "")
    if not isinstance(value, str):
        _fail(name)
    return value[:MAX_TEXT]


def _integer(record: Mapping[str, Any], name: str) -> int | None:
    value = record.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_INTEGER:
        _fail(name)
    return value


def _fail(name: str) -> NoReturn:
    message = f"field {name!r}"
    raise ValueError(message)
