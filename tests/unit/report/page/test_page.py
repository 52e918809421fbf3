"""The page as a file: its policy, its rows, its bounds."""

import base64
import gzip
import hashlib
import json
import re

import pytest

from correlator.report.columns import COLUMNS
from correlator.report.page import sink as module
from correlator.report.page.sink import HtmlSink
from correlator.report.rows import extended
from correlator.report.writer import Writer
from tests.scenes import passing, the_case


def page(sink: HtmlSink, **counters: object) -> str:
    """The finished page."""
    sink.end(counters)
    return sink.writer._batch.decode()


def rows(text: str) -> list[list[object]]:
    """The rows that travel in a page."""
    (packed,) = re.findall(r'id="data"[^>]*>([^<]*)<', text)
    return [json.loads(line) for line in gzip.decompress(base64.b64decode(packed)).splitlines()]


def test_rows_are_the_findings() -> None:
    """All columns, and what JSON Lines has besides; provisional findings are none."""
    sink = HtmlSink(Writer("x"))
    sink.begin({"host": "h"})
    finding = the_case(cmdline="a\u202eb\x1b")
    sink.findings([finding, passing()])
    one, two = rows(page(sink))
    record = extended(finding)
    assert one[: len(COLUMNS)] == [record[name] for name in COLUMNS]
    assert one[len(COLUMNS)] == {"tcp_info": {"rtt_us": 5}}
    assert len(two) == len(COLUMNS)


def test_a_report_gives_the_same_page() -> None:
    """From records as from findings."""
    one, two = HtmlSink(Writer("x")), HtmlSink(Writer("x"))
    finding = the_case()
    one.findings([finding])
    two.row(json.loads(json.dumps(extended(finding))))
    pages = page(one), page(two)
    assert rows(pages[0]) == rows(pages[1])
    assert [re.sub(r'id="data"[^>]*>[^<]*<', "", text) for text in pages[:1]] == [
        re.sub(r'id="data"[^>]*>[^<]*<', "", pages[1])
    ]


def test_only_our_script_and_style_may_run() -> None:
    """The policy names them by their hashes, and nothing else."""
    text = page(HtmlSink(Writer("x")))
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    for kind, tag in (("script", "script"), ("style", "style")):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{kind}-src &#39;sha256-{digest}&#39;;" in policy
    assert policy.startswith("default-src &#39;none&#39;;")
    assert "unsafe" not in policy
    assert not re.search(r"<[^>]*\s(style|on\w+)=", text)
    assert not re.search(r"https?://", text)


def test_more_rows_than_a_browser_can_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """Are counted, and the page says so."""
    monkeypatch.setattr(module, "MAX_ROWS", 2)
    sink = HtmlSink(Writer("x"))
    sink.findings([passing()])
    sink.findings([passing(), passing()])
    sink.row(extended(passing()))
    text = page(sink)
    assert len(rows(text)) == 2
    assert "first 2 findings; 2 more are counted" in text
    assert "None of 4 findings" in text


def test_more_bytes_than_a_browser_can_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """Likewise: of the rows, before they are compressed."""
    monkeypatch.setattr(module, "MAX_BYTES", 1500)
    sink = HtmlSink(Writer("x"))
    sink.findings([the_case(cmdline="x" * 600)])
    sink.findings([the_case(cmdline="x" * 600)])
    sink.row(extended(the_case(cmdline="x" * 600)))
    text = page(sink)
    assert len(rows(text)) == 1
    assert 'data-count="1"' in text
    assert "first 1 findings; 2 more are counted" in text


def test_losses_are_told() -> None:
    """At the top."""
    text = page(HtmlSink(Writer("x")), dropped=7, evicted=0, evidence_lost=1)
    assert "Not everything was seen: 7 dropped, 1 evidence lost." in text
    assert "No findings" in text


def test_large_numbers_are_exact() -> None:
    """A cookie of 64 bits is text: a browser's numbers would round it."""
    sink = HtmlSink(Writer("x"))
    sink.row(extended(the_case()) | {"cookie": (1 << 60) + 1})
    (row,) = rows(page(sink))
    assert row[COLUMNS.index("cookie")] == str((1 << 60) + 1)


def test_a_report_of_strange_make() -> None:
    """Whatever stands in the place of its facts."""
    sink = HtmlSink(Writer("x"))
    sink.begin({"captures": 5, "host": ["x"], "started": None})
    text = page(sink, packets="many", connections=None, dropped={"a": 1})
    assert "No findings" in text
