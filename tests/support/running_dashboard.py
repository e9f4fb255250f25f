"""A dashboard that runs in the test's loop, and the Kafka whose topics it reads."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from services.dashboard.app import run_dashboard
from services.dashboard.config import DashboardSettings
from shared.clock import SystemClock
from shared.config import HealthSettings, KafkaSettings
from shared.contracts.records import DIVERGENCES, SIGNALS
from shared.domain.divergences import DivergenceEvent
from shared.domain.pairs import Pair
from shared.domain.snapshots import PairSnapshot
from tests.support.mock_cluster import address_of, start_mock_cluster
from tests.support.snapshot_builder import PAIR

PATIENCE_SECONDS = 20.0


class EmbeddedTopics:
    """librdkafka's mock cluster with the records that a test puts in.

    Parameters
    ----------
    topics
        Those that exist from the start; another exists from its first record on.
    """

    def __init__(self, topics: tuple[str, ...] = ("signals.v1", "divergences.v1")) -> None:
        self._producer = start_mock_cluster()
        for topic in topics:
            # The mock cluster makes a topic that is asked for by name.
            self._producer.list_topics(topic, timeout=10)
        self.kafka = KafkaSettings(bootstrap_servers=address_of(self._producer), fetch_max_wait_ms=10)

    def publish(self, *values: PairSnapshot | DivergenceEvent) -> None:
        """Put values in their topics, keyed by their pair."""
        for value in values:
            if isinstance(value, PairSnapshot):
                self.put("signals.v1", value.pair, SIGNALS.encode(value))
            else:
                self.put("divergences.v1", value.pair, DIVERGENCES.encode(value))

    def put(self, topic: str, key: str, value: bytes | None) -> None:
        """Put one record in a topic."""
        self._producer.produce(topic, value, key.encode())
        assert self._producer.flush(10) == 0

    def vanish(self) -> None:
        """End the broker; nobody answers at its address any more."""
        del self._producer


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningDashboard:
    """Where a dashboard answers."""

    url: str
    health_url: str
    client: httpx.AsyncClient

    async def page_with(
        self, *texts: str, path: str = PAIR.page, patience_seconds: float = PATIENCE_SECONDS
    ) -> str:
        """Return a page once it has every text."""
        async with asyncio.timeout(patience_seconds):
            while True:
                page = (await self.client.get(path)).text
                if all(text in page for text in texts):
                    return page
                await asyncio.sleep(0.05)


@asynccontextmanager
async def running_dashboard(
    kafka: KafkaSettings, *, pairs: tuple[Pair, ...] = (PAIR,), max_streams: int = 10
) -> AsyncIterator[RunningDashboard]:
    """Run a dashboard until the block ends, then stop it as an operator would."""
    port, health_port = free_port(), free_port()
    settings = DashboardSettings(
        port=port,
        max_streams=max_streams,
        heartbeat_seconds=0.2,
        least_interval_seconds=0.0,
        health=HealthSettings(port=health_port),
    )
    stop = asyncio.Event()
    running = asyncio.create_task(run_dashboard(kafka, settings, pairs, clock=SystemClock(), stop=stop))
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client:
            await _answering(client, running)
            yield RunningDashboard(url=url, health_url=f"http://127.0.0.1:{health_port}", client=client)
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await running


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _answering(client: httpx.AsyncClient, running: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not running.done():
            try:
                await client.get("/api/v1/pairs")
            except httpx.TransportError:
                await asyncio.sleep(0.02)
            else:
                return
    await running
