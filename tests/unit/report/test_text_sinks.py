"""CSV and JSON Lines."""

import csv
import io
import json

from correlator.report.columns import COLUMNS
from correlator.report.evidence_sink import EvidenceSink
from correlator.report.text_sinks import CsvSink, JsonlSink
from correlator.report.writer import Writer
from tests.play import evidence, socket
from tests.scenes import passing, the_case


def written(writer: Writer) -> str:
    """What was put so far."""
    return writer._batch.decode()


def test_csv_is_rfc_4180() -> None:
    """CRLF, a header, quotes doubled; provisional findings are not written."""
    writer = Writer("x")
    sink = CsvSink(writer)
    sink.begin({})
    sink.findings([the_case('a "quoted", name', cmdline="x\ny")])
    sink.findings([passing()])
    from dataclasses import replace

    sink.findings([replace(passing(), final=False)])
    sink.end({})
    text = written(writer)
    assert text.startswith(",".join(COLUMNS) + "\r\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["process"] for row in rows] == ['a "quoted", name', ""]
    assert rows[0]["cmdline"] == "x\\ny"


def test_csv_of_a_formula() -> None:
    """A process that is named like one."""
    writer = Writer("x")
    CsvSink(writer).findings([the_case('=HYPERLINK("http://x")', cmdline="+1")])
    (row,) = csv.DictReader(io.StringIO(written(writer), newline=""))
    assert (row["process"], row["cmdline"]) == ('\'=HYPERLINK("http://x")', "'+1")


def test_csv_of_a_name_that_is_no_text() -> None:
    """Bytes that are not UTF-8 are shown as escapes: the file is UTF-8."""
    writer = Writer("x")
    CsvSink(writer).findings([the_case("a\udc80")])
    assert ",a\\udc80," in written(writer)


def test_json_lines() -> None:
    """Run, findings, counters; types are JSON's, and everything is ASCII."""
    writer = Writer("x")
    sink = JsonlSink(writer)
    sink.begin({"host": "h"})
    sink.findings([the_case("Grüße\x1b")])
    sink.end({"packets": 5})
    text = written(writer)
    assert text.isascii()
    assert "\x1b" not in text
    run, finding, counters = map(json.loads, text.splitlines())
    assert run == {"type": "run", "schema": 1, "host": "h"}
    assert (finding["type"], finding["pid"], finding["syn_rtt_us"], finding["container"]) == (
        "finding",
        31307,
        1000.0,
        None,
    )
    assert finding["process"] == "Grüße\x1b"
    assert counters == {"type": "counters", "packets": 5}


def test_evidence() -> None:
    """Run, statements, counters."""
    writer = Writer("x")
    sink = EvidenceSink(writer)
    sink.begin({})
    sink.statements([evidence(socket("10.0.0.1", 1, "10.0.0.2", 2))])
    sink.end({})
    assert [json.loads(line)["type"] for line in written(writer).splitlines()] == ["run", "socket", "counters"]
