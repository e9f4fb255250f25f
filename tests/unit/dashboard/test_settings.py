"""Settings and metrics are what operators are told they are."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from services.dashboard.config import DashboardSettings
from services.dashboard.metrics import DashboardMetrics
from shared.config import load_settings, variables_of
from shared.errors import ConfigError


def test_a_setting_out_of_bounds_refuses_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_DASHBOARD_MAX_STREAMS", "0")
    with pytest.raises(ConfigError, match=r"CONVEX_DASHBOARD_MAX_STREAMS: .* greater than or equal to 1"):
        load_settings(DashboardSettings)


def test_nested_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_DASHBOARD_PORT", "9000")
    monkeypatch.setenv("CONVEX_DASHBOARD_HEALTH__PORT", "9104")
    settings = load_settings(DashboardSettings)
    assert (settings.port, settings.health.port) == (9000, 9104)


def test_every_variable_is_described() -> None:
    assert all(variables_of(DashboardSettings).values())


def test_every_label_is_there_at_zero_from_the_start() -> None:
    registry = CollectorRegistry()
    DashboardMetrics(registry, topics=("signals.v1", "divergences.v1"), pairs=("gold-iwm",))
    text = generate_latest(registry).decode()
    for topic in ("signals.v1", "divergences.v1"):
        assert f'convex_dashboard_records_total{{topic="{topic}"}} 0.0' in text
        for reason in ("undecodable", "implausible", "unknown_pair"):
            line = f'convex_dashboard_records_rejected_total{{reason="{reason}",topic="{topic}"}} 0.0'
            assert line in text
    assert 'convex_dashboard_last_snapshot_timestamp_seconds{pair="gold-iwm"} 0.0' in text
    assert 'convex_dashboard_streams_dropped_total{reason="slow"} 0.0' in text
    assert "convex_build_info{" in text
