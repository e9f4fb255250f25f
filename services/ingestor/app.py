"""Wire the ingestor: feeds into the sink, the sink into Kafka, probes around it."""

import asyncio
import random
from contextlib import AsyncExitStack
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.ports import Feed
from services.ingestor.kafka.retrying_publisher import RetryingPublisher
from services.ingestor.kafka.sink import KafkaSink
from services.ingestor.metrics import IngestorMetrics
from services.ingestor.wiring import feed_names, make_feeds, streams_of
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.domain.pairs import Pair, routes_of
from shared.errors import FeedRefused, InvariantError
from shared.health import HealthServer
from shared.kafka.publisher import Publisher

log = structlog.get_logger(__name__)

# The loop beats each status interval, at most a second: thirty missed beats are no hiccup.
_STANDSTILL_SECONDS: Final = 30.0


class _Pulse:
    """Notice a loop that stands still."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = clock.monotonic()

    def beat(self) -> None:
        self._last = self._clock.monotonic()

    def problem(self) -> str | None:
        age = self._clock.monotonic() - self._last
        return None if age < _STANDSTILL_SECONDS else f"the loop stands still for {age:.0f} s"


async def run_ingestor(
    kafka: KafkaSettings,
    settings: IngestorSettings,
    pairs: tuple[Pair, ...],
    *,
    clock: Clock,
    stop: asyncio.Event,
) -> None:
    """Run until told to stop, or until a replay that is not held open has ended; then send what waits.

    Raises
    ------
    ConfigError
        If a setting, a pair or an input file is wrong.
    """
    registry = CollectorRegistry()
    routes = routes_of(pairs)
    streams = streams_of(settings, pairs)
    metrics = IngestorMetrics(
        registry, feeds=feed_names(settings, streams), instruments=routes, streams=streams
    )
    async with AsyncExitStack() as stack:
        publisher = Publisher(kafka, client_id="convex-ingestor")
        # Connecting is the first send's business: the ingestor starts, and takes ticks, without Kafka.
        stack.push_async_exit(publisher)
        retrying = RetryingPublisher(publisher, metrics=metrics, uniform=random.SystemRandom().random)
        sink = KafkaSink(retrying, routes=routes, max_ticks=settings.queue_max_ticks, metrics=metrics)
        feeds = await make_feeds(settings, kafka, pairs, metrics=metrics, clock=clock, stack=stack)
        pulse = _Pulse(clock)
        health = stack.enter_context(
            HealthServer(
                registry,
                host=settings.health.host,
                port=settings.health.port,
                live={"loop": pulse.problem},
                ready={"kafka": retrying.problem},
            )
        )
        log.info("ingestor_started", feed=settings.feed, health_port=health.port, instruments=sorted(routes))
        await _run(sink, feeds, settings, pulse=pulse, stop=stop)
        log.info("ingestor_stopped", unsent_ticks=sink.waiting_ticks())


async def _run(
    sink: KafkaSink, feeds: list[Feed], settings: IngestorSettings, *, pulse: _Pulse, stop: asyncio.Event
) -> None:
    sending = asyncio.create_task(sink.run(), name="sending")
    saying = asyncio.create_task(
        _say_statuses(sink, feeds, settings.status_interval_seconds, pulse), name="statuses"
    )
    feeding = asyncio.create_task(_run_feeds(feeds, sink), name="feeds")
    stopping = asyncio.create_task(stop.wait())
    tasks: set[asyncio.Task[Any]] = {sending, saying, feeding, stopping}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in (saying, feeding, stopping):
            await _ended(task)
        sink.close()
        await asyncio.wait({sending}, timeout=settings.flush_timeout_seconds)
        await _ended(sending)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _ended(task: asyncio.Task[Any]) -> None:
    """Stop a task that still runs; raise what one that does not has died of."""
    was_running = not task.done()
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
    elif not was_running:
        raise InvariantError(f"{task.get_name()} was cancelled by nobody")


async def _run_feeds(feeds: list[Feed], sink: KafkaSink) -> None:
    running = [asyncio.create_task(_run_feed(feed, sink)) for feed in feeds]
    try:
        for ended in asyncio.as_completed(running):
            await ended
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _run_feed(feed: Feed, sink: KafkaSink) -> None:
    try:
        await feed.run(sink)
    except FeedRefused as error:
        # The other feeds go on, and the status records say that this one is STALE until a person acts.
        log.error(  # noqa: TRY400 - no bug of ours
            "feed_refused",
            feed=feed.name,
            instruments=feed.instruments,
            reason=error.reason,
            error=str(error),
        )
        await asyncio.Event().wait()


async def _say_statuses(sink: KafkaSink, feeds: list[Feed], interval: float, pulse: _Pulse) -> None:
    while True:
        pulse.beat()
        for feed in feeds:
            for status in feed.statuses():
                sink.put_status(status)
        await asyncio.sleep(interval)
