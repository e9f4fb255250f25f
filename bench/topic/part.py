"""(b) Ticks/s from the topic through the worker, on Apache Kafka."""

import asyncio
import itertools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
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
# A table that is written for each tick is so slow that few ticks say how slow.
_TABLE_TICKS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """Ticks in a record, ticks in the log, and rounds."""

    per_record: int
    ticks: int
    rounds: int


def run_part(*, is_quick: bool, on_round: Callable[[str], None]) -> tuple[str, list[Figure]]:
    """Measure, and return what on and the figures."""
    market = load_market()
    whole = len(market.quotes.ts_event_ns)
    sizes = (
        (_Size(per_record=500, ticks=100_000, rounds=2), _Size(per_record=1, ticks=5_000, rounds=1))
        if is_quick
        else (
            _Size(per_record=500, ticks=whole, rounds=7),
            _Size(per_record=2_000, ticks=whole, rounds=7),
            _Size(per_record=1, ticks=100_000, rounds=5),
        )
    )
    figures: list[Figure] = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="bench-kafka-") as name:
            folder = Path(name)
            with KafkaBroker(folder / "kafka") as kafka:
                results = _measure(market, kafka.bootstrap, folder, size=size, on_round=on_round)
        figures += _figures(results, size.per_record)
    return f"{market.label}; Apache Kafka 4 on this machine, one partition", figures


def _measure(
    market: Market, bootstrap: str, folder: Path, *, size: _Size, on_round: Callable[[str], None]
) -> dict[str, list[float]]:
    per_record, label = size.per_record, _ticks_per_record(size.per_record)
    on_round(f"{label}: writing the log")
    values = encode_log(market, ticks=size.ticks, ticks_per_record=per_record)
    asyncio.run(_prepare(KafkaSettings(bootstrap_servers=bootstrap, partitions=1), market, values))
    count, numbers = len(values), itertools.count()

    def ours() -> float:
        pair = f"gold-iwm-{per_record}-{next(numbers)}"
        records, seconds = measure_worker(bootstrap, pair=pair, records=count, folder=folder)
        return records * per_record / seconds

    def bare() -> float:
        return _rate(run_reader("bench.topic.bare_reader", bootstrap, str(count)), size.ticks)

    def quix() -> float:
        group = f"quix-{per_record}-{next(numbers)}"
        return _rate(run_reader("bench.topic.quix_reader", bootstrap, str(count), group), size.ticks)

    def table(topic: str, wanted: int) -> Callable[[], float]:
        def run() -> float:
            group = f"table-{per_record}-{next(numbers)}"
            found = run_reader("bench.topic.faust_table_reader", bootstrap, topic, str(wanted), group)
            return found["ticks"] / found["seconds"]

        return run

    contestants = {_OURS: ours, _BARE: bare, _QUIX: quix}
    if per_record == 500:
        contestants |= {
            _TABLE_SINGLE: table(_SINGLES, _TABLE_TICKS),
            _TABLE_SAME: table(TICKS.name, 10 * per_record),
        }
    if per_record == 1:
        contestants[_TABLE_SAME] = table(TICKS.name, _TABLE_TICKS)
    return interleave(contestants, size.rounds, lambda text: on_round(f"{label}, {text}"))


async def _prepare(kafka: KafkaSettings, market: Market, values: list[bytes]) -> None:
    await create_topics(kafka)
    await write_log(kafka, values, key=_LEAD)
    singles = [encode_tick_record(record) for record in batches(market.head(_TABLE_TICKS), 1)]
    await add_topics(kafka, _SINGLES)
    await write_log(kafka, singles, key=_LEAD, topic=_SINGLES)


def _rate(found: dict[str, float], ticks: int) -> float:
    assert found["ticks"] == ticks, f"read {found['ticks']} ticks of {ticks}"
    return ticks / found["seconds"]


def _figures(results: dict[str, list[float]], per_record: int) -> list[Figure]:
    ours = results[_OURS]
    goals = {"at_least": 300_000} if per_record == 500 else {}
    ratio_goals = {"at_least": 0.8} if per_record == 500 else {}
    own = measured("b", f"worker, {_ticks_per_record(per_record)}", ours, "ticks/s", **goals)
    figures = [own] + [against(own, ours, name, results[name], **ratio_goals) for name in (_BARE, _QUIX)]
    notes = {
        _TABLE_SINGLE: "one tick in each record, as Faust's documentation would do it",
        _TABLE_SAME: "kinder: the record's cost is shared by its ticks" if per_record > 1 else "",
    }
    for name, note in notes.items():
        if name in results:
            table_goals = {"at_least": 100} if per_record > 1 else {}
            figures.append(against(own, ours, name, results[name], note=note, **table_goals))
    return figures


def _ticks_per_record(count: int) -> str:
    return f"{count:,} tick{'s' if count > 1 else ''} per record"
