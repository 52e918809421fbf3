"""What comes of an engine, by all the ways out."""

from correlator.core.annotation import Kept, comment
from correlator.core.engine import Engine
from correlator.core.finding import Finding
from correlator.report.annotated import PcapngSink
from correlator.report.lines import line
from correlator.report.text_sinks import CsvSink, JsonlSink
from correlator.report.writer import Writer
from correlator.run import FindingSink

Outcome = list[tuple[object, ...]]


def outcome(engine: Engine) -> Outcome:
    """The findings: each end's, or the connection's; every sink takes them, but the page, which takes long."""
    found = []
    more = True
    while more:
        more = engine.finish(16)
        found += [item for item in engine.take() if isinstance(item, Finding)]
    final = [finding for finding in found if finding.final]
    tracker = engine.tracker
    assert tracker.seen - tracker.evicted <= len({finding.connection.number for finding in final}) <= tracker.seen
    writer = Writer("-")
    sinks: list[FindingSink] = [CsvSink(writer), JsonlSink(writer)]
    for sink in sinks:
        sink.begin({})
        sink.findings(found)
        sink.end({})
    packets = PcapngSink(writer, ["eth0"], hold=0, kept=Kept.ALL)
    packets.findings(found)
    return [told(finding) for finding in found]


def told(finding: Finding) -> tuple[object, ...]:
    """A finding in a form that does not depend on how it was reckoned."""
    one = finding.connection
    return (
        one.number,
        str(finding.side),
        str(finding.verdict),
        str(finding.cause),
        str(finding.evidence),
        finding.explanation,
        comment(finding),
        line(finding),
    )
