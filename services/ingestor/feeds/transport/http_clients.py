"""One HTTP client for each provider: it limits the rate of requests, and its answers can be recorded."""

import asyncio
import functools
import ssl
from contextlib import AsyncExitStack
from typing import Final

import httpx

from services.ingestor.feeds.transport.rate_limiter import RateLimiter
from services.ingestor.feeds.transport.tap import NoTap, Tap
from shared.clock import Clock

USER_AGENT: Final = "convex (self-hosted market alerts)"
_NO_TAP: Final = NoTap()


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Return the certificate authorities that every client of this process trusts: they take long to read."""
    return httpx.create_ssl_context()


class TappedClient(httpx.AsyncClient):
    """A client whose complete answers `http_json` hands on as well, whatever their status is.

    Parameters
    ----------
    feed
        The provider's name.
    """

    def __init__(
        self,
        feed: str,
        *,
        tap: Tap,
        base_url: str,
        timeout_seconds: float,
        limiter: RateLimiter,
        clock: Clock,
        trusted: ssl.SSLContext,
    ) -> None:
        super().__init__(
            base_url=base_url,
            verify=trusted,
            timeout=timeout_seconds,
            headers={"User-Agent": USER_AGENT},
            event_hooks={"request": [limiter]},
        )
        self._feed = feed
        self._tap = tap
        self._clock = clock

    def on_answer(self, *, url: httpx.URL, status: int, body: bytes) -> None:
        """Hand an answer on."""
        self._tap.answer(
            feed=self._feed, received_ns=self._clock.now_ns(), url=str(url), status=status, raw=body
        )


class HttpClients:
    """The clients of one process.

    Parameters
    ----------
    timeout_seconds
        Of one request.
    interval_seconds
        Least time between two requests to one provider.
    stack
        Closes the clients.
    tap
        Gets a copy of each answer.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float,
        interval_seconds: float,
        clock: Clock,
        stack: AsyncExitStack,
        tap: Tap = _NO_TAP,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._stack = stack
        self._tap = tap
        self._clients: dict[tuple[str, float], TappedClient] = {}

    async def of(self, feed: str, base_url: str, *, interval_seconds: float = 0.0) -> httpx.AsyncClient:
        """Return the one client of an address that starts its requests so far apart.

        Parameters
        ----------
        feed
            The provider's name, for recordings.
        interval_seconds
            Least time between two requests, where the provider needs more than was set for all.
        """
        interval_seconds = max(interval_seconds, self._interval_seconds)
        key = (base_url, interval_seconds)
        # In a thread: the connections that open meanwhile must not run out of time.
        trusted = await asyncio.to_thread(_trusted)
        if key not in self._clients:
            client = TappedClient(
                feed,
                tap=self._tap,
                base_url=base_url,
                timeout_seconds=self._timeout_seconds,
                limiter=RateLimiter(interval_seconds, clock=self._clock),
                clock=self._clock,
                trusted=trusted,
            )
            self._clients[key] = await self._stack.enter_async_context(client)
        return self._clients[key]
