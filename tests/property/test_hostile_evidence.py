"""Tables and reports from others: each field holds anything at all, each row any number."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.saved import reports, tables
from tests.fuzz.seeds import SEEDS

EVIDENCE = [json.loads(line) for line in SEEDS["tables"][2].splitlines()]
FINDINGS = [json.loads(line) for line in SEEDS["reports"][0].splitlines()]
EDGES = [edge + step for edge in (0, 2**15, 2**16, 2**31, 2**32, 2**62, 2**63, 2**64, 10**30) for step in (-1, 0, 1)]
TIMES = [
    *("0001-01-01T00:00:00.000000000Z", "1969-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00.000000000Z"),
    *("2262-04-11T23:47:16.854775807Z", "2262-04-11T23:47:16.854775808Z", "9999-12-31T23:59:59.999999999Z"),
]
ANYTHING = st.one_of(
    st.sampled_from(EDGES),
    st.sampled_from(TIMES),
    st.floats(),
    st.booleans(),
    st.none(),
    st.text(max_size=20),
    st.sampled_from(["10.0.0.12:4243", "[::ffff:10.0.0.12]:65536", "AF_INET", "LISTEN", [], {}, [[]], {"a": {}}]),
)


@st.composite
def damaged(draw: st.DrawFn, records: list[dict[str, Any]]) -> bytes:
    """Records, one of them with anything in a field, or in a field of a field."""
    chosen = json.loads(json.dumps(records))
    record = draw(st.sampled_from(chosen))
    inner = [record, *(value for value in record.values() if isinstance(value, dict))]
    where = draw(st.sampled_from(inner))
    where[draw(st.sampled_from(sorted(where)))] = draw(ANYTHING)
    return b"".join(json.dumps(one).encode() + b"\n" for one in chosen)


@given(damaged(EVIDENCE))
def test_evidence_with_anything_in_a_field(data: bytes) -> None:
    """Statements, or damaged rows; what was read is written as it was read."""
    tables(data)


@given(damaged(FINDINGS))
def test_reports_with_anything_in_a_field(data: bytes) -> None:
    """Findings in all forms, or damaged lines."""
    reports(data)


@pytest.mark.parametrize("number", [edge for edge in EDGES if edge >= 0])
def test_rows_with_any_number(number: int) -> None:
    """Of a process, a user, an inode, a cookie."""
    ss = f'ESTAB 0 0 10.0.0.20:64702 10.0.0.12:4243 users:(("x",pid={number},fd={number})) uid:{number} ino:{number} sk:{number:x}'
    netstat = f"tcp 0 0 10.0.0.20:64702 10.0.0.12:4243 ESTABLISHED {number} {number} {number}/x"
    procnet = f"0: 0C00000A:1093 1400000A:FCBE 01 00:00 00:00 00 {number} 0 {number} 1"
    header = "Proto Recv-Q Send-Q Local Address Foreign Address State User Inode PID/Program name\n"
    for row in (ss, netstat, header + netstat, procnet):
        tables(row.encode() + b"\n")
