"""The Parquet files of a folder as one table for DuckDB, and questions that are asked of it again and again."""

import os
from dataclasses import dataclass

import duckdb

_MARK = b"PAR1"
_OURS = """
SELECT file_name FROM parquet_schema($1) WHERE name IN ('verdict', 'side', 'opened_at', 'client_isn')
GROUP BY file_name HAVING count(DISTINCT name) = 4
"""
FAILURES = (duckdb.Error,)
"""What DuckDB says of a question that it cannot answer."""


class NothingThereError(Exception):
    """There are no findings: the message says where."""


@dataclass(frozen=True, slots=True)
class Question:
    """One that is ready to be asked."""

    help: str
    sql: str


QUESTIONS = {
    "listeners": Question(
        "which listeners of the fleet serve IPv4 on AF_INET6, to how many clients",
        """
        SELECT coalesce(host, '?') AS host, coalesce(listener, socket_local) AS listener,
               coalesce(any_value(process), '?') AS process, mode(cause) AS cause, count(*) AS connections,
               count(DISTINCT client_ip) AS clients, min(opened_at) AS first_seen, max(opened_at) AS last_seen
        FROM findings WHERE verdict = 'ipv4-on-af_inet6' AND side = 'server'
        GROUP BY ALL ORDER BY connections DESC, host, listener
        """,
    ),
    "would-break": Question(
        "which clients would be refused if these listeners took IPv6 only (IPV6_V6ONLY)",
        """
        SELECT client_ip, coalesce(host, '?') AS host, coalesce(listener, socket_local) AS listener,
               coalesce(any_value(process), '?') AS process, count(*) AS connections, max(opened_at) AS last_seen
        FROM findings WHERE verdict = 'ipv4-on-af_inet6' AND side = 'server' AND cause = 'dual-stack-listener'
        GROUP BY ALL ORDER BY connections DESC, client_ip, host, listener
        """,
    ),
    "since": Question(
        "since when each host has been serving IPv4 on AF_INET6, and on how many days",
        """
        SELECT coalesce(host, '?') AS host, coalesce(any_value(process), '?') AS process, server_port,
               min(opened_at) AS since, max(opened_at) AS until, count(DISTINCT opened_at::DATE) AS days,
               count(*) AS connections
        FROM findings WHERE verdict = 'ipv4-on-af_inet6' AND side = 'server'
        GROUP BY host, server_port ORDER BY since, host, server_port
        """,
    ),
}


def opened(folder: str, left_out: list[str] | None = None) -> duckdb.DuckDBPyConnection:
    """DuckDB with `findings`: all Parquet files in a folder, or the one that is named. Raises NothingThereError.

    Times are told in UTC. `left_out`: takes the names of files that are none of ours.
    """
    files = [folder] if os.path.isfile(folder) else _inside(folder)
    ours = _of_ours([name for name in files if _is_parquet(name)])
    if left_out is not None:
        left_out += [name for name in files if name not in ours]
    files = [name for name in files if name in ours]
    if not files:
        raise NothingThereError(f"{folder}: no Parquet files of findings are there")
    made = duckdb.connect()
    made.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false; SET autoinstall_known_extensions = false")
    found = made.read_parquet(files, union_by_name=True, hive_partitioning=False)
    found.create_view("findings")
    return made


def _inside(folder: str) -> list[str]:
    """The files of a folder at any depth; links are not followed: they would have rows counted twice."""
    found = (
        os.path.join(path, name) for path, _, names in os.walk(folder) for name in names if name.endswith(".parquet")
    )
    return sorted(name for name in found if not os.path.islink(name))


def _of_ours(files: list[str]) -> set[str]:
    """Those of files that can be read, and have findings."""
    if not files:
        return set()
    try:
        return {str(name) for (name,) in duckdb.execute(_OURS, [files]).fetchall()}
    except duckdb.Error:
        if len(files) == 1:
            return set()
        middle = len(files) // 2
        return _of_ours(files[:middle]) | _of_ours(files[middle:])


def _is_parquet(name: str) -> bool:
    """Whether a file begins and ends as Parquet does."""
    try:
        with open(os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            begins = file.read(len(_MARK)) == _MARK
            return begins and file.seek(-len(_MARK), os.SEEK_END) >= len(_MARK) and file.read() == _MARK
    except OSError:
        return False
