"""Publish each pair's latest snapshot, at most one a second of event time, never in the way of an event.

A snapshot is the latest or nothing: while one is on its way, newer ones replace each other, and the
records do not wait. A failed one is not repeated; the next is a second away.
"""

import asyncio
from collections.abc import Callable

import structlog

from shared.contracts.records import SIGNALS
from shared.domain.instants import NS_PER_SECOND
from shared.domain.snapshots import PairSnapshot
from shared.errors import BrokerUnavailable
from shared.kafka import topics
from shared.kafka.publisher import Publisher

log = structlog.get_logger()


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

    def offer(
        self, pair: str, watermark_ns: int, take: Callable[[], PairSnapshot], *, is_news: bool = False
    ) -> None:
        """Send what ``take`` returns, unless one of the same second of event time was sent.

        Parameters
        ----------
        take
            Called when the snapshot is really sent: building one costs as much as a thousand ticks.
        is_news
            A bar or an event: do not wait for the next second.
        """
        if not is_news and watermark_ns - self._sent_at_ns.get(pair, -NS_PER_SECOND) < NS_PER_SECOND:
            return
        self._sent_at_ns[pair] = watermark_ns
        self._waiting[pair] = take
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    def forget(self, pair: str) -> None:
        """Send nothing of a pair any more: another worker shows it now."""
        self._waiting.pop(pair, None)
        self._sent_at_ns.pop(pair, None)

    async def flush(self) -> None:
        """Wait until what was offered is sent."""
        if self._sending is not None:
            await self._sending

    async def _send(self) -> None:
        while self._waiting:
            # The longest waiting first: newest first would starve the others where there are thousands.
            pair = next(iter(self._waiting))
            take = self._waiting.pop(pair)
            try:
                await self._publisher.publish(topics.SIGNALS.name, key=pair, value=SIGNALS.encode(take()))
            except BrokerUnavailable as error:
                log.warning("snapshot_not_published", pair=pair, error=str(error))
