"""Leave a provider alone between two requests, however many instruments are asked of it."""

import asyncio

import httpx

from shared.clock import Clock


class RateLimiter:
    """An httpx hook that lets requests go one after the other, at least so far apart.

    Parameters
    ----------
    interval_seconds
        Between two requests to one provider, at least 0.
    """

    def __init__(self, interval_seconds: float, *, clock: Clock) -> None:
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._free_at = clock.monotonic()

    async def __call__(self, _: httpx.Request) -> None:
        """Wait for the turn of a request: in the order in which they ask."""
        now = self._clock.monotonic()
        at = max(now, self._free_at)
        self._free_at = at + self._interval_seconds
        await asyncio.sleep(at - now)
