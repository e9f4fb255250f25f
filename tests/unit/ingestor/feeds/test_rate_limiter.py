"""One provider is asked once at a time, whoever asks."""

import asyncio
import time
from itertools import pairwise

import httpx

from services.ingestor.feeds.transport.rate_limiter import RateLimiter
from shared.clock import SystemClock
from tests.support.fake_feeds.http_server import Answer, HttpServer, Request


async def test_requests_that_come_at_once_leave_one_after_the_other() -> None:
    came: list[tuple[float, str]] = []

    def answer(request: Request) -> Answer:
        came.append((time.monotonic(), request.path))
        return Answer(body=b"{}")

    async with HttpServer(answer) as server:
        pacing = RateLimiter(0.05, clock=SystemClock())
        async with httpx.AsyncClient(base_url=server.url, event_hooks={"request": [pacing]}) as client:
            began = time.monotonic()
            await asyncio.gather(*(client.get(f"/{number}") for number in range(5)))

    assert [path for _, path in came] == [f"/{number}" for number in range(5)]
    # The server notices a request a little after it was let go: a gap may look shorter by that.
    assert all(late - early > 0.02 for (early, _), (late, _) in pairwise(came))
    assert came[-1][0] - began >= 0.2


async def test_nobody_waits_for_a_pause_that_is_over() -> None:
    pacing = RateLimiter(0.05, clock=SystemClock())
    request = httpx.Request("GET", "http://127.0.0.1/")
    await pacing(request)
    await asyncio.sleep(0.06)
    began = time.monotonic()
    await pacing(request)
    assert time.monotonic() - began < 0.04
