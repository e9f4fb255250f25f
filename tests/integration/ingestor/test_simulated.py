"""The simulated market through the whole ingestor, on the embedded broker."""

from dataclasses import replace
from itertools import pairwise

import pytest

from services.ingestor.config import IngestorSettings
from shared.config import KafkaSettings
from shared.contracts.records import BARS
from shared.domain.bars import BarBatch, BarsMode
from shared.domain.ticks import FeedStatus, QuoteBatch
from shared.errors import ConfigError
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
    assert [batch.instrument for batch in history] == [
        "XAU/USD.SIMULATED",
        "IWM.SIMULATED",
        "BTC/USD.SIMULATED",
    ]
    assert all(len(batch.bars) >= 700 for batch in history)
    assert records[:3] == history
    quotes = [record for record in records if isinstance(record, QuoteBatch)]
    events = [int(ts) for batch in quotes for ts in batch.ts_event_ns]
    assert events == sorted(events)
    for instrument, least in (("XAU/USD.SIMULATED", 500), ("BTC/USD.SIMULATED", 125)):
        assert sum(len(batch.bid) for batch in quotes if batch.instrument == instrument) > least
    statuses = [record for record in records if isinstance(record, FeedStatus)]
    assert {(status.feed, status.instrument) for status in statuses} == {
        ("simulated", "XAU/USD.SIMULATED"),
        ("simulated", "BTC/USD.SIMULATED"),
    }
    come_to = 0
    for record in records:
        match record:
            case QuoteBatch():
                come_to = max(come_to, int(record.ts_event_ns[-1]))
            case FeedStatus():
                assert record.watermark_ns >= come_to
                come_to = record.watermark_ns


async def test_bars_reach_the_compacted_topic_once_each(kafka: KafkaSettings) -> None:
    settings = IngestorSettings(feed="simulated", simulated_speed=9_000)
    async with running(kafka, settings, load_pairs("simulated")), Reader(kafka, topics.BARS.name) as bars:
        await bars.until(lambda: len(bars.values) >= 2_161)
    assert len(set(bars.keys)) == len(bars.keys)
    decoded = {key: BARS.decode(value) for key, value in zip(bars.keys, bars.values, strict=True)}
    assert all(key == f"{bar.instrument}|{bar.session}" for key, bar in decoded.items())
    assert "IWM.SIMULATED|2025-03-12" in decoded


async def test_status_of_each_leg_that_ticks_is_said_at_least_once_a_second(kafka: KafkaSettings) -> None:
    settings = IngestorSettings(feed="simulated", simulated_ticks_per_second=2)
    async with running(kafka, settings, load_pairs("simulated")), ticks_reader(kafka) as log:
        await log.until(lambda: sum(isinstance(record, FeedStatus) for record in log.tick_records()) >= 10)
    for instrument in ("XAU/USD.SIMULATED", "BTC/USD.SIMULATED"):
        at_ms = [
            at
            for at, record in zip(log.timestamps_ms, log.tick_records(), strict=True)
            if isinstance(record, FeedStatus) and record.instrument == instrument
        ]
        assert len(at_ms) >= 4
        assert all(late - early <= 1_000 for early, late in pairwise(at_ms))


async def test_pairs_of_two_leads_are_no_market_that_is_simulated(kafka: KafkaSettings) -> None:
    gold_iwm, _ = load_pairs("simulated")
    silver = replace(gold_iwm, name="silver-iwm", lead="XAG/USD.SIMULATED")
    with pytest.raises(ConfigError, match=r"one lead, CONVEX_PAIRS has 2: XAU/USD\.SIMULATED, XAG/USD"):
        async with running(kafka, IngestorSettings(feed="simulated"), (gold_iwm, silver)) as ingestor:
            await ingestor
