from ipaddress import ip_network

import pytest

from services.notifier.config import NotifierSettings, SmtpSecurity
from services.notifier.core.routing import TimeBase
from shared.config import load_settings, variables_of
from shared.errors import ConfigError


def test_every_variable_is_described() -> None:
    assert all(variables_of(NotifierSettings).values())


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "CONVEX_NOTIFIER_TIME_BASE": "replay",
        "CONVEX_NOTIFIER_WEBHOOK_ALLOWED_NETWORKS": "10.0.0.0/8, fd00::/8",
        "CONVEX_NOTIFIER_RETRY_DELAYS_SECONDS": "1,2.5",
        "CONVEX_NOTIFIER_SMTP__HOST": "mail.example",
        "CONVEX_NOTIFIER_SMTP__SECURITY": "tls",
        "CONVEX_NOTIFIER_SMTP__PASSWORD": "hunter2",
        "CONVEX_NOTIFIER_HEALTH__PORT": "9103",
        "CONVEX_NOTIFIER_API__PORT": "9104",
        "CONVEX_NOTIFIER_OPERATOR_ADDRESS": "ops@convex.example",
    }.items():
        monkeypatch.setenv(name, value)

    settings = load_settings(NotifierSettings)

    assert settings.time_base is TimeBase.REPLAY
    assert settings.webhook_allowed_networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.retry_delays_seconds == (1.0, 2.5)
    assert settings.smtp.host == "mail.example"
    assert settings.smtp.security is SmtpSecurity.TLS
    assert settings.health.port == 9103
    assert settings.api.port == 9104
    assert settings.operator_address == "ops@convex.example"
    assert "hunter2" not in repr(settings)


def test_events_are_not_served_unless_a_port_is_set() -> None:
    assert NotifierSettings().api.port is None


@pytest.mark.parametrize(
    ("variables", "webhooks", "mails"),
    [
        ({}, 256, 32),
        ({"ATTEMPTS": "4"}, 4, 4),
        ({"ATTEMPTS": "4", "WEBHOOKS": "500"}, 500, 4),
        ({"ATTEMPTS": "4", "MAILS": "7"}, 4, 7),
        ({"WEBHOOKS": "1", "MAILS": "2"}, 1, 2),
    ],
)
def test_each_channel_has_its_own_limit_of_attempts(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], webhooks: int, mails: int
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"CONVEX_NOTIFIER_MAX_CONCURRENT_{name}", value)

    settings = load_settings(NotifierSettings)

    assert (settings.webhook_concurrency, settings.mail_concurrency) == (webhooks, mails)


def test_longest_wait_of_a_probe_is_not_shorter_than_the_shortest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_NOTIFIER_PROBE_MIN_SECONDS", "61")

    with pytest.raises(ConfigError, match=r"must be at least CONVEX_NOTIFIER_PROBE_MIN_SECONDS, 61, was 60"):
        load_settings(NotifierSettings)

    monkeypatch.setenv("CONVEX_NOTIFIER_PROBE_MAX_SECONDS", "61")
    assert load_settings(NotifierSettings).probe_max_seconds == 61


def test_variables_without_our_prefix_do_not_fill_the_mail_section(monkeypatch: pytest.MonkeyPatch) -> None:
    """``HOST`` or ``USERNAME`` of whoever starts the service once filled nested sections."""
    for name in ("HOST", "PORT", "USERNAME", "PASSWORD", "SENDER"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("CONVEX_NOTIFIER_SMTP__IDLE_SECONDS", "5")

    smtp = load_settings(NotifierSettings).smtp

    assert (smtp.host, smtp.port, smtp.username, smtp.password) == (None, 587, None, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONVEX_NOTIFIER_REQUEST_TIMEOUT_SECONDS", "0"),
        ("CONVEX_NOTIFIER_RETRY_DELAYS_SECONDS", ""),
        ("CONVEX_NOTIFIER_WEBHOOK_ALLOWED_NETWORKS", "10.0.0.1/8"),
        ("CONVEX_NOTIFIER_PUBLIC_URL", "convex.example"),
        ("CONVEX_NOTIFIER_SMTP__HOTS", "mail.example"),
        ("CONVEX_NOTIFIER_API__PORT", "65536"),
        ("CONVEX_NOTIFIER_API__PORT", "-1"),
        ("CONVEX_NOTIFIER_MAX_CONCURRENT_WEBHOOKS", "0"),
        ("CONVEX_NOTIFIER_MAX_CONCURRENT_MAILS", "0"),
        ("CONVEX_NOTIFIER_OPERATOR_ADDRESS", "ops at convex"),
        ("CONVEX_NOTIFIER_RETENTION_DAYS", "0"),
        ("CONVEX_NOTIFIER_RETENTION_DAYS", "nan"),
        ("CONVEX_NOTIFIER_RETENTION_DAYS", "inf"),
        ("CONVEX_NOTIFIER_PROBE_MIN_SECONDS", "-5"),
        ("CONVEX_NOTIFIER_PROBE_MIN_SECONDS", "nan"),
        ("CONVEX_NOTIFIER_STORE_BATCH_SECONDS", "-0.1"),
        ("CONVEX_NOTIFIER_SMTP__SENDER", "Convex"),
        ("CONVEX_NOTIFIER_SMTP__SENDER", "ålerts@convex.example"),
        ("CONVEX_NOTIFIER_SMTP__SENDER", "Con\nvex <alerts@convex.example>"),
    ],
)
def test_unusable_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigError, match=f"^{name}"):
        load_settings(NotifierSettings)
