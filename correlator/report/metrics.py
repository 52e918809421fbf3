"""Counts for Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/), by its own client library.

Findings are counted as they come, everything else is looked up when somebody asks. Sets of labels are bounded: verdicts
and causes are tokens, and of listeners' ports only so many are told apart.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from correlator.core.finding import Finding
from correlator.core.model import Side
from correlator.report.record import Record

PORTS = 200
"""So many listeners' ports have a label of their own, the first that are seen; the others share `other`."""
_OTHER = "other"
_PREFIX = "correlator_"
_ATTEMPTS = 5

Value = float | Mapping[str, float]
"""A number, or one for each value of a label."""


class Numbers:
    """What is looked up: names with a help and a value; a label's name, where a value has one."""

    def __init__(self) -> None:
        """None yet."""
        self.counters: dict[str, tuple[str, str, Value]] = {}
        self.gauges: dict[str, tuple[str, str, Value]] = {}

    def counter(self, name: str, told: str, value: Value, label: str = "") -> None:
        """One that only grows."""
        self.counters[name] = told, label, value

    def gauge(self, name: str, told: str, value: Value, label: str = "") -> None:
        """One that goes up and down."""
        self.gauges[name] = told, label, value


class Metrics(Collector):
    """A sink that counts, and tells."""

    def __init__(self, build: Mapping[str, str], numbers: Callable[[], Numbers]) -> None:
        """`build`: what runs. `numbers`: looks them up; it is called in another thread."""
        self._build = dict(build)
        self._numbers = numbers
        self._findings: Counter[tuple[str, str, str]] = Counter()
        self._ports: set[int] = set()
        self._server: WSGIServer | None = None

    def begin(self, run: Record) -> None:
        """Nothing yet."""

    def findings(self, found: list[Finding]) -> None:
        """Count the final ones."""
        for finding in found:
            if finding.final:
                port = self._port(finding.connection.server_port()) if finding.side is Side.SERVER else ""
                self._findings[str(finding.verdict), str(finding.cause), port] += 1

    def _port(self, port: int) -> str:
        if port not in self._ports:
            if len(self._ports) == PORTS:
                return _OTHER
            self._ports.add(port)
        return str(port)

    def end(self, counters: Record) -> None:
        """The counts stay as they are until the run has ended."""

    def serve(self, address: str, port: int) -> None:
        """Answer who asks, from now on. Raises OSError."""
        registry = CollectorRegistry()
        registry.register(self)
        self._server, _ = start_http_server(port, address, registry)

    def close(self) -> None:
        """No answers any more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _looked_up(self) -> Numbers:
        """The numbers of a run that goes on meanwhile: what changes its size just then is looked at again."""
        for _ in range(_ATTEMPTS):
            with suppress(RuntimeError):
                return self._numbers()
        return Numbers()

    def collect(self) -> Iterable[Metric]:
        """All there is."""
        yield InfoMetricFamily(_PREFIX + "build", "What runs.", self._build)
        found = CounterMetricFamily(
            _PREFIX + "findings",
            "Findings by verdict, cause and, of server sides, the listener's port.",
            labels=["verdict", "cause", "port"],
        )
        for labels, count in self._findings.copy().items():
            found.add_metric(labels, count)
        yield found
        numbers = self._looked_up()
        for kind, families in ((CounterMetricFamily, numbers.counters), (GaugeMetricFamily, numbers.gauges)):
            for name, (told, label, value) in families.items():
                family = kind(_PREFIX + name, told, labels=[label] if label else [])
                for one, number in value.items() if isinstance(value, Mapping) else [("", value)]:
                    family.add_metric([one] if label else [], number)
                yield family
