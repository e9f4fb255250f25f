"""Every metric and label that an alert or the dashboard asks for is one that a service registers."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from services.dashboard.metrics import DashboardMetrics
from services.ingestor.metrics import IngestorMetrics
from services.notifier.metrics import NotifierMetrics
from services.signals.metrics import SignalsMetrics

_DEPLOY = Path(__file__).parents[2] / "deploy"
_NAME = re.compile(r"\bconvex_\w+")
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring) \(([^)]*)\)")
_SHOWN = re.compile(r"\{\{ ?(?:\$labels\.)?(\w+) ?\}\}")
_SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"], "info": ["_info"]}


def _registered() -> dict[str, set[str]]:
    """Return every series of the four services with its labels, each service on a registry of its own."""
    registries = [CollectorRegistry() for _ in range(4)]
    ingestor = IngestorMetrics(registries[0], feeds=["gold"], instruments=["IWM"], streams={})
    made = [
        ingestor,
        ingestor.macro,
        SignalsMetrics(registries[1], pairs=["gold-iwm"]),
        NotifierMetrics(registries[2], topic="divergences.v1"),
        DashboardMetrics(registries[3], topics=("signals.v1",), pairs=("gold-iwm",)),
    ]
    labels: dict[str, set[str]] = {}
    for metric in (metric for metrics in made for metric in vars(metrics).values()):
        if isinstance(metric, MetricWrapperBase):
            for suffix in _SUFFIXES.get(metric._type or "", [""]):
                labels.setdefault(metric._name + suffix, set()).update(metric._labelnames)
    return labels


def _asked() -> list[tuple[str, str]]:
    """Return each expression with the text that shows its result."""
    groups = yaml.safe_load((_DEPLOY / "prometheus" / "rules.yml").read_text())["groups"]
    rules = [(rule["expr"], rule["annotations"]["summary"]) for group in groups for rule in group["rules"]]
    dashboard = json.loads((_DEPLOY / "grafana" / "dashboards" / "convex.json").read_text())
    targets = [target for panel in dashboard["panels"] for target in panel.get("targets", [])]
    return sorted({*rules, *((target["expr"], target["legendFormat"]) for target in targets)})


@pytest.mark.parametrize(("expression", "shown"), _asked())
def test_every_metric_and_label_that_is_asked_for_is_registered(expression: str, shown: str) -> None:
    registered = _registered()
    names = set(_NAME.findall(expression))
    grouped = {label.strip() for part in _GROUPING.findall(expression) for label in part.split(",")}
    # The scrape adds these two, a histogram the third.
    known = {"job", "instance", "le"}.union(*(registered.get(name, set()) for name in names))

    assert names or "up{" in expression
    assert names - registered.keys() == set()
    assert (grouped | set(_SHOWN.findall(shown))) - known == set()
