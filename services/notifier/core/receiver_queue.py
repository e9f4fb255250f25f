"""What waits for one receiver, and which of it is next.

A receiver that is well gets its messages in the order in which they are due, and those of a lane in the order
of their events. One that was not well gets the newest first, until none is left that waited while it was not;
what is older in the lane of one that is sent is superseded.
"""

from dataclasses import dataclass, field

from services.notifier.core.deliveries import Lane, PendingDelivery
from services.notifier.core.receiver_health import ReceiverHealth, Standing


@dataclass(slots=True, kw_only=True)
class Waiting:
    """A delivery that waits; its instants are seconds on a monotonic clock."""

    delivery: PendingDelivery
    due: float
    expires: float

    @property
    def age(self) -> tuple[int, int]:
        """Return what is greater for a newer one."""
        return (self.delivery.received_at_ns, self.delivery.sequence)


@dataclass(slots=True, kw_only=True)
class ReceiverQueue:
    """The deliveries of one receiver in memory.

    Parameters
    ----------
    waiting
        By ``delivery_id``.
    busy
        The delivery in flight of each lane.
    has_more
        The store has others that wait.
    newest_first
        It was not well, and something is left that waited then.
    turn
        Among the receivers of which standing it waits for its turn; None if it does not.
    wakes_at
        When it is looked at without anything happening before.
    """

    health: ReceiverHealth
    waiting: dict[str, Waiting] = field(default_factory=dict)
    busy: dict[Lane, str] = field(default_factory=dict)
    has_more: bool = False
    newest_first: bool = False
    turn: Standing | None = None
    wakes_at: float = float("inf")

    def oldest(self) -> Waiting:
        """Return the one that was received first; something must wait."""
        return min(self.waiting.values(), key=lambda each: each.age)

    def expired(self, now: float) -> list[PendingDelivery]:
        """Return what it is too late for."""
        return [each.delivery for each in self.waiting.values() if each.expires <= now]

    def choose(self, now: float) -> PendingDelivery | None:
        """Return the next one that may start now."""
        if not self.waiting:
            self.newest_first = self.newest_first and self.has_more
            return None
        if not self.health.may_start(now):
            return None
        is_probe = self.health.is_paused
        if is_probe or self.newest_first:
            free = [each for each in self.waiting.values() if each.delivery.lane not in self.busy]
            newest = max(free, key=lambda each: each.age, default=None)
            if newest is not None and (is_probe or newest.due <= now):
                return self._last_of_lane(newest.delivery.lane)
        due = [each for each in self._heads() if each.due <= now]
        return min(due, key=lambda each: (each.due, each.age)).delivery if due else None

    def older_than(self, chosen: PendingDelivery) -> list[PendingDelivery]:
        """Return what waits of a lane and is older than a delivery of it."""
        return [
            each.delivery
            for each in self.waiting.values()
            if each.delivery.lane == chosen.lane and each.delivery.sequence < chosen.sequence
        ]

    def changes_at(self, now: float) -> float | None:
        """Return when something may change without anything happening before; None if nothing waits."""
        if not self.waiting:
            return None
        at = min(each.expires for each in self.waiting.values())
        opens_at = self.health.opens_at()
        due = [each.due for each in self._heads()]
        if opens_at is not None and due:
            at = min(at, max(opens_at, now if self.health.is_paused else min(due)))
        return at

    def _last_of_lane(self, lane: Lane) -> PendingDelivery:
        """Return the one with the newest event, which need not be the one that was received last."""
        of_lane = [each.delivery for each in self.waiting.values() if each.delivery.lane == lane]
        return max(of_lane, key=lambda each: each.sequence)

    def _heads(self) -> list[Waiting]:
        """Return the oldest of each lane that has none in flight."""
        heads: dict[Lane, Waiting] = {}
        for each in self.waiting.values():
            lane = each.delivery.lane
            if lane in self.busy:
                continue
            head = heads.get(lane)
            if head is None or each.delivery.sequence < head.delivery.sequence:
                heads[lane] = each
        return list(heads.values())
