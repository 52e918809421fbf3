"""Findings as lines."""

import csv
import io
import json
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from correlator.core.address import text as address_text
from correlator.core.finding import Finding
from correlator.core.model import Family, Owner
from correlator.report.cells import CsvCells, JsonCells
from correlator.report.columns import COLUMNS, cells_of
from correlator.report.rows import Rows, extended, record
from tests.ends import between, community_id
from tests.play import SERVER
from tests.scenes import any_finding, passing, the_case

PORTS = st.integers(0, 65535)
TEXTS = st.text(max_size=20) | st.sampled_from(["=1+1", "-x", 'a "b"', "a,b", "\x1b[31m", "\u202ereversed", "\\", "ü,"])


def csv_line(finding: Finding) -> bytes:
    """By the standard library."""
    text = io.StringIO()
    csv.writer(text).writerow(cells_of(record(finding)))
    return text.getvalue().encode()


def json_line(finding: Finding) -> bytes:
    """By the standard library."""
    return json.dumps({**extended(finding), "type": "finding"}, separators=(",", ":")).encode() + b"\n"


@given(
    st.builds(Owner, st.integers(0, 2**32), TEXTS, TEXTS, TEXTS, TEXTS, TEXTS),
    TEXTS,
    st.none() | st.integers(0, 10**12),
    st.none() | st.integers(0, 2**64 - 1),
    PORTS,
    st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16) | st.just(bytes(10) + b"\xff\xff\1\2\3\4"),
)
def test_lines_are_those_of_the_standard_library(
    owner: Owner, text: str, interval: int | None, number: int | None, port: int, address: bytes
) -> None:
    """For any text and number, known or not."""
    finding = any_finding(owner, text, interval, number, port, address)
    csv_rows, json_rows = Rows(CsvCells()), Rows(JsonCells(COLUMNS))
    for one in (finding, replace(finding, listener=None, was=Family.INET6), passing(), finding):
        assert csv_rows.lines([one]) == csv_line(one)
        assert json_rows.lines([one]) == json_line(one)


def test_a_leg_is_told() -> None:
    """In JSON, which has more than the columns."""
    leg = (bytes([10, 0, 0, 1]), 1, bytes(15) + b"\1", 2)
    assert json.loads(Rows(JsonCells(COLUMNS)).lines([replace(the_case(), leg=leg)]))["leg"] == [
        "10.0.0.1:1",
        "[::1]:2",
    ]


def test_every_line_has_every_column() -> None:
    """In their order."""
    row = json.loads(Rows(JsonCells(COLUMNS)).lines([passing()]))
    assert tuple(row) == (*COLUMNS, "type")


@given(st.sampled_from([4, 16]).flatmap(lambda size: st.tuples(*[st.binary(min_size=size, max_size=size)] * 2)), PORTS)
@example((bytes(4), bytes(4)), SERVER[1])
@example((bytes(16), bytes(15) + b"\1"), SERVER[1])
def test_community_ids(addresses: tuple[bytes, bytes], port: int) -> None:
    """As the reference implementation has them."""
    from communityid import CommunityID, FlowTuple

    one, other = addresses
    near, far = (address_text(one), port), (address_text(other), SERVER[1])
    expected = CommunityID().calc(FlowTuple.make_tcp(one, other, port, SERVER[1]))
    assert community_id(between(near, far)) == community_id(between(far, near)) == expected
