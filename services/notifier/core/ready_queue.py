"""Which deliveries of a channel may start now; kept in memory, so that no attempt waits for a query.

Receivers take turns, so that one with a long queue delays nobody. How many a receiver gets at a time is
`receiver_health`'s decision, and which one is next `receiver_queue`'s. Of one lane, a divergence for one
subscription, one delivery is in flight at a time.

Receivers that fail get a quarter of the channel's attempts in flight at most, and those that have not
answered yet a half. So there is room for those that are well, however many hang.

Each receiver's queue is bounded. What does not fit stays in the store, and the queue says so.

Instants are seconds on a monotonic clock.
"""

import heapq
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from services.notifier.core.deliveries import PendingDelivery, Replaced
from services.notifier.core.receiver_health import HealthPolicy, ReceiverHealth, Standing
from services.notifier.core.receiver_queue import ReceiverQueue, Waiting

# Below this share of the bound, a queue of which a part is in the store is filled again.
_REFILL_SHARE: Final = 0.25
# With more timers than that, those that have been replaced are deleted.
_TIMERS_PER_RECEIVER: Final = 8
# Of the attempts in flight; at least one.
_SHARES: Final = {Standing.FAILING: 0.25, Standing.NEW: 0.5, Standing.PROVEN: 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a look at the queue found.

    Parameters
    ----------
    start
        To be attempted now; each counts as in flight from now on.
    expired
        Too late for an attempt; no longer in the queue.
    superseded
        Older than one to start, in the same lane; no longer in the queue. What came of them must be stored
        before that one begins.
    refill
        Receivers of which the store has deliveries that fit into the queue now.
    """

    start: tuple[PendingDelivery, ...]
    expired: tuple[PendingDelivery, ...]
    superseded: tuple[PendingDelivery, ...]
    refill: tuple[str, ...]


class ReadyQueue:
    """The deliveries of a channel that wait, by receiver.

    Parameters
    ----------
    policy
        How receivers are treated.
    per_receiver
        Most deliveries of one receiver that are kept in memory.
    max_in_flight
        Most attempts at a time.
    """

    def __init__(self, policy: HealthPolicy, *, per_receiver: int, max_in_flight: int) -> None:
        self._policy = policy
        self._per_receiver = per_receiver
        self._receivers: dict[str, ReceiverQueue] = {}
        self._turns: dict[Standing, deque[str]] = {standing: deque() for standing in _SHARES}
        self._most = {standing: max(1, int(share * max_in_flight)) for standing, share in _SHARES.items()}
        # By the standing that its receiver had when the attempt began.
        self._in_flight: dict[Standing, set[str]] = {standing: set() for standing in _SHARES}
        self._timers: list[tuple[float, str]] = []
        self._receiver_of: dict[str, str] = {}

    def __len__(self) -> int:
        """Return how many deliveries wait in memory."""
        return len(self._receiver_of)

    def __contains__(self, delivery_id: str) -> bool:
        """Return whether a delivery waits in memory."""
        return delivery_id in self._receiver_of

    def health_of(self, receiver_id: str) -> ReceiverHealth:
        """Return what is known of a receiver."""
        return self._receiver(receiver_id).health

    def count_of(self, receiver_id: str) -> int:
        """Return how many deliveries wait for a receiver in memory."""
        return len(self._receiver(receiver_id).waiting)

    def add(self, delivery: PendingDelivery, *, due: float, expires: float) -> bool:
        """Let a delivery wait; return whether it is kept in memory.

        It is not kept if as many of its receiver are kept as may be and none of them is older; otherwise it
        takes the place of the oldest of them.
        """
        receiver = self._receiver(delivery.receiver_id)
        if len(receiver.waiting) >= self._per_receiver and delivery.delivery_id not in receiver.waiting:
            receiver.has_more = True
            oldest = receiver.oldest()
            if oldest.age >= (delivery.received_at_ns, delivery.sequence):
                return False
            self.remove(oldest.delivery.delivery_id)
        receiver.waiting[delivery.delivery_id] = Waiting(delivery=delivery, due=due, expires=expires)
        self._receiver_of[delivery.delivery_id] = delivery.receiver_id
        self._wake_at(delivery.receiver_id, receiver, expires)
        self._look_at(delivery.receiver_id, receiver)
        return True

    def remove(self, delivery_id: str) -> PendingDelivery | None:
        """Forget a delivery that waits; return it, or None if it does not wait."""
        receiver_id = self._receiver_of.pop(delivery_id, None)
        if receiver_id is None:
            return None
        return self._receivers[receiver_id].waiting.pop(delivery_id).delivery

    def store_has_more(self, receiver_id: str) -> None:
        """Note that the store has deliveries of a receiver that are not in memory."""
        receiver = self._receiver(receiver_id)
        receiver.has_more = True
        self._look_at(receiver_id, receiver)

    def take(self, now: float, *, room: int) -> Taken:
        """Take out what may start now, at most ``room`` deliveries, and all that has expired."""
        start: list[PendingDelivery] = []
        # Also where there is no room for an attempt.
        expired = self._wake(now)
        superseded: list[PendingDelivery] = []
        refill: list[str] = []
        for standing, turns in self._turns.items():
            in_flight = self._in_flight[standing]
            while turns and len(start) < room and len(in_flight) < self._most[standing]:
                receiver_id = turns.popleft()
                receiver = self._receivers[receiver_id]
                if receiver.turn is not standing:
                    # It has another one among those of the standing that it has come to.
                    continue
                receiver.turn = None
                expired += self._forget(receiver.expired(now))
                chosen = receiver.choose(now)
                if receiver.has_more and len(receiver.waiting) <= _REFILL_SHARE * self._per_receiver:
                    receiver.has_more = False
                    refill.append(receiver_id)
                if chosen is None:
                    self._wake_later(receiver_id, receiver, now)
                    continue
                self.remove(chosen.delivery_id)
                superseded += self._forget(receiver.older_than(chosen))
                receiver.busy[chosen.lane] = chosen.delivery_id
                receiver.health.start()
                in_flight.add(chosen.delivery_id)
                start.append(chosen)
                self._look_at(receiver_id, receiver)
        return Taken(
            start=tuple(start),
            expired=tuple(expired),
            superseded=tuple(superseded),
            refill=tuple(refill),
        )

    def next_at(self) -> float | None:
        """Return when to look again if nothing happens before; None: only after something has happened.

        Receivers whose turn did not come for want of room are not counted: an attempt that ends makes room.
        """
        return self._timers[0][0] if self._timers else None

    def may_begin(self, receiver_id: str, now: float) -> bool:
        """Return whether a new delivery may start at once: nothing waits for its receiver, which is well.

        It changes nothing, so another thread may ask; what it says may be a moment old.
        """
        receiver = self._receivers.get(receiver_id)
        standing = Standing.NEW if receiver is None else receiver.health.standing
        if len(self._in_flight[standing]) >= self._most[standing]:
            return False
        return receiver is None or not (
            receiver.waiting or receiver.has_more or not receiver.health.may_start(now)
        )

    def begin(self, delivery: PendingDelivery) -> None:
        """Count a delivery as in flight that never waited."""
        receiver = self._receiver(delivery.receiver_id)
        receiver.busy[delivery.lane] = delivery.delivery_id
        receiver.health.start()
        self._in_flight[receiver.health.standing].add(delivery.delivery_id)

    def hold(self, delivery: PendingDelivery) -> None:
        """Let the others of a lane wait until it is stored what becomes of one that was interrupted."""
        self._receiver(delivery.receiver_id).busy[delivery.lane] = delivery.delivery_id

    def answered(self, delivery: PendingDelivery) -> None:
        """Look at a receiver again: an attempt has ended, and its health may have changed."""
        self._ended(delivery)
        self._look_at(delivery.receiver_id, self._receivers[delivery.receiver_id])

    def recovered(self, receiver_id: str, now: float) -> None:
        """Make everything that waits for a receiver due now, the newest first."""
        receiver = self._receiver(receiver_id)
        receiver.newest_first = True
        for each in receiver.waiting.values():
            each.due = min(each.due, now)
        self._look_at(receiver_id, receiver)

    def recovered_all(self, now: float) -> None:
        """Make everything that waits due now: what all receivers are reached by works again."""
        for receiver_id, receiver in self._receivers.items():
            if receiver.waiting:
                self.recovered(receiver_id, now)

    def update(self, delivery_id: str, replaces: tuple[Replaced, ...]) -> bool:
        """Note what a delivery has come to replace; return False if it does not wait here."""
        receiver_id = self._receiver_of.get(delivery_id)
        if receiver_id is None:
            return False
        waiting = self._receivers[receiver_id].waiting[delivery_id]
        waiting.delivery = replace(waiting.delivery, replaces=replaces)
        return True

    def free(self, delivery: PendingDelivery) -> None:
        """Let the next delivery of a lane start: what came of this one is stored."""
        receiver = self._receiver(delivery.receiver_id)
        self._ended(delivery)
        if receiver.busy.get(delivery.lane) == delivery.delivery_id:
            del receiver.busy[delivery.lane]
        self._look_at(delivery.receiver_id, receiver)

    def _receiver(self, receiver_id: str) -> ReceiverQueue:
        receiver = self._receivers.get(receiver_id)
        if receiver is None:
            receiver = self._receivers[receiver_id] = ReceiverQueue(health=ReceiverHealth(self._policy))
        return receiver

    def _look_at(self, receiver_id: str, receiver: ReceiverQueue) -> None:
        standing = receiver.health.standing
        if receiver.turn is not standing:
            receiver.turn = standing
            self._turns[standing].append(receiver_id)

    def _ended(self, delivery: PendingDelivery) -> None:
        for in_flight in self._in_flight.values():
            in_flight.discard(delivery.delivery_id)

    def _wake(self, now: float) -> list[PendingDelivery]:
        """Look at the receivers whose time has come, and return what has expired."""
        expired: list[PendingDelivery] = []
        while self._timers and self._timers[0][0] <= now:
            at, receiver_id = heapq.heappop(self._timers)
            receiver = self._receivers[receiver_id]
            if receiver.wakes_at != at:
                continue
            receiver.wakes_at = float("inf")
            expired += self._forget(receiver.expired(now))
            if receiver.waiting:
                self._wake_at(receiver_id, receiver, min(each.expires for each in receiver.waiting.values()))
            self._look_at(receiver_id, receiver)
        return expired

    def _forget(self, deliveries: list[PendingDelivery]) -> list[PendingDelivery]:
        for delivery in deliveries:
            self.remove(delivery.delivery_id)
        return deliveries

    def _wake_later(self, receiver_id: str, receiver: ReceiverQueue, now: float) -> None:
        """Set the time at which something may change for a receiver without anything happening before."""
        at = receiver.changes_at(now)
        if at is not None:
            self._wake_at(receiver_id, receiver, at)

    def _wake_at(self, receiver_id: str, receiver: ReceiverQueue, at: float) -> None:
        if at < receiver.wakes_at:
            receiver.wakes_at = at
            heapq.heappush(self._timers, (at, receiver_id))
            if len(self._timers) > _TIMERS_PER_RECEIVER * len(self._receivers):
                # Each probe of a receiver leaves the timer behind that it replaced, until days have passed.
                self._timers = [
                    (other.wakes_at, name)
                    for name, other in self._receivers.items()
                    if other.wakes_at < float("inf")
                ]
                heapq.heapify(self._timers)
