"""Statements as JSON lines."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from correlator.core.model import Evidence, Gap, Owner, OwnerBy, Ownership, Source, Statement, TcpState
from correlator.core.records import to_record
from correlator.report.statements import StatementLines
from tests.play import START, evidence, four, listener, socket

TEXTS = st.text(max_size=20)


def lines(statements: list[Statement]) -> bytes:
    """By the standard library."""
    records = [to_record(one) for one in statements if isinstance(one, Evidence | Ownership | Gap)]
    return b"".join(json.dumps(record, separators=(",", ":")).encode() + b"\n" for record in records)


@given(
    TEXTS,
    st.none() | st.integers(0, 2**64 - 1),
    st.none() | st.integers(-5, 2**62),
    st.none() | st.booleans(),
    st.booleans(),
)
def test_lines_are_those_of_the_standard_library(
    text: str, number: int | None, at: int | None, flag: bool | None, foreign: bool
) -> None:
    """For any text and number, known or not."""
    entry = socket(
        *("::ffff:10.0.0.12", 80, "::ffff:10.0.0.20", 1, TcpState.CLOSE),
        inode=number, uid=number, cookie=number, v6only=flag, cgroup=text, netns=text,
    )  # fmt: skip
    owner = Owner(5, text, text, text, text, text, text, 1, START)
    bare = Evidence(at, Source.DESTROY, entry, foreign=foreign)
    full = replace(bare, owner=owner, owner_by=OwnerBy.STATE_EVENT, tcp_info={"rtt_us": 5}, since=at, born=at)
    asked = evidence(listener("::", 80), asked=four(("10.0.0.12", 80), ("::1", 0)))
    statements: list[Statement] = [
        *(bare, full, full, replace(full, owner=replace(owner, process="x")), asked),
        *(Ownership(at, 7, owner, text), Gap(START, START + 1), evidence(entry, owner=owner)),
    ]
    made = StatementLines()
    assert made.lines(statements) == lines(statements)
    assert made.lines(statements[1:3]) == lines(statements[1:3])


def test_many_owners() -> None:
    """More than are kept: each line has its own."""
    made = StatementLines()
    statements: list[Statement] = [
        evidence(socket("10.0.0.1", 1, "10.0.0.2", 2), owner=Owner(number)) for number in range(1000)
    ]
    assert made.lines(statements) == lines(statements)
