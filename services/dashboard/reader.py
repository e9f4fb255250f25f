"""Read both topics into the view: every partition from its beginning, then live, without a consumer group.

=============== ============================================ ==================
phase           ends when                                    next phase
=============== ============================================ ==================
CONNECTING      Kafka answered                               NO_TOPIC
NO_TOPIC        every topic has partitions                   CATCHING_UP
CATCHING_UP     the ends that the topics had are reached     FOLLOWING
FOLLOWING       Kafka has not answered a probe               LOST
LOST            it answers again                             FOLLOWING
=============== ============================================ ==================

No offset is committed: a restart reads everything again, which is a compacted topic and 90 days of events.
"""

import asyncio
from dataclasses import replace
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.dashboard.core.reader_status import Phase, ReaderStatus, TopicProgress
from services.dashboard.metrics import DashboardMetrics
from services.dashboard.view import PairsView, PublishedEvent, PublishedSnapshot
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.contracts.records import DIVERGENCES as DIVERGENCE_CONTRACT
from shared.contracts.records import SIGNALS as SNAPSHOT_CONTRACT
from shared.errors import DataError, DecodeError, QualityError
from shared.kafka.clients import make_reader
from shared.kafka.topics import DIVERGENCES, SIGNALS

TOPICS: Final = (SIGNALS.name, DIVERGENCES.name)
_RETRY_SECONDS: Final = 1.0
_SOON_SECONDS: Final = 0.05
_PROBE_SECONDS: Final = 5.0
# A fetch occupies the same connection for up to 5 s (KafkaSettings), and the probe's answer comes after it.
_PROBE_TIMEOUT_SECONDS: Final = 10.0

log = structlog.get_logger(__name__)


class Reader:
    """Read both topics into a view until cancelled.

    Parameters
    ----------
    kafka
        How to reach Kafka.
    """

    def __init__(
        self, kafka: KafkaSettings, view: PairsView, *, metrics: DashboardMetrics, clock: Clock
    ) -> None:
        self._kafka = kafka
        self._view = view
        self._metrics = metrics
        self._clock = clock
        self._topics = dict.fromkeys(TOPICS, TopicProgress())

    async def run(self) -> None:
        """Read until cancelled; while Kafka is unreachable, keep trying."""
        consumer = await self._connected()
        try:
            ends = await self._assigned(consumer)
            probe = asyncio.create_task(self._probe(consumer))
            try:
                await self._follow(consumer, ends, probe)
            finally:
                probe.cancel()
                await asyncio.gather(probe, return_exceptions=True)
        finally:
            await consumer.stop()

    async def _connected(self) -> AIOKafkaConsumer:
        attempts = 0
        since = self._clock.now()
        while True:
            consumer = make_reader(self._kafka, client_id="convex-dashboard")
            attempts += 1
            try:
                await consumer.start()
            except KafkaError as error:
                await consumer.stop()
                self._enter(Phase.CONNECTING, since=since, attempts=attempts, error=_one_line(error))
                await asyncio.sleep(_RETRY_SECONDS)
            except asyncio.CancelledError:
                await consumer.stop()
                raise
            else:
                self._metrics.connected.set(1)
                return consumer

    async def _assigned(self, consumer: AIOKafkaConsumer) -> dict[Any, int]:
        await self._wait_for_topics(consumer)
        # Assigning one partition of each topic makes the client look up how many the topic has.
        consumer.assign([TopicPartition(topic, 0) for topic in TOPICS])
        while not all(consumer.partitions_for_topic(topic) for topic in TOPICS):  # noqa: ASYNC110  the client has no event for it
            await asyncio.sleep(_SOON_SECONDS)
        partitions = [
            TopicPartition(topic, number)
            for topic in TOPICS
            for number in sorted(consumer.partitions_for_topic(topic))
        ]
        consumer.assign(partitions)
        while True:
            try:
                ends: dict[Any, int] = await consumer.end_offsets(partitions)
            except KafkaError as error:
                self._enter(Phase.LOST, error=_one_line(error))
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return ends

    async def _wait_for_topics(self, consumer: AIOKafkaConsumer) -> None:
        # For an assigned topic that does not exist the client asks again at once, and logs each answer.
        since = self._clock.now()
        while True:
            try:
                known = await consumer.topics()
            except KafkaError as error:
                self._enter(Phase.LOST, since=since, error=_one_line(error))
            else:
                missing = tuple(topic for topic in TOPICS if topic not in known)
                if not missing:
                    return
                self._enter(Phase.NO_TOPIC, since=since, missing=missing)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _follow(
        self, consumer: AIOKafkaConsumer, ends: dict[Any, int], probe: "asyncio.Task[None]"
    ) -> None:
        self._enter(Phase.CATCHING_UP)
        while True:
            if self._view.reader_status.caught_up_at is None:
                await self._update_remaining(consumer, ends)
            if probe.done():
                probe.result()
            batches = await consumer.getmany(timeout_ms=500, max_records=500)
            for records in batches.values():
                for record in records:
                    self._take(record)
            if batches:
                status = replace(self._view.reader_status, topics=dict(self._topics))
                self._view.set_reader_status(status, wakes_pages=False)

    async def _update_remaining(self, consumer: AIOKafkaConsumer, ends: dict[Any, int]) -> None:
        remaining = dict.fromkeys(TOPICS, 0)
        for partition, end in ends.items():
            remaining[partition.topic] += max(0, end - await consumer.position(partition))
        for topic, count in remaining.items():
            self._topics[topic] = replace(self._topics[topic], remaining=count)
        if not any(remaining.values()):
            self._enter(Phase.FOLLOWING, caught_up_at=self._clock.now())
            log.info("topics_caught_up", **{topic: seen.records for topic, seen in self._topics.items()})

    async def _probe(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            await asyncio.sleep(_PROBE_SECONDS)
            partitions = list(consumer.assignment())
            try:
                async with asyncio.timeout(_PROBE_TIMEOUT_SECONDS):
                    ends = await consumer.end_offsets(partitions)
                    lags = {
                        partition: max(0, end - await consumer.position(partition))
                        for partition, end in ends.items()
                    }
            except (KafkaError, TimeoutError) as error:
                self._metrics.connected.set(0)
                if self._view.reader_status.phase is not Phase.LOST:
                    log.warning("kafka_lost", error=_one_line(error))
                    self._enter(Phase.LOST, error=_one_line(error))
                continue
            self._metrics.connected.set(1)
            for topic in TOPICS:
                lag = sum(value for partition, value in lags.items() if partition.topic == topic)
                self._metrics.lag.labels(topic).set(lag)
            if self._view.reader_status.phase is Phase.LOST:
                log.info("kafka_found")
                is_read = self._view.reader_status.caught_up_at is not None
                self._enter(Phase.FOLLOWING if is_read else Phase.CATCHING_UP)

    def _take(self, record: Any) -> None:
        topic = record.topic
        self._metrics.records.labels(topic).inc()
        seen = self._topics[topic]
        self._topics[topic] = replace(seen, records=seen.records + 1)
        try:
            if topic == SIGNALS.name:
                self._take_snapshot(record)
            else:
                self._take_event(record)
        except DataError as error:
            reason = "implausible" if isinstance(error, QualityError) else "undecodable"
            self._reject(record, "unknown_pair" if error.reason == "unknown_pair" else reason, str(error))

    def _take_snapshot(self, record: Any) -> None:
        if record.value is None:
            name = (record.key or b"").decode(errors="replace")
            if self._view.knows(name):
                self._view.show(name, None)
            return
        snapshot = SNAPSHOT_CONTRACT.decode(record.value)
        if not self._view.knows(snapshot.pair):
            self._view.snapshots_of_others += 1
            raise DecodeError(f"pair {snapshot.pair} is not watched here", reason="unknown_pair")
        self._view.show(
            snapshot.pair,
            PublishedSnapshot(snapshot=snapshot, value=record.value, published_ms=record.timestamp),
        )
        self._metrics.snapshot_at.labels(snapshot.pair).set(record.timestamp / 1_000)

    def _take_event(self, record: Any) -> None:
        event = DIVERGENCE_CONTRACT.decode(record.value)
        if not self._view.knows(event.pair):
            raise DecodeError(f"pair {event.pair} is not watched here", reason="unknown_pair")
        self._view.add(PublishedEvent(event=event, value=record.value))

    def _reject(self, record: Any, reason: str, message: str) -> None:
        self._metrics.rejected.labels(record.topic, reason).inc()
        seen = self._topics[record.topic]
        self._topics[record.topic] = replace(seen, rejected=seen.rejected + 1, last_rejection=message)
        log.warning(
            "record_rejected",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=reason,
            message=message,
        )

    def _enter(self, phase: Phase, **facts: Any) -> None:
        before = self._view.reader_status
        caught_up_at = facts.pop("caught_up_at", before.caught_up_at)
        since = facts.pop("since", None) or self._clock.now()
        status = ReaderStatus(
            servers=self._kafka.bootstrap_servers,
            phase=phase,
            since=since,
            caught_up_at=caught_up_at,
            topics=dict(self._topics),
            **facts,
        )
        self._view.set_reader_status(status, wakes_pages=True)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
