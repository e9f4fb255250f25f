"""Records in Kafka become server-sent events, for pages and for programs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import Severity, Transition
from tests.support.running_dashboard import (
    PATIENCE_SECONDS,
    EmbeddedTopics,
    RunningDashboard,
    running_dashboard,
)
from tests.support.snapshot_builder import PAIR, event, leg, other_leg, snapshot

OPENED = event()
ESCALATED = event(event_id="ev_2", sequence=2, type=Transition.ESCALATED, severity=Severity.CRITICAL)


@pytest.fixture
def topics() -> EmbeddedTopics:
    return EmbeddedTopics()


@pytest.fixture
async def dashboard(topics: EmbeddedTopics) -> AsyncIterator[RunningDashboard]:
    async with running_dashboard(topics.kafka) as running:
        yield running


async def test_the_page_stream_sends_what_changed_and_nothing_else(
    topics: EmbeddedTopics, dashboard: RunningDashboard
) -> None:
    topics.publish(snapshot())
    await dashboard.page_with("1,486.43")
    async with stream(dashboard, f"{PAIR.page}/stream") as events:
        first = await next_event(events, "page")
        topics.publish(snapshot(legs=(leg(price=1501.07), other_leg())))
        second = await next_event(events, "page")
    assert {"prices", "summary", "correlations", "chart", "divergences"} <= set(first["parts"])
    assert "1,501.07" in second["parts"]["prices"]
    assert not {"summary", "correlations", "hedge", "divergences", "badges"} & set(second["parts"])


async def test_the_api_stream_sends_snapshots_and_divergences_as_they_are_in_kafka(
    topics: EmbeddedTopics, dashboard: RunningDashboard
) -> None:
    topics.publish(snapshot())
    await dashboard.page_with("1,486.43")
    async with stream(dashboard, "/api/v1/pairs/gold-iwm/stream") as events:
        assert (await next_event(events, "snapshot"))["legs"][0]["price"] == 1486.43
        topics.publish(OPENED)
        assert await next_event(events, "divergence") == orjson.loads(DIVERGENCES.encode(OPENED))


async def test_a_client_that_comes_back_gets_the_divergences_it_missed(
    topics: EmbeddedTopics, dashboard: RunningDashboard
) -> None:
    topics.publish(OPENED, ESCALATED, snapshot())
    await dashboard.page_with("escalated")
    headers = {"Last-Event-ID": "1"}
    async with stream(dashboard, "/api/v1/pairs/gold-iwm/stream", headers=headers) as events:
        assert (await next_event(events, "divergence"))["event_id"] == "ev_2"


async def test_a_quiet_stream_beats(dashboard: RunningDashboard) -> None:
    async with stream(dashboard, f"{PAIR.page}/stream") as events:
        assert (await next_event(events, "beat"))["now_ms"] > 1_600_000_000_000
    url = "/api/v1/pairs/gold-iwm/stream"
    async with asyncio.timeout(PATIENCE_SECONDS), dashboard.client.stream("GET", url) as answer:
        async for line in answer.aiter_lines():
            if line == ": beat":
                break


async def test_the_waiting_page_learns_of_the_first_snapshot(
    topics: EmbeddedTopics, dashboard: RunningDashboard
) -> None:
    await dashboard.page_with("to its end at")
    async with stream(dashboard, f"{PAIR.page}/stream") as events:
        assert list((await next_event(events, "page"))["parts"]) == ["waiting"]
        topics.publish(snapshot())
        assert "ratio_position" in (await next_event(events, "page"))["parts"]


class stream:  # noqa: N801  reads as a verb where it is used
    """Server-sent events of a path, decoded."""

    def __init__(
        self, dashboard: RunningDashboard, path: str, *, headers: dict[str, str] | None = None
    ) -> None:
        self._context = dashboard.client.stream("GET", path, headers=headers)

    async def __aenter__(self) -> AsyncIterator[tuple[str, Any]]:
        answer = await self._context.__aenter__()
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        return _decoded(answer)

    async def __aexit__(self, *details: object) -> None:
        await self._context.__aexit__(None, None, None)


async def next_event(events: AsyncIterator[tuple[str, Any]], name: str) -> Any:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for each, value in events:
            if each == name:
                return value
    raise AssertionError(f"the stream ended before {name}")


async def _decoded(answer: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, orjson.loads(line.removeprefix("data: "))
