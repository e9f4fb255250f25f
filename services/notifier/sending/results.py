"""What comes of attempts: decide, store, and go on with the delivery."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf

from services.notifier.core.attempt_result import AttemptResult, Delivered, FailureReason, Unknown
from services.notifier.core.deliveries import PendingDelivery, Replaced
from services.notifier.core.effects import Effect, OnEffect, ignore_effect
from services.notifier.core.retry import (
    DeliveryEnded,
    RetryAt,
    RetryDecision,
    decide_interrupted,
    decide_retry,
)
from services.notifier.metrics import NotifierMetrics
from services.notifier.sending.receiver_watch import ReceiverWatch
from services.notifier.sending.recorder import Recorder
from services.notifier.sending.result_log import log_results
from services.notifier.sending.sending_policy import SendingPolicy
from services.notifier.sending.waiting_deliveries import WaitingDeliveries
from services.notifier.store.attempt_records import Attempt, AttemptRecord, Recorded
from services.notifier.store.queue import DeliveryQueue, EventContent
from shared.clock import Clock
from shared.domain.deliveries import Channel, Outcome
from shared.domain.instants import NS_PER_SECOND


class Results:
    """Decide after each attempt, store the decision, and let the delivery wait again or end.

    Parameters
    ----------
    waiting
        Where deliveries wait that are attempted again.
    watch
        What is known of receivers.
    draw
        Random numbers in [0, 1) for the jitter.
    on_ended
        Called after the ends of deliveries are stored.
    on_effect
        Called after each result is stored.
    """

    def __init__(
        self,
        *,
        channel: Channel,
        policy: SendingPolicy,
        queue: DeliveryQueue,
        waiting: WaitingDeliveries,
        watch: ReceiverWatch,
        metrics: NotifierMetrics,
        clock: Clock,
        draw: Callable[[], float],
        batch_seconds: float,
        on_ended: Callable[[], None],
        on_effect: OnEffect = ignore_effect,
    ) -> None:
        self._channel = channel
        self._delays_seconds = policy.retry_delays_seconds
        self._waiting = waiting
        self._watch = watch
        self._metrics = metrics
        self._clock = clock
        self._draw = draw
        self._on_ended = on_ended
        self._on_effect = on_effect
        # From the moment when the attempt begins until its result is stored.
        self._unsettled: set[str] = set()
        # Of those of them that have come to replace others since they were taken out of the queue.
        self._replaces: dict[str, tuple[Replaced, ...]] = {}
        self.recorder = Recorder(
            queue=queue,
            batch_seconds=batch_seconds,
            clock=clock,
            on_recorded=self._recorded,
            on_batch=self._count_batch,
        )

    @property
    def unsettled(self) -> frozenset[str]:
        """Return the ids of deliveries whose attempt has begun and whose result is not stored yet."""
        return frozenset(self._unsettled)

    def expect(self, deliveries: Sequence[PendingDelivery]) -> None:
        """Note that attempts are about to begin."""
        self._unsettled.update(each.delivery_id for each in deliveries)

    def expect_no_more(self, deliveries: Sequence[PendingDelivery]) -> None:
        """Note that attempts will not be made after all."""
        self._unsettled.difference_update(each.delivery_id for each in deliveries)

    def replaced_by(self, delivery: PendingDelivery) -> tuple[Replaced, ...]:
        """Return what a delivery that is about to begin replaces."""
        return self._replaces.pop(delivery.delivery_id, delivery.replaces)

    def attempted(
        self,
        delivery: PendingDelivery,
        content: EventContent,
        result: AttemptResult,
        *,
        started_at_ns: int,
        duration_seconds: float,
    ) -> None:
        """Decide what follows an attempt; the decision is stored soon.

        Parameters
        ----------
        delivery
            With this attempt among its ``attempts``.
        """
        now_ns, now = self._clock.now_ns(), self._clock.monotonic()
        decision = decide_retry(
            result, delivery, now_ns=now_ns, draw=self._draw(), delays_seconds=self._delays_seconds
        )
        change = self._watch.note(
            delivery, result, due_in_seconds=_due_in_seconds(decision, now_ns), now_ns=now_ns, now=now
        )
        attempt = Attempt(
            started_at_ns=started_at_ns,
            duration_seconds=duration_seconds,
            answer=result.name,
            reason=decision.reason,
            detail="" if isinstance(result, Delivered) else result.detail,
        )
        self.recorder.put(
            AttemptRecord(delivery=delivery, decision=decision, attempt=attempt, receiver=change)
        )
        self._metrics.count_attempt(self._channel, outcome=result.name, duration_seconds=duration_seconds)
        if isinstance(result, Delivered):
            since_event_seconds = (now_ns - content.published_at_ns) / NS_PER_SECOND
            self._metrics.count_delivered(self._channel, since_event_seconds=since_event_seconds)

    def end(self, delivery: PendingDelivery, outcome: Outcome, reason: FailureReason) -> None:
        """End a delivery without an attempt."""
        self._unsettled.add(delivery.delivery_id)
        ended = DeliveryEnded(outcome=outcome, reason=reason)
        self.recorder.put(AttemptRecord(delivery=delivery, decision=ended))

    def interrupted(self, delivery: PendingDelivery) -> None:
        """Decide about a delivery whose notifier ended during its attempt."""
        now_ns = self._clock.now_ns()
        decision = decide_interrupted(
            delivery, now_ns=now_ns, draw=self._draw(), delays_seconds=self._delays_seconds
        )
        attempt = Attempt(
            started_at_ns=now_ns,
            duration_seconds=0.0,
            answer=Unknown.name,
            reason=FailureReason.UNKNOWN,
            detail="the notifier ended before it could store the answer",
        )
        self._unsettled.add(delivery.delivery_id)
        self._metrics.count_attempt(self._channel, outcome=Unknown.name, duration_seconds=0.0)
        self.recorder.put(AttemptRecord(delivery=delivery, decision=decision, attempt=attempt))

    def _recorded(self, record: AttemptRecord, stored: Recorded) -> None:
        """Go on with a delivery whose result is on disk."""
        self._on_effect(Effect.RECORDED)
        delivery, decision = record.delivery, record.decision
        self._unsettled.discard(delivery.delivery_id)
        self._replaces.pop(delivery.delivery_id, None)
        self._waiting.free(delivery)
        self._waiting.remove(stored.also_ended)
        if stored.newer is not None:
            is_waiting = self._waiting.ready.update(stored.newer, stored.newer_replaces)
            if not is_waiting and stored.newer in self._unsettled:
                self._replaces[stored.newer] = stored.newer_replaces
        if stored.state == "pending" and isinstance(decision, RetryAt):
            self._waiting.add([_waits_again(delivery, decision)])
        elif stored.state is not None:
            if stored.state != Outcome.DELIVERED:
                reason = FailureReason.SUPERSEDED if stored.state == Outcome.SUPERSEDED else decision.reason
                count = 1 + len(stored.also_ended)
                self._metrics.count_failed(self._channel, reason=str(reason), count=count)
            self._on_ended()

    def _count_batch(self, batch: Sequence[AttemptRecord], seconds: float) -> None:
        self._metrics.commit_seconds.observe(seconds)
        log_results(self._channel, batch)


def _waits_again(delivery: PendingDelivery, decision: RetryAt) -> PendingDelivery:
    is_unknown = decision.reason is FailureReason.UNKNOWN
    return replace(
        delivery,
        last_reason=decision.reason,
        next_attempt_at_ns=decision.next_attempt_at_ns,
        unknown_attempts=delivery.unknown_attempts + is_unknown,
        is_interrupted=False,
    )


def _due_in_seconds(decision: RetryDecision, now_ns: int) -> float:
    if isinstance(decision, RetryAt):
        return (decision.next_attempt_at_ns - now_ns) / NS_PER_SECOND
    return inf
