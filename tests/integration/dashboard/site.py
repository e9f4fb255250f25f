"""The web application over a view that a test writes to."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import uvicorn
from prometheus_client import CollectorRegistry

from services.dashboard.core.reader_status import Phase, ReaderStatus
from services.dashboard.metrics import DashboardMetrics
from services.dashboard.streams import StreamLimits, Streams
from services.dashboard.view import PairsView, PublishedSnapshot
from services.dashboard.web import make_web
from shared.clock import SystemClock
from shared.contracts.records import SIGNALS
from shared.domain.pairs import Pair
from tests.support.snapshot_builder import PAIR, snapshot

PATIENCE_SECONDS = 30.0


class Site:
    """The application over a view that a test writes to."""

    def __init__(
        self, *, pairs: tuple[Pair, ...] = (PAIR,), max_streams: int = 2, send_timeout_seconds: float = 10
    ) -> None:
        status = ReaderStatus(
            servers="kafka:9092", phase=Phase.FOLLOWING, since=datetime(2020, 3, 18, tzinfo=UTC)
        )
        self.view = PairsView(pairs, reader_status=status, kept_events=10)
        self.registry = CollectorRegistry()
        metrics = DashboardMetrics(self.registry, topics=(), pairs=())
        limits = StreamLimits(
            max_streams=max_streams,
            heartbeat_seconds=0.1,
            send_timeout_seconds=send_timeout_seconds,
            least_interval_seconds=0.0,
        )
        self.streams = Streams(self.view, limits=limits, metrics=metrics)
        self.web = make_web(self.view, streams=self.streams, clock=SystemClock())

    def show(self, title: str = PAIR.title, *, published_ms: int = 1_584_561_600_000) -> None:
        one = snapshot(title=title)
        self.view.show(
            PAIR.name,
            PublishedSnapshot(snapshot=one, value=SIGNALS.encode(one), published_ms=published_ms),
        )

    def count(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"convex_dashboard_{name}")

    @asynccontextmanager
    async def visited(self) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=self.web)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            yield client


@asynccontextmanager
async def served(site: Site) -> AsyncIterator[str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(site.web, log_config=None, access_log=False, lifespan="off")
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))
    try:
        await until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        site.streams.close()
        server.should_exit = True
        await serving
        listener.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110  what is waited for is a counter, which sets no event
            await asyncio.sleep(0.01)
