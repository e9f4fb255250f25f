"""Limit the rate of requests to one provider, however many instruments it is asked for."""

import asyncio

import httpx

from shared.clock import Clock


class RateLimiter:
    """An httpx hook that starts requests one after the other, at least an interval apart.

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
        """Wait until a request may start; requests start in the order of their calls."""
        now = self._clock.monotonic()
        at = max(now, self._free_at)
        self._free_at = at + self._interval_seconds
        await asyncio.sleep(at - now)
