"""(e) One event to thousands of webhooks or mails, on Apache Kafka: the notifier against the bare clients."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.fanout.line_process import LineProcess
from bench.fanout.notifier_process import (
    SECRET,
    EventLog,
    ResidentPeak,
    mail_subscriptions,
    new_event,
    notifier,
    webhook_subscriptions,
)
from bench.report import Figure, against, measured
from shared.config import KafkaSettings
from shared.contracts.records import DIVERGENCES
from shared.kafka.admin import create_topics
from tests.support.kafka_broker import KafkaBroker

_MIB = 1024 * 1024
_EVENT_SECONDS = 1_800
# The first events warm the notifier up, too: its memory grows until its pools are as large as they get. It is
# compared between the last two of them.
_EVENTS_IN_A_ROW = 6
_GOAL = 0.7
_MOST_GROWTH_MIB = 4.0


@dataclass(slots=True)
class _Found:
    """Deliveries per second of each round, and the notifier's memory at each of the first events (bytes)."""

    connections: int = 0
    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)


def run_part(*, is_quick: bool, on_round: Callable[[str], None]) -> tuple[str, list[Figure]]:
    """Measure, and return what on and the figures."""
    webhooks, mails, rounds = (500, 250, 2) if is_quick else (10_000, 5_000, 5)
    figures: list[Figure] = []
    for what, count, baseline in (
        ("webhooks", webhooks, "aiohttp, signs and posts only"),
        ("mails", mails, "aiosmtplib, sends ready bytes only"),
    ):
        with (
            tempfile.TemporaryDirectory(prefix="bench-fanout-") as name,
            KafkaBroker(Path(name) / "kafka") as broker,
        ):
            measuring = _measure(
                what,
                count,
                bootstrap=broker.bootstrap,
                folder=Path(name),
                rounds=rounds,
                on_round=lambda text, what=what: on_round(f"{what}: {text}"),
            )
            found = asyncio.run(measuring)
        figures += _figures(what, count, baseline, found)
    return f"{rounds} rounds of one event; SQLite on disk, Apache Kafka 4", figures


async def _measure(
    what: str, count: int, *, bootstrap: str, folder: Path, rounds: int, on_round: Callable[[str], None]
) -> _Found:
    kafka = KafkaSettings(bootstrap_servers=bootstrap, partitions=1)
    await create_topics(kafka)
    sample = folder / "sample"
    module, argument = ("webhook_receiver", SECRET) if what == "webhooks" else ("mail_receiver", str(sample))
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(
            LineProcess(f"bench.fanout.{module}", str(count), argument, log=folder / "receiver.log")
        )
        port = (await receiver.answer())["port"]
        log = await stack.enter_async_context(EventLog(kafka, deliveries_per_event=count))
        on_round("starting the notifier")
        if what == "webhooks":
            running = notifier(bootstrap, folder, subscriptions=webhook_subscriptions(count, port=port))
        else:
            running = notifier(bootstrap, folder, subscriptions=mail_subscriptions(count), smtp_port=port)
        pid, check = stack.enter_context(running)

        async def ours() -> tuple[float, dict[str, Any]]:
            began_ns = await log.publish()
            answered = await receiver.answer(seconds=_EVENT_SECONDS, check=check)
            await log.until_idle(check, seconds=_EVENT_SECONDS)
            return began_ns, answered

        found = _Found()
        for number in range(_EVENTS_IN_A_ROW):
            on_round(f"event {number + 1} of {_EVENTS_IN_A_ROW} in a row")
            with ResidentPeak(pid) as resident:
                _, answered = await ours()
            found.peaks.append(resident.peak_bytes)
            found.connections = max(found.connections, answered["connections"])
        if what == "webhooks":
            sample.write_bytes(DIVERGENCES.encode(new_event(0)))
        arguments = [str(port), str(count), str(found.connections)]
        arguments += [SECRET] if what == "webhooks" else []
        client = await stack.enter_async_context(
            LineProcess(f"bench.fanout.bare_{what}", *arguments, str(sample), log=folder / "bare.log")
        )

        async def bare() -> tuple[float, dict[str, Any]]:
            await client.order()
            began_ns = (await client.answer())["began_ns"]
            return began_ns, await receiver.answer(seconds=_EVENT_SECONDS, check=client.require_running)

        await bare()
        for number in range(rounds):
            turns = [("notifier", ours, found.ours), ("bare client", bare, found.bare)]
            for name, run, rates in turns if number % 2 == 0 else reversed(turns):
                on_round(f"round {number + 1} of {rounds}: {name}")
                rates.append(await _rate(run, count, found.first_ms if run is ours else None))
    return found


async def _rate(
    run: Callable[[], Awaitable[tuple[float, dict[str, Any]]]], count: int, first_ms: list[float] | None
) -> float:
    began_ns, answered = await run()
    assert not answered["repeats"], f"{answered['repeats']} messages came twice"
    if first_ms is not None:
        first_ms.append((answered["first_ns"] - began_ns) / 1e6)
    return count / (answered["last_ns"] - began_ns) * 1e9


def _figures(what: str, count: int, baseline: str, found: _Found) -> list[Figure]:
    first = sorted(found.first_ms)
    own = measured(
        "e",
        f"one event to {count:,} {what}",
        found.ours,
        f"{what}/s",
        note=f"over {found.connections} connections, as many as the baseline's; the first was answered "
        f"{first[0]:.0f} to {first[-1]:.0f} ms after the event was published",
    )
    before, last = found.peaks[-2:]
    growth = measured(
        "e",
        f"resident memory, {what}: from the fifth event to the sixth",
        [(last - before) / _MIB],
        "MiB",
        at_most=_MOST_GROWTH_MIB,
        note=f"peaks of the events in a row: {', '.join(f'{peak / _MIB:.0f}' for peak in found.peaks)} MiB",
    )
    return [own, against(own, found.ours, baseline, found.bare, at_least=_GOAL), growth]
