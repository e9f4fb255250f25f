"""Publish each pair's latest snapshot, at most one a second of event time, without delaying an event.

Only the latest is sent: while one is being sent, newer ones replace each other, and processing does not wait.
While a backlog is read, event time passes fast: then a pair is sent at most ten times a second. A failed send
is not repeated, because the next one follows within a second.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from shared.contracts.records import SIGNALS
from shared.domain.instants import NS_PER_SECOND
from shared.domain.snapshots import PairSnapshot
from shared.errors import BrokerUnavailable
from shared.kafka import topics
from shared.kafka.publisher import Publisher

log = structlog.get_logger()

# Between two snapshots of a pair: one costs as much as ten records of 500 ticks.
_LEAST_SECONDS: Final = 0.1


class SnapshotPublisher:
    """Offer snapshots; the latest is sent when the one before it has arrived.

    Parameters
    ----------
    publisher
        Sends them.
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._sent_at_ns: dict[str, int] = {}
        self._waiting: dict[str, Callable[[], PairSnapshot]] = {}
        self._sending: asyncio.Task[None] | None = None
        # By pair, the event loop's time at which its next snapshot may be sent.
        self._due: dict[str, float] = {}
        self._is_flushing = False
        self._wake = asyncio.Event()

    def offer(
        self, pair: str, watermark_ns: int, take: Callable[[], PairSnapshot], *, is_news: bool = False
    ) -> None:
        """Send what ``take`` returns, unless one of the same second of event time was sent.

        Parameters
        ----------
        take
            Called only when the snapshot is sent: building one costs as much as a thousand ticks.
        is_news
            A bar or an event changed it: send it without waiting.
        """
        # Event time may have gone back.
        since_ns = watermark_ns - self._sent_at_ns.get(pair, -NS_PER_SECOND)
        if not is_news and 0 <= since_ns < NS_PER_SECOND:
            return
        self._sent_at_ns[pair] = watermark_ns
        self._waiting[pair] = take
        if is_news:
            self._due.pop(pair, None)
            self._wake.set()
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    def forget(self, pair: str) -> None:
        """Send nothing of a pair any more: another worker shows it now."""
        self._waiting.pop(pair, None)
        self._sent_at_ns.pop(pair, None)
        self._due.pop(pair, None)
        self._wake.set()

    async def flush(self) -> None:
        """Wait until what was offered is sent."""
        if self._sending is None:
            return
        self._is_flushing = True
        self._wake.set()
        try:
            await self._sending
        finally:
            self._is_flushing = False

    async def _send(self) -> None:
        while self._waiting:
            now = asyncio.get_running_loop().time()
            # The longest waiting first: newest first would starve the others where there are thousands.
            pair = next((each for each in self._waiting if self._is_due(each, now)), None)
            if pair is None:
                self._wake.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(min(self._due[each] for each in self._waiting)):
                        await self._wake.wait()
                continue
            take = self._waiting.pop(pair)
            self._due[pair] = now + _LEAST_SECONDS
            try:
                await self._publisher.publish(topics.SIGNALS.name, key=pair, value=SIGNALS.encode(take()))
            except BrokerUnavailable as error:
                log.warning("snapshot_not_published", pair=pair, error=str(error))

    def _is_due(self, pair: str, now: float) -> bool:
        return self._is_flushing or self._due.get(pair, now) <= now
