"""Writes docs/grafana-dashboard.json: `python docs/make_dashboard.py`; a test holds the file to it."""

import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent / "grafana-dashboard.json"
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_HOSTS = '{instance=~"$instance"}'
_MIXED = '{instance=~"$instance", verdict="ipv4-on-af_inet6", port!=""}'

# title, unit, width of 24, then expressions with their legends
PANELS: tuple[tuple[str, str, int, tuple[tuple[str, str], ...]], ...] = (
    (
        "Findings by verdict",
        "cps",
        12,
        ((f"sum by (verdict) (rate(correlator_findings_total{_HOSTS}[$__rate_interval]))", "{{verdict}}"),),
    ),
    (
        "IPv4 on AF_INET6, by listener's port and cause",
        "cps",
        12,
        (
            (
                f"topk(10, sum by (instance, port, cause) (rate(correlator_findings_total{_MIXED}[$__rate_interval])))",
                "{{instance}} :{{port}} {{cause}}",
            ),
        ),
    ),
    (
        "Packets",
        "pps",
        8,
        (
            (f"sum by (instance) (rate(correlator_packets_total{_HOSTS}[$__rate_interval]))", "{{instance}} taken"),
            (
                f"sum by (instance) (rate(correlator_packets_dropped_total{_HOSTS}[$__rate_interval]))",
                "{{instance}} dropped",
            ),
        ),
    ),
    (
        "Evidence lost, by stage",
        "cps",
        8,
        ((f"sum by (stage) (rate(correlator_evidence_lost_total{_HOSTS}[$__rate_interval]))", "{{stage}}"),),
    ),
    (
        "Behind",
        "s",
        8,
        (
            (f"correlator_packet_lag_seconds{_HOSTS}", "{{instance}} packets"),
            (f"correlator_evidence_lag_seconds{_HOSTS}", "{{instance}} evidence"),
        ),
    ),
    (
        "Tables",
        "short",
        8,
        (
            (f"correlator_tracked_connections{_HOSTS}", "{{instance}} connections"),
            (f"correlator_known_four_tuples{_HOSTS}", "{{instance}} four-tuples"),
        ),
    ),
    (
        "Publishing",
        "short",
        8,
        (
            (f"correlator_findings_waiting{_HOSTS}", "{{instance}} waiting"),
            (f"increase(correlator_findings_not_published_total{_HOSTS}[$__rate_interval])", "{{instance}} dropped"),
        ),
    ),
    (
        "Builds",
        "short",
        8,
        ((f"count by (version, core, kernel) (correlator_build_info{_HOSTS})", "{{version}} {{core}} {{kernel}}"),),
    ),
)


def dashboard() -> dict[str, Any]:
    """The dashboard (https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/)."""
    panels, across, down = [], 0, 0
    for number, (title, unit, width, targets) in enumerate(PANELS, 1):
        if across + width > 24:
            across, down = 0, down + 8
        panels.append(
            {
                "id": number,
                "type": "timeseries",
                "title": title,
                "datasource": _SOURCE,
                "gridPos": {"x": across, "y": down, "w": width, "h": 8},
                "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
                "targets": [
                    {"refId": chr(65 + place), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
                    for place, (expression, legend) in enumerate(targets)
                ],
            }
        )
        across += width
    variables = [
        {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        {
            "name": "instance",
            "label": "Host",
            "type": "query",
            "datasource": _SOURCE,
            "query": "label_values(correlator_build_info, instance)",
            "includeAll": True,
            "multi": True,
            "refresh": 2,
        },
    ]
    return {
        "title": "correlator",
        "uid": "correlator",
        "schemaVersion": 38,
        "tags": ["correlator"],
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": variables},
        "panels": panels,
    }


def text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
