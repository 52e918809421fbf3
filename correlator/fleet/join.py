"""Both ends of a connection: the client's row of one host and the server's row of another one.

They are those of one connection where both initial sequence numbers are the same, which NAT leaves as they are, and the
times are near. 64 bits that hosts choose at random (RFC 6528) do not meet by chance; but programs may choose them, or
a capture be played again. Of several the ones with one Community ID are joined, then the nearest in time, as it is by
what connections without a choice tell of the two hosts' clocks; those that have found each other are out of the others'
choice, which goes on until nobody finds anybody.

The clocks: with t1 and t4 when the client's host saw the SYN and the SYN-ACK, t2 and t3 when the server's host did,
((t2 - t1) + (t3 - t4)) / 2 is how far the server's clock is ahead, as in NTP (RFC 5905 §8), if both ways take as long.
Of two hosts the median is taken.
"""

from dataclasses import dataclass
from typing import Any

import duckdb

NEAR = 120.0
"""Seconds that two hosts' times of one connection may differ."""
WHY = {
    "handshake-not-seen": "its handshake was not seen whole, so nothing tells which connection it is",
    "no-agent": "no host that reports has that address",
    "not-reported": "its host did not report it (lost, killed, or translated on the way)",
}
"""Why the other end's row is missing: tokens, a contract, and what they mean."""

_JOIN = """
CREATE TEMP TABLE ends AS
    SELECT row_number() OVER () AS id, coalesce(host, '?') AS reporter, *
    FROM findings WHERE side IN ('client', 'server')
    -- a finding may be in two files: of a collector, and of the run itself
    QUALIFY row_number() OVER (
        PARTITION BY host, side, opened_at, client_ip, client_port, server_ip, server_port, client_isn, server_isn
    ) = 1;
CREATE TEMP TABLE pairs AS
    WITH near AS (
        SELECT c.id AS client, s.id AS server, c.community_id = s.community_id AS same,
               c.reporter AS client_host, s.reporter AS server_host,
               epoch_ns(s.opened_at) - epoch_ns(c.opened_at) AS ahead
        FROM ends c JOIN ends s ON c.client_isn = s.client_isn AND c.server_isn = s.server_isn
        WHERE c.side = 'client' AND s.side = 'server' AND abs(ahead) <= (SELECT near FROM bounds)
    ), clocks AS (
        SELECT client_host, server_host, median(ahead) AS offset_ns FROM (
            SELECT * FROM near
            QUALIFY count(*) OVER (PARTITION BY client) = 1 AND count(*) OVER (PARTITION BY server) = 1
        ) GROUP BY ALL
    )
    SELECT client, server, same, abs(ahead - coalesce(offset_ns, 0)) AS apart
    FROM near LEFT JOIN clocks USING (client_host, server_host);
CREATE TEMP TABLE joined (client BIGINT, server BIGINT, nat BOOLEAN);
"""
_PAIR = """
INSERT INTO joined
    SELECT client, server, NOT same FROM pairs
    WHERE client NOT IN (SELECT client FROM joined) AND server NOT IN (SELECT server FROM joined)
    QUALIFY row_number() OVER (PARTITION BY client ORDER BY same DESC, apart, server) = 1
        AND row_number() OVER (PARTITION BY server ORDER BY same DESC, apart, client) = 1
"""
_CONNECTIONS = """
CREATE TEMP TABLE addresses AS
    SELECT DISTINCT reporter, CASE side WHEN 'client' THEN client_ip ELSE server_ip END AS address
    FROM ends WHERE address IS NOT NULL;
CREATE TEMP TABLE connections AS
    SELECT
        least(c.opened_at, s.opened_at) AS opened_at, c.reporter AS client_host, c.process AS client_process,
        c.pid AS client_pid, c.socket_family AS client_family, c.client_ip, c.client_port, c.server_ip, c.server_port,
        c.wire_family, j.nat, s.client_ip AS server_sees_ip, s.client_port AS server_sees_port,
        s.reporter AS server_host, s.process AS server_process, s.pid AS server_pid, s.socket_family AS server_family,
        s.verdict AS server_verdict, s.cause AS server_cause, s.listener, s.server_ip AS server_local_ip,
        s.server_port AS server_local_port, c.syn_rtt_us AS client_rtt_us, s.ack_rtt_us AS server_rtt_us,
        round((2 * (epoch_ns(s.opened_at) - epoch_ns(c.opened_at)) / 1000.0 + s.syn_rtt_us - c.syn_rtt_us) / 2, 3)
            AS clock_offset_us,
        NULL::VARCHAR AS why
    FROM joined j JOIN ends c ON c.id = j.client JOIN ends s ON s.id = j.server
    UNION ALL BY NAME
    SELECT opened_at, reporter AS client_host, process AS client_process, pid AS client_pid,
           socket_family AS client_family, client_ip, client_port, server_ip, server_port, wire_family,
           syn_rtt_us AS client_rtt_us,
           CASE WHEN client_isn IS NULL OR server_isn IS NULL THEN 'handshake-not-seen'
                WHEN server_ip NOT IN (SELECT address FROM addresses) THEN 'no-agent' ELSE 'not-reported' END AS why
    FROM ends WHERE side = 'client' AND id NOT IN (SELECT client FROM joined)
    UNION ALL BY NAME
    SELECT opened_at, reporter AS server_host, process AS server_process, pid AS server_pid,
           socket_family AS server_family, verdict AS server_verdict, cause AS server_cause, listener,
           client_ip AS server_sees_ip,
           client_port AS server_sees_port, server_ip AS server_local_ip, server_port AS server_local_port, wire_family,
           ack_rtt_us AS server_rtt_us,
           CASE WHEN client_isn IS NULL OR server_isn IS NULL THEN 'handshake-not-seen'
                WHEN client_ip NOT IN (SELECT address FROM addresses) THEN 'no-agent' ELSE 'not-reported' END AS why
    FROM ends WHERE side = 'server' AND id NOT IN (SELECT server FROM joined);
"""

_PATHS = """
SELECT client_family, coalesce(client_process, '?') AS client, client_host, wire_family, bool_or(nat) AS nat,
       server_family, coalesce(server_cause, '') AS cause, coalesce(server_process, '?') AS server, server_host,
       coalesce(listener, '') AS listener, count(*) AS count, median(client_rtt_us), median(server_rtt_us)
FROM connections WHERE why IS NULL
GROUP BY client_family, client_process, client_host, wire_family, server_family, server_cause, server_process,
         server_host, listener
ORDER BY count DESC, client_host, client, server_host, server, listener
"""
_CLOCKS = """
SELECT client_host, server_host, count(*) AS count, median(clock_offset_us)
FROM connections WHERE why IS NULL AND clock_offset_us IS NOT NULL AND client_host <> server_host
GROUP BY ALL ORDER BY client_host, server_host
"""
_LEFT = """
SELECT why, coalesce(client_host, server_host) AS host,
       CASE WHEN client_host IS NULL THEN 'server' ELSE 'client' END AS side,
       coalesce(server_ip, server_sees_ip, '?') AS other, count(*) AS count
FROM connections WHERE why IS NOT NULL GROUP BY ALL ORDER BY count DESC, host, side, other
"""


@dataclass(frozen=True, slots=True)
class Path:
    """Connections that go the same way."""

    client_family: str
    client: str
    client_host: str
    wire_family: str
    nat: bool
    server_family: str
    cause: str
    server: str
    server_host: str
    listener: str
    count: int
    client_rtt: float | None
    """Median, µs: from SYN to SYN-ACK, where the client is."""
    server_rtt: float | None
    """From SYN-ACK to ACK, where the server is."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Two hosts' clocks."""

    client_host: str
    server_host: str
    count: int
    offset: float
    """Median, µs: how far the server's is ahead."""


@dataclass(frozen=True, slots=True)
class Left:
    """Connections of which one end only was seen."""

    why: str
    host: str
    side: str
    other: str
    """The other end's address, as this one sees it."""
    count: int


def join(findings: duckdb.DuckDBPyConnection, near: float = NEAR) -> None:
    """Make the table `connections`: both ends, or the one and why the other is missing. `near`: seconds."""
    findings.execute("CREATE TEMP TABLE bounds AS SELECT $near::BIGINT AS near", {"near": int(near * 1e9)})
    findings.execute(_JOIN)
    while (inserted := findings.execute(_PAIR).fetchone()) is not None and inserted[0]:
        pass
    findings.execute(_CONNECTIONS)


def paths(findings: duckdb.DuckDBPyConnection) -> list[Path]:
    """How connections go, the most first."""
    return [Path(*row) for row in _rows(findings, _PATHS)]


def clocks(findings: duckdb.DuckDBPyConnection) -> list[Clocks]:
    """The clocks of hosts that talk to each other."""
    return [Clocks(*row) for row in _rows(findings, _CLOCKS)]


def left(findings: duckdb.DuckDBPyConnection) -> list[Left]:
    """What only one end saw."""
    return [Left(*row) for row in _rows(findings, _LEFT)]


def _rows(findings: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    return findings.execute(sql).fetchall()
