"""(b) Ticks/s from the topic through the worker, on Apache Kafka."""

import asyncio
import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.kafka_topics import add_topics
from bench.market import Market, batches, load_market
from bench.processes import run_reader
from bench.report import Figure, against, measured
from bench.rounds import interleave
from bench.topic.log import encode_log, write_log
from bench.topic.worker import measure_worker
from shared.config import KafkaSettings
from shared.contracts.ticks import encode_tick_record
from shared.kafka.admin import create_topics
from shared.kafka.topics import TICKS
from tests.support.kafka_broker import KafkaBroker

_LEAD = "XAU/USD.REPLAY"
_SINGLES = "bench-singles"
_OURS, _BARE, _QUIX = "ours", "aiokafka, decodes only", "quixstreams, same statistics"
_TABLE_SAME, _TABLE_SINGLE = "Faust, table per tick, same records", "Faust, table per tick, a record per tick"


def run_part(*, is_quick: bool, on_round: Callable[[str], None]) -> tuple[str, list[Figure]]:
    """Measure, and return what on and the figures."""
    market = load_market()
    ticks = 200_000 if is_quick else len(market.quotes.ts_event_ns)
    rounds = 2 if is_quick else 7
    figures: list[Figure] = []
    for size in (500, 2_000):
        with tempfile.TemporaryDirectory(prefix="bench-kafka-") as name:
            folder = Path(name)
            with KafkaBroker(folder / "kafka") as kafka:
                results = _measure(
                    market,
                    kafka.bootstrap,
                    folder,
                    size=size,
                    ticks=ticks,
                    rounds=rounds,
                    on_round=on_round,
                )
        figures += _figures(results, size)
    return f"{market.label}; Apache Kafka 4 on this machine, one partition", figures


def _measure(
    market: Market,
    bootstrap: str,
    folder: Path,
    *,
    size: int,
    ticks: int,
    rounds: int,
    on_round: Callable[[str], None],
) -> dict[str, list[float]]:
    on_round(f"{size} ticks per record: writing the log")
    values = encode_log(market, ticks=ticks, ticks_per_record=size)
    few = 2_000
    asyncio.run(_prepare(KafkaSettings(bootstrap_servers=bootstrap, partitions=1), market, values, few))
    count, numbers = len(values), itertools.count()

    def ours() -> float:
        pair = f"gold-iwm-{size}-{next(numbers)}"
        return ticks / measure_worker(bootstrap, pair=pair, records=count, folder=folder)

    def bare() -> float:
        return _rate(run_reader("bench.topic.bare_reader", bootstrap, str(count)), ticks)

    def quix() -> float:
        group = f"quix-{size}-{next(numbers)}"
        return _rate(run_reader("bench.topic.quix_reader", bootstrap, str(count), group), ticks)

    def table(topic: str, wanted: int) -> Callable[[], float]:
        def run() -> float:
            group = f"table-{size}-{next(numbers)}"
            found = run_reader("bench.topic.faust_table_reader", bootstrap, topic, str(wanted), group)
            return found["ticks"] / found["seconds"]

        return run

    contestants = {_OURS: ours, _BARE: bare, _QUIX: quix}
    if size == 500:
        contestants |= {_TABLE_SINGLE: table(_SINGLES, few), _TABLE_SAME: table(TICKS.name, 10 * size)}
    return interleave(contestants, rounds, lambda text: on_round(f"{size} ticks per record, {text}"))


async def _prepare(kafka: KafkaSettings, market: Market, values: list[bytes], few: int) -> None:
    await create_topics(kafka)
    await write_log(kafka, values, key=_LEAD)
    singles = [encode_tick_record(record) for record in batches(market.head(few), 1)]
    await add_topics(kafka, _SINGLES)
    await write_log(kafka, singles, key=_LEAD, topic=_SINGLES)


def _rate(found: dict[str, float], ticks: int) -> float:
    assert found["ticks"] == ticks, f"read {found['ticks']} ticks of {ticks}"
    return ticks / found["seconds"]


def _figures(results: dict[str, list[float]], size: int) -> list[Figure]:
    ours = results[_OURS]
    goals = {"at_least": 300_000} if size == 500 else {}
    own = measured("b", f"worker, {size} ticks per record", ours, "ticks/s", **goals)
    figures = [own, against(own, ours, _BARE, results[_BARE], at_least=0.5)]
    figures.append(against(own, ours, _QUIX, results[_QUIX]))
    notes = {
        _TABLE_SINGLE: "one tick in each record, as Faust's documentation would do it",
        _TABLE_SAME: "kinder: the record's cost is shared by its ticks",
    }
    for name, note in notes.items():
        if name in results:
            figures.append(against(own, ours, name, results[name], at_least=100, note=note))
    return figures
