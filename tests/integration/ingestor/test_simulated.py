"""The simulated market through the whole ingestor, on the embedded broker."""

from itertools import pairwise

from services.ingestor.config import IngestorSettings
from shared.config import KafkaSettings
from shared.contracts.records import BARS
from shared.domain.bars import BarBatch, BarsMode
from shared.domain.ticks import FeedStatus, QuoteBatch
from shared.kafka import topics
from shared.pairs.loading import load_pairs
from tests.integration.ingestor.harness import Reader, running, ticks_reader


async def test_simulated_market_fills_the_log_of_its_lead_in_one_order(kafka: KafkaSettings) -> None:
    settings = IngestorSettings(feed="simulated", simulated_speed=9_000, simulated_ticks_per_second=1_000)
    async with running(kafka, settings, load_pairs("simulated")), ticks_reader(kafka) as log:
        await log.until(
            lambda: any(
                isinstance(record, BarBatch) and record.mode is BarsMode.LIVE for record in log.tick_records()
            )
        )
    records = log.tick_records()
    assert set(log.keys) == {"XAU/USD.SIMULATED"}
    history = [
        record for record in records if isinstance(record, BarBatch) and record.mode is BarsMode.HISTORY
    ]
    assert [batch.instrument for batch in history] == ["XAU/USD.SIMULATED", "IWM.SIMULATED"]
    assert all(len(batch.bars) >= 700 for batch in history)
    assert records[:2] == history
    quotes = [record for record in records if isinstance(record, QuoteBatch)]
    events = [int(ts) for batch in quotes for ts in batch.ts_event_ns]
    assert events == sorted(events)
    assert len(events) > 500
    statuses = [record for record in records if isinstance(record, FeedStatus)]
    assert statuses
    assert {status.feed for status in statuses} == {"simulated"}


async def test_bars_reach_the_compacted_topic_once_each(kafka: KafkaSettings) -> None:
    settings = IngestorSettings(feed="simulated", simulated_speed=9_000)
    async with running(kafka, settings, load_pairs("simulated")), Reader(kafka, topics.BARS.name) as bars:
        await bars.until(lambda: len(bars.values) >= 1_441)
    assert len(set(bars.keys)) == len(bars.keys)
    decoded = {key: BARS.decode(value) for key, value in zip(bars.keys, bars.values, strict=True)}
    assert all(key == f"{bar.instrument}|{bar.session}" for key, bar in decoded.items())
    assert "IWM.SIMULATED|2025-03-12" in decoded


async def test_status_is_said_at_least_once_a_second(kafka: KafkaSettings) -> None:
    settings = IngestorSettings(feed="simulated", simulated_ticks_per_second=2)
    async with running(kafka, settings, load_pairs("simulated")), ticks_reader(kafka) as log:
        await log.until(lambda: sum(isinstance(record, FeedStatus) for record in log.tick_records()) >= 5)
    at_ms = [
        at
        for at, record in zip(log.timestamps_ms, log.tick_records(), strict=True)
        if isinstance(record, FeedStatus)
    ]
    assert all(late - early <= 1_000 for early, late in pairwise(at_ms))
