"""What only a stream of lines does: chunks anywhere, blank lines, and Friday's price on a Sunday."""

import asyncio

import pytest

from shared.domain.ticks import FeedState
from tests.integration.ingestor.played import played_run


@pytest.mark.parametrize("scenario", ["split_chunk", "crlf", "blank_line"])
async def test_lines_are_the_same_wherever_their_chunks_are_cut(scenario: str) -> None:
    async with played_run("oanda", scenario) as run:
        await run.until_all_published()
    assert run.server.connections == 1
    assert run.feed.sink.rejected == []


async def test_empty_side_is_no_price_and_never_the_closeout() -> None:
    async with played_run("oanda", "bids_empty") as run:
        await run.until_all_published()
        assert run.feed.count("ticks_rejected_total", reason="one_sided") == 1
    assert run.feed.sink.rejected == []


async def test_old_price_after_connecting_is_no_sign_of_a_live_market() -> None:
    async with played_run("oanda", "stale_snapshot") as run:
        await run.feed.until(lambda: run.feed.is_connected() or run.feed.state() is FeedState.LIVE)
        await run.feed.until(lambda: run.feed.state() is FeedState.STALE)
    assert run.feed.sink.bids() == []


async def test_closed_market_is_waited_for_on_the_same_connection() -> None:
    async with played_run("oanda", "no_first_data", market=lambda _: FeedState.CLOSED) as run:
        await run.feed.until(lambda: run.server.connections == 1)
        # Longer than the first data may take while the market is open.
        await asyncio.sleep(0.8)
        assert run.feed.state() is FeedState.CLOSED
    assert run.server.connections == 1
