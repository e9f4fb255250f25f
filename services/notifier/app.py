"""Build the notifier from its parts and run it until it is asked to stop."""

import asyncio
import random
from contextlib import AsyncExitStack
from email.utils import parseaddr

import structlog
from prometheus_client import CollectorRegistry

from services.notifier.channels.email_smtp import EmailSmtp
from services.notifier.channels.ports import Channel
from services.notifier.channels.smtp_connection import SmtpConnection
from services.notifier.channels.webhook_client import make_webhook_client
from services.notifier.channels.webhook_http import WebhookHttp
from services.notifier.config import NotifierSettings
from services.notifier.consumer import EventConsumer
from services.notifier.core.effects import OnEffect, ignore_effect
from services.notifier.core.scheduling import ConcurrencyLimits
from services.notifier.dispatcher import Dispatcher
from services.notifier.metrics import NotifierMetrics
from services.notifier.outcome_publisher import OutcomePublisher
from services.notifier.render.renderer import Renderer
from services.notifier.store.database import Database
from services.notifier.store.events import EventLog
from services.notifier.store.outbox import AuditOutbox
from services.notifier.store.queue import DeliveryQueue
from services.notifier.subscriptions.file import load_subscriptions
from services.notifier.subscriptions.targets import EmailTarget, Target, WebhookTarget
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.domain.pairs import Pair
from shared.errors import ConfigError
from shared.health import Check, HealthServer
from shared.kafka import topics
from shared.kafka.clients import make_group_consumer
from shared.kafka.publisher import Publisher

log = structlog.get_logger(__name__)

# Thirty times the longest sleep: a loop that has not run for this long does not recover by itself.
_STUCK_SECONDS = 30.0


async def run_notifier(
    kafka: KafkaSettings,
    settings: NotifierSettings,
    *,
    clock: Clock,
    stop: asyncio.Event,
    on_effect: OnEffect = ignore_effect,
    pairs: tuple[Pair, ...] | None = None,
) -> None:
    """Consume events and deliver them until ``stop`` is set.

    Parameters
    ----------
    on_effect
        Called after each durable or visible effect; tests end the process there.
    pairs
        The pairs that exist; a subscription to any other is refused. Not checked when None.

    Raises
    ------
    ConfigError
        If a setting or the subscriptions file is wrong.
    BrokerUnavailable
        If Kafka fails in a way that a restart may fix.
    """
    names = [pair.name for pair in pairs] if pairs is not None else None
    targets = load_subscriptions(
        settings.subscriptions_file,
        pairs=names,
        allowed_networks=settings.webhook_allowed_networks,
        ca_file=settings.webhook_ca_file,
    )
    if not targets:
        log.warning("nobody_subscribed", file=str(settings.subscriptions_file))
    mail_domain = _mail_domain(settings)
    registry = CollectorRegistry()
    metrics = NotifierMetrics(registry, topic=topics.DIVERGENCES.name)
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.database_url)
        stack.push_async_callback(database.close)
        # Not entered, so it connects on the first publish: stored deliveries are sent even without Kafka.
        publisher = Publisher(kafka, client_id=settings.group)
        stack.push_async_exit(publisher)
        channels = await _channels(targets, settings, clock, mail_domain, stack)
        outcome_publisher = OutcomePublisher(
            outbox=AuditOutbox(database),
            publisher=publisher,
            topic=topics.DELIVERIES.name,
            on_effect=on_effect,
        )
        dispatcher = Dispatcher(
            queue=DeliveryQueue(database),
            channels=channels,
            retry_delays_seconds=settings.retry_delays_seconds,
            limits=ConcurrencyLimits(
                total=settings.webhook_concurrency + settings.mail_concurrency,
                per_subscription=settings.max_concurrent_attempts_per_subscription,
            ),
            metrics=metrics,
            clock=clock,
            draw=random.random,
            on_ended=outcome_publisher.wake,
            on_effect=on_effect,
        )
        consumer = EventConsumer(
            make_consumer=lambda: make_group_consumer(
                kafka, topics.DIVERGENCES.name, group=settings.group, client_id=settings.group
            ),
            publisher=publisher,
            dead_letters=topics.DEADLETTERS.name,
            events=EventLog(database),
            subscriptions=[target.subscription for target in targets],
            time_base=settings.time_base,
            mail_domain=mail_domain,
            metrics=metrics,
            clock=clock,
            on_stored=dispatcher.wake,
            on_effect=on_effect,
        )
        health = stack.enter_context(
            HealthServer(
                registry,
                host=settings.health.host,
                port=settings.health.port,
                live={"dispatcher": _is_turning(dispatcher, clock)},
                ready={"consumer": _is_assigned(consumer), "store": _is_reachable(database)},
            )
        )
        log.info("notifier_started", port=health.port, subscriptions=len(targets))
        await _run(consumer, dispatcher, outcome_publisher, stop)
    log.info("notifier_stopped")


async def _run(
    consumer: EventConsumer, dispatcher: Dispatcher, outcome_publisher: OutcomePublisher, stop: asyncio.Event
) -> None:
    dispatched = asyncio.Event()

    async def dispatch() -> None:
        await dispatcher.run(stop)
        # The last outcomes are stored: now the publisher of outcomes may finish.
        dispatched.set()

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(consumer.run(stop))
            group.create_task(dispatch())
            group.create_task(outcome_publisher.run(dispatched))
    except BaseExceptionGroup as errors:
        # The first failure cancelled the others; its class decides the exit code.
        raise _first(errors) from errors


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _channels(
    targets: tuple[Target, ...],
    settings: NotifierSettings,
    clock: Clock,
    mail_domain: str,
    stack: AsyncExitStack,
) -> dict[str, Channel]:
    client = await stack.enter_async_context(
        make_webhook_client(
            timeout_seconds=settings.request_timeout_seconds,
            allowed=settings.webhook_allowed_networks,
            max_connections=settings.webhook_concurrency,
            ca_file=settings.webhook_ca_file,
        )
    )
    smtp = SmtpConnection(settings.smtp, clock=clock)
    stack.push_async_callback(smtp.close)
    renderer = Renderer(public_url=settings.public_url)
    channels: dict[str, Channel] = {}
    for target in targets:
        match target:
            case WebhookTarget():
                channels[target.subscription.name] = WebhookHttp(
                    url=target.subscription.receiver,
                    keys=target.keys,
                    client=client,
                    clock=clock,
                )
            case EmailTarget():
                if settings.smtp.host is None:
                    raise ConfigError(
                        f"CONVEX_NOTIFIER_SMTP__HOST: subscription {target.subscription.name} is by e-mail; "
                        "name the mail server"
                    )
                channels[target.subscription.name] = EmailSmtp(
                    address=target.subscription.receiver,
                    sender=settings.smtp.sender,
                    mail_domain=mail_domain,
                    smtp=smtp,
                    renderer=renderer,
                )
    return channels


def _mail_domain(settings: NotifierSettings) -> str:
    if settings.message_id_domain is not None:
        return settings.message_id_domain
    return parseaddr(settings.smtp.sender)[1].rpartition("@")[2]


def _is_turning(dispatcher: Dispatcher, clock: Clock) -> Check:
    def check() -> str | None:
        idle_seconds = clock.monotonic() - dispatcher.ticked_at
        return (
            None
            if idle_seconds < _STUCK_SECONDS
            else f"the dispatcher has stood still for {idle_seconds:.0f} s"
        )

    return check


def _is_assigned(consumer: EventConsumer) -> Check:
    return lambda: None if consumer.is_assigned else "no partition is assigned yet"


def _is_reachable(database: Database) -> Check:
    return lambda: None if database.is_reachable else "the delivery store does not answer"
