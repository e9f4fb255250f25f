"""One instrument in the logs of several leads: its ticks, statuses and bars, and what each queue drops."""

import asyncio
from dataclasses import replace

import numpy as np
from prometheus_client import CollectorRegistry

from services.ingestor.kafka.retrying_publisher import RetryingPublisher
from services.ingestor.kafka.sink import KafkaSink
from services.ingestor.metrics import IngestorMetrics
from shared.config import KafkaSettings
from shared.contracts.ticks import TickRecord, decode_tick_record
from shared.domain.bars import BarBatch
from shared.domain.pairs import routes_of
from shared.domain.ticks import FeedAuthority, FeedFault, FeedStatus, QuoteBatch, TradeBatch
from shared.kafka.publisher import Publisher
from tests.integration.ingestor.harness import ticks_reader
from tests.support.builders_market import pair
from tests.unit.ingestor.ticks import bar, quotes, status, trades

GOLD, BITCOIN, SILVER, IWM = "XAU/USD.TEST", "BTC/USD.TEST", "XAG/USD.TEST", "IWM.TEST"
# Bitcoin is the other leg of two leads, and leads a pair itself.
PAIRS = (
    pair("gold-bitcoin", lead=GOLD, other=BITCOIN),
    pair("silver-bitcoin", lead=SILVER, other=BITCOIN),
    pair("bitcoin-iwm", lead=BITCOIN, other=IWM),
    pair("gold-iwm", lead=GOLD, other=IWM),
)


class _Wired:
    def __init__(self, kafka: KafkaSettings, *, max_ticks: int = 5_000) -> None:
        self.registry = CollectorRegistry()
        routes = routes_of(PAIRS)
        metrics = IngestorMetrics(
            self.registry,
            feeds=("test",),
            instruments=routes,
            streams=dict.fromkeys((GOLD, BITCOIN, SILVER), ("test",)),
        )
        self.publisher = Publisher(kafka, client_id="test")
        publisher = RetryingPublisher(self.publisher, metrics=metrics, uniform=lambda: 0.1)
        self.sink = KafkaSink(publisher, routes=routes, max_ticks=max_ticks, metrics=metrics)

    async def send_all(self) -> None:
        self.sink.close()
        async with asyncio.timeout(20), self.publisher:
            await self.sink.run()

    def count(self, metric: str, **labels: str) -> float:
        value = self.registry.get_sample_value(f"convex_ingestor_{metric}", labels)
        assert value is not None, metric
        return value


async def _logs(kafka: KafkaSettings, ticks: int) -> dict[str, list[TickRecord]]:
    """Return the log of each lead once so many ticks stand in all of them."""
    logs: dict[str, list[TickRecord]] = {}
    async with ticks_reader(kafka) as reader:
        await reader.until(
            lambda: (
                sum(
                    len(each.ts_event_ns)
                    for each in reader.tick_records()
                    if isinstance(each, QuoteBatch | TradeBatch)
                )
                >= ticks
            )
        )
        for key, value in zip(reader.keys, reader.values, strict=True):
            logs.setdefault(key, []).append(decode_tick_record(value))
    return logs


def _names(log: list[TickRecord]) -> list[tuple[str, str]]:
    return [(type(record).__name__, record.instrument) for record in log]


async def test_ticks_statuses_and_bars_go_to_every_lead_and_to_the_own_log(kafka: KafkaSettings) -> None:
    wired = _Wired(kafka)
    sink = wired.sink
    sink.put_bars((bar("2020-03-18"),), is_history=True)
    sink.put_ticks(quotes(1.0, instrument=GOLD))
    sink.put_ticks(quotes(80_000.0, instrument=BITCOIN))
    sink.put_ticks(replace(trades(80_001.0), instrument=BITCOIN))
    sink.put_status(replace(status(5), instrument=BITCOIN))
    sink.put_status(replace(status(6), instrument=SILVER))
    await wired.send_all()

    of_bitcoin = [("QuoteBatch", BITCOIN), ("TradeBatch", BITCOIN), ("FeedStatus", BITCOIN)]
    logs = await _logs(kafka, 7)
    assert {lead: _names(log) for lead, log in logs.items()} == {
        GOLD: [("BarBatch", IWM), ("QuoteBatch", GOLD), *of_bitcoin],
        SILVER: [*of_bitcoin, ("FeedStatus", SILVER)],
        BITCOIN: [("BarBatch", IWM), *of_bitcoin],
    }
    # Received once, published once for each lead.
    assert wired.count("ticks_received_total", feed="test") == 3
    for lead in (GOLD, SILVER, BITCOIN):
        quotes_published = 2 if lead == GOLD else 1
        assert wired.count("records_published_total", instrument=lead, kind="quotes") == quotes_published
    assert wired.count("feed_open", feed="test", instrument=BITCOIN) == 1
    assert wired.count("feed_open", feed="test", instrument=GOLD) == 0
    assert wired.count("last_tick_timestamp_seconds", feed="test", instrument=GOLD) > 0
    assert wired.count("last_tick_timestamp_seconds", feed="test", instrument=SILVER) == 0


async def test_each_queue_drops_its_own_oldest_and_counts_them(kafka: KafkaSettings) -> None:
    wired = _Wired(kafka, max_ticks=2_000)
    for number in range(300):
        wired.sink.put_ticks(quotes(*(1.0 + 10 * number + i for i in range(10)), instrument=BITCOIN))
    wired.sink.put_ticks(quotes(*(1.0 + i for i in range(50)), instrument=GOLD))

    assert wired.count("ticks_dropped_total", instrument=SILVER, kind="quotes") == 1_000
    assert wired.count("ticks_dropped_total", instrument=GOLD, kind="quotes") == 1_050
    await wired.send_all()
    logs = await _logs(kafka, 6_000)
    bids = {
        lead: np.concatenate([each.bid for each in log if isinstance(each, QuoteBatch)]).tolist()
        for lead, log in logs.items()
    }
    assert bids[SILVER] == bids[BITCOIN] == [1_001.0 + i for i in range(2_000)]
    assert bids[GOLD] == [*(1_051.0 + i for i in range(1_950)), *(1.0 + i for i in range(50))]


async def test_legs_that_tick_in_turn_keep_their_order_and_leave_many_at_once(kafka: KafkaSettings) -> None:
    """Would have caught: a record each, and each waited for the acknowledgement of the one before."""
    wired = _Wired(kafka)
    for number in range(1_000):
        leg = GOLD if number % 2 else BITCOIN
        wired.sink.put_ticks(quotes(1.0 + number, instrument=leg, first_ns=number))
        if number % 100 == 0:
            wired.sink.put_status(replace(status(number), instrument=leg))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await wired.send_all()
    took = loop.time() - began

    logs = await _logs(kafka, 2_000)
    for lead, count in ((GOLD, 1_000), (BITCOIN, 500)):
        instants = [int(each.ts_event_ns[0]) for each in logs[lead] if isinstance(each, QuoteBatch)]
        assert instants == sorted(instants)
        found = sum(len(each.bid) for each in logs[lead] if isinstance(each, QuoteBatch))
        assert found == count
    assert took < 5.0


async def test_room_is_waited_for_in_every_log(kafka: KafkaSettings) -> None:
    wired = _Wired(kafka, max_ticks=4_000)
    wired.sink.put_ticks(quotes(*(1.0 + i for i in range(3_000)), instrument=SILVER))
    await asyncio.wait_for(wired.sink.wait_for_room(GOLD), 1)
    waiting = asyncio.create_task(wired.sink.wait_for_room(BITCOIN))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await wired.send_all()
    await asyncio.wait_for(waiting, 1)


def test_kinds_of_records_are_all_named() -> None:
    assert {QuoteBatch, TradeBatch, FeedStatus, FeedAuthority, FeedFault, BarBatch} == set(
        TickRecord.__args__
    )
