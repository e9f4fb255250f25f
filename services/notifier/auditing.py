"""Publish how each delivery ended: an outbox, so that Kafka being away loses no outcome.

Order of effects, for up to a hundred outcomes at a time:

1. read what has ended and is not marked,
2. publish each and wait for its acknowledgement (``audited``),
3. mark them (``marked``).

Dying between 2 and 3 publishes an outcome again, with the same ``delivery_id``.
"""

import asyncio

import structlog

from services.notifier.core.steps import Reached, Step, pass_on
from services.notifier.store.outbox import AuditOutbox
from shared.contracts.records import DELIVERIES
from shared.errors import BrokerUnavailable
from shared.kafka.publisher import Publisher

log = structlog.get_logger(__name__)

_BATCH = 100
_RETRY_SECONDS = 5.0


class Auditor:
    """Publish outcomes until told to stop, then what is left.

    Parameters
    ----------
    topic
        Where to; its key is the subscription.
    """

    def __init__(
        self, *, outbox: AuditOutbox, publisher: Publisher, topic: str, reached: Reached = pass_on
    ) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._topic = topic
        self._reached = reached
        self._woken = asyncio.Event()
        # What a former run left unmarked.
        self._woken.set()

    def wake(self) -> None:
        """Look for outcomes now."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish whenever woken; the last time after ``stop``."""
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
                    # The outcomes wait in the store, and deliveries do not wait for their audit.
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
            self._reached(Step.AUDITED)
        if outcomes:
            await self._outbox.mark_published([outcome.delivery_id for outcome in outcomes])
            self._reached(Step.MARKED)
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
