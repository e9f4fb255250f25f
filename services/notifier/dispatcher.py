"""Attempt every stored delivery until it ends.

Order of effects for one delivery:

1. it is read from the store, where it stays pending,
2. the message is sent to the receiver (``sent``),
3. the attempt and the decision after it are stored in one transaction (``recorded``),
4. `outcome_publisher` publishes the outcome.

After a crash between 1 and 2, nothing is repeated. After a crash between 2 and 3, the message is sent again
with the same id, by which the receiver recognises it. After a crash after 3, only the outcome is left to do.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog

from services.notifier.channels.ports import Channel, Message
from services.notifier.core.attempt_result import AttemptResult, Delivered, FailureReason, Rejected
from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.effects import Effect, OnEffect, ignore_effect
from services.notifier.core.retry import DeliveryEnded, RetryDecision, decide_retry, is_expired
from services.notifier.core.scheduling import ConcurrencyLimits, startable
from services.notifier.metrics import NotifierMetrics
from services.notifier.store.queue import Attempt, DeliveryQueue, QueuedDelivery
from shared.clock import Clock
from shared.domain.deliveries import Outcome
from shared.domain.instants import NS_PER_SECOND

log = structlog.get_logger(__name__)

# The longest sleep: somebody may set the wall clock that due times refer to, and the health check watches
# that the loop goes on.
_HEARTBEAT_SECONDS = 1.0
_BACKLOG_SECONDS = 5.0
# Less than the time that a supervisor gives a process to stop. An attempt that has no answer by then is
# repeated after the restart.
_DRAIN_SECONDS = 10.0


class Dispatcher:
    """Attempt deliveries when they are due, in order, a bounded number at a time.

    Parameters
    ----------
    channels
        By subscription; a delivery of a subscription that is not in it ends rejected.
    retry_delays_seconds
        Longest wait before each next attempt; the last one repeats.
    draw
        Random numbers in [0, 1) for the jitter.
    on_ended
        Called after the end of a delivery is stored.
    on_effect
        Called after each effect of the list above.
    """

    def __init__(
        self,
        *,
        queue: DeliveryQueue,
        channels: Mapping[str, Channel],
        retry_delays_seconds: Sequence[float],
        limits: ConcurrencyLimits,
        metrics: NotifierMetrics,
        clock: Clock,
        draw: Callable[[], float],
        on_ended: Callable[[], None],
        on_effect: OnEffect = ignore_effect,
    ) -> None:
        self._queue = queue
        self._channels = channels
        self._retry_delays_seconds = retry_delays_seconds
        self._limits = limits
        self._metrics = metrics
        self._clock = clock
        self._draw = draw
        self._on_ended = on_ended
        self._on_effect = on_effect
        self._woken = asyncio.Event()
        self._running: dict[str, PendingDelivery] = {}
        self._ticked_at = clock.monotonic()
        self._backlog_at = float("-inf")

    @property
    def ticked_at(self) -> float:
        """Return when the loop last went round, on the clock's monotonic scale."""
        return self._ticked_at

    def wake(self) -> None:
        """Look for due deliveries now: one was stored or has ended."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Attempt deliveries until asked to stop, then let the attempts in flight finish."""
        tasks: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            waker = group.create_task(self._wake_at(stop))
            while not stop.is_set():
                self._woken.clear()
                self._ticked_at = self._clock.monotonic()
                due, pause_seconds = await self._due()
                for queued in due:
                    self._running[queued.delivery.delivery_id] = queued.delivery
                    task = group.create_task(self._process(queued))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                await self._update_backlog()
                await self._sleep(pause_seconds)
            waker.cancel()
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=_DRAIN_SECONDS)
                for task in late:
                    task.cancel()

    async def _due(self) -> tuple[list[QueuedDelivery], float]:
        """Return the deliveries to start now, and for how long to sleep if nothing happens."""
        before = dict(self._running)
        share = Counter(delivery.subscription for delivery in before.values())
        limit = self._limits.per_subscription
        full = [name for name, count in share.items() if count >= limit]
        # The store also returns those in flight; twice the limit leaves at least the limit of others.
        queued = await self._queue.heads(limit=2 * limit, without=full)
        # A delivery that ended during the query still shows as pending in its answer.
        busy = before | self._running
        now_ns = self._clock.now_ns()
        chosen = startable(
            (each.delivery for each in queued),
            running=busy.values(),
            now_ns=now_ns,
            limits=self._limits,
        )
        later = [
            each.delivery.next_attempt_at_ns
            for each in queued
            if each.delivery.next_attempt_at_ns > now_ns and each.delivery.delivery_id not in busy
        ]
        pause = (min(later) - now_ns) / NS_PER_SECOND if later else _HEARTBEAT_SECONDS
        ids = {delivery.delivery_id for delivery in chosen}
        return [each for each in queued if each.delivery.delivery_id in ids], min(pause, _HEARTBEAT_SECONDS)

    async def _process(self, queued: QueuedDelivery) -> None:
        delivery = queued.delivery
        try:
            if is_expired(delivery, now_ns=self._clock.now_ns()):
                expired = DeliveryEnded(outcome=Outcome.EXPIRED, reason=FailureReason.DEADLINE_PASSED)
                await self._record(queued, expired, attempt=None)
            else:
                await self._attempt(queued)
        finally:
            del self._running[delivery.delivery_id]
            self.wake()

    async def _attempt(self, queued: QueuedDelivery) -> None:
        delivery = queued.delivery
        started_at_ns, started = self._clock.now_ns(), self._clock.monotonic()
        channel = self._channels.get(delivery.subscription)
        result: AttemptResult = Rejected(reason=FailureReason.SUBSCRIPTION_REMOVED)
        if channel is not None:
            message = Message(
                event_id=delivery.event_id,
                message_id=delivery.message_id,
                body=queued.value,
                first_seen_ns=queued.received_at_ns,
                needs_fresh_connection=delivery.attempts > 0,
            )
            result = await channel.attempt(message)
            self._on_effect(Effect.SENT)
        decision = decide_retry(
            result,
            delivery,
            now_ns=self._clock.now_ns(),
            draw=self._draw(),
            delays_seconds=self._retry_delays_seconds,
        )
        attempt = Attempt(
            started_at_ns=started_at_ns,
            duration_seconds=self._clock.monotonic() - started,
            answer=result.name,
            reason=decision.reason,
            detail="" if isinstance(result, Delivered) else result.detail,
        )
        await self._record(queued, decision, attempt=attempt)

    async def _record(
        self, queued: QueuedDelivery, decision: RetryDecision, *, attempt: Attempt | None
    ) -> None:
        delivery = queued.delivery
        now_ns = self._clock.now_ns()
        ended = await self._queue.record(delivery, decision, now_ns=now_ns, attempt=attempt)
        self._on_effect(Effect.RECORDED)
        if ended:
            self._on_ended()
        if attempt is not None:
            self._metrics.count_attempt(
                delivery.channel, outcome=attempt.answer, duration_seconds=attempt.duration_seconds
            )
        if isinstance(decision, DeliveryEnded):
            self._metrics.count_end(
                delivery.channel,
                reason=str(decision.reason),
                count=ended,
                since_event_seconds=(now_ns - queued.published_at_ns) / NS_PER_SECOND,
            )
        _log(delivery, decision, attempt)

    async def _update_backlog(self) -> None:
        if self._clock.monotonic() - self._backlog_at < _BACKLOG_SECONDS:
            return
        self._backlog_at = self._clock.monotonic()
        self._metrics.set_backlog(await self._queue.backlog())

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.wake()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return


def _log(delivery: PendingDelivery, decision: RetryDecision, attempt: Attempt | None) -> None:
    log.info(
        "delivery_finished" if isinstance(decision, DeliveryEnded) else "delivery_deferred",
        channel=delivery.channel.value,
        subscription=delivery.subscription,
        event_id=delivery.event_id,
        outcome=decision.outcome.value if isinstance(decision, DeliveryEnded) else "deferred",
        reason=str(decision.reason),
        attempt=delivery.attempts + (attempt is not None),
        duration_seconds=round(attempt.duration_seconds, 4) if attempt else 0.0,
        detail=attempt.detail if attempt else "",
    )
