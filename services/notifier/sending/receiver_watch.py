"""What each result says about its receiver and about the relay: for the queue, the store and the owner."""

from collections.abc import Callable, Iterable
from typing import Final

import structlog

from services.notifier.core.attempt_result import (
    AttemptResult,
    Blame,
    Deferred,
    Delivered,
    FailureReason,
    Gone,
    Unknown,
)
from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.notices import Notice, ReceiverCondition
from services.notifier.core.ready_queue import ReadyQueue
from services.notifier.core.receiver_health import HealthPolicy, ReceiverHealth
from services.notifier.metrics import NotifierMetrics
from services.notifier.store.receivers import ReceiverChange, ReceiverState
from shared.domain.deliveries import Channel
from shared.domain.instants import NS_PER_SECOND

log = structlog.get_logger(__name__)

# A receiver's owner is alerted when it has failed for so long.
_NOTICE_AFTER_NS: Final = 300 * NS_PER_SECOND
_LONGEST_SILENCE_SECONDS: Final = 86_400.0


class ReceiverWatch:
    """Keep the health of a channel's receivers, and say what has changed.

    Parameters
    ----------
    ready
        The queue that asks for the health of receivers.
    relay
        How what all receivers are reached by is treated; None where there is nothing of that kind.
    draw
        Random numbers in [0, 1).
    on_notice
        Called with what a receiver's owner should know.
    """

    def __init__(
        self,
        *,
        channel: Channel,
        ready: ReadyQueue,
        relay: HealthPolicy | None,
        metrics: NotifierMetrics,
        draw: Callable[[], float],
        on_notice: Callable[[Notice], None],
    ) -> None:
        self._channel = channel
        self._ready = ready
        self._relay = ReceiverHealth(relay) if relay is not None else None
        self._metrics = metrics
        self._draw = draw
        self._on_notice = on_notice
        # Of receivers that get only probes: the subscription, and since when they have failed (wall time).
        self._failing: dict[str, tuple[str, int]] = {}
        self._alerted: set[str] = set()

    @property
    def paused_count(self) -> int:
        """Return how many receivers get only probes."""
        return len(self._failing)

    def restore(self, states: Iterable[ReceiverState], *, now_ns: int, now: float) -> None:
        """Continue with what an earlier run knew; a receiver that failed then is probed first."""
        for state in states:
            if state.not_before_ns is None and state.failing_since_ns is None:
                continue
            # The wall clock may have been set back since.
            wait = min(((state.not_before_ns or 0) - now_ns) / NS_PER_SECOND, _LONGEST_SILENCE_SECONDS)
            failing_since = None
            if state.failing_since_ns is not None:
                failing_since = now - max(now_ns - state.failing_since_ns, 0) / NS_PER_SECOND
                self._failing[state.receiver_id] = (state.subscription, state.failing_since_ns)
            self._ready.health_of(state.receiver_id).restore(
                failing_since=failing_since, not_before=now + wait
            )

    def relay_room(self, now: float) -> int | None:
        """Return how many attempts the relay may be given now; None where there is no relay."""
        return self._relay.room(now) if self._relay is not None else None

    def relay_opens_at(self) -> float | None:
        """Return when the relay may be tried again; None: after something has happened."""
        return self._relay.opens_at() if self._relay is not None else None

    def start(self, count: int) -> None:
        """Count attempts that begin."""
        if self._relay is not None:
            for _ in range(count):
                self._relay.start()

    def release(self, delivery: PendingDelivery) -> None:
        """Count an attempt that was not made."""
        self._ready.health_of(delivery.receiver_id).release()
        if self._relay is not None:
            self._relay.release()

    def retry_now(self, receiver_ids: Iterable[str], now: float) -> None:
        """Try receivers now, however long they have failed or asked to be left alone."""
        for receiver_id in receiver_ids:
            self._ready.health_of(receiver_id).retry_now()
            self._ready.recovered(receiver_id, now)
        if self._relay is not None:
            self._relay.retry_now()

    def note(
        self,
        delivery: PendingDelivery,
        result: AttemptResult,
        *,
        due_in_seconds: float,
        now_ns: int,
        now: float,
    ) -> ReceiverChange | None:
        """Count a result; return what the store should know of the receiver, None if nothing new.

        Parameters
        ----------
        due_in_seconds
            When the delivery is due again by its own schedule.
        """
        health = self._ready.health_of(delivery.receiver_id)
        was_paused = health.is_paused
        is_ours = isinstance(result, Deferred) and result.reason is FailureReason.INTERNAL
        blame = result.blame if isinstance(result, Deferred | Unknown) else None
        self._note_relay(result, blame, is_ours=is_ours, now=now)
        if blame is Blame.RELAY or is_ours:
            health.release()
        elif blame is Blame.RECEIVER:
            health.fail(
                now,
                draw=self._draw(),
                retry_after_seconds=_retry_after(result),
                due_in_seconds=due_in_seconds,
            )
        else:
            health.succeed()
        self._ready.answered(delivery)
        if isinstance(result, Gone):
            self._tell(ReceiverCondition.GONE, delivery, since_ns=now_ns, now_ns=now_ns, reason=result.reason)
        elif isinstance(result, Delivered) and result.disables:
            disabled = FailureReason.DISABLED
            self._tell(ReceiverCondition.GONE, delivery, since_ns=now_ns, now_ns=now_ns, reason=disabled)
        if was_paused and not health.is_paused:
            return self._recovered(delivery, now_ns=now_ns, now=now)
        return self._still_failing(delivery, result, health, was_paused=was_paused, now_ns=now_ns, now=now)

    def tell_of_paused(self, now_ns: int) -> None:
        """Tell the owners of receivers that have failed for some minutes."""
        for receiver_id, (subscription, since_ns) in self._failing.items():
            if receiver_id not in self._alerted and now_ns - since_ns >= _NOTICE_AFTER_NS:
                self._alerted.add(receiver_id)
                self._on_notice(
                    Notice(
                        condition=ReceiverCondition.PAUSED,
                        subscription=subscription,
                        channel=self._channel,
                        receiver_id=receiver_id,
                        since_ns=since_ns,
                        at_ns=now_ns,
                        # The one that is being tried, or whose result is being stored, has not arrived.
                        waiting=max(
                            self._ready.count_of(receiver_id) + self._ready.health_of(receiver_id).in_flight,
                            1,
                        ),
                    )
                )

    def _recovered(self, delivery: PendingDelivery, *, now_ns: int, now: float) -> ReceiverChange:
        receiver_id = delivery.receiver_id
        self._ready.recovered(receiver_id, now)
        log.info("receiver_works_again", subscription=delivery.subscription)
        _, since_ns = self._failing.pop(receiver_id, ("", now_ns))
        if receiver_id in self._alerted:
            self._alerted.discard(receiver_id)
            self._tell(ReceiverCondition.RECOVERED, delivery, since_ns=since_ns, now_ns=now_ns)
        return ReceiverChange(receiver_id=receiver_id, subscription=delivery.subscription)

    def _still_failing(
        self,
        delivery: PendingDelivery,
        result: AttemptResult,
        health: ReceiverHealth,
        *,
        was_paused: bool,
        now_ns: int,
        now: float,
    ) -> ReceiverChange | None:
        is_newly_paused = health.is_paused and not was_paused
        if is_newly_paused and health.failing_since is not None:
            since_ns = now_ns - round((now - health.failing_since) * NS_PER_SECOND)
            self._failing[delivery.receiver_id] = (delivery.subscription, since_ns)
            log.warning("receiver_paused", subscription=delivery.subscription, reason=_reason_of(result))
        wait = _retry_after(result)
        if not is_newly_paused and wait is None:
            return None
        failing = self._failing.get(delivery.receiver_id)
        return ReceiverChange(
            receiver_id=delivery.receiver_id,
            subscription=delivery.subscription,
            not_before_ns=now_ns + round(wait * NS_PER_SECOND) if wait is not None else None,
            failing_since_ns=failing[1] if failing is not None else None,
        )

    def _note_relay(self, result: AttemptResult, blame: Blame | None, *, is_ours: bool, now: float) -> None:
        relay = self._relay
        if relay is None:
            return
        if blame is Blame.RELAY:
            if relay.failing_since is None:
                log.error("relay_unusable", reason=_reason_of(result), detail=_detail_of(result))
            relay.fail(now, draw=self._draw(), retry_after_seconds=_retry_after(result))
        elif is_ours:
            relay.release()
        else:
            was_failing = relay.failing_since is not None
            relay.succeed()
            if was_failing:
                log.info("relay_works_again")
                self._ready.recovered_all(now)
        self._metrics.set_relay_usable(relay.failing_since is None)

    def _tell(
        self,
        condition: ReceiverCondition,
        delivery: PendingDelivery,
        *,
        since_ns: int,
        now_ns: int,
        reason: str = "",
    ) -> None:
        self._on_notice(
            Notice(
                condition=condition,
                subscription=delivery.subscription,
                channel=self._channel,
                receiver_id=delivery.receiver_id,
                since_ns=since_ns,
                at_ns=now_ns,
                reason=str(reason),
                waiting=self._ready.count_of(delivery.receiver_id),
            )
        )


def _retry_after(result: AttemptResult) -> float | None:
    return result.retry_after_seconds if isinstance(result, Deferred) else None


def _reason_of(result: AttemptResult) -> str:
    return str(result.reason) if isinstance(result, Deferred) else result.name


def _detail_of(result: AttemptResult) -> str:
    return "" if isinstance(result, Delivered) else result.detail
