"""The deliveries of a channel that wait in memory, in step with the store.

The store has instants of wall time, the queue in memory those of a monotonic clock, so that nobody waits
longer because the wall clock was set.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Final

from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.ready_queue import ReadyQueue
from services.notifier.sending.sending_policy import SendingPolicy
from services.notifier.store.queue import DeliveryQueue
from shared.clock import Clock
from shared.domain.instants import NS_PER_SECOND
from shared.errors import StoreUnavailable

# A delivery that the store did not let begin is asked for again after this.
_REFUSED_SECONDS: Final = 1.0
_DAY_SECONDS: Final = 86_400.0


class WaitingDeliveries:
    """Put deliveries into the ready queue and fetch those of the store that did not fit.

    Parameters
    ----------
    wake
        Called when there may be something to do.
    """

    def __init__(
        self, *, policy: SendingPolicy, queue: DeliveryQueue, clock: Clock, wake: Callable[[], None]
    ) -> None:
        self.ready: Final = ReadyQueue(
            policy.receivers, per_receiver=policy.per_receiver, max_in_flight=policy.max_in_flight
        )
        self._per_receiver = policy.per_receiver
        # The wall clock may have been set back since an instant was stored.
        self._longest_wait = max(policy.retry_delays_seconds[-1], _DAY_SECONDS)
        self._queue = queue
        self._clock = clock
        self._wake = wake

    def add(self, deliveries: Iterable[PendingDelivery]) -> None:
        """Let deliveries wait until they are due; of one that waits already, take when it is due."""
        now_ns, now = self._clock.now_ns(), self._clock.monotonic()
        for delivery in deliveries:
            until_due = max(delivery.next_attempt_at_ns - now_ns, 0) / NS_PER_SECOND
            if delivery.attempts == 0:
                # It was due when it was stored, whatever the wall clock says now.
                until_due = 0.0
            until_expiry = (delivery.expires_at_ns - now_ns) / NS_PER_SECOND
            self.ready.add(delivery, due=now + min(until_due, self._longest_wait), expires=now + until_expiry)
        self._wake()

    def remove(self, delivery_ids: Iterable[str]) -> int:
        """Forget deliveries that have ended in the store; return how many of them waited here."""
        return sum(self.ready.remove(delivery_id) is not None for delivery_id in delivery_ids)

    def free(self, delivery: PendingDelivery) -> None:
        """Let the next delivery of a lane start: what came of this one is stored."""
        self.ready.free(delivery)
        self._wake()

    def store_has_more(self, receiver_ids: Iterable[str]) -> None:
        """Note that the store has deliveries of receivers that are not in memory."""
        for receiver_id in receiver_ids:
            self.ready.store_has_more(receiver_id)
        self._wake()

    def ask_again(self, deliveries: Collection[PendingDelivery]) -> None:
        """Fetch again, a little later, what the store did not let begin.

        It has ended, or another notifier has it or is sending another one of the lane.
        """
        receivers = {each.receiver_id for each in deliveries}
        asyncio.get_running_loop().call_later(_REFUSED_SECONDS, self.store_has_more, receivers)

    async def refill(self, receiver_id: str, *, without: Collection[str]) -> None:
        """Fetch more of a receiver's deliveries from the store.

        Parameters
        ----------
        without
            Ids of those that are being sent.
        """
        try:
            more = await self._queue.more(receiver_id, self._per_receiver, without=without)
        except StoreUnavailable:
            asyncio.get_running_loop().call_later(_REFUSED_SECONDS, self.store_has_more, [receiver_id])
            return
        self.add(more)
        if len(more) == self._per_receiver:
            self.ready.store_has_more(receiver_id)
