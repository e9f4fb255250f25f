"""Build the dashboard and run it until asked to stop."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from prometheus_client import CollectorRegistry

from services.dashboard.config import DashboardSettings
from services.dashboard.core.reader_status import Phase, ReaderStatus
from services.dashboard.metrics import DashboardMetrics
from services.dashboard.reader import TOPICS, Reader
from services.dashboard.streams import StreamLimits, Streams
from services.dashboard.view import PairsView
from services.dashboard.web import make_web
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.domain.pairs import Pair
from shared.errors import ConfigError
from shared.health import HealthServer

_STOP_SECONDS = 3

log = structlog.get_logger(__name__)


async def run_dashboard(
    kafka: KafkaSettings,
    settings: DashboardSettings,
    pairs: tuple[Pair, ...],
    *,
    clock: Clock,
    stop: asyncio.Event,
) -> None:
    """Serve the pages, the API, probes and metrics until ``stop`` is set.

    Raises
    ------
    ConfigError
        If the address cannot be listened on.
    """
    status = ReaderStatus(servers=kafka.bootstrap_servers, phase=Phase.CONNECTING, since=clock.now())
    view = PairsView(pairs, reader_status=status, kept_events=settings.kept_divergences)
    registry = CollectorRegistry()
    metrics = DashboardMetrics(registry, topics=TOPICS, pairs=tuple(pair.name for pair in pairs))
    limits = StreamLimits(
        max_streams=settings.max_streams,
        heartbeat_seconds=settings.heartbeat_seconds,
        send_timeout_seconds=settings.send_timeout_seconds,
        least_interval_seconds=settings.least_interval_seconds,
    )
    streams = Streams(view, limits=limits, metrics=metrics)
    web = make_web(view, streams=streams, clock=clock)
    reader = Reader(kafka, view, metrics=metrics, clock=clock)
    listener = _listen(settings)
    server = _Server(
        uvicorn.Config(
            web,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            ws="none",
            # Streams, and as many again for everything else.
            limit_concurrency=2 * settings.max_streams + 50,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
    )
    health = HealthServer(
        registry,
        host=settings.health.host,
        port=settings.health.port,
        live={},
        ready={"kafka": lambda: _why_not_ready(view.reader_status)},
    )
    with listener, health:
        log.info(
            "dashboard_started",
            page=f"http://{settings.host}:{settings.port}{pairs[0].page}",
            health_port=health.port,
        )
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(reader.run())
            serving = tasks.create_task(server.serve([listener]))
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait((stopping, following, serving), return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopping.cancel()
                streams.close()
                server.should_exit = True
                following.cancel()
    log.info("dashboard_stopped")


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers: the caller sets ``stop``."""
        yield


def _listen(settings: DashboardSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            "CONVEX_DASHBOARD_HOST, CONVEX_DASHBOARD_PORT: cannot listen on "
            f"{settings.host}:{settings.port}: {error.strerror}"
        ) from error
    listener.set_inheritable(False)
    return listener


def _why_not_ready(status: ReaderStatus) -> str | None:
    if status.phase is Phase.FOLLOWING:
        return None
    return f"{status.phase.value} since {status.since.isoformat()} {status.error}".strip()
