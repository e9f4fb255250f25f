"""Carry out what the store holds: every delivery until its end.

Order of effects for one delivery:

1. it is read from the store, where it stays pending,
2. the receiver is asked (``sent``),
3. attempt and outcome are stored in one transaction (``recorded``),
4. the outcome is published by `auditing`.

Dying between 1 and 2 repeats nothing; between 2 and 3 repeats the message with the same id, which the
receiver has seen; after 3 only what follows is left to do.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

import structlog

from services.notifier.channels.ports import Channel, Message
from services.notifier.core.classify import Answer, Deferred, Delivered, Gone, Reason, Rejected
from services.notifier.core.ordering import PendingDelivery, startable
from services.notifier.core.policy import Policy
from services.notifier.core.steps import Reached, Step, pass_on
from services.notifier.core.verdict import Ended, Waits, is_expired, verdict_of
from services.notifier.metrics import NotifierMetrics
from services.notifier.store.queue import Attempt, DeliveryQueue, QueuedDelivery
from shared.clock import Clock
from shared.domain.deliveries import Outcome
from shared.domain.instants import NS_PER_SECOND

log = structlog.get_logger(__name__)

# The longest sleep: due times are wall time, which may be set; and a loop that ticks is alive.
_HEARTBEAT_SECONDS = 1.0
_BACKLOG_SECONDS = 5.0
# Less than a supervisor's patience: what is not answered by then is repeated after the restart.
_DRAIN_SECONDS = 10.0


class Dispatcher:
    """Attempt deliveries when they are due, in order, a bounded number at a time.

    Parameters
    ----------
    channels
        By subscription; a delivery of a subscription that is not in it ends rejected.
    draw
        Random numbers in [0, 1) for the jitter.
    on_ended
        Called after the end of a delivery is stored.
    """

    def __init__(
        self,
        *,
        queue: DeliveryQueue,
        channels: Mapping[str, Channel],
        policy: Policy,
        metrics: NotifierMetrics,
        clock: Clock,
        draw: Callable[[], float],
        on_ended: Callable[[], None],
        reached: Reached = pass_on,
    ) -> None:
        self._queue = queue
        self._channels = channels
        self._policy = policy
        self._metrics = metrics
        self._clock = clock
        self._draw = draw
        self._on_ended = on_ended
        self._reached = reached
        self._woken = asyncio.Event()
        self._running: dict[str, PendingDelivery] = {}
        self._ticked_at = clock.monotonic()
        self._backlog_at = float("-inf")

    @property
    def ticked_at(self) -> float:
        """Return when the loop last turned, on the clock's monotonic scale."""
        return self._ticked_at

    def wake(self) -> None:
        """Look for due deliveries now: something was stored or has ended."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then let the attempts in flight finish."""
        tasks: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            waker = group.create_task(self._wake_at(stop))
            while not stop.is_set():
                self._woken.clear()
                self._ticked_at = self._clock.monotonic()
                due, pause_seconds = await self._due()
                for queued in due:
                    self._running[queued.delivery.delivery_id] = queued.delivery
                    task = group.create_task(self._carry_out(queued))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                await self._measure_backlog()
                await self._sleep(pause_seconds)
            waker.cancel()
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=_DRAIN_SECONDS)
                for task in late:
                    task.cancel()

    async def _due(self) -> tuple[list[QueuedDelivery], float]:
        """Return what to start now, and for how long to sleep if nothing happens."""
        before = dict(self._running)
        share = Counter(delivery.subscription for delivery in before.values())
        limit = self._policy.limit_per_subscription
        full = [name for name, count in share.items() if count >= limit]
        # Those in flight are heads too: twice the limit shows at least a limit of others.
        queued = await self._queue.heads(limit=2 * limit, without=full)
        # What ended while the store answered still shows as pending in the answer.
        busy = before | self._running
        now_ns = self._clock.now_ns()
        chosen = startable(
            (each.delivery for each in queued),
            running=busy.values(),
            now_ns=now_ns,
            limit=self._policy.limit,
            limit_per_subscription=limit,
        )
        later = [
            each.delivery.next_attempt_at_ns
            for each in queued
            if each.delivery.next_attempt_at_ns > now_ns and each.delivery.delivery_id not in busy
        ]
        pause = (min(later) - now_ns) / NS_PER_SECOND if later else _HEARTBEAT_SECONDS
        ids = {delivery.delivery_id for delivery in chosen}
        return [each for each in queued if each.delivery.delivery_id in ids], min(pause, _HEARTBEAT_SECONDS)

    async def _carry_out(self, queued: QueuedDelivery) -> None:
        delivery = queued.delivery
        try:
            if is_expired(delivery, now_ns=self._clock.now_ns()):
                expired = Ended(outcome=Outcome.EXPIRED, reason=Reason.DEADLINE_PASSED)
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
        answer: Answer = Rejected(reason=Reason.SUBSCRIPTION_REMOVED)
        if channel is not None:
            message = Message(
                message_id=delivery.message_id, body=queued.value, first_seen_ns=queued.received_at_ns
            )
            answer = await channel.attempt(message)
            self._reached(Step.SENT)
        verdict = verdict_of(
            answer,
            delivery,
            now_ns=self._clock.now_ns(),
            draw=self._draw(),
            delays_seconds=self._policy.retry_delays_seconds,
        )
        attempt = Attempt(
            started_at_ns=started_at_ns,
            duration_seconds=self._clock.monotonic() - started,
            answer=_name(answer),
            reason=verdict.reason,
            detail="" if isinstance(answer, Delivered) else getattr(answer, "detail", ""),
        )
        await self._record(queued, verdict, attempt=attempt)

    async def _record(
        self, queued: QueuedDelivery, verdict: Ended | Waits, *, attempt: Attempt | None
    ) -> None:
        delivery = queued.delivery
        now_ns = self._clock.now_ns()
        ended = await self._queue.record(delivery, verdict, now_ns=now_ns, attempt=attempt)
        self._reached(Step.RECORDED)
        if ended:
            self._on_ended()
        if attempt is not None:
            self._metrics.count_attempt(
                delivery.channel, outcome=attempt.answer, duration_seconds=attempt.duration_seconds
            )
        if isinstance(verdict, Ended):
            self._metrics.count_end(
                delivery.channel,
                reason=str(verdict.reason),
                count=ended,
                since_event_seconds=(now_ns - queued.published_at_ns) / NS_PER_SECOND,
            )
        _log(delivery, verdict, attempt)

    async def _measure_backlog(self) -> None:
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


def _log(delivery: PendingDelivery, verdict: Ended | Waits, attempt: Attempt | None) -> None:
    log.info(
        "delivery_finished" if isinstance(verdict, Ended) else "delivery_deferred",
        channel=delivery.channel.value,
        subscription=delivery.subscription,
        event_id=delivery.event_id,
        outcome=verdict.outcome.value if isinstance(verdict, Ended) else "deferred",
        reason=str(verdict.reason),
        attempt=delivery.attempts + (attempt is not None),
        duration_seconds=round(attempt.duration_seconds, 4) if attempt else 0.0,
        detail=attempt.detail if attempt else "",
    )


def _name(answer: Answer) -> str:
    match answer:
        case Delivered():
            return "delivered"
        case Deferred():
            return "deferred"
        case Rejected():
            return "rejected"
        case Gone():
            return "gone"
