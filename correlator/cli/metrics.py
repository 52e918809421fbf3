"""`live --metrics`: what a run tells Prometheus of itself."""

import os
import time
from typing import TYPE_CHECKING

from correlator import __version__, running_core
from correlator.capture.portable import PortableCapture
from correlator.capture.ring import RingCapture
from correlator.cli.exits import Exit, die
from correlator.kernel.live import KernelEvidence
from correlator.kernel.portable import PortableEvidence
from correlator.run import Run

if TYPE_CHECKING:
    from correlator.fleet.publish import Publisher
    from correlator.report.metrics import Metrics, Numbers

_SECOND = 1e9


def place_of(value: str | None) -> tuple[str, int] | None:
    """Where to answer: ADDRESS:PORT. Ends the program where it is none, or the library is missing."""
    if value is None:
        return None
    address, _, port = value.rpartition(":")
    if not (address and port.isascii() and port.isdigit() and 0 < int(port) <= 0xFFFF):
        die(Exit.USAGE, f"--metrics: {value!r} is no ADDRESS:PORT, as 127.0.0.1:9464")
    try:
        import prometheus_client  # noqa: F401, PLC0415  an extra
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        die(Exit.USAGE, "--metrics needs prometheus-client: pip install 'correlator[metrics]'")
    return address.removeprefix("[").removesuffix("]"), int(port)


def metrics_of(
    place: tuple[str, int],
    run: Run,
    capture: RingCapture | PortableCapture,
    evidence: KernelEvidence | PortableEvidence,
    publisher: "Publisher | None",
) -> "Metrics":
    """What tells of a run, answering. Ends the program where nobody may answer there."""
    from correlator.report.metrics import Metrics, Numbers  # noqa: PLC0415  an extra; place_of has said so

    def numbers() -> "Numbers":
        told = Numbers()
        _of_run(told, run)
        _of_shells(told, capture, evidence)
        if publisher is not None:
            _of_publisher(told, publisher)
        told.gauge("failed_outputs", "Outputs that could not be written any more.", len(run.outputs.failures))
        return told

    build = {"version": __version__, "core": running_core(), "kernel": os.uname().release}
    metrics = Metrics(build, numbers)
    try:
        metrics.serve(*place)
    except (OSError, UnicodeError) as error:  # an address in use, or none
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "is no address of this host"
        die(Exit.OUTPUT, f"--metrics {place[0]}:{place[1]}: {reason}")
    return metrics


def _of_run(told: "Numbers", run: Run) -> None:
    counters = run.counters()
    told.counter("packets", "Packets that were taken from the capture.", counters["packets"])
    told.counter("segments", "TCP segments in them.", counters["segments"])
    told.counter("copies", "Segments that another interface had shown before.", counters["copies"])
    told.counter("skipped", "Packets without a TCP segment, or damaged.", counters["skipped"], "reason")
    told.counter("connections", "Connections that were seen.", counters["connections"])
    told.counter("connections_evicted", "Connections that were reported early for want of room.", counters["evicted"])
    told.counter("lookups", "Four-tuples that the kernel was asked about.", counters["lookups"])
    told.counter("evidence_dropped", "Statements that were forgotten for want of room.", counters["evidence_dropped"])
    told.gauge(
        "tracked_connections",
        "Connections that are open, or not reported yet.",
        len(run.engine.tracker),
    )
    told.gauge("known_four_tuples", "Four-tuples of sockets that are known.", run.engine.index.size)


def _of_shells(
    told: "Numbers", capture: RingCapture | PortableCapture, evidence: KernelEvidence | PortableEvidence
) -> None:
    told.counter("packets_dropped", "Packets that the capture's ring had no room for.", capture.dropped)
    told.counter("evidence_lost", "Evidence that was lost, by where.", evidence.losses, "stage")
    waits = 0.0 if capture.is_idle or not capture.last_at else max(0.0, (time.time_ns() - capture.last_at) / _SECOND)
    told.gauge("packet_lag_seconds", "Age of the newest packet that was taken, while others wait.", waits)
    told.gauge("evidence_lag_seconds", "Age of the oldest event in the last reading of them.", evidence.lag / _SECOND)


def _of_publisher(told: "Numbers", publisher: "Publisher") -> None:
    told.counter("findings_published", "Findings that the server has.", publisher.sent)
    told.counter("findings_not_published", "Findings that there was no room for.", publisher.dropped)
    told.gauge("findings_waiting", "Findings that wait for the server.", publisher.waiting)
