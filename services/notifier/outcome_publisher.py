"""Publish how each delivery ended and each decision to suppress; the store is the outbox, so none is lost.

Order of effects, for up to five hundred outcomes at a time:

1. read the outcomes that are not marked as published,
2. publish them together and wait for all acknowledgements (``audited``),
3. mark them as published, in one transaction (``marked``).

After a crash between 2 and 3, outcomes are published again with the same ``delivery_id``. While Kafka or the
store is away, they wait in the store and deliveries go on. An outcome that cannot be written as JSON, or is
too large for Kafka, becomes a dead letter, so that it does not hold up the others.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from services.notifier.core.effects import Effect, OnEffect, ignore_effect
from services.notifier.metrics import UNENCODABLE
from shared.contracts.records import DEADLETTERS, DELIVERIES
from shared.domain.deliveries import DeliveryOutcome, dead_letter
from shared.errors import BrokerUnavailable, StoreUnavailable
from shared.kafka.publisher import Publisher
from shared.kafka.topics import DEADLETTERS as DEADLETTERS_TOPIC

log = structlog.get_logger(__name__)

# All in memory at once: a quarter of a megabyte.
_BATCH: Final = 500
# Ten short interruptions a second: while deliveries are made, their outcomes must not delay them.
_LEAST_PAUSE_SECONDS: Final = 0.1
_RETRY_SECONDS: Final = 5.0
# What is left unpublished at the end of a run is published by the next one.
_LAST_SECONDS: Final = 5.0
# Far below the largest record that Kafka takes by default, 1 MiB.
_MAX_BYTES: Final = 500_000


class Outbox(Protocol):
    """Where the outcomes wait."""

    async def unpublished(self, *, limit: int) -> tuple[DeliveryOutcome, ...]:
        """Return the oldest outcomes that are not marked as published."""
        ...

    async def mark_published(self, outcomes: Sequence[DeliveryOutcome]) -> None:
        """Mark outcomes as published, all or none."""
        ...


class OutcomePublisher:
    """Publish outcomes until asked to stop, then those that are left.

    Parameters
    ----------
    topic
        The topic to publish to; a record's key is the subscription.
    is_idle
        Whether nothing waits to be sent now: then outcomes are published without a pause.
    on_dead_letter
        Called for each outcome that became a dead letter.
    on_effect
        Called after each effect of the list above.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        publisher: Publisher,
        topic: str,
        is_idle: Callable[[], bool] = lambda: False,
        on_dead_letter: Callable[[], None] = lambda: None,
        on_effect: OnEffect = ignore_effect,
    ) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._topic = topic
        self._is_idle = is_idle
        self._on_dead_letter = on_dead_letter
        self._on_effect = on_effect
        self._began_at = float("-inf")
        self._woken = asyncio.Event()
        # An earlier run may have left outcomes unpublished.
        self._woken.set()

    def wake(self) -> None:
        """Look for outcomes soon: a delivery has ended, or an event was suppressed."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish whenever woken, and for the last time after ``stop`` is set."""
        stopping = asyncio.create_task(self._wake_at(stop))
        try:
            while not stop.is_set():
                await self._woken.wait()
                await self._let_deliveries_go_first(stop)
                self._woken.clear()
                if not await self._try_to_publish():
                    await _pause(stop, _RETRY_SECONDS)
                    self.wake()
            try:
                async with asyncio.timeout(_LAST_SECONDS):
                    while await self._try_to_publish() and self._woken.is_set():
                        self._woken.clear()
            except TimeoutError:
                log.warning("audit_deferred", reason="stopping", detail="the next run publishes the rest")
        finally:
            stopping.cancel()

    async def _try_to_publish(self) -> bool:
        """Publish a batch, and return whether that worked."""
        try:
            await self._publish_some()
        except (BrokerUnavailable, StoreUnavailable) as error:
            log.warning("audit_deferred", reason=error.reason, detail=str(error))
            return False
        except Exception:
            # A row of somebody else's making must not stop what is sent.
            log.exception("outcomes_not_published")
            return False
        return True

    async def _publish_some(self) -> None:
        self._began_at = asyncio.get_running_loop().time()
        outcomes = await self._outbox.unpublished(limit=_BATCH)
        if not outcomes:
            return
        if len(outcomes) == _BATCH:
            self.wake()
        records: list[tuple[str, bytes]] = []
        for outcome in outcomes:
            try:
                records.append(_record(outcome))
            except ValueError as error:
                await self._dead_letter(outcome, error)
        if records:
            await self._publisher.publish_batched(self._topic, records)
        self._on_effect(Effect.AUDITED)
        await self._outbox.mark_published(outcomes)
        self._on_effect(Effect.MARKED)

    async def _dead_letter(self, outcome: DeliveryOutcome, error: ValueError) -> None:
        letter = dead_letter(
            self._topic, raw=ascii(outcome).encode(), reason=UNENCODABLE, message=ascii(str(error))
        )
        await self._publisher.publish(
            DEADLETTERS_TOPIC.name, key=self._topic, value=DEADLETTERS.encode(letter)
        )
        self._on_dead_letter()
        log.error("outcome_dead_lettered", reason=letter.reason, detail=letter.message)

    async def _let_deliveries_go_first(self, stop: asyncio.Event) -> None:
        if self._is_idle():
            return
        since = asyncio.get_running_loop().time() - self._began_at
        if since < _LEAST_PAUSE_SECONDS:
            await _pause(stop, _LEAST_PAUSE_SECONDS - since)

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.wake()


def _record(outcome: DeliveryOutcome) -> tuple[str, bytes]:
    """Return the record of an outcome.

    Raises
    ------
    ValueError
        If it has text or numbers that JSON cannot carry, or is too large.
    """
    try:
        value = DELIVERIES.encode(outcome)
        outcome.subscription.encode()
    except TypeError as error:
        # orjson's error about a lone surrogate, or about an integer beyond 64 bits.
        raise ValueError(str(error)) from error
    if len(value) > _MAX_BYTES:
        raise ValueError(f"an outcome must be at most {_MAX_BYTES} bytes, was {len(value)}")
    return outcome.subscription, value


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
