"""Build the notifier from its parts and run it until it is asked to stop."""

import asyncio
import random
from contextlib import AsyncExitStack

import structlog
from prometheus_client import CollectorRegistry

from services.notifier.api.serving import serving_events
from services.notifier.config import NotifierSettings
from services.notifier.consumer import EventConsumer
from services.notifier.core.effects import OnEffect, ignore_effect
from services.notifier.core.receiver_health import HealthPolicy
from services.notifier.dispatcher import Dispatcher
from services.notifier.event_intake import EventIntake, OnStored
from services.notifier.metrics import NotifierMetrics
from services.notifier.notice_writer import NoticeWriter
from services.notifier.outcome_publisher import OutcomePublisher
from services.notifier.owners import owners_of
from services.notifier.routes import mail_domain, make_routes
from services.notifier.sending.channel_sender import ChannelSender
from services.notifier.sending.sending_policy import SendingPolicy
from services.notifier.store.database import Database
from services.notifier.store.events import EventLog, StoredEvent
from services.notifier.store.outbox import AuditOutbox
from services.notifier.store.positions import LogPositions
from services.notifier.store.queue import DeliveryQueue, EventContent
from services.notifier.subscriptions.file import load_subscriptions
from services.notifier.subscriptions.targets import WebhookTarget
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.domain.deliveries import Channel
from shared.domain.pairs import Pair
from shared.health import Check, HealthServer
from shared.kafka import topics
from shared.kafka.clients import make_group_consumer
from shared.kafka.publisher import Publisher

log = structlog.get_logger(__name__)

# Thirty times the longest sleep: a loop that has not run for this long does not recover by itself.
_STUCK_SECONDS = 30.0
_DAY_SECONDS = 86_400.0


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
        public_url=settings.public_url,
    )
    if not targets:
        log.warning("nobody_subscribed", file=str(settings.subscriptions_file))
    registry = CollectorRegistry()
    metrics = NotifierMetrics(registry, topic=topics.DIVERGENCES.name)
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.database_url)
        stack.push_async_callback(database.close)
        # Not entered, so it connects on the first publish: stored deliveries are sent even without Kafka.
        publisher = Publisher(kafka, client_id=settings.group)
        stack.push_async_exit(publisher)
        owners = owners_of(
            ((target.subscription, target.owner) for target in targets),
            operator_address=settings.operator_address,
        )
        routes = await make_routes(targets, owners, settings, clock=clock, stack=stack)
        outcome_publisher = OutcomePublisher(
            outbox=AuditOutbox(database),
            publisher=publisher,
            topic=topics.DELIVERIES.name,
            is_idle=lambda: dispatcher.is_idle,
            on_dead_letter=metrics.count_unencodable,
            on_effect=on_effect,
        )
        events = EventLog(database)
        dispatcher = Dispatcher(
            # Webhooks first: a mail waits for the disk before it is sent.
            senders={
                channel: ChannelSender(
                    channel=channel,
                    policy=_policy(settings, channel),
                    queue=DeliveryQueue(database),
                    routes=routes.of(channel),
                    metrics=metrics,
                    clock=clock,
                    draw=random.random,
                    batch_seconds=settings.store_batch_seconds,
                    on_ended=outcome_publisher.wake,
                    on_notice=lambda notice: dispatcher.tell(notice),
                    on_store_failure=lambda: dispatcher.load_again(),
                    on_effect=on_effect,
                )
                for channel in (Channel.WEBHOOK, Channel.EMAIL)
            },
            database=database,
            receivers_of={target.subscription.name: target.subscription.receiver_id for target in targets},
            notices=NoticeWriter(
                events=events,
                owners=owners,
                mail_domain=mail_domain(settings),
                clock=clock,
                on_notice=metrics.count_notice,
            ),
            retention_seconds=settings.retention_days * _DAY_SECONDS,
            metrics=metrics,
            clock=clock,
        )
        intake = EventIntake(
            events=events,
            positions=LogPositions(database),
            publisher=publisher,
            dead_letters=topics.DEADLETTERS.name,
            subscriptions=[target.subscription for target in targets],
            time_base=settings.time_base,
            mail_domain=mail_domain(settings),
            metrics=metrics,
            clock=clock,
            first_attempts=dispatcher.first_attempts,
            on_stored=_hand_over(dispatcher, outcome_publisher),
            on_effect=on_effect,
        )
        consumer = EventConsumer(
            make_consumer=lambda: make_group_consumer(
                kafka, topics.DIVERGENCES.name, group=settings.group, client_id=settings.group
            ),
            topic=topics.DIVERGENCES.name,
            intake=intake,
            database=database,
            metrics=metrics,
            on_effect=on_effect,
        )
        await stack.enter_async_context(
            serving_events(
                settings.api,
                database_url=settings.database_url,
                tokens={
                    target.subscription.name: target.events_tokens
                    for target in targets
                    if isinstance(target, WebhookTarget) and target.events_tokens
                },
                clock=clock,
                on_answer=metrics.count_api_request,
            )
        )
        health = stack.enter_context(
            HealthServer(
                registry,
                host=settings.health.host,
                port=settings.health.port,
                live={"dispatcher": _is_turning(dispatcher, database, clock)},
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


def _hand_over(dispatcher: Dispatcher, outcome_publisher: OutcomePublisher) -> OnStored:
    def hand_over(stored: StoredEvent, event_id: str, content: EventContent) -> None:
        dispatcher.add(stored, event_id, content)
        if stored.plan.suppressed or stored.superseded:
            outcome_publisher.wake()

    return hand_over


def _policy(settings: NotifierSettings, channel: Channel) -> SendingPolicy:
    per_subscription = settings.max_concurrent_attempts_per_subscription
    if channel is Channel.WEBHOOK:
        return SendingPolicy(
            max_in_flight=settings.webhook_concurrency,
            receivers=HealthPolicy(
                max_in_flight=per_subscription,
                probe_min_seconds=settings.probe_min_seconds,
                probe_max_seconds=settings.probe_max_seconds,
            ),
            relay=None,
            begins_on_disk=False,
            retry_delays_seconds=settings.retry_delays_seconds,
        )
    return SendingPolicy(
        max_in_flight=settings.mail_concurrency,
        # A mailbox that is full or greylists us is no better for being asked more often.
        receivers=HealthPolicy(max_in_flight=per_subscription, pause_after=None),
        relay=HealthPolicy(
            max_in_flight=settings.mail_concurrency,
            pause_after=1,
            probe_min_seconds=settings.probe_min_seconds,
            probe_max_seconds=settings.probe_max_seconds,
        ),
        begins_on_disk=True,
        retry_delays_seconds=settings.retry_delays_seconds,
    )


def _is_turning(dispatcher: Dispatcher, database: Database, clock: Clock) -> Check:
    def check() -> str | None:
        if not database.is_reachable:
            # It stands still because it waits; a restart would not help.
            return None
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
