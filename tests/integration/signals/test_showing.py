"""Which pairs are shown after a record."""

from dataclasses import replace

from prometheus_client import CollectorRegistry

from services.signals.core.effects import Effects
from services.signals.metrics import SignalsMetrics
from services.signals.publishing.showing import Showing
from services.signals.publishing.snapshots import SnapshotPublisher
from shared.config import KafkaSettings
from shared.kafka.publisher import Publisher
from tests.support.builders_market import ny, pair, status
from tests.support.pair_story import make_engine


async def test_thousands_of_pairs_are_shown_in_turn_and_news_at_once(embedded_broker: str) -> None:
    pairs = [replace(pair(), name=f"gold-x{number}", other=f"X{number}.TEST") for number in range(250)]
    engine = make_engine(*pairs)
    kafka = KafkaSettings(bootstrap_servers=embedded_broker, fetch_max_wait_ms=10)
    async with Publisher(kafka, client_id="test") as publisher:
        metrics = SignalsMetrics(CollectorRegistry(), pairs=[each.name for each in pairs])
        showing = Showing(metrics, SnapshotPublisher(publisher))

        def shown_at(second: int, *news: str) -> list[int]:
            """Return which pairs the gauges know to be at that second."""
            ns = ny("2019-06-03 10:00") + second * 1_000_000_000
            engine.apply(status(ns))
            effects = Effects()
            effects.changed.update(news)
            showing.show(engine, effects)
            (gauge,) = metrics.watermark.collect()
            times = {sample.labels["pair"]: sample.value for sample in gauge.samples}
            return [number for number, each in enumerate(pairs) if times.get(each.name) == ns / 1e9]

        assert shown_at(1) == list(range(100))
        assert shown_at(2, "gold-x7") == [7, *range(100, 200)]
        assert shown_at(3) == [*range(50), *range(200, 250)]
        await showing.flush()
