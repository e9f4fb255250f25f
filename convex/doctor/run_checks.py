"""Run every check of ``convex doctor``: first what the later checks depend on."""

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from pydantic_settings import BaseSettings

from convex.doctor import kafka_checks as kafka
from convex.doctor import local_checks as local
from convex.doctor import network_checks as network
from convex.doctor.failed_checks import found, found_at_once
from convex.doctor.finding import CheckVerdict, Finding, skipped
from convex.settings import all_settings
from services.dashboard.config import DashboardSettings
from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.transport.secrets import Redactor
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
        found_at_once("configuration", lambda: local.check_configuration(all_settings())),
        found_at_once("pairs", local.check_pairs),
        found_at_once("calendar", lambda: local.check_calendar(now=SystemClock().now())),
    ]
    signals = _usable(SignalsSettings)
    if signals:
        findings.append(found_at_once("rules", partial(local.check_rules, signals)))
        findings.append(found_at_once("false alarms", partial(local.check_false_alarms, signals)))
        findings.append(found_at_once("proof key", partial(local.check_proof_key, signals)))
    else:
        findings += [skipped(check, _UNUSABLE) for check in ("rules", "false alarms", "proof key")]
    kafka_settings = _usable(KafkaSettings)
    if kafka_settings:
        findings += _several(await found("kafka", kafka.check_kafka(kafka_settings)))
    else:
        findings.append(skipped("kafka", _UNUSABLE))
    notifier = _usable(NotifierSettings)
    if notifier:
        findings.append(found_at_once("subscriptions", partial(local.check_subscriptions, notifier)))
        findings.append(found_at_once("store", partial(local.check_store, notifier)))
        findings.append(await found("smtp", network.check_smtp(notifier.smtp)))
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
            await found(f"{service} ready", network.check_ready(service, health))
            if health
            else skipped(f"{service} ready", _UNUSABLE)
        )
    if not has_providers:
        return [*findings, skipped("providers", "not asked for")]
    if ingestor is None:
        return [*findings, skipped("providers", _UNUSABLE)]
    is_running = any(each.check == "ingestor ready" and each.verdict is CheckVerdict.OK for each in findings)
    asked = _check_providers(ingestor, is_ingestor_running=is_running)
    return [*findings, *_several(await found("providers", asked, redact=_redact(ingestor)))]


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


def _redact(settings: IngestorSettings) -> Callable[[str], str]:
    return Redactor.of_settings(settings).text


def _several(result: list[Finding] | Finding) -> list[Finding]:
    return [result] if isinstance(result, Finding) else result


def _usable(settings: type[S]) -> S | None:
    try:
        return load_settings(settings)
    except ConfigError:
        return None
