"""What only polled providers do: they repeat their last price, and each answer may fail for itself."""

import asyncio

import pytest

from shared.domain.ticks import FeedState
from tests.integration.ingestor.live import POLL_SECONDS
from tests.integration.ingestor.played import PlayedRun, played_run
from tests.support.fake_feeds.polled import PlayedAnswers

_POLLED = ("swissquote", "gold_api", "yahoo_minutes")


def _asked_at(run: PlayedRun) -> list[float]:
    assert isinstance(run.server, PlayedAnswers)
    return run.server.answered


@pytest.mark.parametrize("name", _POLLED)
async def test_price_of_a_shut_market_is_no_tick_however_often_it_is_repeated(name: str) -> None:
    async with played_run(name, "frozen", market=lambda _: FeedState.CLOSED) as run:
        await run.feed.until(lambda: len(_asked_at(run)) >= 15)
        assert run.feed.state() is FeedState.CLOSED
        assert run.feed.sink.batches == []
        # It opens again.
        await run.until_all_published()
    assert run.feed.sink.rejected == []


@pytest.mark.parametrize("name", _POLLED)
async def test_repeated_price_in_an_open_market_makes_the_feed_stale(name: str) -> None:
    async with played_run(name, "happy") as run:
        await run.until_all_published()
        assert run.feed.state() is FeedState.LIVE
        await run.feed.until(lambda: run.feed.state() is FeedState.STALE)
        assert len(run.prices()) == len(run.server.expected)


@pytest.mark.parametrize("name", _POLLED)
async def test_answer_that_is_older_than_the_last_is_no_tick(name: str) -> None:
    async with played_run(name, "older_answer") as run:
        await run.until_all_published()
    assert run.feed.sink.rejected == []


@pytest.mark.parametrize("name", _POLLED)
@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("http_200_html", "refused"),
        ("http_5xx", "refused"),
        ("truncated_body", "unreachable"),
        ("no_answer", "unreachable"),
        ("huge_frame", "refused"),
    ],
)
async def test_failed_request_is_made_again_and_is_counted(name: str, scenario: str, reason: str) -> None:
    async with played_run(name, scenario) as run:
        await run.until_all_published()
        assert run.feed.count("feed_reconnects_total", reason=reason) == 1
        assert run.feed.detail().words == ""
    assert run.feed.sink.rejected == []


@pytest.mark.parametrize("name", _POLLED)
async def test_every_new_price_is_published_though_each_second_request_fails(name: str) -> None:
    """Would have caught: each failure began a connection, whose first price was thought to be old."""
    async with played_run(name, "every_second_fails") as run:
        await run.feed.until(lambda: len(run.prices()) >= 15)
        assert run.feed.state() is FeedState.LIVE
        assert run.feed.count("feed_reconnects_total", reason="refused") == 0


@pytest.mark.parametrize("name", _POLLED)
async def test_new_price_after_an_outage_is_published_and_the_one_before_is_not_repeated(name: str) -> None:
    async with played_run(name, "fails_for_long") as run:
        await run.feed.until(lambda: run.feed.count("feed_reconnects_total", reason="refused") == 4)
        await run.feed.until(lambda: len(run.prices()) >= 7)
        prices = run.prices()
    assert len(prices) == len(set(prices)) == len(run.server.expected)


@pytest.mark.parametrize("name", _POLLED)
async def test_wait_that_a_provider_asks_for_is_kept(name: str) -> None:
    async with played_run(name, "http_429_retry_after") as run:
        await run.until_all_published()
    first, second, *_ = _asked_at(run)
    assert second - first >= 1.0


@pytest.mark.parametrize("name", _POLLED)
async def test_requests_are_as_far_apart_as_the_venue_says(name: str) -> None:
    async with played_run(name, "happy") as run:
        await run.until_all_published()
        await asyncio.sleep(5 * POLL_SECONDS)
    asked_at = _asked_at(run)
    assert (asked_at[-1] - asked_at[0]) / (len(asked_at) - 1) >= POLL_SECONDS * 0.95
