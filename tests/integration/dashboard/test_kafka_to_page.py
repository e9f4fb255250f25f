"""Records in Kafka become the page, the API and the streams, over the real wires of both."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from services.dashboard.app import run_dashboard
from services.dashboard.config import DashboardSettings
from shared.clock import SystemClock
from shared.config import KafkaSettings
from shared.domain.divergences import Severity, Transition
from shared.errors import ConfigError
from tests.support.running_dashboard import (
    PATIENCE_SECONDS,
    EmbeddedTopics,
    RunningDashboard,
    free_port,
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


async def test_before_the_first_snapshot_the_page_says_why(dashboard: RunningDashboard) -> None:
    page = await dashboard.page_with("to its end at")
    assert re.search(
        r"Waiting for the first snapshot of gold-iwm: connected to Kafka, read signals\.v1 to its end at "
        r"\d\d:\d\d:\d\d UTC, 0 snapshots\. The signals service has not published yet: is it running\?",
        page,
    )


async def test_a_kafka_that_is_away_is_named_on_the_page_and_not_ready() -> None:
    nowhere = KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port()}")
    async with running_dashboard(nowhere) as dashboard:
        await dashboard.page_with(
            f"not connected to Kafka at {nowhere.bootstrap_servers}", "Is Kafka running?"
        )
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{dashboard.health_url}/readyz")
    assert answer.status_code == 503
    assert "connecting" in answer.json()["failed"]["kafka"]


async def test_missing_topics_are_waited_for_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    topics = EmbeddedTopics(topics=())
    async with running_dashboard(topics.kafka) as dashboard:
        await dashboard.page_with("signals.v1 and divergences.v1 do not exist", "convex topics create")
        caplog.clear()
        topics.publish(snapshot())
        await dashboard.page_with("but divergences.v1 does not exist")
        await asyncio.sleep(2)
        assert [record.message for record in caplog.records if record.name.startswith("aiokafka")] == []
        topics.publish(OPENED)
        await dashboard.page_with("1,486.43", "Gold is rich against IWM")


async def test_what_was_published_before_the_start_is_shown(topics: EmbeddedTopics) -> None:
    topics.publish(OPENED, ESCALATED, snapshot())
    async with running_dashboard(topics.kafka) as dashboard:
        page = await dashboard.page_with("+2.41", "+3.13", "1,486.43", "Gold is rich against IWM", "critical")
    assert page.index(">Confirmed ") < page.index("+2.41") < page.index(">Provisional ") < page.index("+3.13")


async def test_a_later_snapshot_replaces_the_earlier(
    topics: EmbeddedTopics, dashboard: RunningDashboard
) -> None:
    topics.publish(snapshot())
    await dashboard.page_with("1,486.43")
    topics.publish(snapshot(legs=(leg(price=1501.07), other_leg())))
    page = await dashboard.page_with("1,501.07")
    assert "1,486.43" not in page


async def test_the_api_tells_the_snapshot_and_what_is_open(
    topics: EmbeddedTopics, dashboard: RunningDashboard
) -> None:
    topics.publish(OPENED, ESCALATED, snapshot())
    await dashboard.page_with("escalated", "1,486.43")
    answer = (await dashboard.client.get("/api/v1/pairs/gold-iwm")).json()
    assert answer["snapshot"]["confirmed"]["values"]["z_90"] == 2.4051
    assert [one["event_id"] for one in answer["open"]] == ["ev_2"]
    assert answer["waiting"] is None
    (listed,) = (await dashboard.client.get("/api/v1/pairs")).json()["pairs"]
    assert (listed["pair"], listed["page"], listed["waiting"]) == ("gold-iwm", PAIR.page, None)


async def test_the_api_of_a_waiting_pair_says_why(dashboard: RunningDashboard) -> None:
    answer = (await dashboard.client.get("/api/v1/pairs/gold-iwm")).json()
    assert answer["snapshot"] is None
    assert answer["waiting"].startswith("Waiting for the first snapshot of gold-iwm: ")


async def test_divergences_come_in_pages(topics: EmbeddedTopics, dashboard: RunningDashboard) -> None:
    topics.publish(*(event(sequence=number, event_id=f"ev_{number}") for number in range(1, 6)), snapshot())
    url = "/api/v1/pairs/gold-iwm/divergences"
    await dashboard.page_with('"sequence":5,', path=url)
    first = (await dashboard.client.get(url, params={"after": 1, "limit": 2})).json()
    assert [one["sequence"] for one in first["events"]] == [2, 3]
    assert (first["next_after"], first["has_more"], first["oldest_kept"]) == (3, True, 1)
    rest = (await dashboard.client.get(url, params={"after": first["next_after"]})).json()
    assert ([one["sequence"] for one in rest["events"]], rest["has_more"]) == ([4, 5], False)


async def test_a_bad_record_is_counted_and_passed(
    topics: EmbeddedTopics, dashboard: RunningDashboard
) -> None:
    topics.put("signals.v1", PAIR.name, b"not json")
    topics.put("divergences.v1", PAIR.name, b'{"schema":"divergences","v":9}')
    topics.publish(replace(snapshot(), pair="oil-xle"), snapshot())
    await dashboard.page_with("1,486.43")
    metrics = await dashboard.page_with(
        'records_rejected_total{reason="undecodable",topic="signals.v1"} 1.0',
        'records_rejected_total{reason="undecodable",topic="divergences.v1"} 1.0',
        'records_rejected_total{reason="unknown_pair",topic="signals.v1"} 1.0',
        path=f"{dashboard.health_url}/metrics",
    )
    assert "convex_dashboard_kafka_connected 1.0" in metrics


async def test_only_snapshots_of_other_pairs_point_to_the_configuration(
    topics: EmbeddedTopics, dashboard: RunningDashboard
) -> None:
    topics.publish(replace(snapshot(), pair="oil-xle"))
    await dashboard.page_with("0 snapshots of this pair and 1 of others", "CONVEX_PAIRS")


async def test_a_removed_snapshot_brings_the_waiting_page_back(
    topics: EmbeddedTopics, dashboard: RunningDashboard
) -> None:
    topics.publish(snapshot())
    await dashboard.page_with("1,486.43")
    topics.put("signals.v1", PAIR.name, None)
    await dashboard.page_with("Waiting for the first snapshot")


async def test_it_is_ready_once_the_topics_are_read(dashboard: RunningDashboard) -> None:
    await dashboard.page_with("to its end at")
    assert (await dashboard.client.get(f"{dashboard.health_url}/readyz")).json()["status"] == "ok"


@pytest.mark.slow
async def test_a_kafka_that_goes_away_is_reported_beside_the_last_numbers(topics: EmbeddedTopics) -> None:
    topics.publish(snapshot())
    async with running_dashboard(topics.kafka) as dashboard:
        await dashboard.page_with("1,486.43")
        topics.vanish()
        await dashboard.page_with("Kafka has not answered since", "1,486.43")
        metrics = (await dashboard.client.get(f"{dashboard.health_url}/metrics")).text
        not_ready = await dashboard.client.get(f"{dashboard.health_url}/readyz")
    assert "convex_dashboard_kafka_connected 0.0" in metrics
    assert not_ready.status_code == 503


async def test_stopping_ends_open_streams_in_order(topics: EmbeddedTopics) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        async with running_dashboard(topics.kafka) as dashboard:
            request = client.build_request("GET", f"{dashboard.url}/api/v1/pairs/gold-iwm/stream")
            answer = await client.send(request, stream=True)
            lines = answer.aiter_lines()
            assert await anext(lines) == "retry: 2000"
        # A connection that broke off would raise.
        rest = [line async for line in lines]
    assert set(rest) <= {"", ": beat"}


async def test_a_port_that_is_taken_is_a_configuration_error(dashboard: RunningDashboard) -> None:
    port = int(dashboard.url.rsplit(":", 1)[1])
    with pytest.raises(ConfigError, match=rf"CONVEX_DASHBOARD_PORT: cannot listen on 127\.0\.0\.1:{port}: "):
        await run_dashboard(
            KafkaSettings(), DashboardSettings(port=port), (PAIR,), clock=SystemClock(), stop=asyncio.Event()
        )
