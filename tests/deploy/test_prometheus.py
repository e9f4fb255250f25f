"""Prometheus accepts the configuration; each alert rings when it should and has a page in the runbooks."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

_ROOT = Path(__file__).parents[2]
_PROMETHEUS = _ROOT / "deploy" / "prometheus"


def _alerts() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load((_PROMETHEUS / "rules.yml").read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def _promtool(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not on this machine (apt-get install prometheus)")
    return subprocess.run(
        [promtool, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "rules.yml"],
        ["test", "rules", "rules_test.yml"],
    ],
    ids=" ".join,
)
def test_promtool_is_content(arguments: list[str]) -> None:
    result = _promtool(*arguments, cwd=_PROMETHEUS)

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_expression_of_the_dashboard_parses(tmp_path: Path) -> None:
    dashboard = json.loads((_ROOT / "deploy" / "grafana" / "dashboards" / "convex.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    rules = [{"record": f"panel:expression:{number}", "expr": one} for number, one in enumerate(asked)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    result = _promtool("check", "rules", "panels.yml", cwd=tmp_path)

    assert f"{len(asked)} rules found" in result.stdout, result.stdout + result.stderr


def test_the_dashboard_asks_the_provisioned_data_source() -> None:
    dashboard = json.loads((_ROOT / "deploy" / "grafana" / "dashboards" / "convex.json").read_text())
    provisioned = yaml.safe_load(
        (_ROOT / "deploy" / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text()
    )["datasources"]
    asked = {panel["datasource"]["uid"] for panel in dashboard["panels"] if "datasource" in panel}

    assert asked == {source["uid"] for source in provisioned}


@pytest.mark.parametrize("alert", sorted(_alerts()))
def test_each_alert_has_a_test_in_which_it_rings(alert: str) -> None:
    tests = yaml.safe_load((_PROMETHEUS / "rules_test.yml").read_text())["tests"]
    ringing = {
        case["alertname"] for test in tests for case in test["alert_rule_test"] if case.get("exp_alerts")
    }

    assert alert in ringing


@pytest.mark.parametrize(("alert", "rule"), sorted(_alerts().items()))
def test_each_alert_has_a_page_in_the_runbooks(alert: str, rule: dict[str, Any]) -> None:
    file, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^## (\w+)$", (_ROOT / file).read_text(), re.MULTILINE)

    assert alert in headings
    assert anchor == alert.lower()
    assert rule["labels"]["severity"] in {"warning", "critical"}
