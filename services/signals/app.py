"""Build the signals service and run it until it is asked to stop."""

import asyncio

import structlog
from prometheus_client import CollectorRegistry

from services.signals.config import SignalsSettings
from services.signals.core.statistics.cointegration import load_statsmodels
from services.signals.false_alarms.loading import load_false_alarms
from services.signals.metrics import SignalsMetrics
from services.signals.proofs.proof_key import load_proof_key
from services.signals.rules_file import load_rules_of_pairs
from services.signals.stream.credentials import faust_credentials
from services.signals.stream.fatal import exit_process
from services.signals.stream.faust_app import HardenedApp, StreamSettings, build_app, run
from services.signals.stream.lag import consumer_lag, sample_progress
from services.signals.stream.watchdog import watching
from services.signals.worker import Worker
from shared.calendars import xnys_calendar
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.domain.pairs import Pair
from shared.health import HealthServer
from shared.kafka import topics
from shared.kafka.admin import require_topics
from shared.kafka.publisher import Publisher

log = structlog.get_logger()


async def run_signals(
    kafka: KafkaSettings,
    settings: SignalsSettings,
    pairs: tuple[Pair, ...],
    *,
    clock: Clock,
    stop: asyncio.Event,
) -> None:
    """Compute the pairs' signals until ``stop`` is set.

    Raises
    ------
    ConfigError
        If the rules file, the one of the false alarms or the key of the proofs cannot be used.
    BrokerUnavailable
        If Kafka cannot be reached at the start, or a topic is not there.
    """
    rules = load_rules_of_pairs(settings.rules_file, [pair.name for pair in pairs])
    false_alarms = load_false_alarms(settings.false_alarms_file)
    proof_key = load_proof_key(settings.proof_key_file)
    # A second of work, which must not stand between a tick and its event.
    await asyncio.to_thread(load_statsmodels)
    await require_topics(kafka, topics.TICKS, topics.STATE, topics.DIVERGENCES, topics.PROOFS)
    registry = CollectorRegistry()
    metrics = SignalsMetrics(
        registry, pairs=[pair.name for pair in pairs], leads=dict.fromkeys(pair.lead for pair in pairs)
    )
    async with Publisher(kafka, client_id=f"convex-{settings.instance_id}") as publisher:
        worker = Worker(
            kafka=kafka,
            publisher=publisher,
            pairs=pairs,
            rules=rules,
            false_alarms=false_alarms,
            calendar=xnys_calendar(),
            metrics=metrics,
            clock=clock,
            checkpoint_every_records=settings.checkpoint_every_records,
            proof_key=proof_key,
        )
        app = build_app(
            StreamSettings(
                bootstrap_servers=kafka.bootstrap_servers,
                group=settings.group,
                instance_id=settings.instance_id,
                session_timeout_seconds=settings.session_timeout_seconds,
                fetch_max_wait_ms=kafka.fetch_max_wait_ms,
                credentials=faust_credentials(kafka),
            ),
            restore=worker.restore,
            release=worker.release,
            process=worker.process,
        )

        def not_assigned() -> str | None:
            return None if app.assigned_partitions() else "no partition is assigned to this worker"

        health = HealthServer(
            registry,
            host=settings.health.host,
            port=settings.health.port,
            live={},
            ready={"assignment": not_assigned},
        )
        with health:
            log.info(
                "service_started",
                port=health.port,
                pairs=[pair.name for pair in pairs],
                rules=[rule.version for rule in rules.every],
                proof_key_id=proof_key.key_id if proof_key is not None else None,
            )
            reporting = asyncio.create_task(_report_lag(app, metrics))
            try:
                async with watching(
                    lambda: sample_progress(app),
                    clock=clock,
                    die=exit_process,
                    limit_seconds=settings.stall_after_seconds,
                ):
                    await run(app, stopping=stop)
            finally:
                reporting.cancel()
                await asyncio.wait({reporting})
                await worker.flush()
    log.info("service_stopped")


async def _report_lag(app: HardenedApp, metrics: SignalsMetrics) -> None:
    while True:
        for partition, records in consumer_lag(app).items():
            metrics.lag.labels(topics.TICKS.name, str(partition)).set(records)
        await asyncio.sleep(1)
