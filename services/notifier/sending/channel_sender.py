"""Attempt the deliveries of one channel until each has ended; webhooks and e-mails never wait for each other.

Order of effects for one delivery:

1. the store notes that an attempt begins: it is ``sending`` (``begun``). For a mail that is on disk; for a
   webhook, which its receiver recognises by its id, it survives the end of this process and reaches the disk
   while the message is under way,
2. the message is sent to the receiver (``sent``),
3. the result and the decision after it are stored, many in one transaction (``recorded``),
4. `outcome_publisher` publishes the outcome.

After a crash between 1 and 3 nobody knows whether the message arrived: it is *unknown*, not new. A store that
cannot be written lets no attempt begin.

Nothing that a receiver does ends more than its own attempt: whatever a channel raises is the result
``internal`` of that attempt.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Final

import structlog

from services.notifier.channels.ports import Channel
from services.notifier.core.attempt_result import (
    Deferred,
    Delivered,
    FailureReason,
    Unknown,
)
from services.notifier.core.deliveries import PendingDelivery, Replaced
from services.notifier.core.effects import Effect, OnEffect, ignore_effect
from services.notifier.core.notices import Notice
from services.notifier.core.ready_queue import ReadyQueue
from services.notifier.core.retry import (
    DeliveryEnded,
    RetryAt,
    RetryDecision,
    decide_interrupted,
    decide_retry,
)
from services.notifier.metrics import NotifierMetrics
from services.notifier.sending.attempt import attempt_once
from services.notifier.sending.event_contents import EventContents
from services.notifier.sending.receiver_watch import ReceiverWatch
from services.notifier.sending.recorder import Recorder
from services.notifier.sending.result_log import log_results
from services.notifier.sending.sending_policy import SendingPolicy
from services.notifier.store.queue import Attempt, AttemptRecord, DeliveryQueue, EventContent, Recorded
from services.notifier.store.receivers import ReceiverState
from shared.clock import Clock
from shared.domain.deliveries import Channel as ChannelName
from shared.domain.deliveries import Outcome
from shared.domain.instants import NS_PER_SECOND
from shared.errors import StoreUnavailable

log = structlog.get_logger(__name__)

# The longest sleep: the health check watches that the loop goes on.
_HEARTBEAT_SECONDS: Final = 1.0
# Less than the time that a supervisor gives a process to stop. An attempt without an answer is then unknown.
_DRAIN_SECONDS: Final = 10.0
# Bodies of events that are about to be sent; others are read again.
_CONTENT_BYTES: Final = 32 << 20
_STORE_RETRY_SECONDS: Final = (0.05, 0.2, 1.0)
# A delivery that the store did not let begin is asked for again after this.
_REFUSED_SECONDS: Final = 1.0


class ChannelSender:
    """Attempt the deliveries of one channel when they are due, a bounded number at a time.

    Parameters
    ----------
    routes
        By subscription; a delivery of a subscription that is not in it ends rejected.
    draw
        Random numbers in [0, 1) for the jitter.
    on_ended
        Called after the ends of deliveries are stored.
    on_notice
        Called with what a receiver's owner should know.
    on_store_failure
        Called when the store could not be written, so that memory and store must be compared.
    on_effect
        Called after each effect of the list above.
    """

    def __init__(
        self,
        *,
        channel: ChannelName,
        policy: SendingPolicy,
        queue: DeliveryQueue,
        routes: Mapping[str, Channel],
        metrics: NotifierMetrics,
        clock: Clock,
        draw: Callable[[], float],
        batch_seconds: float,
        on_ended: Callable[[], None],
        on_notice: Callable[[Notice], None],
        on_store_failure: Callable[[], None],
        on_effect: OnEffect = ignore_effect,
    ) -> None:
        self._channel = channel
        self._policy = policy
        self._queue = queue
        self._routes = routes
        self._metrics = metrics
        self._clock = clock
        self._draw = draw
        self._on_ended = on_ended
        self._on_store_failure = on_store_failure
        self._on_effect = on_effect
        self._ready = ReadyQueue(policy.receivers, per_receiver=policy.per_receiver)
        self._contents = EventContents(queue, max_bytes=_CONTENT_BYTES)
        self._watch = ReceiverWatch(
            channel=channel,
            ready=self._ready,
            relay=policy.relay,
            metrics=metrics,
            draw=draw,
            on_notice=on_notice,
        )
        # From the moment when the attempt begins until its result is stored.
        self._unsettled: set[str] = set()
        self._in_flight = 0
        # Of deliveries that are about to begin.
        self._replaces_of: dict[str, tuple[Replaced, ...]] = {}
        self._store_failures = 0
        self._woken = asyncio.Event()
        self._ticked_at = clock.monotonic()
        self._recorder = Recorder(
            queue=queue,
            batch_seconds=batch_seconds,
            clock=clock,
            on_recorded=self._recorded,
            on_batch=self._count_batch,
        )
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def ticked_at(self) -> float:
        """Return when the loop last went round, on the clock's monotonic scale."""
        return self._ticked_at

    @property
    def unsettled(self) -> frozenset[str]:
        """Return the ids of deliveries whose attempt has begun and whose result is not stored yet."""
        return frozenset(self._unsettled)

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is being sent."""
        return self._in_flight == 0

    @property
    def paused_count(self) -> int:
        """Return how many receivers get only probes."""
        return self._watch.paused_count

    @property
    def depth(self) -> int:
        """Return how many deliveries wait in memory."""
        return len(self._ready)

    def restore(self, states: Iterable[ReceiverState]) -> None:
        """Continue with what an earlier run knew of receivers."""
        self._watch.restore(states, now_ns=self._clock.now_ns(), now=self._clock.monotonic())

    def keep_content(self, event_id: str, content: EventContent) -> None:
        """Keep an event's bytes for the attempts that are about to begin."""
        self._contents.keep(event_id, content)

    def add(self, deliveries: Iterable[PendingDelivery]) -> None:
        """Take deliveries that the store has; of one that is known already, take when it is due."""
        now_ns, now = self._clock.now_ns(), self._clock.monotonic()
        for delivery in deliveries:
            if delivery.delivery_id in self._unsettled:
                continue
            if delivery.is_interrupted:
                self._settle_interrupted(delivery, now_ns)
            else:
                self._wait(delivery, now_ns=now_ns, now=now)
        self._woken.set()

    def superseded(self, delivery_ids: Iterable[str]) -> None:
        """Forget deliveries that newer ones have replaced in the store."""
        for delivery_id in delivery_ids:
            if self._ready.remove(delivery_id) is not None:
                self._metrics.count_failed(self._channel, reason=FailureReason.SUPERSEDED.value, count=1)

    def store_has_more(self, receiver_ids: Iterable[str]) -> None:
        """Note that the store has deliveries of receivers that are not in memory."""
        for receiver_id in receiver_ids:
            self._ready.store_has_more(receiver_id)
        self._woken.set()

    def retry_now(self, receiver_ids: Iterable[str]) -> None:
        """Try receivers now, however long they have failed or asked to be left alone."""
        self._watch.retry_now(receiver_ids, self._clock.monotonic())
        self._woken.set()

    def wake(self) -> None:
        """Look for something to do now."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Attempt deliveries until asked to stop, then let the attempts in flight finish and store them."""
        recording = asyncio.create_task(self._recorder.run())
        waker = asyncio.create_task(self._wake_at(stop))
        try:
            while not stop.is_set():
                if recording.done():
                    recording.result()
                self._woken.clear()
                self._ticked_at = self._clock.monotonic()
                self._watch.tell_of_paused(self._clock.now_ns())
                pause_seconds = await self._start_some()
                await self._sleep(pause_seconds)
            if self._tasks:
                _, late = await asyncio.wait(self._tasks, timeout=_DRAIN_SECONDS)
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)
            recording.cancel()
            await asyncio.gather(recording, return_exceptions=True)
            await asyncio.wait_for(self._recorder.store(), timeout=_DRAIN_SECONDS)
        except TimeoutError:
            log.exception("results_not_stored", channel=self._channel.value)
        finally:
            for task in (waker, recording, *self._tasks):
                task.cancel()

    async def _start_some(self) -> float:
        """Begin what may begin now; return for how long to sleep if nothing happens."""
        now = self._clock.monotonic()
        room = self._policy.max_in_flight - self._in_flight
        relay_room = self._watch.relay_room(now)
        if relay_room is not None:
            room = min(room, relay_room)
        taken = self._ready.take(now, room=room)
        self._unsettled.update(each.delivery_id for each in taken.start)
        self._in_flight += len(taken.start)
        self._watch.start(len(taken.start))
        for delivery in taken.expired:
            self._end(delivery, Outcome.EXPIRED, FailureReason.DEADLINE_PASSED)
        for delivery in taken.superseded:
            self._end(delivery, Outcome.SUPERSEDED, FailureReason.SUPERSEDED)
        # What is sent next says which ones it replaces.
        if taken.superseded and not await self._recorder.try_to_store():
            self._give_back(taken.start, is_store_down=True)
            return _STORE_RETRY_SECONDS[-1]
        for receiver_id in taken.refill:
            self._spawn(self._refill(receiver_id))
        if taken.start and not await self._begin(taken.start):
            return _STORE_RETRY_SECONDS[min(self._store_failures, len(_STORE_RETRY_SECONDS)) - 1]
        if taken.start:
            # Whatever came meanwhile is looked at in the next round, at once.
            return 0.0
        wakes = (self._ready.next_at(), self._watch.relay_opens_at())
        soon = [at - now for at in wakes if at is not None and at > now]
        return min([*soon, _HEARTBEAT_SECONDS])

    async def _begin(self, deliveries: Sequence[PendingDelivery]) -> bool:
        """Let attempts begin; return whether the store could be written."""
        started: set[str] = set()
        try:
            begun = await self._queue.begin(
                [each.delivery_id for each in deliveries],
                now_ns=self._clock.now_ns(),
                on_disk=self._policy.begins_on_disk,
            )
            self._on_effect(Effect.BEGUN)
            contents = await self._contents.of(
                each.event_id for each in deliveries if each.delivery_id in begun
            )
            self._store_failures = 0
            for delivery in deliveries:
                content = contents.get(delivery.event_id)
                if delivery.delivery_id in begun and content is not None:
                    started.add(delivery.delivery_id)
                    replaces = self._replaces_of.pop(delivery.delivery_id, delivery.replaces)
                    begun_one = replace(delivery, attempts=delivery.attempts + 1, replaces=replaces)
                    self._spawn(self._attempt(begun_one, content))
        except StoreUnavailable as error:
            self._store_failures += 1
            log.warning("sending_waits_for_the_store", channel=self._channel.value, detail=str(error)[:200])
            self._give_back(deliveries, is_store_down=True)
            return False
        self._give_back([each for each in deliveries if each.delivery_id not in started], is_store_down=False)
        return True

    def _give_back(self, deliveries: Sequence[PendingDelivery], *, is_store_down: bool) -> None:
        """Undo the beginning of attempts that may not be made."""
        now_ns, now = self._clock.now_ns(), self._clock.monotonic()
        for delivery in deliveries:
            self._unsettled.discard(delivery.delivery_id)
            self._in_flight -= 1
            self._watch.release(delivery)
            self._ready.free(delivery)
            if is_store_down:
                self._wait(delivery, now_ns=now_ns, now=now)
        if is_store_down:
            # Whether the last transaction was kept is not known.
            self._on_store_failure()
        elif deliveries:
            # It has ended, or another notifier has it or is sending another one of the lane.
            receivers = {each.receiver_id for each in deliveries}
            asyncio.get_running_loop().call_later(_REFUSED_SECONDS, self.store_has_more, receivers)

    async def _refill(self, receiver_id: str) -> None:
        try:
            more = await self._queue.more(receiver_id, self._policy.per_receiver, without=self._unsettled)
        except StoreUnavailable:
            asyncio.get_running_loop().call_later(_REFUSED_SECONDS, self.store_has_more, [receiver_id])
            return
        self.add(more)
        if len(more) == self._policy.per_receiver:
            self._ready.store_has_more(receiver_id)

    async def _attempt(self, delivery: PendingDelivery, content: EventContent) -> None:
        started_at_ns, started = self._clock.now_ns(), self._clock.monotonic()
        result = await attempt_once(
            self._routes.get(delivery.subscription),
            delivery,
            content,
            is_doubtful=self._ready.health_of(delivery.receiver_id).failing_since is not None,
        )
        if isinstance(result, Deferred) and result.reason is FailureReason.INTERNAL:
            self._metrics.internal_errors.labels(delivery.channel.value).inc()
        self._on_effect(Effect.SENT)
        now_ns, now = self._clock.now_ns(), self._clock.monotonic()
        decision = decide_retry(
            result,
            delivery,
            now_ns=now_ns,
            draw=self._draw(),
            delays_seconds=self._policy.retry_delays_seconds,
        )
        self._in_flight -= 1
        change = self._watch.note(
            delivery,
            result,
            due_in_seconds=_due_in_seconds(decision, now_ns),
            now_ns=now_ns,
            now=now,
        )
        attempt = Attempt(
            started_at_ns=started_at_ns,
            duration_seconds=now - started,
            answer=result.name,
            reason=decision.reason,
            detail="" if isinstance(result, Delivered) else result.detail,
        )
        self._recorder.put(
            AttemptRecord(delivery=delivery, decision=decision, attempt=attempt, receiver=change)
        )
        self._metrics.count_attempt(
            delivery.channel, outcome=result.name, duration_seconds=attempt.duration_seconds
        )
        if isinstance(result, Delivered):
            self._metrics.count_delivered(
                delivery.channel, since_event_seconds=(now_ns - content.published_at_ns) / NS_PER_SECOND
            )
        self._woken.set()

    def _wait(self, delivery: PendingDelivery, *, now_ns: int, now: float) -> None:
        longest = self._policy.retry_delays_seconds[-1] + self._policy.retry_delays_seconds[0]
        # The wall clock may have been set back since the instant was stored.
        until_due = min(max(delivery.next_attempt_at_ns - now_ns, 0) / NS_PER_SECOND, max(longest, 86_400.0))
        until_expiry = (delivery.expires_at_ns - now_ns) / NS_PER_SECOND
        self._ready.add(delivery, due=now + until_due, expires=now + until_expiry)

    def _end(self, delivery: PendingDelivery, outcome: Outcome, reason: FailureReason) -> None:
        self._unsettled.add(delivery.delivery_id)
        ended = DeliveryEnded(outcome=outcome, reason=reason)
        self._recorder.put(AttemptRecord(delivery=delivery, decision=ended))

    def _settle_interrupted(self, delivery: PendingDelivery, now_ns: int) -> None:
        decision = decide_interrupted(
            delivery, now_ns=now_ns, draw=self._draw(), delays_seconds=self._policy.retry_delays_seconds
        )
        attempt = Attempt(
            started_at_ns=now_ns,
            duration_seconds=0.0,
            answer=Unknown.name,
            reason=FailureReason.UNKNOWN,
            detail="the notifier ended before it could store the answer",
        )
        self._unsettled.add(delivery.delivery_id)
        self._metrics.count_attempt(delivery.channel, outcome=Unknown.name, duration_seconds=0.0)
        self._recorder.put(AttemptRecord(delivery=delivery, decision=decision, attempt=attempt))

    def _recorded(self, record: AttemptRecord, stored: Recorded) -> None:
        """Go on with a delivery whose result is on disk."""
        self._on_effect(Effect.RECORDED)
        delivery, decision = record.delivery, record.decision
        self._unsettled.discard(delivery.delivery_id)
        self._ready.free(delivery)
        for delivery_id in stored.also_ended:
            self._ready.remove(delivery_id)
        if stored.newer is not None and not self._ready.update(stored.newer, stored.newer_replaces):
            self._replaces_of[stored.newer] = stored.newer_replaces
        if stored.state == "pending" and isinstance(decision, RetryAt):
            is_unknown = decision.reason is FailureReason.UNKNOWN
            again = replace(
                delivery,
                last_reason=decision.reason,
                next_attempt_at_ns=decision.next_attempt_at_ns,
                unknown_attempts=delivery.unknown_attempts + is_unknown,
                is_interrupted=False,
            )
            self._wait(again, now_ns=self._clock.now_ns(), now=self._clock.monotonic())
        elif stored.state is not None:
            ended = 1 + len(stored.also_ended)
            if stored.state != Outcome.DELIVERED:
                reason = FailureReason.SUPERSEDED if stored.state == Outcome.SUPERSEDED else decision.reason
                self._metrics.count_failed(delivery.channel, reason=str(reason), count=ended)
            self._on_ended()
        self._woken.set()

    def _count_batch(self, batch: Sequence[AttemptRecord], seconds: float) -> None:
        self._metrics.commit_seconds.observe(seconds)
        log_results(self._channel, batch)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._woken.set()

    async def _sleep(self, seconds: float) -> None:
        if seconds <= 0.0:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return


def _due_in_seconds(decision: RetryDecision, now_ns: int) -> float:
    if isinstance(decision, RetryAt):
        return (decision.next_attempt_at_ns - now_ns) / NS_PER_SECOND
    return inf
