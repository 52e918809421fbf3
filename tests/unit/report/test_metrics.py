"""What Prometheus is told."""

import json
import re
import shutil
import subprocess
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from correlator.core.model import Side
from tests.ends import between, changed
from tests.scenes import passing, the_case

prometheus = pytest.importorskip("prometheus_client", reason="prometheus-client is not installed: the extra `metrics`")

from correlator.report.metrics import PORTS, Metrics, Numbers  # noqa: E402
from docs import make_dashboard  # noqa: E402

DOCS = Path(__file__).resolve().parents[3] / "docs"
BUILD = {"version": "1", "core": "compiled core"}


def told(metrics: Metrics) -> dict[str, float]:
    """The lines by their names and labels."""
    registry = prometheus.CollectorRegistry()
    registry.register(metrics)
    lines = prometheus.generate_latest(registry).decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_findings() -> None:
    """By verdict, cause and the listener's port; the final ones."""
    metrics = Metrics(BUILD, Numbers)
    metrics.findings([the_case(), replace(the_case(), final=False), the_case(), passing()])
    metrics.findings([replace(the_case(), side=Side.CLIENT)])
    found = told(metrics)
    case = 'cause="dual-stack-listener",port="{}",verdict="ipv4-on-af_inet6"'
    assert found[f"correlator_findings_total{{{case.format(4243)}}}"] == 2
    assert found[f"correlator_findings_total{{{case.format('')}}}"] == 1
    assert found['correlator_findings_total{cause="",port="",verdict="no-socket"}'] == 1
    assert found['correlator_build_info{core="compiled core",version="1"}'] == 1


def test_labels_are_bounded() -> None:
    """However many ports there are."""
    metrics = Metrics(BUILD, Numbers)
    for port in range(1, 10_001):
        connection = changed(between(("10.0.0.1", 5), ("10.0.0.2", port)))
        metrics.findings([replace(the_case(), connection=connection)])
    found = {name: value for name, value in told(metrics).items() if name.startswith("correlator_findings")}
    assert len(found) == PORTS + 1
    assert sum(found.values()) == 10_000
    assert max(found.values()) == 10_000 - PORTS


def test_numbers() -> None:
    """Counters and gauges, with a label or without; looked up when somebody asks, again where they change meanwhile."""
    asked = []

    def numbers() -> Numbers:
        asked.append(1)
        if len(asked) % 3:
            raise RuntimeError("dictionary changed size during iteration")
        found = Numbers()
        found.counter("lost", "Lost.", {"a": 1, 'b"': 2}, "stage")
        found.counter("packets", "Packets.", 7)
        found.gauge("lag_seconds", "Behind.", 0.5)
        return found

    found = told(Metrics(BUILD, numbers))
    assert found['correlator_lost_total{stage="a"}'] == 1
    assert found['correlator_lost_total{stage="b\\""}'] == 2
    assert found["correlator_packets_total"] == 7
    assert found["correlator_lag_seconds"] == 0.5


def test_it_answers() -> None:
    """Over HTTP, until it is closed; twice at one place is refused."""
    metrics = Metrics(BUILD, Numbers)
    metrics.serve("127.0.0.1", 0)
    assert metrics._server
    port = metrics._server.server_port
    url = f"http://127.0.0.1:{port}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert b"correlator_build_info" in answer.read()
    with pytest.raises(OSError, match="in use"):
        Metrics(BUILD, Numbers).serve("127.0.0.1", port)
    metrics.close()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=5)


def names_in(text: str) -> set[str]:
    """Our metrics in some text."""
    return set(re.findall(r"\bcorrelator_[a-z_]+\b", text))


def names_there_are() -> set[str]:
    """Those that a run tells."""
    source = (DOCS.parent / "correlator" / "cli" / "metrics.py").read_text()
    counters = {f"correlator_{name}_total" for name in re.findall(r'told\.counter\(\s*"(\w+)"', source)}
    gauges = {f"correlator_{name}" for name in re.findall(r'told\.gauge\(\s*"(\w+)"', source)}
    return counters | gauges | {"correlator_findings_total", "correlator_build_info"}


def test_the_dashboard() -> None:
    """Is what its program writes, and asks for metrics that there are."""
    file = (DOCS / "grafana-dashboard.json").read_text()
    assert file == make_dashboard.text()
    expressions = [target["expr"] for panel in json.loads(file)["panels"] for target in panel["targets"]]
    assert names_in(" ".join(expressions)) <= names_there_are()
    assert len(expressions) > 8


def test_the_alerts() -> None:
    """Ask for metrics that there are, in Prometheus' language."""
    rules = DOCS / "prometheus-alerts.yml"
    expressions = re.findall(r"^\s+expr: (?:\|\n)?(.*(?:\n {12}.*)*)", rules.read_text(), re.MULTILINE)
    assert len(expressions) == 7
    assert names_in(" ".join(expressions)) <= names_there_are()
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian's prometheus)")
    done = subprocess.run(
        ["promtool", "check", "rules", rules], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("panel", make_dashboard.PANELS, ids=lambda panel: panel[0])
def test_expressions_of_the_dashboard(panel: tuple[str, str, int, tuple[tuple[str, str], ...]], tmp_path: Path) -> None:
    """Are Prometheus' language, with Grafana's variables in their places."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian's prometheus)")
    for expression, _ in panel[3]:
        plain = expression.replace("$__rate_interval", "5m").replace("$instance", ".+")
        rule = {"groups": [{"name": "x", "rules": [{"record": "x", "expr": plain}]}]}
        (tmp_path / "rules.yml").write_text(json.dumps(rule))
        done = subprocess.run(
            ["promtool", "check", "rules", tmp_path / "rules.yml"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
