"""(d) Thousands of pairs of one lead: ticks, memory, and the way back after a restart."""

import asyncio
import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.market import Market, batches, load_market
from bench.processes import run_reader
from bench.report import Figure, against, measured
from bench.rounds import interleave
from bench.scale.many_pairs import engine_of_many
from bench.scale.restoring import read_bare, restore_worker, write_checkpoints
from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.engine import LeadEngine
from shared.config import KafkaSettings
from shared.domain.ticks import QuoteBatch
from tests.support.kafka_broker import KafkaBroker

_BATCH = 500
_OURS, _LOOP, _MATRIX, _BARE = (
    "ours",
    "numpy, a loop over pairs",
    "numpy, all pairs at once",
    "aiokafka, reads only",
)
# An hour and a quarter: what stood beyond a level at the start has opened by then.
_WARM_TICKS = 5_000
_KIB = 1024


def run_part(*, is_quick: bool, on_round: Callable[[str], None]) -> tuple[str, list[Figure]]:
    """Measure, and return what on and the figures."""
    market = load_market()
    rounds, ticks = (2, 5_000) if is_quick else (4, 20_000)
    figures: list[Figure] = []
    for pairs in (1, 100, 1_000 if is_quick else 10_000):
        figures += _ticks(market, pairs=pairs, ticks=ticks, rounds=rounds, on_round=on_round)
    figures += _memory(pairs=200 if is_quick else 2_000, on_round=on_round)
    figures += _restore(
        market, pairs=200 if is_quick else 1_000, rounds=2 if is_quick else 7, on_round=on_round
    )
    return f"{market.label}; the other legs are random walks", figures


# -- ticks ------------------------------------------------------------------------------------------------


def _ticks(
    market: Market, *, pairs: int, ticks: int, rounds: int, on_round: Callable[[str], None]
) -> list[Figure]:
    on_round(f"{pairs:,} pairs: filling the windows")
    engine = engine_of_many(pairs, sessions=252, market=market)
    whole = batches(market.head(_WARM_TICKS + rounds * ticks), _BATCH)
    for record in whole[: _WARM_TICKS // _BATCH]:
        engine.apply(record)
    chunks = _chunks(whole[_WARM_TICKS // _BATCH :], ticks // _BATCH)
    events: list[int] = []

    def ours() -> float:
        records = next(chunks)
        gc.collect()
        began = time.process_time()
        events.append(sum(len(engine.apply(record).events) for record in records))
        return ticks * pairs / (time.process_time() - began)

    # What a tick costs them does not depend on the tick, so they need not see as many.
    few = whole[: max(1, min(40, 100_000 // (pairs * 5)))]
    results = interleave(
        {_OURS: ours, _LOOP: _numpy(_loop, engine, few), _MATRIX: _numpy(_matrix, engine, few)},
        rounds,
        lambda text: on_round(f"{pairs:,} pairs: {text}"),
    )
    goal = {"at_least": 100e6} if pairs == 10_000 else {}
    micros = sorted(pairs / value * 1e6 for value in results[_OURS])
    own = measured(
        "d",
        f"{pairs:,} pairs, batches of {_BATCH}",
        results[_OURS],
        "evaluations/s",
        note=f"a tick takes {micros[0]:.3g} to {micros[-1]:.3g} µs; events in the rounds: "
        f"{', '.join(map(str, events))}",
        **goal,
    )
    return [own, *(against(own, results[_OURS], name, results[name]) for name in (_LOOP, _MATRIX))]


def _chunks(records: list[QuoteBatch], size: int) -> Iterator[list[QuoteBatch]]:
    return iter([records[begin : begin + size] for begin in range(0, len(records), size)])


def _numpy(
    count: Callable[[NDArray[np.float64], NDArray[np.float64]], int],
    engine: LeadEngine,
    records: list[QuoteBatch],
) -> Callable[[], float]:
    """Return a run that asks of each tick and pair only whether z is at or above the warning."""
    rows = [
        (price, monitor.statistics.base.mean, monitor.statistics.base.std)
        for monitor in engine.monitors
        if monitor.statistics.base is not None and (price := monitor.legs.other_price()) is not None
    ]
    assert len(rows) == len(engine.monitors)
    columns = np.array(rows).T

    def run() -> float:
        gc.collect()
        began = time.process_time()
        for record in records:
            count(record.bid * 0.5 + record.ask * 0.5, columns)
        done = sum(len(record.ts_event_ns) for record in records) * len(rows)
        return done / (time.process_time() - began)

    return run


def _loop(mids: NDArray[np.float64], columns: NDArray[np.float64]) -> int:
    beyond = 0
    for other, mean, std in columns.T.tolist():
        z = (np.log(mids / other) - mean) / std
        beyond += int(np.count_nonzero(np.abs(z) >= Rule().warning))
    return beyond


def _matrix(mids: NDArray[np.float64], columns: NDArray[np.float64]) -> int:
    other, mean, std = columns
    z = (np.log(mids[:, None] / other) - mean) / std
    return int(np.count_nonzero(np.abs(z) >= Rule().warning))


# -- memory -----------------------------------------------------------------------------------------------


def _memory(*, pairs: int, on_round: Callable[[str], None]) -> list[Figure]:
    figures = []
    for sessions in (252, 800):
        for how, name in (("traced", "as Python counts"), ("resident", "as the system counts")):
            on_round(f"memory with {sessions} sessions, {name}")
            found = run_reader("bench.scale.memory", str(pairs), str(sessions), how, timeout_seconds=600)
            figures.append(
                measured(
                    "d",
                    f"memory of a pair, {sessions} sessions, {name}",
                    [found["bytes_per_pair"] / _KIB],
                    "KiB",
                    at_most=16,
                )
            )
    return figures


# -- restore ----------------------------------------------------------------------------------------------


def _restore(market: Market, *, pairs: int, rounds: int, on_round: Callable[[str], None]) -> list[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-kafka-") as name,
        KafkaBroker(Path(name) / "kafka") as broker,
    ):
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap, partitions=1)
        on_round("writing checkpoints")
        size = asyncio.run(write_checkpoints(kafka, pairs=pairs, sessions=252, market=market))
        results = interleave(
            {_OURS: lambda: restore_worker(kafka, pairs=pairs), _BARE: lambda: read_bare(kafka)},
            rounds,
            lambda text: on_round(f"restore, {text}"),
        )
    own = measured(
        "d",
        f"restore of {pairs:,} pairs with 252 sessions",
        results[_OURS],
        "s",
        at_most=2,
        note=f"from the assignment to the first record; Apache Kafka, {size / pairs / _KIB:.1f} KiB a pair",
    )
    return [own, against(own, results[_OURS], _BARE, results[_BARE])]
