"""Statements to records and back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.core.model import Evidence, Gap, Owner, OwnerBy, Ownership, Source, Statement, TcpState
from correlator.core.records import RecordError, from_record, to_record
from tests.play import START, evidence, four, listener, socket

OWNER = Owner(31307, "java", "java -jar x", "app", "/system.slice/x.service", "0123456789ab", "/usr/bin/java", 1, START)
STATEMENTS: list[Evidence | Ownership | Gap] = [
    Ownership(START, 77, OWNER, "net:[1]"),
    Ownership(None, 77, Owner(5)),
    evidence(socket("::ffff:10.0.0.12", 4243, "::ffff:10.0.0.20", 64702, inode=5, uid=0, cookie=9, cgroup="/x")),
    evidence(socket("10.0.0.12", 80, "10.0.0.20", 1, TcpState.TIME_WAIT), None, Source.TABLE, owner=OWNER),
    evidence(listener("::", 80, v6only=False), asked=four(("10.0.0.12", 80), ("10.0.0.20", 0))),
    Gap(START, START + 1),
    evidence(socket("::1", 1, "::1", 2), source=Source.DESTROY, tcp_info={"rtt_us": 5}, since=START),
    evidence(
        socket("::1", 1, "::1", 2),
        source=Source.DESTROY,
        owner=OWNER,
        owner_by=OwnerBy.STATE_EVENT,
        born=START,
        foreign=True,
    ),
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_survives_json(statement: Evidence | Ownership) -> None:
    """What is written reads back as it was; unknown stays unknown."""
    assert from_record(json.loads(json.dumps(to_record(statement)))) == statement


@pytest.mark.parametrize("kind", ["run", "counters", None, 5])
def test_other_records_are_no_statements(kind: object) -> None:
    """The first and last line of a file are passed over."""
    assert from_record({"type": kind}) is None


SOCKET: dict[str, Any] = to_record(STATEMENTS[2])


@pytest.mark.parametrize(
    "change",
    [
        {"family": "AF_INET"},
        {"family": "AF_UNIX"},
        {"local": "nowhere"},
        {"local": 5},
        {"remote": "10.0.0.1:1"},
        {"state": "ASLEEP"},
        {"inode": -1},
        {"inode": True},
        {"inode": 2**64},
        {"uid": "root"},
        {"v6only": 1},
        {"at": "now"},
        {"since": "then"},
        {"source": "rumour"},
        {"asked": ["10.0.0.1:1"]},
        {"asked": 5},
        {"owner": 5},
        {"owner": {}},
        {"tcp_info": 5},
        {"tcp_info": {str(number): 1 for number in range(100)}},
        {"tcp_info": {"rtt_us": "long"}},
        {"tcp_info": {'rtt_us":1,"pid': 1}},
        {"tcp_info": {"\ufffd": 1}},
    ],
)
def test_a_damaged_record_is_refused(change: dict[str, Any]) -> None:
    """A field of the wrong type or range: RecordError, never another exception."""
    with pytest.raises(RecordError):
        from_record(SOCKET | change)


@pytest.mark.parametrize("record", [{"type": "owner"}, {"type": "owner", "inode": 1}, {"type": "owner", "pid": 1}])
def test_an_owner_needs_inode_and_pid(record: dict[str, Any]) -> None:
    """Without them it says nothing."""
    with pytest.raises(RecordError):
        from_record(record)


def test_texts_are_bounded() -> None:
    """A command line of a megabyte is cut."""
    statement = from_record({"type": "owner", "inode": 1, "pid": 2, "cmdline": "x" * 1_000_000})
    assert isinstance(statement, Ownership)
    assert len(statement.owner.cmdline) == 4096


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
json_values = (
    scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.sampled_from(["pid", "x"]), scalars, max_size=2)
)


names = st.sampled_from(sorted({*SOCKET, "pid", "asked", "owner", "tcp_info"} - {"type"}))


@given(st.sampled_from(["socket", "owner"]), st.dictionaries(names, json_values, max_size=3))
def test_any_record_is_a_statement_or_refused(kind: str, change: dict[str, Any]) -> None:
    """Nothing but RecordError escapes."""
    try:
        statement: Statement | None = from_record({**SOCKET, **change, "type": kind})
    except RecordError:
        return
    assert statement is not None
