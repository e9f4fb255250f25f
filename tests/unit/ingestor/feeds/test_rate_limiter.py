"""One provider is asked once at a time, whoever asks."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.ingestor.feeds.transport.rate_limiter import RateLimiter
from shared.clock import ManualClock, SystemClock
from tests.support.fake_feeds.http_server import Answer, HttpServer, Request


async def test_requests_that_come_at_once_leave_one_after_the_other() -> None:
    came: list[tuple[float, str]] = []

    def answer(request: Request) -> Answer:
        came.append((time.monotonic(), request.path))
        return Answer(body=b"{}")

    async with HttpServer(answer) as server:
        began = time.monotonic()
        pacing = RateLimiter(0.05, clock=SystemClock())
        async with httpx.AsyncClient(base_url=server.url, event_hooks={"request": [pacing]}) as client:
            await asyncio.gather(*(client.get(f"/{number}") for number in range(5)))

    assert [path for _, path in came] == [f"/{number}" for number in range(5)]
    # However late the server notices a request, it cannot notice it before it was let go.
    assert all(at - began >= 0.05 * number for number, (at, _) in enumerate(came))


async def test_each_request_waits_an_interval_longer_than_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    pacing = RateLimiter(0.25, clock=ManualClock(datetime(2026, 1, 5, 12, 0, tzinfo=UTC)))
    for _ in range(5):
        await pacing(httpx.Request("GET", "http://127.0.0.1/"))
    assert waits == [0.0, 0.25, 0.5, 0.75, 1.0]


async def test_nobody_waits_for_a_pause_that_is_over() -> None:
    clock = ManualClock(datetime(2026, 1, 5, 12, 0, tzinfo=UTC))
    pacing = RateLimiter(3_600.0, clock=clock)
    request = httpx.Request("GET", "http://127.0.0.1/")
    await pacing(request)
    clock.advance(timedelta(hours=1))
    await asyncio.wait_for(pacing(request), timeout=10.0)
