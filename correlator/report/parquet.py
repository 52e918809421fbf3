"""Parquet (https://parquet.apache.org/docs/file-format/), by pyarrow: a report for those who have many.

The columns of the CSV with types, what JSON Lines has beside them, and the host. Rows go out in groups, each while the
next one is gathered; the file is whole when its footer is there, so it comes under its name at the end.
"""

import json
from array import array
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import parquet as pq

from correlator.core.finding import Finding
from correlator.core.timetext import parse_time
from correlator.report.columnar import NUMBER, TEXT, WORD, Column, Columns
from correlator.report.columns import COLUMNS
from correlator.report.record import Record
from correlator.report.writer import Writer

GROUP = 14_336
"""Rows of a group, at the least: 2 KB each in memory, with what is made of them. Of a group 40 KB stay until the end,
for the footer."""
RUN, COUNTERS = b"correlator.run", b"correlator.counters"
"""Keys of the file's metadata: the first and the last line of a JSON Lines report."""

_WORD, _TIME = pa.dictionary(pa.int32(), pa.string()), pa.timestamp("ns", "UTC")
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("opened_at", "closed_at"), _TIME),
    **dict.fromkeys(("client_port", "server_port"), pa.uint16()),
    **dict.fromkeys(("syn_rtt_us", "ack_rtt_us"), pa.float64()),
    **dict.fromkeys(("syn_count", "syn_ack_count", "pid", "uid", "client_isn", "server_isn"), pa.uint32()),
    **dict.fromkeys(("client_packets", "server_packets", "client_bytes", "server_bytes"), pa.uint64()),
    **dict.fromkeys(("inode", "cookie"), pa.uint64()),
    **dict.fromkeys(("client_ip", "server_ip", "community_id", "socket_local", "socket_remote"), pa.string()),
    **dict.fromkeys(("listener", "cmdline", "explanation", "leg_client", "leg_server"), pa.string()),
}
_OWN = ("was_family", "leg_client", "leg_server")
SCHEMA = pa.schema([("host", _WORD), *((name, _TYPES.get(name, _WORD)) for name in (*COLUMNS, *_OWN))])
"""One row a finding; unknown is null."""

_NAMED = [(field.name, field.type) for field in SCHEMA][1:]
_KINDS = {_WORD: (WORD, "I"), pa.string(): (TEXT, "I"), pa.float64(): (NUMBER, "d"), _TIME: (NUMBER, "Q")} | {
    kind: (NUMBER, form) for kind, form in ((pa.uint16(), "H"), (pa.uint32(), "I"), (pa.uint64(), "Q"))
}
"""What a column is while it is made. Everything is what it will be by then: to cast it loads what computes, 10 MB."""


class Rows:
    """Gathers findings, and makes tables of them."""

    def __init__(self) -> None:
        """None yet."""
        self._columns = Columns([_KINDS[kind] for _, kind in _NAMED])

    def __len__(self) -> int:
        """How many there are."""
        return self._columns.rows

    def findings(self, found: list[Finding]) -> None:
        """Take the final ones."""
        self._columns.findings(found)

    def record(self, row: Mapping[str, Any]) -> None:
        """Take a record that was read back. Raises ValueError where it is none of ours."""
        values = {**row, **_leg(row.get("leg"))}
        told = [_told(kind, values.get(name)) for name, kind in _NAMED]
        for value in told:
            if isinstance(value, str):
                self._columns.text(value)
            else:
                self._columns.number(value)
        self._columns.end()

    def table(self, host: str | None) -> pa.Table:
        """A table of them, which is good until they are taken out."""
        rows = self._columns.rows
        columns = self._columns.columns
        hosts = pa.nulls(rows, _WORD)
        if host:
            hosts = _dictionary(rows, None, bytes(4 * rows), [host])
        arrays = [_array(column, kind, rows) for column, (_, kind) in zip(columns, _NAMED, strict=True)]
        return pa.Table.from_arrays([hosts, *arrays], schema=SCHEMA)

    def clear(self) -> None:
        """Take them out."""
        self._columns.clear()


def _leg(told: Any) -> dict[str, str]:  # noqa: ANN401  JSON's types
    if told is None:
        return {}
    if not (isinstance(told, list) and len(told) == 2 and all(isinstance(end, str) for end in told)):
        raise ValueError(told)
    return {"leg_client": told[0], "leg_server": told[1]}


def _told(kind: pa.DataType, value: Any) -> str | int | None:  # noqa: ANN401  JSON's types
    """A value of a record as its column has it. Raises ValueError."""
    if value is None:
        return None
    if kind == _TIME:
        at = parse_time(value)
        if not 0 <= at < 1 << 63:
            raise ValueError(value)
        return at
    if kind == pa.float64():
        return round(float(value) * 1000)
    if pa.types.is_integer(kind):
        if value >> kind.bit_width:
            raise ValueError(value)
        return int(value)
    return str(value)


def _array(column: Column, kind: pa.DataType, rows: int) -> pa.Array:
    known, values = pa.py_buffer(column.known), column.packed(rows)
    if column.kind == WORD:
        return _dictionary(rows, known, values, column.words)
    if column.kind == TEXT:
        return pa.StringArray.from_buffers(rows, pa.py_buffer(values), pa.py_buffer(column.buffer.take()), known)
    return pa.Array.from_buffers(kind, rows, [known, pa.py_buffer(values)])


def _dictionary(rows: int, known: pa.Buffer | None, places: Any, words: Iterable[str]) -> pa.Array:  # noqa: ANN401
    """Words that come again and again; `places`: which, 32 bits each.

    pyarrow's own way with Python's values imports pandas, if it is there, which takes longer than most reports.
    """
    texts = [word.encode("utf-8", "backslashreplace") for word in words]
    ends = array("i", [0, *accumulate(map(len, texts))])
    told = pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(b"".join(texts)))
    return pa.DictionaryArray.from_arrays(pa.Array.from_buffers(pa.int32(), rows, [known, pa.py_buffer(places)]), told)


def write(file: BinaryIO, table: pa.Table, metadata: Mapping[str, str]) -> None:
    """Write a table as a whole file, with metadata."""
    told = table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})
    pq.write_table(told, file, compression="zstd", row_group_size=GROUP)


def metadata_of(name: str) -> dict[str, str]:
    """The metadata of a file. Raises OSError, ValueError."""
    told = pq.read_metadata(name).metadata or {}  # pyarrow's errors are of these classes
    return {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in told.items()}


class _Pieces:
    """A file for pyarrow: what is written to it waits to be put into the real one by the loop."""

    closed = False

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: pa.Buffer | bytes) -> int:
        """Keep it."""
        piece = bytes(data)
        self.pieces.append(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """The pieces stay."""


class ParquetSink:
    """The findings as a Parquet file."""

    def __init__(self, writer: Writer) -> None:
        """Nothing is written before `begin`."""
        self.writer = writer
        self._rows, self._others = Rows(), Rows()  # those that are gathered, those that are written
        self._host: str | None = None
        self._pieces = _Pieces()
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    def begin(self, run: Record) -> None:
        """Write the first bytes."""
        self._host = run.get("host") if "interfaces" in run else None  # a capture may be of any host
        metadata = {RUN: json.dumps({"type": "run", **run})}
        file = pa.PythonFile(self._pieces, mode="w")
        self._file = pq.ParquetWriter(file, SCHEMA.with_metadata(metadata), compression="zstd")

    def findings(self, found: list[Finding]) -> None:
        """Take the final findings; a whole group is written."""
        self._rows.findings(found)
        self._write(GROUP)

    def row(self, row: Record) -> None:
        """Take a record that was read back from a report. Raises ValueError."""
        self._rows.record(row)
        self._write(GROUP)

    def end(self, counters: Record) -> None:
        """Write the rest, and the footer."""
        self._write(1)
        self._wait()
        self._file.add_key_value_metadata({COUNTERS: json.dumps({"type": "counters", **counters})})
        self._file.close()
        self._put()
        self._thread.shutdown()

    def _write(self, least: int) -> None:
        """Begin to write what is there, if it is enough, when what was there before is written."""
        if len(self._rows) >= least:
            self._wait()
            self._writing = self._thread.submit(self._write_group, self._rows)
            self._rows, self._others = self._others, self._rows

    def _write_group(self, rows: Rows) -> None:
        self._file.write_table(rows.table(self._host), len(rows))  # else what is more than a group is another
        rows.clear()
        pa.default_memory_pool().release_unused()  # else it stays in pieces between what the footer keeps

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()
        self._put()

    def _put(self) -> None:
        for piece in self._pieces.pieces:
            self.writer.put(piece)
        self._pieces.pieces.clear()
