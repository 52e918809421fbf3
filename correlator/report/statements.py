"""Statements as JSON lines: what `core.records.to_record` has, without the record."""

import json

from correlator.core.four_tuple import FourTuple
from correlator.core.model import Clipped, Evidence, Owner, OwnerBy, Socket, Statement, TcpState
from correlator.core.records import owner_record, to_record
from correlator.core.tcp_info import TcpNumbers, json_of
from correlator.report.buffer import Buffer
from correlator.report.cells import json_text

# Members that every finding needs, looked up once: in Python 3.11 the look costs 90 ns.
_BY_INODE = OwnerBy.INODE

_STATES = {int(state): state.name for state in TcpState}
_MAX_OWNERS = 256


class StatementLines:
    """Lines of an evidence file."""

    def __init__(self) -> None:
        """None yet."""
        self._buffer = Buffer()
        self._owners: dict[int, tuple[Owner, str]] = {}  # those that were written lately

    def lines(self, statements: list[Statement]) -> bytes:
        """A line a statement; a table's entry with cut addresses is not worth keeping."""
        buffer = self._buffer
        for statement in statements:
            if isinstance(statement, Evidence):
                self._evidence(statement)
            elif not isinstance(statement, Clipped):
                buffer.put(json.dumps(to_record(statement), separators=(",", ":")))
            else:
                continue
            buffer.put("\n")
        return buffer.take()

    def _evidence(self, evidence: Evidence) -> None:
        buffer = self._buffer
        buffer.put('{"type":"socket","source":"')
        buffer.put(str(evidence.source))
        buffer.put('"')
        self._socket(evidence.socket)
        if evidence.asked is not None:
            self._asked(evidence.asked)
        owner = evidence.owner
        if owner is not None:
            buffer.put(',"owner":')
            buffer.put(self._owner(owner))
            if evidence.owner_by is not _BY_INODE:
                buffer.put(',"owner_by":"')
                buffer.put(str(evidence.owner_by))
                buffer.put('"')
        if evidence.tcp_info is not None:
            self._info(evidence.tcp_info)
        self._time(',"since":"', evidence.since)
        if evidence.foreign:
            buffer.put(',"foreign":true')
        self._time(',"born":"', evidence.born)
        self._time(',"at":"', evidence.at)
        buffer.put("}")

    def _socket(self, socket: Socket) -> None:
        buffer = self._buffer
        buffer.put(',"family":"')
        buffer.put(str(socket.family))
        buffer.put('","local":"')
        buffer.put_endpoint(socket.local, socket.local_port)
        buffer.put('","remote":"')
        buffer.put_endpoint(socket.remote, socket.remote_port)
        buffer.put('","state":"')
        buffer.put(_STATES[socket.state])
        buffer.put('"')
        self._number(',"inode":', socket.inode)
        self._number(',"uid":', socket.uid)
        self._number(',"cookie":', socket.cookie)
        if socket.v6only is not None:
            buffer.put(',"v6only":true' if socket.v6only else ',"v6only":false')
        if socket.cgroup:
            buffer.put(',"cgroup":')
            buffer.put(json_text(socket.cgroup))
        if socket.netns:
            buffer.put(',"netns":')
            buffer.put(json_text(socket.netns))

    def _asked(self, asked: FourTuple) -> None:
        buffer = self._buffer
        buffer.put(',"asked":["')
        buffer.put_endpoint(asked.local, asked.local_port)
        buffer.put('","')
        buffer.put_endpoint(asked.remote, asked.remote_port)
        buffer.put('"]')

    def _owner(self, owner: Owner) -> str:
        known = self._owners.get(owner.pid)
        if known is not None and known[0] is owner:
            return known[1]
        text = json.dumps(owner_record(owner), separators=(",", ":"))
        if len(self._owners) >= _MAX_OWNERS:
            self._owners.clear()
        self._owners[owner.pid] = owner, text
        return text

    def _info(self, info: TcpNumbers) -> None:
        self._buffer.put(',"tcp_info":')
        self._buffer.put(json_of(info))

    def _number(self, name: str, value: int | None) -> None:
        if value is not None:
            self._buffer.put(name)
            self._buffer.put_number(value)

    def _time(self, name: str, at: int | None) -> None:
        if at is not None and self._buffer.can_put_time(at):
            self._buffer.put(name)
            self._buffer.put_time(at)
            self._buffer.put('"')
