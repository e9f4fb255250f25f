"""From the assignment of a partition to a worker that is ready, with checkpoints in ``state.v1``."""

import asyncio
import time

from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry

from bench.market import Market, batches
from bench.scale.many_pairs import LEAD, engine_of_many, many_pairs
from services.signals.checkpoint.writer import CheckpointWriter
from services.signals.core.divergence.rules_by_pair import RulesByPair
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.metrics import SignalsMetrics
from services.signals.worker import Worker
from shared.calendars import xnys_calendar
from shared.clock import SystemClock
from shared.config import KafkaSettings
from shared.kafka.admin import create_topics
from shared.kafka.clients import make_reader
from shared.kafka.publisher import Publisher
from shared.kafka.topics import STATE

_OFFSET = 1_000


async def write_checkpoints(kafka: KafkaSettings, *, pairs: int, sessions: int, market: Market) -> int:
    """Create the topics and write the checkpoint of an engine under way; return its bytes."""
    await create_topics(kafka)
    engine = engine_of_many(pairs, sessions=sessions, market=market)
    for record in batches(market.head(5_000), 500):
        engine.apply(record)
    async with Publisher(kafka, client_id="bench-state") as publisher:
        await CheckpointWriter(publisher, partition=0, end=0).write(engine, offset=_OFFSET)
    return (await _read(kafka))[1]


async def _read(kafka: KafkaSettings) -> tuple[float, int]:
    began, size = time.perf_counter(), 0
    reader = make_reader(kafka, client_id="bench-reader")
    await reader.start()
    try:
        partition = TopicPartition(STATE.name, 0)
        reader.assign([partition])
        end = (await reader.end_offsets([partition]))[partition]
        await reader.seek_to_beginning(partition)
        while await reader.position(partition) < end:
            for records in (await reader.getmany(timeout_ms=1_000)).values():
                size += sum(len(record.value) for record in records)
    finally:
        await reader.stop()
    return time.perf_counter() - began, size


def read_bare(kafka: KafkaSettings) -> float:
    """Return the seconds in which aiokafka reads the same records, and nothing is made of them."""
    return asyncio.run(_read(kafka))[0]


def restore_worker(kafka: KafkaSettings, *, pairs: int) -> float:
    """Return the seconds of what the stream awaits after an assignment, before it reads the first record."""

    async def run() -> float:
        async with Publisher(kafka, client_id="bench-worker") as publisher:
            watched = many_pairs(pairs)
            worker = Worker(
                kafka=kafka,
                publisher=publisher,
                pairs=watched,
                rules=RulesByPair(general=PUBLISHED_RULES),
                calendar=xnys_calendar(),
                false_alarms={},
                metrics=SignalsMetrics(CollectorRegistry(), pairs=[pair.name for pair in watched]),
                clock=SystemClock(),
                checkpoint_every_records=1_000,
            )
            began = time.perf_counter()
            starts = await worker.restore(frozenset({0}))
            took = time.perf_counter() - began
            assert starts == {0: _OFFSET + 1}, f"{LEAD} was not restored: {starts}"
            return took

    return asyncio.run(run())
