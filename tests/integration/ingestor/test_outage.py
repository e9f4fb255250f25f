"""Kafka dies in mid-stream, by SIGKILL, and comes back: what was promised about that."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from services.ingestor.kafka.retrying_publisher import RetryingPublisher
from services.ingestor.kafka.sink import KafkaSink
from services.ingestor.metrics import IngestorMetrics
from shared.calendars import xnys_calendar
from shared.config import KafkaSettings
from shared.contracts.records import BARS
from shared.contracts.ticks import decode_tick_record
from shared.domain.bars import BarBatch
from shared.domain.ticks import QuoteBatch, TradeBatch
from shared.kafka import topics
from shared.kafka.admin import create_topics
from shared.kafka.publisher import Publisher
from tests.integration.ingestor.harness import Reader, ticks_reader
from tests.support.kafka_broker import KafkaBroker, broker_or_skip
from tests.unit.ingestor.ticks import LEAD, bar, quotes, trades

_ROUNDS = 900
_MAX_TICKS = 2_000
_SESSIONS = xnys_calendar().labels


class _Load:
    """Ten quotes, a trade and sometimes a bar, every 20 ms; each value is a serial number."""

    def __init__(self, sink: KafkaSink) -> None:
        self._sink = sink
        self.rounds = 0

    async def run(self) -> None:
        for number in range(1, _ROUNDS + 1):
            self._sink.put_ticks(quotes(*(10.0 * number + step for step in range(10)), first_ns=number))
            self._sink.put_ticks(trades(float(number)))
            if number % 10 == 0:
                self._sink.put_bars((bar(_SESSIONS[number // 10], float(number)),), is_history=False)
            self.rounds = number
            await asyncio.sleep(0.02)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.05)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.chaos
async def test_killed_broker_costs_counted_quotes_and_no_bar_and_no_order(tmp_path: Path) -> None:
    broker = broker_or_skip(tmp_path / "kafka")
    await asyncio.to_thread(broker.start)
    try:
        await _scenario(broker)
    finally:
        await asyncio.to_thread(broker.stop)


async def _scenario(broker: KafkaBroker) -> None:
    kafka = KafkaSettings(bootstrap_servers=broker.bootstrap, send_timeout_seconds=2, partitions=1)
    await create_topics(kafka)
    registry = CollectorRegistry()
    metrics = IngestorMetrics(
        registry, feeds=("test",), instruments=(LEAD, "IWM.TEST"), streams={LEAD: ("test",)}
    )

    def dropped(kind: str) -> float:
        value = registry.get_sample_value(
            "convex_ingestor_ticks_dropped_total", {"instrument": LEAD, "kind": kind}
        )
        assert value is not None
        return value

    publisher = Publisher(kafka, client_id="test")
    retrying = RetryingPublisher(publisher, metrics=metrics, uniform=lambda: 0.5)
    sink = KafkaSink(
        retrying, routes={LEAD: (LEAD,), "IWM.TEST": (LEAD,)}, max_ticks=_MAX_TICKS, metrics=metrics
    )
    load = _Load(sink)
    sending, loading = asyncio.create_task(sink.run()), asyncio.create_task(load.run())
    try:
        await _until(lambda: load.rounds >= 100 or sending.done())
        await asyncio.to_thread(broker.kill)
        await _until(lambda: retrying.problem() is not None and dropped("quotes") >= 500)
        assert not sending.done()
        await asyncio.to_thread(broker.start)
        await loading
        sink.close()
        async with asyncio.timeout(60):
            await sending
        assert retrying.problem() is None
    finally:
        for task in (sending, loading):
            task.cancel()
        await asyncio.gather(sending, loading, return_exceptions=True)
        await publisher.__aexit__(None, None, None)

    async with ticks_reader(kafka) as log, Reader(kafka, topics.BARS.name) as bars:
        await log.until(
            lambda: any(
                isinstance(each, BarBatch) and each.bars[0].close == _ROUNDS for each in log.tick_records()
            )
        )
        await bars.until(lambda: len(set(bars.keys)) >= _ROUNDS // 10)
    # What was in flight at the kill may stand there twice, one after the other, in its order.
    values = list(dict.fromkeys(log.values))
    again = [number for number, value in enumerate(log.values) if value in log.values[:number]]
    for number in again:
        assert log.values[number - len(again)] == log.values[number]
    records = [decode_tick_record(value) for value in values]
    closes = [batch.bars[0].close for batch in records if isinstance(batch, BarBatch)]
    bids = np.concatenate([each.bid for each in records if isinstance(each, QuoteBatch)]).tolist()
    prices = np.concatenate([each.price for each in records if isinstance(each, TradeBatch)]).tolist()
    assert closes == [float(number) for number in range(10, _ROUNDS + 1, 10)]
    assert {BARS.decode(value).close for value in bars.values} == set(closes)
    for serials in (closes, bids, prices):
        assert all(early < late for early, late in pairwise(serials))
    assert len(bids) + dropped("quotes") == 10 * _ROUNDS
    assert len(prices) == _ROUNDS
    assert dropped("trades") == 0


async def test_ingestor_starts_without_kafka_and_waits_for_it() -> None:
    kafka = KafkaSettings(bootstrap_servers="127.0.0.1:9", send_timeout_seconds=0.5)
    registry = CollectorRegistry()
    metrics = IngestorMetrics(registry, feeds=("test",), instruments=(LEAD,), streams={LEAD: ("test",)})
    retrying = RetryingPublisher(Publisher(kafka, client_id="test"), metrics=metrics, uniform=lambda: 0.1)
    sink = KafkaSink(retrying, routes={LEAD: (LEAD,)}, max_ticks=_MAX_TICKS, metrics=metrics)
    sink.put_ticks(quotes(1.0))
    sending = asyncio.create_task(sink.run())
    failures = metrics.publish_failures.labels("ticks.v1")
    await _until(lambda: next(iter(failures.collect())).samples[0].value >= 3)
    assert not sending.done()
    assert retrying.problem() == "Kafka has not acknowledged the last record"
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
