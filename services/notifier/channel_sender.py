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
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from services.notifier.channels.ports import Channel, Message
from services.notifier.core.attempt_result import (
    AttemptResult,
    Blame,
    Deferred,
    Delivered,
    FailureReason,
    Gone,
    Rejected,
    Unknown,
)
from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.effects import Effect, OnEffect, ignore_effect
from services.notifier.core.notices import Notice, ReceiverCondition
from services.notifier.core.ready_queue import ReadyQueue
from services.notifier.core.receiver_health import HealthPolicy, ReceiverHealth
from services.notifier.core.retry import DeliveryEnded, RetryAt, RetryDecision, decide_interrupted, decide_retry
from services.notifier.metrics import NotifierMetrics
from services.notifier.recorder import Recorder
from services.notifier.store.queue import Attempt, AttemptRecord, DeliveryQueue, EventContent, Recorded
from services.notifier.store.receivers import ReceiverChange, ReceiverState
from shared.clock import Clock
from shared.domain.deliveries import Channel as ChannelName
from shared.domain.deliveries import Outcome
from shared.domain.instants import NS_PER_SECOND
from shared.errors import StoreUnavailable

log = structlog.get_logger(__name__)

# The longest sleep: the health check watches that the loop goes on.
_HEARTBEAT_SECONDS: Final = 1.0
# Less than the time that a supervisor gives a process to stop. An attempt that has no answer by then is unknown.
_DRAIN_SECONDS: Final = 10.0
# Bodies of events that are about to be sent; others are read again.
_CONTENT_BYTES: Final = 32 << 20
_STORE_RETRY_SECONDS: Final = (0.05, 0.2, 1.0)
# A delivery that the store did not let begin is asked for again after this.
_REFUSED_SECONDS: Final = 1.0
# A receiver's owner is told when it has failed for so long.
_NOTICE_AFTER_SECONDS: Final = 300.0
# More results than this in one transaction are logged as one line.
_LOGGED_ONE_BY_ONE: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingPolicy:
    """How a channel's deliveries are sent.

    Parameters
    ----------
    max_in_flight
        Most attempts at a time.
    receivers
        How each receiver is treated.
    relay
        How what all receivers are reached by is treated; None where there is nothing of that kind.
    begins_on_disk
        Whether a begun attempt must be on disk before the message is sent.
    retry_delays_seconds
        Longest wait before each next attempt; the last one repeats.
    per_receiver
        Most deliveries of one receiver in memory.
    """

    max_in_flight: int
    receivers: HealthPolicy
    relay: HealthPolicy | None
    begins_on_disk: bool
    retry_delays_seconds: Sequence[float]
    per_receiver: int = 64


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
        self._on_notice = on_notice
        self._on_effect = on_effect
        self._ready = ReadyQueue(policy.receivers, per_receiver=policy.per_receiver)
        self._relay = ReceiverHealth(policy.relay) if policy.relay is not None else None
        self._contents: OrderedDict[str, EventContent] = OrderedDict()
        self._content_bytes = 0
        # From the moment when the attempt begins until its result is stored.
        self._unsettled: set[str] = set()
        self._in_flight = 0
        self._noticed: dict[str, int] = {}
        self._failing_since_ns: dict[str, tuple[str, int]] = {}
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
    def depth(self) -> int:
        """Return how many deliveries wait in memory."""
        return len(self._ready)

    def restore(self, states: Iterable[ReceiverState]) -> None:
        """Continue with what an earlier run knew of receivers."""
        now_ns, now = self._clock.now_ns(), self._clock.monotonic()
        for state in states:
            failing_since = not_before = 0.0
            if state.not_before_ns is not None:
                longest = max(self._policy.retry_delays_seconds[-1], self._policy.receivers.probe_max_seconds)
                # The wall clock may have been set since.
                not_before = now + min((state.not_before_ns - now_ns) / NS_PER_SECOND, longest)
            if state.failing_since_ns is not None:
                failing_since = now - max(now_ns - state.failing_since_ns, 0) / NS_PER_SECOND
                self._failing_since_ns[state.receiver_id] = (state.subscription, state.failing_since_ns)
            if state.not_before_ns is not None or state.failing_since_ns is not None:
                self._ready.health_of(state.receiver_id).restore(
                    failing_since=failing_since if state.failing_since_ns is not None else None,
                    not_before=not_before,
                )

    def keep_content(self, event_id: str, content: EventContent) -> None:
        """Keep an event's bytes for the attempts that are about to begin."""
        if event_id in self._contents:
            self._contents.move_to_end(event_id)
            return
        self._contents[event_id] = content
        self._content_bytes += len(content.value)
        while self._content_bytes > _CONTENT_BYTES and len(self._contents) > 1:
            _, oldest = self._contents.popitem(last=False)
            self._content_bytes -= len(oldest.value)

    def add(self, deliveries: Iterable[PendingDelivery]) -> None:
        """Take deliveries that the store has; those that are known already become due if they are due there."""
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
            self._ready.remove(delivery_id)

    def store_has_more(self, receiver_ids: Iterable[str]) -> None:
        """Note that the store has deliveries of receivers that are not in memory."""
        for receiver_id in receiver_ids:
            self._ready.store_has_more(receiver_id)
        self._woken.set()

    def retry_now(self, receiver_ids: Iterable[str]) -> None:
        """Try receivers now, however long they have failed or asked to be left alone."""
        now = self._clock.monotonic()
        for receiver_id in receiver_ids:
            self._ready.health_of(receiver_id).retry_now()
            self._ready.recovered(receiver_id, now)
        if self._relay is not None:
            self._relay.retry_now()
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
                self._tell_of_paused()
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
            log.error("results_not_stored", channel=self._channel.value)
        finally:
            for task in (waker, recording, *self._tasks):
                task.cancel()

    async def _start_some(self) -> float:
        """Begin what may begin now; return for how long to sleep if nothing happens."""
        now = self._clock.monotonic()
        room = self._policy.max_in_flight - self._in_flight
        if self._relay is not None:
            room = min(room, self._relay.room(now))
        taken = self._ready.take(now, room=room)
        for delivery in taken.expired:
            self._expire(delivery)
        for receiver_id in taken.refill:
            self._spawn(self._refill(receiver_id))
        if taken.start and not await self._begin(taken.start):
            return _STORE_RETRY_SECONDS[min(self._store_failures, len(_STORE_RETRY_SECONDS)) - 1]
        if taken.start:
            # Whatever came meanwhile is looked at in the next round, at once.
            return 0.0
        wakes = [self._ready.next_at()]
        if self._relay is not None and len(self._ready):
            wakes.append(self._relay.opens_at())
        soon = [at - now for at in wakes if at is not None and at > now]
        return min([*soon, _HEARTBEAT_SECONDS])

    async def _begin(self, deliveries: Sequence[PendingDelivery]) -> bool:
        """Let attempts begin; return whether the store could be written."""
        for delivery in deliveries:
            self._unsettled.add(delivery.delivery_id)
        self._in_flight += len(deliveries)
        if self._relay is not None:
            for _ in deliveries:
                self._relay.start()
        started: set[str] = set()
        try:
            begun = await self._queue.begin(
                [each.delivery_id for each in deliveries],
                now_ns=self._clock.now_ns(),
                on_disk=self._policy.begins_on_disk,
            )
            self._on_effect(Effect.BEGUN)
            contents = await self._contents_of(each for each in deliveries if each.delivery_id in begun)
            self._store_failures = 0
            for delivery in deliveries:
                content = contents.get(delivery.event_id)
                if delivery.delivery_id in begun and content is not None:
                    started.add(delivery.delivery_id)
                    begun_delivery = replace(delivery, attempts=delivery.attempts + 1)
                    self._spawn(self._attempt(begun_delivery, content))
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
            if self._relay is not None:
                self._relay.release()
            self._ready.health_of(delivery.receiver_id).release()
            self._ready.free(delivery)
            if is_store_down:
                self._wait(delivery, now_ns=now_ns, now=now)
        if deliveries and not is_store_down:
            # Ended meanwhile, taken over by another notifier, or another one of the lane is being sent elsewhere.
            receivers = {each.receiver_id for each in deliveries}
            asyncio.get_running_loop().call_later(_REFUSED_SECONDS, self.store_has_more, receivers)

    async def _contents_of(self, deliveries: Iterable[PendingDelivery]) -> Mapping[str, EventContent]:
        wanted = {each.event_id for each in deliveries}
        found = {event_id: self._contents[event_id] for event_id in wanted if event_id in self._contents}
        missing = wanted - found.keys()
        if missing:
            read = await self._queue.contents(missing)
            for event_id, content in read.items():
                self.keep_content(event_id, content)
            found |= read
        return found

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
        result = await self._result_of(delivery, content)
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
        change = self._update_health(delivery, result, now_ns=now_ns, now=now)
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

    async def _result_of(self, delivery: PendingDelivery, content: EventContent) -> AttemptResult:
        route = self._routes.get(delivery.subscription)
        if route is None:
            return Rejected(reason=FailureReason.SUBSCRIPTION_REMOVED)
        message = Message(
            event_id=delivery.event_id,
            message_id=delivery.message_id,
            body=content.value,
            first_seen_ns=content.received_at_ns,
            endpoint_sequence=delivery.endpoint_sequence,
            replaces=delivery.replaces,
            needs_fresh_connection=delivery.attempts > 1
            or self._ready.health_of(delivery.receiver_id).failing_since is not None,
        )
        try:
            return await route.attempt(message)
        except Exception as error:
            self._metrics.internal_errors.labels(delivery.channel.value).inc()
            log.exception("attempt_failed_inside", subscription=delivery.subscription)
            return Deferred(reason=FailureReason.INTERNAL, detail=type(error).__name__)

    def _update_health(
        self, delivery: PendingDelivery, result: AttemptResult, *, now_ns: int, now: float
    ) -> ReceiverChange | None:
        health = self._ready.health_of(delivery.receiver_id)
        was_paused = health.is_paused
        blame = result.blame if isinstance(result, Deferred | Unknown) else None
        if self._relay is not None:
            self._update_relay(result, now)
        if blame is Blame.RELAY or (isinstance(result, Deferred) and result.reason is FailureReason.INTERNAL):
            health.release()
        elif blame is not None:
            wait = result.retry_after_seconds if isinstance(result, Deferred) else None
            health.fail(now, draw=self._draw(), retry_after_seconds=wait)
        else:
            health.succeed()
        self._ready.answered(delivery)
        return self._change_of(delivery, result, health, was_paused=was_paused, now_ns=now_ns, now=now)

    def _update_relay(self, result: AttemptResult, now: float) -> None:
        relay = self._relay
        if relay is None:
            return
        if isinstance(result, Deferred | Unknown) and result.blame is Blame.RELAY:
            if relay.failing_since is None:
                log.error("relay_unusable", reason=getattr(result, "reason", result.name), detail=result.detail)
            wait = result.retry_after_seconds if isinstance(result, Deferred) else None
            relay.fail(now, draw=self._draw(), retry_after_seconds=wait)
        elif isinstance(result, Deferred) and result.reason is FailureReason.INTERNAL:
            relay.release()
        else:
            was_failing = relay.failing_since is not None
            relay.succeed()
            if was_failing:
                log.info("relay_works_again")
                self._ready.recovered_all(now)
        self._metrics.set_relay_usable(relay.failing_since is None)

    def _change_of(
        self,
        delivery: PendingDelivery,
        result: AttemptResult,
        health: ReceiverHealth,
        *,
        was_paused: bool,
        now_ns: int,
        now: float,
    ) -> ReceiverChange | None:
        """Return what the store should know of the receiver, and tell its owner what has changed."""
        receiver_id = delivery.receiver_id
        if isinstance(result, Gone) or (isinstance(result, Delivered) and result.disables):
            reason = result.reason if isinstance(result, Gone) else FailureReason.DISABLED
            self._notice(ReceiverCondition.GONE, receiver_id, delivery.subscription, now_ns, now_ns, reason)
        if was_paused and not health.is_paused:
            self._ready.recovered(receiver_id, now)
            self._failing_since_ns.pop(receiver_id, None)
            since_ns = self._noticed.pop(receiver_id, None)
            if since_ns is not None:
                self._notice(
                    ReceiverCondition.RECOVERED, receiver_id, delivery.subscription, since_ns, now_ns, ""
                )
            log.info("receiver_works_again", subscription=delivery.subscription)
            return ReceiverChange(receiver_id=receiver_id, subscription=delivery.subscription)
        retry_after = result.retry_after_seconds if isinstance(result, Deferred) else None
        is_newly_paused = health.is_paused and not was_paused
        if is_newly_paused and health.failing_since is not None:
            since_ns = now_ns - round((now - health.failing_since) * NS_PER_SECOND)
            self._failing_since_ns[receiver_id] = (delivery.subscription, since_ns)
            log.warning("receiver_paused", subscription=delivery.subscription, reason=_reason_of(result))
        if not is_newly_paused and retry_after is None:
            return None
        failing = self._failing_since_ns.get(receiver_id)
        return ReceiverChange(
            receiver_id=receiver_id,
            subscription=delivery.subscription,
            not_before_ns=now_ns + round(retry_after * NS_PER_SECOND) if retry_after is not None else None,
            failing_since_ns=failing[1] if failing is not None else None,
        )

    def _tell_of_paused(self) -> None:
        now_ns = self._clock.now_ns()
        for receiver_id, (subscription, since_ns) in self._failing_since_ns.items():
            if receiver_id not in self._noticed and now_ns - since_ns >= _NOTICE_AFTER_SECONDS * NS_PER_SECOND:
                self._noticed[receiver_id] = since_ns
                self._notice(ReceiverCondition.PAUSED, receiver_id, subscription, since_ns, now_ns, "")

    def _notice(
        self,
        condition: ReceiverCondition,
        receiver_id: str,
        subscription: str,
        since_ns: int,
        at_ns: int,
        reason: str,
    ) -> None:
        self._on_notice(
            Notice(
                condition=condition,
                subscription=subscription,
                channel=self._channel,
                receiver_id=receiver_id,
                since_ns=since_ns,
                at_ns=at_ns,
                reason=str(reason),
                waiting=self._ready.count_of(receiver_id),
            )
        )

    def _wait(self, delivery: PendingDelivery, *, now_ns: int, now: float) -> None:
        longest = self._policy.retry_delays_seconds[-1] + self._policy.retry_delays_seconds[0]
        # The wall clock may have been set back since the instant was stored.
        until_due = min(max(delivery.next_attempt_at_ns - now_ns, 0) / NS_PER_SECOND, max(longest, 86_400.0))
        until_expiry = (delivery.expires_at_ns - now_ns) / NS_PER_SECOND
        self._ready.add(delivery, due=now + until_due, expires=now + until_expiry)

    def _expire(self, delivery: PendingDelivery) -> None:
        ended = DeliveryEnded(outcome=Outcome.EXPIRED, reason=FailureReason.DEADLINE_PASSED)
        self._unsettled.add(delivery.delivery_id)
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
        if stored.newer is not None:
            self._ready.update(stored.newer, replaces=stored.newer_replaces)
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
        if len(batch) <= _LOGGED_ONE_BY_ONE:
            for record in batch:
                _log(record.delivery, record.decision, record.attempt)
        else:
            delivered = sum(
                isinstance(each.decision, DeliveryEnded) and each.decision.outcome is Outcome.DELIVERED
                for each in batch
            )
            log.info(
                "deliveries_finished", channel=self._channel.value, results=len(batch), delivered=delivered
            )

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
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


def _reason_of(result: AttemptResult) -> str:
    return str(result.reason) if isinstance(result, Deferred) else result.name


def _log(delivery: PendingDelivery, decision: RetryDecision, attempt: Attempt | None) -> None:
    log.info(
        "delivery_finished" if isinstance(decision, DeliveryEnded) else "delivery_deferred",
        channel=delivery.channel.value,
        subscription=delivery.subscription,
        event_id=delivery.event_id,
        outcome=decision.outcome.value if isinstance(decision, DeliveryEnded) else "deferred",
        reason=str(decision.reason),
        attempt=delivery.attempts,
        duration_seconds=round(attempt.duration_seconds, 4) if attempt else 0.0,
        detail=attempt.detail if attempt else "",
    )
