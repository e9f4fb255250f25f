"""The comparison page in a real browser: it follows Kafka without a reload, and owns up to silence."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.domain.divergences import Severity, Transition
from shared.text.durations import format_duration
from tests.browser.chromium import Tab, chromium
from tests.support.running_dashboard import EmbeddedTopics, running_dashboard
from tests.support.snapshot_builder import PAIR, event, leg, other_leg, snapshot

pytestmark = pytest.mark.slow


@pytest.fixture
def topics() -> EmbeddedTopics:
    return EmbeddedTopics()


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with chromium(tmp_path) as opened:
        yield opened


def text_of(part: str) -> str:
    return f"document.getElementById('part-{part}').textContent"


async def test_the_page_follows_kafka_without_a_reload(topics: EmbeddedTopics, tab: Tab) -> None:
    async with running_dashboard(topics.kafka) as dashboard:
        await tab.open(dashboard.url + PAIR.page)
        await tab.until("document.body.innerText.includes('The signals service has not published yet')")
        await tab.ask("window.loadedOnce = true")

        topics.publish(snapshot())
        await tab.until(
            f"document.getElementById('part-ratio_position') && {text_of('prices')}.includes('1,486.43')"
        )

        topics.publish(snapshot(legs=(leg(price=1501.07), other_leg())))
        await tab.until(f"{text_of('prices')}.includes('1,501.07')")

        topics.publish(event(), event(sequence=2, type=Transition.ESCALATED, severity=Severity.CRITICAL))
        await tab.until(f"{text_of('divergences')}.includes('escalated')")
        assert await tab.ask("document.getElementById('part-news').getAttribute('aria-live')") == "polite"
        assert "escalated to critical" in await tab.ask(text_of("news"))

        assert await tab.ask("window.loadedOnce") is True
        assert tab.complaints == []


async def test_ages_count_up_and_silence_is_reported(topics: EmbeddedTopics, tab: Tab) -> None:
    topics.publish(snapshot())
    async with running_dashboard(topics.kafka) as dashboard:
        await dashboard.page_with("1,486.43")
        await tab.open(dashboard.url + PAIR.page)
        age = "parseInt(document.querySelector('#part-prices [data-since]').textContent)"
        # The leg was 3 s old when its snapshot was published; nothing is published after it.
        first = await tab.ask(age)
        assert first >= 3
        await tab.until(f"{age} >= {first} + 2")
        assert await tab.ask("document.querySelector('.badge.live').className") == "badge live"
        # As if the snapshot had been published 16 s ago: one more than may pass in silence.
        await tab.ask("document.querySelector('[data-late-since]').dataset.lateSince -= 16000")
        await tab.until("document.querySelector('#part-trouble').innerText.includes('No snapshot for')")
        await tab.until("/^LIVE \\d\\d s ago/.test(document.querySelector('.badge.live.is-late').innerText)")
        assert (await tab.ask("document.querySelector('.badge.live').title")).startswith("As of the last")


async def test_a_lost_connection_is_reported_with_the_time_of_the_data(
    topics: EmbeddedTopics, tab: Tab
) -> None:
    topics.publish(snapshot())
    async with running_dashboard(topics.kafka) as dashboard:
        await dashboard.page_with("1,486.43")
        await tab.open(dashboard.url + PAIR.page)
        assert await tab.ask("document.getElementById('lost').hidden") is True
    banner = "document.getElementById('lost').innerText"
    await tab.until(f"/^Connection lost, showing data as of \\d\\d:\\d\\d:\\d\\d UTC/.test({banner})")
    assert "1,486.43" in await tab.ask(text_of("prices"))


async def test_the_page_fits_a_phone_and_every_table_has_headers(topics: EmbeddedTopics, tab: Tab) -> None:
    topics.publish(event(), snapshot())
    async with running_dashboard(topics.kafka) as dashboard:
        await dashboard.page_with("1,486.43", "Gold is rich against IWM")
        await tab.open(dashboard.url + PAIR.page, width=390, theme="dark")
        assert await tab.ask("document.documentElement.scrollWidth") == 390
        assert await tab.ask(
            "[...document.querySelectorAll('table')].every(t => t.querySelector('thead th'))"
        )
        assert await tab.ask("getComputedStyle(document.body).backgroundColor") == "rgb(19, 20, 22)"
        picture = await tab.picture()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000


async def test_the_page_is_whole_without_scripts(topics: EmbeddedTopics, tab: Tab) -> None:
    topics.publish(event(), snapshot())
    async with running_dashboard(topics.kafka) as dashboard:
        await dashboard.page_with("1,486.43", "Gold is rich against IWM")
        await tab.without_scripts()
        await tab.open(dashboard.url + PAIR.page)
        text = await tab.ask("document.body.innerText")
    for expected in ("1,486.43", "+2.41", "+3.13", "−0.31", "Gold is rich against IWM"):
        assert expected in text


async def test_the_browser_shows_ages_in_the_form_of_the_server(topics: EmbeddedTopics, tab: Tab) -> None:
    topics.publish(snapshot())
    async with running_dashboard(topics.kafka) as dashboard:
        await dashboard.page_with("1,486.43")
        await tab.open(dashboard.url + PAIR.page)
        for seconds in (-1.5, 59.5, 61.5, 3_661.5, 90_061.5):
            await tab.ask(
                "(() => { const one = document.querySelector('h1'); one.dataset.since = Date.now() - "
                f"{seconds * 1_000}; }})()"
            )
            one_later = {format_duration(seconds), format_duration(seconds + 1), format_duration(seconds + 2)}
            await tab.until(f"{sorted(one_later)}.includes(document.querySelector('h1').textContent)")
