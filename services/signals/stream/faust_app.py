"""The Faust app: one agent on one topic, no tables, every default that loses records changed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import faust
import structlog
from faust.auth import Credentials
from faust.contrib.asgi import bind_to_running_loop
from faust.exceptions import ConsumerNotStarted
from faust.tables.recovery import RebalanceAgain
from faust.types.transports import TransportT

from services.signals.stream.fatal import exit_process, fatal_on_error
from services.signals.stream.ports import Die, Process, Release, Restore
from services.signals.stream.rebalance import Abandoned, Rebalance
from services.signals.stream.transport import FetchedMessage, HardenedConsumer, HardenedTransport

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """Where to read, as whom, and how patiently.

    ``instance_id`` must be stable over restarts and unique in the group: a worker that comes back
    within the session timeout gets its partitions back without a rebalance.
    """

    bootstrap_servers: str
    group: str
    instance_id: str
    input_topic: str = "ticks.v1"
    # A dead worker's partitions move after this long; Faust's default is a minute.
    session_timeout_seconds: float = 10.0
    rebalance_timeout_seconds: float = 15.0
    # Bounds what is read twice after a crash when there is no checkpoint yet.
    commit_interval_seconds: float = 0.5
    # Harmless with Apache Kafka, which wakes a waiting fetch; the embedded broker does not: 10 there.
    fetch_max_wait_ms: int = 500
    # None connects without login and encryption.
    credentials: Credentials | None = None

    def __post_init__(self) -> None:
        """Refuse what would only fail later, inside Faust."""
        for name in ("bootstrap_servers", "group", "instance_id", "input_topic"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} must not be empty")
        for name in ("session_timeout_seconds", "rebalance_timeout_seconds", "commit_interval_seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, was {getattr(self, name)}")
        if self.session_timeout_seconds > _REQUEST_TIMEOUT_SECONDS:
            raise ValueError(
                f"session_timeout_seconds must not exceed the request timeout {_REQUEST_TIMEOUT_SECONDS}, "
                f"was {self.session_timeout_seconds}"
            )
        if self.fetch_max_wait_ms < 1:
            raise ValueError(f"fetch_max_wait_ms must be at least 1, was {self.fetch_max_wait_ms}")


_REQUEST_TIMEOUT_SECONDS = 30.0


class HardenedApp(faust.App):
    """A Faust app that reads one topic from where the checkpoint says."""

    def __init__(self, *, settings: StreamSettings, rebalance: Rebalance, **options: Any) -> None:
        super().__init__(settings.group, **options)
        self.settings = settings
        self.rebalance = rebalance
        # Sent in the recovery task after each assignment, while the partitions are still paused.
        self.on_rebalance_complete.connect(self._take_partitions)

    def _new_transport(self) -> TransportT:
        return HardenedTransport(
            self.conf.broker_consumer,
            self,
            rebalance=self.rebalance,
            input_topic=self.settings.input_topic,
            fetch_max_wait_ms=self.settings.fetch_max_wait_ms,
        )

    def _new_producer_transport(self) -> TransportT:
        return self.transport

    def _create_directories(self) -> None:
        # Nothing is kept on disk: without tables there is nothing to put there.
        pass

    async def on_stop(self) -> None:
        """Stop restoring before the client it uses is gone."""
        await self.rebalance.abandon()
        await super().on_stop()

    def assigned_partitions(self) -> frozenset[int]:
        """Return the partitions of the input topic assigned now; none before the client started."""
        try:
            return self._hardened_consumer().assigned_partitions()
        except ConsumerNotStarted:
            return frozenset()

    def fetched_ends(self) -> dict[int, int]:
        """Return the end offset that the last fetch saw, by assigned partition that was fetched."""
        try:
            return self._hardened_consumer().fetched_ends()
        except ConsumerNotStarted:
            return {}

    async def log_ends(self, partitions: frozenset[int]) -> Mapping[int, int]:
        """Ask the broker for the end offset of each partition."""
        _, ends = await self._hardened_consumer().log_bounds(partitions)
        return ends

    def _hardened_consumer(self) -> HardenedConsumer:
        if self._consumer is None:
            raise ConsumerNotStarted("the app was not started yet")
        return cast(HardenedConsumer, self._consumer)

    async def _take_partitions(self, *_: Any, **__: Any) -> None:
        try:
            await self.rebalance.take(self._hardened_consumer(), self.consumer_generation_id)
        except Abandoned:
            raise RebalanceAgain from None


def build_app(
    settings: StreamSettings,
    *,
    restore: Restore,
    release: Release,
    process: Process,
    die: Die = exit_process,
) -> HardenedApp:
    """Build the app; nothing connects before :func:`run`.

    Parameters
    ----------
    settings
        Where to read and as whom.
    restore, release
        Called when partitions come and go; see :mod:`services.signals.stream.rebalance`.
    process
        Called for each batch of records, in order per partition.
    die
        Ends the process when any of these raises.
    """
    rebalance = Rebalance(restore=restore, release=release, die=die)
    app = HardenedApp(
        settings=settings,
        rebalance=rebalance,
        broker=[f"kafka://{server.strip()}" for server in settings.bootstrap_servers.split(",")],
        broker_credentials=settings.credentials,
        autodiscover=False,
        key_serializer="raw",
        value_serializer="raw",
        processing_guarantee="at_least_once",
        consumer_group_instance_id=settings.instance_id,
        # Never "latest": it skips what arrived before the first start.
        consumer_auto_offset_reset="earliest",
        # Of a partition: 140 records of 500 ticks. A batch costs Faust and two changes of thread, about 2 ms.
        consumer_max_fetch_size=4 * 1024**2,
        broker_session_timeout=settings.session_timeout_seconds,
        # A third of the session: two heartbeats may be lost.
        broker_heartbeat_interval=settings.session_timeout_seconds / 3.0,
        broker_rebalance_timeout=settings.rebalance_timeout_seconds,
        broker_request_timeout=_REQUEST_TIMEOUT_SECONDS,
        broker_max_poll_interval=300.0,
        # Unbounded by default: one batch could hog the loop.
        broker_max_poll_records=500,
        broker_commit_interval=settings.commit_interval_seconds,
        broker_commit_every=1000,
        # Fetches: one that is applied, and the next two.
        stream_buffer_maxsize=4,
        stream_wait_empty=True,
        producer_acks=-1,
        # 20 minutes by default.
        producer_request_timeout=_REQUEST_TIMEOUT_SECONDS,
        topic_allow_declare=False,
        # The leader topic would be one more topic and one more rebalance.
        topic_disable_leader=True,
        table_standby_replicas=0,
        store="memory://",
        web_enabled=False,
    )
    topic = app.topic(settings.input_topic, key_serializer="raw", value_serializer="raw", value_type=bytes)
    apply = fatal_on_error(process, die=die)
    offsets = rebalance.offsets

    # One agent with concurrency 1: acknowledgements out of order commit past work in flight.
    @app.agent(topic, name="records", concurrency=1)
    async def records(stream: faust.Stream[bytes]) -> None:
        async for event in stream.events():
            message = cast(FetchedMessage, event.message)
            partition = message.partition
            admitted, gaps = offsets.admit(
                partition, message.records, generation=cast(int, message.generation_id)
            )
            for offset in gaps:
                log.warning("offset_gap", partition=partition, offset=offset)
            if admitted:
                await apply(partition, admitted)
                offsets.advance(partition, admitted[-1].offset)

    return app


async def run(app: HardenedApp, *, stopping: asyncio.Event, stop_timeout_seconds: float = 10.0) -> None:
    """Run the app until ``stopping`` is set, then finish the batch in flight, commit and leave.

    Signals are the caller's: it sets ``stopping``.

    Raises
    ------
    TimeoutError
        If the app could not stop in time; the process should end without further clean-up.
    Exception
        What crashed the app, if it did not end by request.
    """
    bind_to_running_loop(app)
    app.finalize()
    starting = asyncio.create_task(app.maybe_start())
    asked = asyncio.create_task(stopping.wait())
    ended = asyncio.create_task(app.wait_until_stopped())
    try:
        await asyncio.wait({starting, asked, ended}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and starting.exception() is None:
            await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        async with asyncio.timeout(stop_timeout_seconds):
            await app.stop()
            await asyncio.wait({starting})
        asked.cancel()
        ended.cancel()
    if (crash := app.crash_reason) is not None:
        raise crash
    starting.result()
