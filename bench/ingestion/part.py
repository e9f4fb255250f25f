"""(f) From a websocket frame into Kafka: frames/s against a bare loop, added delay over a bare send."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.ingestion.flood_venue import FloodVenue
from bench.ingestion.log_watch import LogWatch
from bench.kafka_topics import add_topics
from bench.latency.bare_script import FIRST
from bench.latency.system import until
from bench.processes import require_running, running
from bench.report import Figure, against, measured
from shared.config import KafkaSettings
from shared.kafka.admin import create_topics
from tests.support.kafka_broker import KafkaBroker

_LEAD: Final = "PAXG/USD.KRAKEN"
_NOWHERE: Final = "http://127.0.0.1:9"
_START_SECONDS: Final = 60
_INGESTOR: Final = "ingestor: parse, validate, publish, acknowledged"
_BARE_READER: Final = "websockets, decodes JSON only"
_BARE_SENDER: Final = "aiokafka, one send for each frame"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """Rounds; quotes of a flood; quotes that are paced, and how many a second."""

    rounds: int
    flood: int
    paced: int
    per_second: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Results:
    """Quotes/s and milliseconds of each round, by contestant."""

    rates: dict[str, list[float]]
    delays: dict[str, list[list[float]]]


def run_part(*, is_quick: bool, on_round: Callable[[str], None]) -> tuple[str, list[Figure]]:
    """Measure, and return what on and the figures."""
    size = (
        _Size(rounds=2, flood=10_000, paced=150, per_second=100)
        if is_quick
        else _Size(rounds=6, flood=60_000, paced=1_000, per_second=200)
    )
    with tempfile.TemporaryDirectory(prefix="bench-ingestion-") as name:
        folder = Path(name)
        with KafkaBroker(folder / "kafka") as kafka:
            results = asyncio.run(_measure(kafka.bootstrap, folder, size, on_round))
    label = (
        f"{size.rounds} rounds of {size.flood:,} quotes as fast as they are read, and of {size.paced:,} at "
        f"{size.per_second}/s, made-up prices; Apache Kafka 4 on this machine"
    )
    return label, _figures(results, size)


async def _measure(bootstrap: str, folder: Path, size: _Size, on_round: Callable[[str], None]) -> _Results:
    kafka = KafkaSettings(bootstrap_servers=bootstrap, partitions=1)
    await create_topics(kafka)
    await add_topics(kafka, FIRST)
    on_round("starting the contestants")
    async with (
        FloodVenue() as venue,
        LogWatch(kafka, "ingestor") as ticks,
        LogWatch(kafka, "bare") as frames,
    ):
        with _contestants(bootstrap, folder, venue, size) as check:
            for name in ("ingestor", "reader", "sender"):
                await until(
                    lambda name=name: venue.is_ready(name),
                    check,
                    seconds=_START_SECONDS,
                    what=f"{name} subscribes",
                )
            # Caches, connections and the limits that are learned from the first quotes are then as they stay.
            await _flood_ingestor(venue, ticks, 2_000)
            results = _Results(rates={"ingestor": [], "reader": []}, delays={"ingestor": [], "sender": []})
            for number in range(size.rounds):
                order = 1 if number % 2 == 0 else -1
                for name in ("ingestor", "reader")[::order]:
                    on_round(f"round {number + 1} of {size.rounds}: flood of {name}")
                    flood = (
                        _flood_ingestor(venue, ticks, size.flood)
                        if name == "ingestor"
                        else _flood_reader(venue, size.flood)
                    )
                    results.rates[name].append(size.flood / await flood)
                for name in ("ingestor", "sender")[::order]:
                    on_round(f"round {number + 1} of {size.rounds}: single quotes of {name}")
                    watch = ticks if name == "ingestor" else frames
                    results.delays[name].append(await _paced(venue, name, watch, size))
                check()
    return results


@contextmanager
def _contestants(
    bootstrap: str, folder: Path, venue: FloodVenue, size: _Size
) -> Iterator[Callable[[], None]]:
    """Run the ingestor, the bare reader and the bare sender; yield a check that all still run."""
    pairs = folder / "pairs.toml"
    pairs.write_text(
        f'[[pair]]\nname = "gold-iwm"\ntitle = "Gold vs IWM"\nlead = "{_LEAD}"\nother = "IWM.ARCX"\n'
        'lead_title = "Gold"\nother_title = "IWM"\nis_proxy = true\n'
    )
    environ = {
        "CONVEX_PAIRS": str(pairs),
        "CONVEX_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "CONVEX_KAFKA_PARTITIONS": "1",
        "CONVEX_INGESTOR_FEED": "live",
        "CONVEX_INGESTOR_KRAKEN_WEBSOCKET_URL": venue.url("ingestor"),
        # Nothing here may reach out to a real provider.
        "CONVEX_INGESTOR_KRAKEN_REST_URL": _NOWHERE,
        "CONVEX_INGESTOR_COINBASE_REST_URL": _NOWHERE,
        "CONVEX_INGESTOR_COINBASE_WEBSOCKET_URL": "ws://127.0.0.1:9",
        "CONVEX_INGESTOR_YAHOO_URL": _NOWHERE,
    }
    logs = {name: folder / f"{name}.log" for name in ("ingestor", "reader", "sender")}
    reader = ["-m", "bench.ingestion.bare_reader", venue.url("reader"), str(size.flood)]
    sender = ["-m", "bench.ingestion.bare_sender", bootstrap, venue.url("sender")]
    with (
        running(["-m", "convex", "ingestor"], environ, logs["ingestor"]) as ingestor,
        running(reader, {}, logs["reader"]) as bare_reader,
        running(sender, {}, logs["sender"]) as bare_sender,
    ):

        def check() -> None:
            for process, log in zip((ingestor, bare_reader, bare_sender), logs.values(), strict=True):
                require_running(process, log)

        try:
            yield check
        except Exception as error:
            for name, log in logs.items():
                error.add_note(f"{name}:\n{log.read_text()[-2000:]}")
            raise


async def _flood_ingestor(venue: FloodVenue, ticks: LogWatch, count: int) -> float:
    """Return the seconds until every quote can be read from Kafka."""
    before, began = ticks.quotes, time.perf_counter()
    await venue.flood("ingestor", count)
    await ticks.until(before + count)
    return time.perf_counter() - began


async def _flood_reader(venue: FloodVenue, count: int) -> float:
    """Return the seconds until the bare reader has read every quote."""
    await until(lambda: venue.is_ready("reader"), lambda: None, seconds=_START_SECONDS, what="reader")
    began = time.perf_counter()
    await venue.flood("reader", count)
    await venue.until_closed("reader")
    return time.perf_counter() - began


async def _paced(venue: FloodVenue, name: str, watch: LogWatch, size: _Size) -> list[float]:
    """Return the milliseconds from each frame until its quote can be read from Kafka."""
    watch.is_timed = True
    before, began = watch.quotes, time.monotonic()
    prices = []
    for index in range(size.paced):
        await asyncio.sleep(max(0.0, began + index / size.per_second - time.monotonic()))
        prices.append(venue.next_price())
        await venue.quote(name, prices[-1])
    await watch.until(before + size.paced)
    watch.is_timed = False
    return [(watch.seen_ns[price] - venue.sent_ns[price]) / 1e6 for price in prices]


def _figures(results: _Results, size: _Size) -> list[Figure]:
    ours = results.rates["ingestor"]
    own = measured("f", _INGESTOR, ours, "frames/s")
    figures = [own, against(own, ours, _BARE_READER, results.rates["reader"], at_least=0.5)]
    for title, percent in (("p50", 50), ("p99", 99)):
        delays = {
            name: [statistics.quantiles(each, n=100)[percent - 1] for each in of_rounds]
            for name, of_rounds in results.delays.items()
        }
        delay = measured("f", f"frame to Kafka at {size.per_second}/s, {title}", delays["ingestor"], "ms")
        figures += [delay, against(delay, delays["ingestor"], _BARE_SENDER, delays["sender"])]
        added = [mine - theirs for mine, theirs in zip(delays["ingestor"], delays["sender"], strict=True)]
        at_most = 1.0 if percent == 99 else None
        figures.append(measured("f", f"added by the ingestor, {title}", added, "ms", at_most=at_most))
    return figures
