"""How often one subscription may ask."""

from typing import Final

from shared.clock import Clock

# A receiver that catches up over a thousand messages a request needs few of them.
_REQUESTS: Final = 20.0
_PER_SECOND: Final = 5.0


class RequestRate:
    """Allow twenty requests at once and five a second, of each subscription.

    Keeps one entry for each subscription that has asked, of which there are as many as are configured.

    Examples
    --------
    >>> from datetime import UTC, datetime, timedelta
    >>> from shared.clock import ManualClock
    >>> clock = ManualClock(datetime(2025, 11, 28, tzinfo=UTC))
    >>> rate = RequestRate(clock)
    >>> [rate.wait_seconds("desk") for _ in range(21)][-2:]
    [0.0, 0.2]
    >>> rate.wait_seconds("other")
    0.0
    >>> clock.advance(timedelta(seconds=0.2))
    >>> rate.wait_seconds("desk")
    0.0
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def wait_seconds(self, subscription: str) -> float:
        """Return 0 and count a request, or return how long to wait for the next one."""
        now = self._clock.monotonic()
        left, at = self._left.get(subscription, (_REQUESTS, now))
        left = min(left + (now - at) * _PER_SECOND, _REQUESTS)
        # A rounding error must not cost a client a request.
        is_allowed = left >= 1.0 - 1e-9
        self._left[subscription] = (left - 1.0 if is_allowed else left, now)
        return 0.0 if is_allowed else (1.0 - left) / _PER_SECOND
