"""Where the time goes: what the records themselves say about when they were made."""

import sqlite3
import statistics
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.latency.bare_script import FIRST, SECOND
from shared.config import KafkaSettings
from shared.contracts.ticks import decode_tick_record
from shared.domain.ticks import QuoteBatch
from shared.kafka.clients import make_reader
from shared.kafka.topics import DIVERGENCES, TICKS

# Kafka's stamps are cut to the millisecond: half of one is missing on average.
_CUT_NS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """When each price's records were made, Unix nanoseconds."""

    first: dict[float, int]
    second: dict[float, int]
    received: dict[float, int]


async def read_stamps(kafka: KafkaSettings) -> dict[str, Stamps]:
    """Return the stamps of both contestants' records."""
    first, received = {}, {}
    for record in await _all(kafka, TICKS.name):
        batch = decode_tick_record(record.value)
        if isinstance(batch, QuoteBatch):
            for bid, ts_ns in zip(batch.bid.tolist(), batch.ts_received_ns.tolist(), strict=True):
                first[bid], received[bid] = record.timestamp * 1_000_000 + _CUT_NS, ts_ns
    second = {
        orjson.loads(record.value)["legs"][0]["price"]: record.timestamp * 1_000_000 + _CUT_NS
        for record in await _all(kafka, DIVERGENCES.name)
    }
    bare = {
        topic: {
            orjson.loads(record.value)["data"][0]["bid"]: record.timestamp * 1_000_000 + _CUT_NS
            for record in await _all(kafka, topic)
        }
        for topic in (FIRST, SECOND)
    }
    return {
        "system": Stamps(first=first, second=second, received=received),
        "bare": Stamps(first=bare[FIRST], second=bare[SECOND], received={}),
    }


def median_hops(stamps: Stamps, sent: dict[float, int], answered: dict[float, int]) -> dict[str, float]:
    """Return the median of each leg of the way, milliseconds."""
    prices = [
        price for price in sent if price in stamps.first and price in stamps.second and price in answered
    ]

    def median(ends: dict[float, int], begins: dict[float, int]) -> float:
        return statistics.median((ends[price] - begins[price]) / 1e6 for price in prices)

    return {
        "frame sent to first record made": median(stamps.first, sent),
        "first record made to second record made": median(stamps.second, stamps.first),
        "second record made to webhook answered": median(answered, stamps.second),
    }


def notifier_hops(database: Path, stamps: Stamps, answered: dict[float, int]) -> dict[str, float]:
    """Return what the notifier's own store says about its part of the way, milliseconds.

    Parameters
    ----------
    stamps, answered
        Of the prices that are to be counted.
    """
    query = """
        SELECT events.value, events.received_at_ns, attempts.started_at_ns
        FROM attempts JOIN deliveries USING (delivery_id) JOIN events USING (event_id)
        WHERE attempts.attempt = 1
    """
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        rows = {orjson.loads(value)["legs"][0]["price"]: times for value, *times in store.execute(query)}
    ways = [
        (read - stamps.second[price], began - read, answered[price] - began)
        for price, (read, began) in rows.items()
        if price in stamps.second and price in answered
    ]
    names = (
        "of it: second record made to read by the notifier",
        "of it: read to stored and taken from the store",
        "of it: POST begun to answered",
    )
    return {name: statistics.median(way[at] / 1e6 for way in ways) for at, name in enumerate(names)}


async def _all(kafka: KafkaSettings, topic: str) -> list:
    consumer: AIOKafkaConsumer = make_reader(kafka, client_id="bench-hops")
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        records: list = []
        while await consumer.position(partition) < end:
            records += (await consumer.getmany(timeout_ms=500)).get(partition, [])
        return records
    finally:
        await consumer.stop()
