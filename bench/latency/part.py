"""(c) From a websocket frame to the webhook's 2xx at 10 ticks/s, on Apache Kafka."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.kafka_topics import add_topics
from bench.latency.bare_script import FIRST, SECOND
from bench.latency.hops import median_hops, notifier_hops, read_stamps
from bench.latency.receiver import SECRET, Receiver
from bench.latency.story import LEAD, Story
from bench.latency.system import until, whole_system
from bench.latency.venue import Venue
from bench.processes import require_running, running
from bench.report import Figure, against, measured
from bench.topic.log import write_log
from shared.config import KafkaSettings
from shared.kafka.admin import create_topics
from tests.support.kafka_broker import KafkaBroker

_PER_SECOND = 10
# Three services start at once, on a machine that may be busy.
_START_SECONDS = 120
_NAMES = ("system", "bare")
_TITLE = "whole system: ingestor, signals, notifier"
_BARE = "bare script"


def run_part(*, is_quick: bool, on_round: Callable[[str], None]) -> tuple[str, list[Figure]]:
    """Measure, and return what on and the figures."""
    rounds, ticks = (2, 40) if is_quick else (6, 200)
    with tempfile.TemporaryDirectory(prefix="bench-latency-") as name:
        folder = Path(name)
        with KafkaBroker(folder / "kafka") as kafka:
            run = _measure(kafka.bootstrap, folder, rounds=rounds, ticks=ticks, on_round=on_round)
            latencies, hops = asyncio.run(run)
    label = (
        f"{rounds} rounds of {ticks} ticks each way, made-up prices, an event for each tick; Apache Kafka 4"
    )
    return label, _figures(latencies, hops)


async def _measure(
    bootstrap: str, folder: Path, *, rounds: int, ticks: int, on_round: Callable[[str], None]
) -> tuple[dict[str, list[list[float]]], dict[str, dict[str, float]]]:
    kafka = KafkaSettings(bootstrap_servers=bootstrap, partitions=1)
    await create_topics(kafka)
    await add_topics(kafka, FIRST, SECOND)
    story = Story(before_ns=time.time_ns())
    await write_log(kafka, story.history, key=LEAD)
    async with Venue() as venue, Receiver() as receiver:
        bare = ["-m", "bench.latency.bare_script", bootstrap, venue.url("bare"), receiver.url("bare"), SECRET]
        bare_log = folder / "bare.log"
        with (
            whole_system(
                bootstrap, folder, websocket=venue.url("system"), webhook=receiver.url("system")
            ) as check_system,
            running(bare, {}, bare_log) as bare_process,
        ):

            def check() -> None:
                check_system()
                require_running(bare_process, bare_log)

            player = _Player(venue, receiver, story, check)
            on_round("starting the services")
            for name in _NAMES:
                await until(
                    lambda name=name: venue.is_ready(name),
                    check,
                    seconds=_START_SECONDS,
                    what=f"{name} subscribes",
                )
                await player.warm_up(name)
            latencies: dict[str, list[list[float]]] = {name: [] for name in _NAMES}
            for number in range(rounds):
                for name in _NAMES if number % 2 == 0 else reversed(_NAMES):
                    on_round(f"round {number + 1} of {rounds}: {name}")
                    latencies[name].append(await player.play(name, ticks))
        assert receiver.refused == 0, f"{receiver.refused} webhooks had a bad signature"
        stamps = await read_stamps(kafka)
        answered = receiver.answered_ns
        hops = {name: median_hops(stamps[name], player.sent[name], answered) for name in _NAMES}
        hops["notifier"] = notifier_hops(folder / "notifier.db", stamps["system"], answered)
    return latencies, hops


class _Player:
    """Send ticks at an even rate and see when their webhooks are answered."""

    def __init__(self, venue: Venue, receiver: Receiver, story: Story, check: Callable[[], None]) -> None:
        self._venue, self._receiver, self._story, self._check = venue, receiver, story, check
        self._number = 0
        self._is_critical = dict.fromkeys(_NAMES, False)
        self.sent: dict[str, dict[float, int]] = {name: {} for name in _NAMES}

    async def warm_up(self, name: str) -> None:
        """Send ticks until webhooks come back, then a few more: caches and connections are warm."""
        deadline = time.monotonic() + _START_SECONDS
        kind = "snapshot"
        while True:
            price = await self._send(name, kind=kind)
            kind = "update"
            await asyncio.sleep(0.3)
            if price in self._receiver.answered_ns:
                break
            self._check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"no webhook of {name} after {_START_SECONDS} s")
        await self.play(name, 20)
        self.sent[name].clear()

    async def play(self, name: str, ticks: int) -> list[float]:
        """Send ticks and return the milliseconds from each frame to its webhook's answer."""
        prices, began = [], time.monotonic()
        for index in range(ticks):
            await asyncio.sleep(max(0.0, began + index / _PER_SECOND - time.monotonic()))
            prices.append(await self._send(name))
        answered = self._receiver.answered_ns
        await until(
            lambda: all(price in answered for price in prices),
            self._check,
            seconds=30,
            what=f"webhooks of {name}",
        )
        sent = self._venue.sent_ns
        self.sent[name] |= {price: sent[price] for price in prices}
        return [(answered[price] - sent[price]) / 1e6 for price in prices]

    async def _send(self, name: str, *, kind: str = "update") -> float:
        # To the other side each time: what is critical eases, what has eased escalates.
        self._is_critical[name] = not self._is_critical[name]
        self._number += 1
        price = self._story.price(self._number, is_critical=self._is_critical[name])
        await self._venue.quote(name, price, kind=kind)
        return price


def _figures(latencies: dict[str, list[list[float]]], hops: dict[str, dict[str, float]]) -> list[Figure]:
    figures = []
    for title, percent, at_most in (("p50", 50, 1.2), ("p99", 99, 1.5)):
        values = {
            name: [statistics.quantiles(each, n=100)[percent - 1] for each in latencies[name]]
            for name in _NAMES
        }
        own = measured("c", f"{_TITLE}, {title}", values["system"], "ms")
        figures += [own, against(own, values["system"], _BARE, values["bare"], at_most=at_most)]
    for hop, ours in hops["system"].items():
        own = measured("c", f"hop, median: {hop}", [ours], "ms")
        figures += [own, against(own, [ours], _BARE, [hops["bare"][hop]])]
    figures += [
        measured("c", f"hop, median, {hop}", [value], "ms") for hop, value in hops["notifier"].items()
    ]
    return figures
