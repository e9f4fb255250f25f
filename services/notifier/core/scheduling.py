"""Which pending deliveries may start now.

A *lane* is one divergence for one subscription. A lane has one delivery in flight at a time, in the order of
the sequence, so that nobody reads that a divergence closed before reading that it opened. Lanes do not wait
for each other. The number of attempts in flight is limited, and a subscription may hold only part of them: a
receiver that does not answer must not delay the others.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from services.notifier.core.deliveries import Lane, PendingDelivery
from shared.domain.deliveries import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How many deliveries of a channel are pending, and when the oldest event among them was received.

    Parameters
    ----------
    oldest_received_at_ns
        Wall time.
    """

    channel: Channel
    count: int
    oldest_received_at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrencyLimits:
    """Most attempts in flight at a time: in total, and of one subscription."""

    total: int
    per_subscription: int


def startable(
    waiting: Iterable[PendingDelivery],
    *,
    running: Iterable[PendingDelivery],
    now_ns: int,
    limits: ConcurrencyLimits,
) -> tuple[PendingDelivery, ...]:
    """Return the deliveries to start, those that are due longest first.

    Parameters
    ----------
    waiting
        Pending deliveries; of each lane at least the one with the lowest sequence.
    running
        Deliveries in flight; they count towards the limits.
    """
    in_flight = tuple(running)
    busy = {delivery.lane for delivery in in_flight}
    share = Counter(delivery.subscription for delivery in in_flight)
    heads: dict[Lane, PendingDelivery] = {}
    for delivery in waiting:
        head = heads.get(delivery.lane)
        if head is None or delivery.sequence < head.sequence:
            heads[delivery.lane] = delivery
    started: list[PendingDelivery] = []
    for delivery in sorted(heads.values(), key=lambda head: (head.next_attempt_at_ns, head.sequence)):
        if len(in_flight) + len(started) >= limits.total or delivery.next_attempt_at_ns > now_ns:
            break
        if delivery.lane not in busy and share[delivery.subscription] < limits.per_subscription:
            share[delivery.subscription] += 1
            started.append(delivery)
    return tuple(started)
