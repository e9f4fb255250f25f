"""Which pairs are shown after a record, and what operators see of their data."""

import asyncio
from dataclasses import replace

from prometheus_client import CollectorRegistry

from services.signals.core.pairs.snapshot import take_snapshot
from services.signals.metrics import SignalsMetrics
from services.signals.publishing.snapshot_scheduler import SnapshotScheduler
from services.signals.publishing.snapshots import SnapshotPublisher
from shared.config import KafkaSettings
from shared.domain.snapshots import PairSnapshot
from shared.domain.ticks import FeedState
from shared.kafka.publisher import Publisher
from tests.support.builders_market import ny, pair, status
from tests.support.pair_story import make_engine


async def test_thousands_of_pairs_are_shown_in_turn_and_news_at_once(embedded_broker: str) -> None:
    pairs = [replace(pair(), name=f"gold-x{number}", other=f"X{number}.TEST") for number in range(250)]
    engine = make_engine(*pairs)
    kafka = KafkaSettings(bootstrap_servers=embedded_broker, fetch_max_wait_ms=10)
    async with Publisher(kafka, client_id="test") as publisher:
        metrics = SignalsMetrics(CollectorRegistry(), pairs=[each.name for each in pairs])
        scheduler = SnapshotScheduler(metrics, SnapshotPublisher(publisher))

        def shown_at(second: int, *news: str) -> list[int]:
            """Return which pairs the gauges know to be at that second."""
            ns = ny("2019-06-03 10:00") + second * 1_000_000_000
            engine.apply(status(ns))
            scheduler.show(engine, news)
            (gauge,) = metrics.watermark.collect()
            times = {sample.labels["pair"]: sample.value for sample in gauge.samples}
            return [number for number, each in enumerate(pairs) if times.get(each.name) == ns / 1e9]

        assert shown_at(1) == list(range(100))
        assert shown_at(2, "gold-x7") == [7, *range(100, 200)]
        assert shown_at(3) == [*range(50), *range(200, 250)]
        await scheduler.flush()


async def test_a_leg_at_fault_is_gauged_until_it_is_well_or_another_worker_has_it(
    embedded_broker: str,
) -> None:
    engine = make_engine()
    kafka = KafkaSettings(bootstrap_servers=embedded_broker, fetch_max_wait_ms=10)
    async with Publisher(kafka, client_id="test") as publisher:
        metrics = SignalsMetrics(CollectorRegistry(), pairs=[pair().name])
        scheduler = SnapshotScheduler(metrics, SnapshotPublisher(publisher))

        def gauged() -> dict[str, float]:
            (gauge,) = metrics.leg_at_fault.collect()
            return {sample.labels["leg"]: sample.value for sample in gauge.samples}

        def on_state(state: FeedState, second: int) -> dict[str, float]:
            """Return the gauges after the lead's feed has said how it is."""
            effects = engine.apply(status(ny("2019-06-03 10:00") + second * 1_000_000_000, state=state))
            scheduler.show(engine, effects.changed)
            return gauged()

        assert gauged() == {"lead": 0, "other": 0}
        assert on_state(FeedState.STALE, 0) == {"lead": 0, "other": 0}
        assert on_state(FeedState.STALE, 60) == {"lead": 1, "other": 0}
        assert on_state(FeedState.LIVE, 61) == {"lead": 0, "other": 0}
        assert on_state(FeedState.STALE, 62) == {"lead": 0, "other": 0}
        assert on_state(FeedState.STALE, 122) == {"lead": 1, "other": 0}

        scheduler.forget(engine)

        assert gauged() == {"lead": 0, "other": 0}
        await scheduler.flush()


async def test_the_snapshot_that_waits_longest_is_sent_first(embedded_broker: str) -> None:
    engine, taken = make_engine(), list[str]()
    kafka = KafkaSettings(bootstrap_servers=embedded_broker, fetch_max_wait_ms=10)
    async with Publisher(kafka, client_id="test") as publisher:
        snapshots = SnapshotPublisher(publisher)

        def offer(name: str) -> None:
            """Offer a snapshot of a pair, and its next one when it is taken, up to the third."""

            def take() -> PairSnapshot:
                taken.append(name)
                if taken.count(name) < 3:
                    offer(name)
                return replace(take_snapshot(engine.monitors[0], engine.progress.watermark_ns), pair=name)

            snapshots.offer(name, 0, take, is_news=True)

        for name in ("gold-a", "gold-b", "gold-c"):
            offer(name)
        await snapshots.flush()

    assert taken == ["gold-a", "gold-b", "gold-c"] * 3


async def test_while_a_backlog_is_read_snapshots_wait_but_news_and_the_last_one_do_not(
    embedded_broker: str,
) -> None:
    engine, taken = make_engine(), list[int]()
    kafka = KafkaSettings(bootstrap_servers=embedded_broker, fetch_max_wait_ms=10)
    async with Publisher(kafka, client_id="test") as publisher:
        snapshots = SnapshotPublisher(publisher)

        def offer(second: int, *, is_news: bool = False) -> None:
            def take() -> PairSnapshot:
                taken.append(second)
                return take_snapshot(engine.monitors[0], engine.progress.watermark_ns)

            snapshots.offer("gold-iwm", second * 1_000_000_000, take, is_news=is_news)

        loop = asyncio.get_running_loop()
        began = loop.time()
        for second in range(1, 300):
            offer(second)
            await asyncio.sleep(0.001)
        seconds = loop.time() - began
        assert 1 <= len(taken) <= 2 + seconds / 0.1
        before = len(taken)
        offer(300, is_news=True)
        async with asyncio.timeout(5):
            while taken[before:] != [300]:  # noqa: ASYNC110  # taking sets no event
                await asyncio.sleep(0)
        offer(301)
        await snapshots.flush()
    assert taken[-1] == 301
