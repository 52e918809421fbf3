"""The Parquet files of a folder as one table for DuckDB, and questions that are asked of it again and again."""

import glob
import os
from dataclasses import dataclass

import duckdb

_MARK = b"PAR1"
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

    Times are told in UTC. `left_out`: takes the names of files that are no Parquet.
    """
    files = (
        [folder]
        if os.path.isfile(folder)
        else sorted(glob.glob(os.path.join(glob.escape(folder), "**", "*.parquet"), recursive=True))
    )
    others = [name for name in files if not _is_parquet(name)]
    files = [name for name in files if name not in others]
    if left_out is not None:
        left_out += others
    if not files:
        raise NothingThereError(f"{folder}: no Parquet files of findings are there")
    made = duckdb.connect()
    made.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false; SET autoinstall_known_extensions = false")
    found = made.read_parquet(files, union_by_name=True, hive_partitioning=False)
    found.create_view("findings")
    return made


def _is_parquet(name: str) -> bool:
    """Whether a file begins and ends as Parquet does."""
    try:
        with open(name, "rb") as file:
            begins = file.read(len(_MARK)) == _MARK
            return begins and file.seek(-len(_MARK), os.SEEK_END) >= len(_MARK) and file.read() == _MARK
    except OSError:
        return False
