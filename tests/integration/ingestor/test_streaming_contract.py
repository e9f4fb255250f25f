"""What every streaming adapter must show, each against a server that speaks its provider's protocol."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from structlog.testing import capture_logs

from services.ingestor.config import IngestorSettings
from services.ingestor.core.connection_health import Limits
from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.feeds.registry import STREAMING_VENUES
from services.ingestor.feeds.streaming.events import Trade
from shared.domain.ticks import FeedState, QuoteBatch
from tests.integration.ingestor.live import TIMING, LiveFeed, venue_feed
from tests.support.fake_feeds.played_venue import ExpectedTick
from tests.support.fake_feeds.registry import FAKE_PROVIDERS, FakeProvider, FakeServer

# Each shorter than the next that may apply too, so that the reason is always the same.
_TIMING = replace(TIMING, limits=Limits(ack=0.3, idle=0.4, first_data=0.5, no_data=30.0))
# Scenario by scenario: why the connection is replaced.
REPLACED = {
    "ack_missing": "ack_timeout",
    "no_first_data": "no_first_data",
    "ack_ok_then_silence": "idle",
    "half_open": "idle",
    "ping_only": "idle",
    "many_bad_frames": "too_many_bad_frames",
    "close_1000": "closed",
    "close_1001": "closed",
    "close_1006": "closed",
    "close_1008": "closed",
}
# How many dead letters there are of frames after which the connection is kept; None: some providers show an
# empty side as null, which is no fault.
KEPT = {"unknown_type": 0, "bad_json": 4, "binary_frame": 1, "huge_frame": 1, "null_price": None}


class _NoBackfill:
    async def trades_in(self, gap: Gap) -> list[Trade]:
        raise AssertionError(f"no trade was missed, but {gap} was asked for")


@dataclass
class _Run:
    provider: FakeProvider
    server: FakeServer
    feed: LiveFeed

    def published(self) -> list[ExpectedTick]:
        """Return the ticks so far, with the time of receipt as None."""
        (symbol,) = self.provider.symbols
        has_time = all(tick.ts_event_ns is not None for tick in self.server.expected)
        found = []
        for batch in self.feed.sink.batches:
            first, second = (
                (batch.bid, batch.ask) if isinstance(batch, QuoteBatch) else (batch.price, batch.size)
            )
            for ts_event_ns, *prices in zip(
                batch.ts_event_ns.tolist(), first.tolist(), second.tolist(), strict=True
            ):
                found.append(
                    ExpectedTick(
                        symbol=symbol,
                        prices=(prices[0], prices[1]),
                        ts_event_ns=ts_event_ns if has_time else None,
                    )
                )
        return found

    async def until_all_published(self) -> None:
        """Wait until the last tick has come, and require each once, in order, with its time and price."""
        await self.feed.until(lambda: len(self.published()) >= len(self.server.expected) >= 3)
        assert self.published() == self.server.expected


@asynccontextmanager
async def _running(provider: FakeProvider, scenario: str) -> AsyncIterator[_Run]:
    """Run the adapter, and require at the end that no key has come out of it."""
    venue = next(each for each in STREAMING_VENUES if each.name == provider.venue)
    with capture_logs() as logs:
        async with provider.serve(scenario) as server:
            settings = IngestorSettings(**provider.settings(server.url))
            async with venue_feed(
                venue, settings, provider.symbols, backfill=_NoBackfill(), timing=_TIMING
            ) as feed:
                yield _Run(provider, server, feed)
    for secret in provider.secrets:
        assert secret not in repr(logs)
        assert secret.encode() not in b"".join(raw for _, raw in feed.sink.rejected)


def _playing(scenarios: Iterable[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("provider", "scenario"),
        [
            pytest.param(provider, scenario, id=f"{provider.name}-{scenario}")
            for provider in FAKE_PROVIDERS
            for scenario in scenarios
            if scenario in provider.scenarios
        ],
    )


@_playing(["happy"])
async def test_ticks_come_with_the_time_and_the_price_that_the_provider_wrote(
    provider: FakeProvider, scenario: str
) -> None:
    async with _running(provider, scenario) as run:
        await run.until_all_published()
        assert run.feed.state() is FeedState.LIVE
        assert run.feed.is_connected()
    assert run.server.connections == 1
    assert run.feed.sink.rejected == []


@_playing(REPLACED)
async def test_connection_that_is_no_use_is_replaced(provider: FakeProvider, scenario: str) -> None:
    async with _running(provider, scenario) as run:
        await run.feed.until(lambda: run.server.connections == 2)
        await run.until_all_published()
    assert run.feed.count("feed_reconnects_total", reason=REPLACED[scenario]) == 1


@_playing(KEPT)
async def test_frame_that_is_no_use_is_counted_and_the_connection_kept(
    provider: FakeProvider, scenario: str
) -> None:
    async with _running(provider, scenario) as run:
        await run.until_all_published()
    assert run.server.connections == 1
    dead_letters = KEPT[scenario]
    if dead_letters is not None:
        assert [reason for reason, _ in run.feed.sink.rejected] == ["undecodable"] * dead_letters


@_playing(["stale_snapshot"])
async def test_price_from_before_the_weekend_is_no_tick(provider: FakeProvider, scenario: str) -> None:
    async with _running(provider, scenario) as run:
        await run.until_all_published()
    assert run.server.connections == 1


@_playing(["clock_skew_future"])
async def test_tick_from_the_future_is_rejected_with_its_reason(
    provider: FakeProvider, scenario: str
) -> None:
    async with _running(provider, scenario) as run:
        await run.until_all_published()
    assert {reason for reason, _ in run.feed.sink.rejected} == {"future"}
