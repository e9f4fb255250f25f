"""Store the results of attempts: all that come within about ten milliseconds in one transaction.

One disk write then serves many results. While the store cannot be written, results wait here and nothing new
is sent, because no attempt can begin; so what waits is bounded by what was in flight.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import structlog

from services.notifier.store.attempt_records import AttemptRecord, Recorded
from services.notifier.store.queue import DeliveryQueue
from shared.clock import Clock
from shared.errors import StoreUnavailable

log = structlog.get_logger(__name__)

_MAX_BATCH: Final = 1_000
# So many results within a batch's time are a burst.
_MANY: Final = 16
_BURST_FACTOR: Final = 5
_LONGEST_RETRY_SECONDS: Final = 2.0

OnRecorded = Callable[[AttemptRecord, Recorded], None]


class Recorder:
    """Collect results and store them in the order in which they came.

    Parameters
    ----------
    batch_seconds
        For how long results are collected.
    on_recorded
        Called for each result after it is on disk.
    on_batch
        Called after each transaction with its results and the seconds it took.
    """

    def __init__(
        self,
        *,
        queue: DeliveryQueue,
        batch_seconds: float,
        clock: Clock,
        on_recorded: OnRecorded,
        on_batch: Callable[[Sequence[AttemptRecord], float], None] = lambda _batch, _seconds: None,
    ) -> None:
        self._queue = queue
        self._batch_seconds = batch_seconds
        self._clock = clock
        self._on_recorded = on_recorded
        self._on_batch = on_batch
        self._waiting: list[AttemptRecord] = []
        self._woken = asyncio.Event()
        self._storing = asyncio.Lock()

    def put(self, record: AttemptRecord) -> None:
        """Take a result; it is stored soon."""
        self._waiting.append(record)
        self._woken.set()

    async def run(self) -> None:
        """Store results as they come; never returns."""
        while True:
            await self._woken.wait()
            await asyncio.sleep(self._batch_seconds)
            if len(self._waiting) >= _MANY:
                # Each transaction interrupts the sending; of a burst, a few are enough.
                await asyncio.sleep(_BURST_FACTOR * self._batch_seconds)
            await self.store()

    async def store(self) -> None:
        """Return when everything that waits is on disk."""
        pause_seconds = 0.05
        while not await self.try_to_store():
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_RETRY_SECONDS)

    async def try_to_store(self) -> bool:
        """Store what waits; return False if the store cannot be written now."""
        async with self._storing:
            while self._waiting:
                batch = self._waiting[:_MAX_BATCH]
                began = self._clock.monotonic()
                try:
                    recorded = await self._record(batch)
                except StoreUnavailable as error:
                    waiting = len(self._waiting)
                    log.warning("results_wait_for_the_store", count=waiting, detail=str(error)[:200])
                    return False
                # Only now: whoever cancels this must not lose results.
                del self._waiting[: len(batch)]
                self._on_batch(batch, self._clock.monotonic() - began)
                for record, state in recorded:
                    self._on_recorded(record, state)
            self._woken.clear()
        return True

    async def _record(self, batch: Sequence[AttemptRecord]) -> list[tuple[AttemptRecord, Recorded]]:
        now_ns = self._clock.now_ns()
        try:
            states = {each.delivery_id: each for each in await self._queue.record(batch, now_ns=now_ns)}
        except StoreUnavailable:
            raise
        except Exception:
            if len(batch) > 1:
                # One of them cannot be stored: it must not keep the others from being.
                return [pair for each in batch for pair in await self._record([each])]
            log.exception("result_not_stored", delivery_id=batch[0].delivery.delivery_id)
            return [await self._without_detail(batch[0], now_ns)]
        return [(each, states[each.delivery.delivery_id]) for each in batch]

    async def _without_detail(self, record: AttemptRecord, now_ns: int) -> tuple[AttemptRecord, Recorded]:
        """Store a result without the text that the receiver chose, or leave the delivery as it is."""
        plain = replace(record, attempt=None)
        try:
            (state,) = await self._queue.record([plain], now_ns=now_ns)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("delivery_left_unknown", delivery_id=record.delivery.delivery_id)
            state = Recorded(delivery_id=record.delivery.delivery_id, state=None)
        return record, state
