"""Run every check of ``convex doctor``: first what the later checks depend on."""

from typing import Final, TypeVar

from pydantic_settings import BaseSettings

from convex.doctor import kafka_checks as kafka
from convex.doctor import local_checks as local
from convex.doctor import network_checks as network
from convex.doctor.finding import CheckVerdict, Finding, skipped
from convex.settings import all_settings
from services.dashboard.config import DashboardSettings
from services.ingestor.config import IngestorSettings
from services.notifier.config import NotifierSettings
from services.signals.config import SignalsSettings
from shared.clock import SystemClock
from shared.config import HealthSettings, KafkaSettings, load_settings
from shared.errors import ConfigError
from shared.pairs.loading import PairsSettings, load_pairs

S = TypeVar("S", bound=BaseSettings)
_UNUSABLE: Final = "its settings are unusable, see configuration"


async def run_checks(*, has_providers: bool = True) -> list[Finding]:
    """Run every check against the environment of this process.

    Parameters
    ----------
    has_providers
        Also ask the providers of market data.
    """
    findings = [
        local.check_python(),
        local.check_configuration(all_settings()),
        local.check_pairs(),
    ]
    findings.append(local.check_calendar(now=SystemClock().now()))
    signals = _usable(SignalsSettings)
    findings.append(local.check_rules(signals) if signals else skipped("rules", _UNUSABLE))
    findings.append(local.check_false_alarms(signals) if signals else skipped("false alarms", _UNUSABLE))
    kafka_settings = _usable(KafkaSettings)
    findings += await kafka.check_kafka(kafka_settings) if kafka_settings else [skipped("kafka", _UNUSABLE)]
    notifier = _usable(NotifierSettings)
    if notifier:
        findings.append(local.check_subscriptions(notifier))
        findings.append(local.check_store(notifier))
        findings.append(await network.check_smtp(notifier.smtp))
    else:
        findings += [skipped(check, _UNUSABLE) for check in ("subscriptions", "store", "smtp")]
    ingestor = _usable(IngestorSettings)
    services: dict[str, HealthSettings | None] = {
        "ingestor": ingestor.health if ingestor else None,
        "signals": signals.health if signals else None,
        "notifier": notifier.health if notifier else None,
        "dashboard": dashboard.health if (dashboard := _usable(DashboardSettings)) else None,
    }
    for service, health in services.items():
        findings.append(
            await network.check_ready(service, health) if health else skipped(f"{service} ready", _UNUSABLE)
        )
    if not has_providers:
        return [*findings, skipped("providers", "not asked for")]
    if ingestor is None:
        return [*findings, skipped("providers", _UNUSABLE)]
    is_running = any(each.check == "ingestor ready" and each.verdict is CheckVerdict.OK for each in findings)
    return [*findings, *await _check_providers(ingestor, is_ingestor_running=is_running)]


async def _check_providers(settings: IngestorSettings, *, is_ingestor_running: bool) -> list[Finding]:
    try:
        from convex.doctor.provider_checks import check_providers

        pairs = load_pairs(load_settings(PairsSettings).pairs)
    except ModuleNotFoundError as error:
        return [skipped("providers", f"{error.name} is not installed here; run it where the ingestor runs")]
    except ConfigError:
        return [skipped("providers", "the pairs are unusable, see pairs")]
    return await check_providers(
        settings, pairs, is_ingestor_running=is_ingestor_running, clock=SystemClock()
    )


def _usable(settings: type[S]) -> S | None:
    try:
        return load_settings(settings)
    except ConfigError:
        return None
