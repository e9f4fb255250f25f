"""Attempt the deliveries of one channel until each has ended; webhooks and e-mails never wait for each other.

Order of effects for one delivery:

1. the store notes that an attempt begins: it is ``sending`` (``begun``). For a mail that is on disk. For a
   webhook, which its receiver recognises by its id, it survives the end of this process and reaches the disk
   while the message is under way; one that need not wait is noted together with its event,
2. the message is sent to the receiver (``sent``),
3. the result and the decision after it are stored, many in one transaction (``recorded``),
4. `outcome_publisher` publishes the outcome.

After a crash between 1 and 3 nobody knows whether the message arrived: it is *unknown*, not new. A store that
cannot be written lets no attempt begin.

Nothing that a receiver does ends more than its own attempt: whatever a channel raises is the result
``internal`` of that attempt.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import structlog

from services.notifier.channels.ports import Channel
from services.notifier.core.attempt_result import FailureReason
from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.effects import Effect, OnEffect, ignore_effect
from services.notifier.core.notices import Notice
from services.notifier.core.routing import PlannedDelivery
from services.notifier.metrics import NotifierMetrics
from services.notifier.sending.attempts import Attempts
from services.notifier.sending.event_contents import EventContents
from services.notifier.sending.receiver_watch import ReceiverWatch
from services.notifier.sending.results import Results
from services.notifier.sending.sending_policy import SendingPolicy
from services.notifier.sending.waiting_deliveries import WaitingDeliveries
from services.notifier.store.queue import DeliveryQueue, EventContent
from services.notifier.store.receivers import ReceiverState
from shared.clock import Clock
from shared.domain.deliveries import Channel as ChannelName
from shared.domain.deliveries import Outcome
from shared.errors import StoreUnavailable

log = structlog.get_logger(__name__)

# The longest sleep: the health check watches that the loop goes on.
_HEARTBEAT_SECONDS: Final = 1.0
# Less than the time that a supervisor gives a process to stop. An attempt without an answer is then unknown.
_DRAIN_SECONDS: Final = 10.0
# Attempts in flight that leave time for other work.
_LITTLE: Final = 16
_BURST_SECONDS: Final = 0.005
# Bodies of events that are about to be sent; others are read again.
_CONTENT_BYTES: Final = 32 << 20
_STORE_RETRY_SECONDS: Final = (0.05, 0.2, 1.0)


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
        self._metrics = metrics
        self._clock = clock
        self._on_store_failure = on_store_failure
        self._on_effect = on_effect
        self._woken = asyncio.Event()
        self._waiting = WaitingDeliveries(policy=policy, queue=queue, clock=clock, wake=self._woken.set)
        self._ready = self._waiting.ready
        self._contents = EventContents(queue, max_bytes=_CONTENT_BYTES)
        self._watch = ReceiverWatch(
            channel=channel,
            ready=self._ready,
            relay=policy.relay,
            metrics=metrics,
            draw=draw,
            on_notice=on_notice,
        )
        self._results = Results(
            channel=channel,
            policy=policy,
            queue=queue,
            waiting=self._waiting,
            watch=self._watch,
            metrics=metrics,
            clock=clock,
            draw=draw,
            batch_seconds=batch_seconds,
            on_ended=on_ended,
            on_effect=on_effect,
        )
        self._routes = routes
        self._attempts = Attempts(
            channel=channel,
            routes=routes,
            ready=self._ready,
            watch=self._watch,
            results=self._results,
            metrics=metrics,
            clock=clock,
            on_answer=self._woken.set,
            on_fault=on_store_failure,
            on_effect=on_effect,
        )
        self._is_stopped = False
        self._store_failures = 0
        self._ticked_at = clock.monotonic()

    @property
    def ticked_at(self) -> float:
        """Return when the loop last went round, on the clock's monotonic scale."""
        return self._ticked_at

    @property
    def unsettled(self) -> frozenset[str]:
        """Return the ids of deliveries whose attempt has begun and whose result is not stored yet."""
        return self._results.unsettled

    @property
    def is_idle(self) -> bool:
        """Return whether little is being sent."""
        return self._attempts.in_flight <= _LITTLE

    @property
    def paused_count(self) -> int:
        """Return how many receivers get only probes."""
        return self._watch.paused_count

    @property
    def depth(self) -> int:
        """Return how many deliveries wait in memory."""
        return len(self._ready)

    def restore(self, states: Iterable[ReceiverState]) -> None:
        """Continue with what an earlier run knew of this channel's receivers; others are ignored."""
        mine = [state for state in states if state.subscription in self._routes]
        self._watch.restore(mine, now_ns=self._clock.now_ns(), now=self._clock.monotonic())

    def keep_content(self, event_id: str, content: EventContent) -> None:
        """Keep an event's bytes for the attempts that are about to begin."""
        self._contents.keep(event_id, content)

    def add(self, deliveries: Iterable[PendingDelivery]) -> None:
        """Take deliveries that the store has; of one that is known already, take when it is due."""
        in_progress = self._results.unsettled
        others = [each for each in deliveries if each.delivery_id not in in_progress]
        for delivery in others:
            if delivery.is_interrupted:
                # It may wait here, too: a transaction of which nobody knew whether it was kept.
                self._waiting.remove([delivery.delivery_id])
                self._ready.hold(delivery)
                self._results.interrupted(delivery)
        self._waiting.add(each for each in others if not each.is_interrupted)

    def may_begin(self, delivery: PlannedDelivery) -> bool:
        """Return whether a new delivery may be stored as begun; called in the store's thread, too."""
        return (
            not (self._is_stopped or self._policy.begins_on_disk)
            and self._clock.now_ns() < delivery.expires_at_ns
            and self._attempts.in_flight < self._policy.max_in_flight
            and self._ready.may_begin(delivery.receiver_id, self._clock.monotonic())
        )

    def begin(self, deliveries: Sequence[PendingDelivery], content: EventContent) -> None:
        """Make the first attempts of deliveries that were stored as begun."""
        self._attempts.expect(deliveries)
        for delivery in deliveries:
            self._ready.begin(delivery)
        self._on_effect(Effect.BEGUN)
        for delivery in deliveries:
            self._attempts.start(delivery, content)

    def superseded(self, delivery_ids: Iterable[str]) -> None:
        """Forget deliveries that newer ones have replaced in the store."""
        count = self._waiting.remove(delivery_ids)
        if count:
            self._metrics.count_failed(self._channel, reason=FailureReason.SUPERSEDED, count=count)

    def store_has_more(self, receiver_ids: Iterable[str]) -> None:
        """Note that the store has deliveries of receivers that are not in memory."""
        self._waiting.store_has_more(receiver_ids)

    def retry_now(self, receiver_ids: Iterable[str]) -> None:
        """Try receivers now, however long they have failed or asked to be left alone."""
        self._watch.retry_now(receiver_ids, self._clock.monotonic())
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Attempt deliveries until asked to stop, then let the attempts in flight finish and store them."""
        recording = asyncio.create_task(self._results.recorder.run())
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
            self._is_stopped = True
            await self._attempts.drain(timeout_seconds=_DRAIN_SECONDS)
            recording.cancel()
            await asyncio.gather(recording, return_exceptions=True)
            await asyncio.wait_for(self._results.recorder.store(), timeout=_DRAIN_SECONDS)
        except TimeoutError:
            log.exception("results_not_stored", channel=self._channel.value)
        finally:
            self._attempts.cancel()
            for task in (waker, recording):
                task.cancel()

    async def _start_some(self) -> float:
        """Begin what may begin now; return for how long to sleep if nothing happens."""
        now = self._clock.monotonic()
        room = self._policy.max_in_flight - self._attempts.in_flight
        relay_room = self._watch.relay_room(now)
        if relay_room is not None:
            room = min(room, relay_room)
        taken = self._ready.take(now, room=room)
        self._attempts.expect(taken.start)
        for delivery in taken.expired:
            self._results.end(delivery, Outcome.EXPIRED, FailureReason.DEADLINE_PASSED)
        for delivery in taken.superseded:
            self._results.end(delivery, Outcome.SUPERSEDED, FailureReason.SUPERSEDED)
        # What is sent next says which ones it replaces.
        if taken.superseded and not await self._results.recorder.try_to_store():
            self._give_back(taken.start, is_store_down=True)
            return _STORE_RETRY_SECONDS[-1]
        for receiver_id in taken.refill:
            self._attempts.spawn(self._waiting.refill(receiver_id, without=self._results.unsettled))
        if taken.start and not await self._begin(taken.start):
            return _STORE_RETRY_SECONDS[min(self._store_failures, len(_STORE_RETRY_SECONDS)) - 1]
        if taken.start:
            if len(self._ready) > self._policy.max_in_flight:
                # Of a burst, let some attempts end, so that as many begin in one transaction.
                await asyncio.sleep(_BURST_SECONDS)
            # Whatever came meanwhile is looked at in the next round, at once.
            return 0.0
        wakes = (self._ready.next_at(), self._watch.relay_opens_at())
        soon = [at - now for at in wakes if at is not None and at > now]
        return min([*soon, _HEARTBEAT_SECONDS])

    async def _begin(self, deliveries: Sequence[PendingDelivery]) -> bool:
        """Let attempts begin; return whether the store could be written."""
        started: set[str] = set()
        try:
            # First: what cannot be read must not count as begun.
            contents = await self._contents.of(each.event_id for each in deliveries)
            begun = await self._queue.begin(
                [each.delivery_id for each in deliveries if each.event_id in contents],
                now_ns=self._clock.now_ns(),
                on_disk=self._policy.begins_on_disk,
            )
            self._on_effect(Effect.BEGUN)
            self._store_failures = 0
            for delivery in deliveries:
                if delivery.delivery_id in begun:
                    started.add(delivery.delivery_id)
                    replaces = self._results.replaced_by(delivery)
                    begun_one = replace(delivery, attempts=delivery.attempts + 1, replaces=replaces)
                    self._attempts.start(begun_one, contents[delivery.event_id])
        except StoreUnavailable as error:
            self._store_failures += 1
            log.warning("sending_waits_for_the_store", channel=self._channel.value, detail=str(error)[:200])
            self._give_back(deliveries, is_store_down=True)
            return False
        except Exception:
            log.exception("deliveries_not_begun", channel=self._channel.value, count=len(deliveries))
            return await self._begin_one_by_one(deliveries)
        self._give_back([each for each in deliveries if each.delivery_id not in started], is_store_down=False)
        return True

    async def _begin_one_by_one(self, deliveries: Sequence[PendingDelivery]) -> bool:
        """Begin each for itself, so that one that cannot be is rejected and concerns no other."""
        if len(deliveries) > 1:
            return all([await self._begin([each]) for each in deliveries])
        (delivery,) = deliveries
        self._attempts.reject(delivery)
        return True

    def _give_back(self, deliveries: Sequence[PendingDelivery], *, is_store_down: bool) -> None:
        """Undo the beginning of attempts that may not be made."""
        self._attempts.give_up(deliveries)
        if is_store_down:
            self._waiting.add(deliveries)
            # Whether the last transaction was kept is not known.
            self._on_store_failure()
        elif deliveries:
            self._waiting.ask_again(deliveries)

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
