"""Run the feeds, the senders and the status records side by side, and stop them in order.

The end of one feed is never the end of the process: a feed of live data that fails, however, is logged,
counted and started again after a back-off. Only a wrong setting ends the process, when a feed first starts.

At the end:

1. feeds and status records stop, so that nothing more is queued,
2. the sink sends what waits, for at most the flush timeout,
3. the error of a task that failed is raised.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any, Final, Protocol

import structlog

from services.ingestor.feeds.ports import Feed, ShowsDetails, Sink
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.kafka.lease import Lease
from services.ingestor.metrics import IngestorMetrics
from shared.clock import Clock
from shared.domain.backoff import Backoff
from shared.domain.instants import format_rfc3339
from shared.errors import ConfigError, FeedRefused, InvariantError

log = structlog.get_logger(__name__)

# Status records are queued at least once a second: a loop that has missed thirty of them hangs.
_HANGING_SECONDS: Final = 30.0
# Status records are made about once a second: a fault of one kind is logged no more often than this.
_SAME_FAULT_SECONDS: Final = 60.0
# A provider that refuses us for good is asked so often whether it still does.
_ASK_AGAIN_SECONDS: Final = 3_600.0


class SendingSink(Sink, Protocol):
    """A sink that sends what the feeds put."""

    async def run(self) -> None:
        """Send until closed, and then until nothing is left."""
        ...

    def close(self) -> None:
        """Let `run` return once everything queued is sent."""
        ...

    def drop(self) -> None:
        """Drop what waits."""
        ...


class Supervisor:
    """Keep everything of one ingestor running.

    Parameters
    ----------
    make_feeds
        Returns new feeds; what they share is closed with the stack.
    lease
        With several ingestors the feeds run only while it is held; None for the only one.
    status_interval_seconds
        Between two status records of an instrument.
    flush_timeout_seconds
        How long the sink may take to send what waits when it is stopped.
    is_live
        The feeds are of live data, which can be taken up again at any time. A recording cannot: its fault
        ends the process.
    uniform
        Randomness for the back-off, numbers in ``[0, 1)``.
    redactor
        Removes keys from what is logged of an error.
    """

    def __init__(
        self,
        make_feeds: Callable[[AsyncExitStack], Awaitable[Sequence[Feed]]],
        sink: SendingSink,
        *,
        lease: Lease | None,
        status_interval_seconds: float,
        flush_timeout_seconds: float,
        is_live: bool,
        uniform: Callable[[], float],
        redactor: Redactor,
        metrics: IngestorMetrics,
        clock: Clock,
    ) -> None:
        self._make_feeds = make_feeds
        self._feeds: Sequence[Feed] = ()
        self._sink = sink
        self._lease = lease
        self._status_interval_seconds = status_interval_seconds
        self._flush_timeout_seconds = flush_timeout_seconds
        self._is_live = is_live
        self._uniform = uniform
        self._redactor = redactor
        self._metrics = metrics
        self._clock = clock
        self._last_status = clock.monotonic()
        self._status_faults: dict[tuple[str, str], float] = {}

    def problem(self) -> str | None:
        """Return why the event loop counts as hanging, or None; for the liveness probe."""
        age = self._clock.monotonic() - self._last_status
        return None if age < _HANGING_SECONDS else f"the event loop has been hanging for {age:.0f} s"

    def feed_details(self) -> list[dict[str, Any]]:
        """Return the condition of each feed's instruments; for the readiness probe, from its thread."""
        details = [
            asdict(detail)
            for feed in self._feeds
            if isinstance(feed, ShowsDetails)
            for detail in feed.details()
        ]
        return [{"since": format_rfc3339(each.pop("since_ns")), **each} for each in details]

    async def run(self, stop: asyncio.Event) -> None:
        """Run until asked to stop, or until every feed has ended; then send what waits."""
        sending = asyncio.create_task(self._sink.run(), name="sending")
        reporting = asyncio.create_task(self._report_statuses(), name="statuses")
        feeding = asyncio.create_task(self._run_feeds(), name="feeds")
        stopping = asyncio.create_task(stop.wait())
        tasks: set[asyncio.Task[Any]] = {sending, reporting, feeding, stopping}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in (reporting, feeding, stopping):
                await _end(task)
            self._sink.close()
            await asyncio.wait({sending}, timeout=self._flush_timeout_seconds)
            await _end(sending)
        finally:
            await _cancel(tasks)

    async def _run_feeds(self) -> None:
        if self._lease is None:
            await self._run_turn()
        else:
            while await self._is_turn_lost(self._lease):
                # Another publishes now: what waits here is its task.
                self._sink.drop()

    async def _is_turn_lost(self, lease: Lease) -> bool:
        """Run the feeds while the lease is held; return False when they have ended by themselves."""
        await lease.until_held()
        turn = asyncio.create_task(self._run_turn())
        losing = asyncio.create_task(lease.until_lost())
        try:
            await asyncio.wait({turn, losing}, return_when=asyncio.FIRST_COMPLETED)
            if turn.done():
                turn.result()
            return not turn.done()
        finally:
            await _cancel({turn, losing})

    async def _run_turn(self) -> None:
        """Make the feeds, and run them until each has ended."""
        async with AsyncExitStack() as stack:
            self._feeds = await self._make_feeds(stack)
            running = [asyncio.create_task(self._run_feed(feed)) for feed in self._feeds]
            try:
                for ended in asyncio.as_completed(running):
                    await ended
            finally:
                self._feeds = ()
                await _cancel(running)

    async def _run_feed(self, feed: Feed) -> None:
        """Run a feed until it has no more, however often it fails."""
        backoff = Backoff(uniform=self._uniform)
        is_first = True
        while True:
            began = self._clock.monotonic()
            at_least = await self._seconds_after_failure(feed, is_first=is_first)
            if at_least is None:
                return
            is_first = False
            self._metrics.feed_restarts.labels(feed.name).inc()
            lasted = self._clock.monotonic() - began
            await asyncio.sleep(backoff.failed(live_seconds=lasted, at_least_seconds=at_least))

    async def _seconds_after_failure(self, feed: Feed, *, is_first: bool) -> float | None:
        """Run a feed until it fails; return how long to wait at least, or None when it has no more."""
        try:
            await feed.run(self._sink)
        except FeedRefused as error:
            # The other feeds go on, and the status records say that this one is STALE.
            log.error(  # noqa: TRY400 - a traceback would not help
                "feed_refused",
                feed=feed.name,
                instruments=feed.instruments,
                reason=error.reason,
                words=self._redactor.text(str(error)),
                asked_again_in_seconds=_ASK_AGAIN_SECONDS,
            )
            return _ASK_AGAIN_SECONDS
        except Exception as error:
            if not self._is_live or (is_first and isinstance(error, ConfigError)):
                raise
            self._log_failure("feed_failed", feed, error)
            return 0.0
        return None

    async def _report_statuses(self) -> None:
        while True:
            self._last_status = self._clock.monotonic()
            for feed in self._feeds:
                self._report_status(feed)
            await asyncio.sleep(self._status_interval_seconds)

    def _report_status(self, feed: Feed) -> None:
        try:
            for status in feed.statuses():
                self._sink.put_status(status)
        except Exception as error:
            if not self._is_live:
                raise
            # The other feeds' time must go on.
            self._log_status_failure(feed, error)
            self._metrics.feed_restarts.labels(feed.name).inc()

    def _log_status_failure(self, feed: Feed, error: Exception) -> None:
        """Log a fault, of each kind of each feed once a minute; the metric counts them all."""
        now, kind = self._clock.monotonic(), (feed.name, type(error).__qualname__)
        if now - self._status_faults.get(kind, -math.inf) >= _SAME_FAULT_SECONDS:
            self._status_faults[kind] = now
            self._log_failure("status_failed", feed, error)

    def _log_failure(self, event: str, feed: Feed, error: Exception) -> None:
        log.error(
            event,
            feed=feed.name,
            instruments=feed.instruments,
            traceback=self._redactor.traceback(error),
        )


async def _end(task: asyncio.Task[Any]) -> None:
    """Stop a task that still runs; raise the error of one that has failed."""
    was_running = not task.done()
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
    elif not was_running:
        raise InvariantError(f"{task.get_name()} was cancelled from outside")


async def _cancel(tasks: Sequence[asyncio.Task[Any]] | set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
