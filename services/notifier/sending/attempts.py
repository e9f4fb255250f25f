"""The attempts of a channel that are under way, from when they may begin until they are answered."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence

import structlog

from services.notifier.channels.ports import Channel
from services.notifier.core.attempt_result import Deferred, FailureReason
from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.effects import Effect, OnEffect, ignore_effect
from services.notifier.core.ready_queue import ReadyQueue
from services.notifier.core.retry import is_expired
from services.notifier.metrics import NotifierMetrics
from services.notifier.sending.attempt import attempt_once
from services.notifier.sending.receiver_watch import ReceiverWatch
from services.notifier.sending.results import Results
from services.notifier.store.queue import EventContent
from shared.clock import Clock
from shared.domain.deliveries import Channel as ChannelName
from shared.domain.deliveries import Outcome

log = structlog.get_logger(__name__)


class Attempts:
    """Count, make and finish the attempts of one channel.

    Parameters
    ----------
    routes
        By subscription; a delivery of a subscription that is not in it ends rejected.
    on_answer
        Called after each attempt, which makes room for another one.
    on_fault
        Called when an attempt failed in a way that leaves memory and store apart.
    on_effect
        Called after each message was sent.
    """

    def __init__(
        self,
        *,
        channel: ChannelName,
        routes: Mapping[str, Channel],
        ready: ReadyQueue,
        watch: ReceiverWatch,
        results: Results,
        metrics: NotifierMetrics,
        clock: Clock,
        on_answer: Callable[[], None],
        on_fault: Callable[[], None],
        on_effect: OnEffect = ignore_effect,
    ) -> None:
        self._channel = channel
        self._routes = routes
        self._ready = ready
        self._watch = watch
        self._results = results
        self._metrics = metrics
        self._clock = clock
        self._on_answer = on_answer
        self._on_fault = on_fault
        self._on_effect = on_effect
        self._in_flight = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def in_flight(self) -> int:
        """Return how many attempts are under way or about to begin."""
        return self._in_flight

    def expect(self, deliveries: Sequence[PendingDelivery]) -> None:
        """Count attempts that are about to begin."""
        self._results.expect(deliveries)
        self._in_flight += len(deliveries)
        self._watch.start(len(deliveries))

    def give_up(self, deliveries: Sequence[PendingDelivery]) -> None:
        """Count attempts that may not begin after all."""
        self._results.expect_no_more(deliveries)
        for delivery in deliveries:
            self._release(delivery)
            self._ready.free(delivery)

    def reject(self, delivery: PendingDelivery) -> None:
        """End a delivery whose attempt cannot begin for a reason that does not pass."""
        self._release(delivery)
        self._metrics.internal_errors.labels(self._channel.value).inc()
        self._results.end(delivery, Outcome.REJECTED, FailureReason.INTERNAL)

    def start(self, delivery: PendingDelivery, content: EventContent) -> None:
        """Make an attempt that has begun in the store, with it among the delivery's ``attempts``."""
        if is_expired(delivery, now_ns=self._clock.now_ns()):
            # The store took its time.
            self._release(delivery)
            self._results.end(delivery, Outcome.EXPIRED, FailureReason.DEADLINE_PASSED)
        else:
            self.spawn(self._make(delivery, content))

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Do something beside the attempts, which `drain` waits for, too."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def drain(self, *, timeout_seconds: float) -> None:
        """Let the attempts under way finish; those that take longer are cancelled and stay unknown."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def cancel(self) -> None:
        """Cancel what is under way."""
        for task in self._tasks:
            task.cancel()

    def _release(self, delivery: PendingDelivery) -> None:
        self._in_flight -= 1
        self._watch.release(delivery)

    async def _make(self, delivery: PendingDelivery, content: EventContent) -> None:
        started_at_ns, started = self._clock.now_ns(), self._clock.monotonic()
        result = await attempt_once(
            self._routes.get(delivery.subscription),
            delivery,
            content,
            is_doubtful=self._ready.health_of(delivery.receiver_id).failing_since is not None,
        )
        if isinstance(result, Deferred) and result.reason is FailureReason.INTERNAL:
            self._metrics.internal_errors.labels(self._channel.value).inc()
        self._on_effect(Effect.SENT)
        self._in_flight -= 1
        try:
            self._results.attempted(
                delivery,
                content,
                result,
                started_at_ns=started_at_ns,
                duration_seconds=self._clock.monotonic() - started,
            )
        except Exception:
            # It may have arrived, and what follows cannot be decided: it is not repeated.
            log.exception("result_not_decided", subscription=delivery.subscription)
            self._metrics.internal_errors.labels(self._channel.value).inc()
            self._results.end(delivery, Outcome.UNKNOWN, FailureReason.INTERNAL)
        self._on_answer()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("sending_failed_inside", error=repr(error), exc_info=error)
            self._on_fault()
