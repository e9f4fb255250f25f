"""Publish how each delivery ended; the store is the outbox, so that no outcome is lost while Kafka is away.

Order of effects, for up to a hundred outcomes at a time:

1. read the deliveries that have ended and are not marked as published,
2. publish each outcome and wait for its acknowledgement (``audited``),
3. mark them as published (``marked``).

After a crash between 2 and 3, an outcome is published again with the same ``delivery_id``.
"""

import asyncio

import structlog

from services.notifier.core.effects import Effect, OnEffect, ignore_effect
from services.notifier.store.outbox import AuditOutbox
from shared.contracts.records import DELIVERIES
from shared.errors import BrokerUnavailable
from shared.kafka.publisher import Publisher

log = structlog.get_logger(__name__)

_BATCH = 100
_RETRY_SECONDS = 5.0


class OutcomePublisher:
    """Publish outcomes until asked to stop, then those that are left.

    Parameters
    ----------
    topic
        The topic to publish to; a record's key is the subscription.
    on_effect
        Called after each effect of the list above.
    """

    def __init__(
        self, *, outbox: AuditOutbox, publisher: Publisher, topic: str, on_effect: OnEffect = ignore_effect
    ) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._topic = topic
        self._on_effect = on_effect
        self._woken = asyncio.Event()
        # An earlier run may have left outcomes unpublished.
        self._woken.set()

    def wake(self) -> None:
        """Look for outcomes now: a delivery has ended."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish whenever woken, and for the last time after ``stop`` is set."""
        stopping = asyncio.create_task(self._wake_at(stop))
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                is_last = stop.is_set()
                try:
                    while await self._publish_some():
                        pass
                except BrokerUnavailable as error:
                    # The outcomes stay in the store; deliveries go on meanwhile.
                    log.warning("audit_deferred", reason=error.reason, detail=str(error))
                    if not is_last:
                        await self._pause(stop)
                if is_last:
                    return
        finally:
            stopping.cancel()

    async def _publish_some(self) -> bool:
        outcomes = await self._outbox.unpublished(limit=_BATCH)
        for outcome in outcomes:
            await self._publisher.publish(
                self._topic, key=outcome.subscription, value=DELIVERIES.encode(outcome)
            )
            self._on_effect(Effect.AUDITED)
        if outcomes:
            await self._outbox.mark_published([outcome.delivery_id for outcome in outcomes])
            self._on_effect(Effect.MARKED)
        return len(outcomes) == _BATCH

    async def _pause(self, stop: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(_RETRY_SECONDS):
                await stop.wait()
        except TimeoutError:
            pass
        self.wake()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.wake()
