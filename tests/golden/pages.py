"""What a dashboard answers about the six pairs: the JSON of its API, and the HTML of its pages."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import orjson

from services.dashboard.app import run_dashboard
from services.dashboard.config import DashboardSettings
from shared.clock import ManualClock
from shared.config import HealthSettings
from tests.golden.broker import Broker
from tests.golden.six_pairs import PAIRS
from tests.support.running_dashboard import free_port

_NOW = datetime(2019, 8, 5, 12, tzinfo=UTC)
_PUBLISHED_MS = int(_NOW.timestamp() * 1_000) - 2_000


@dataclass(slots=True)
class Answers:
    """By path, the body of each answer."""

    json: dict[str, bytes] = field(default_factory=dict)
    html: dict[str, bytes] = field(default_factory=dict)


async def visit(*, snapshots: Iterable[bytes], events: Iterable[bytes]) -> Answers:
    """Return what a dashboard, whose clock stands still, answers once it has read everything."""
    broker, stop, counts = Broker("signals.v1", "divergences.v1"), asyncio.Event(), dict[str, int]()
    for topic, values in (("divergences.v1", events), ("signals.v1", snapshots)):
        for value in values:
            pair = orjson.loads(value)["pair"]
            broker.put(topic, pair, value, at_ms=_PUBLISHED_MS)
            if topic == "divergences.v1":
                counts[pair] = counts.get(pair, 0) + 1
    settings = DashboardSettings(port=free_port(), health=HealthSettings(port=free_port()))
    running = asyncio.create_task(
        run_dashboard(broker.kafka, settings, PAIRS, clock=ManualClock(_NOW), stop=stop)
    )
    try:
        async with (
            asyncio.timeout(120),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}", timeout=30) as client,
        ):
            await _until_read(client, settings.health.port, counts)
            return await _ask(client)
    finally:
        stop.set()
        await running


async def _until_read(client: httpx.AsyncClient, health_port: int, counts: dict[str, int]) -> None:
    while True:
        try:
            ready = (await client.get(f"http://127.0.0.1:{health_port}/readyz")).status_code == 200
            listed = (await client.get("/api/v1/pairs")).json()["pairs"]
            kept = [await _events(client, pair.name) for pair in PAIRS]
        except httpx.TransportError:
            ready, listed, kept = False, [], []
        is_shown = listed and all(each["published_at"] is not None for each in listed)
        if ready and is_shown and [len(each) for each in kept] == [counts[pair.name] for pair in PAIRS]:
            return
        await asyncio.sleep(0.05)


async def _events(client: httpx.AsyncClient, pair: str) -> list[object]:
    answer = await client.get(f"/api/v1/pairs/{pair}/divergences?limit=500")
    events: list[object] = answer.json()["events"]
    return events


async def _ask(client: httpx.AsyncClient) -> Answers:
    answers = Answers()
    paths = ["/api/v1/pairs"]
    for pair in PAIRS:
        paths += [f"/api/v1/pairs/{pair.name}", f"/api/v1/pairs/{pair.name}/divergences?after=3&limit=500"]
    for path in paths:
        answers.json[path] = (await client.get(path)).content
    for path in ("/compare", *(pair.page for pair in PAIRS)):
        answers.html[path] = (await client.get(path)).content
    return answers
