"""What every streaming adapter must show, each against a server that speaks its provider's protocol."""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from services.ingestor.config import IngestorSettings
from services.ingestor.core.connection_health import FeedCondition, Limits
from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.core.refusals import Patience
from services.ingestor.feeds.registry import STREAMING_VENUES
from services.ingestor.feeds.streaming.events import Trade
from services.ingestor.feeds.streaming.ports import StreamingVenue
from services.ingestor.feeds.transport.tap import NoTap
from shared.domain.ticks import FeedState, QuoteBatch
from tests.integration.ingestor.live import TIMING, LiveFeed, venue_feed
from tests.support.fake_feeds.played_venue import ExpectedTick
from tests.support.fake_feeds.registry import FAKE_PROVIDERS, FakeProvider, FakeServer

# Each limit is shorter than the next that may apply too, so that the reason is always the same.
_TIMING = replace(
    TIMING,
    limits=Limits(ack=0.5, idle=0.75, first_data=1.0, no_data=30.0),
    patience=Patience(
        refusals=3, over_seconds=0.1, ask_again_seconds=0.5, cool_down_seconds=0.3, blocked_seconds=0.05
    ),
)
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

_OUT_OF_TIME = {"clock_skew_future": "future", "clock_skew_past": "too_old"}


class _NoBackfill:
    async def trades_in(self, gap: Gap) -> list[Trade]:
        raise AssertionError(f"no trade was missed, but {gap} was asked for")


@dataclass
class _Recording(NoTap):
    """Remembers every frame that a recording would have."""

    raw: list[bytes] = field(default_factory=list)

    def frame(
        self,
        *,
        feed: str,
        received_ns: int,
        raw: bytes | str,
        symbols: tuple[str, ...] = (),
        connection: int = 0,
    ) -> None:
        self.raw.append(raw if isinstance(raw, bytes) else raw.encode())


@dataclass
class _Run:
    provider: FakeProvider
    server: FakeServer
    feed: LiveFeed

    def published(self, symbol: str) -> list[ExpectedTick]:
        """Return a symbol's ticks so far, with the time of receipt as None."""
        has_time = all(tick.ts_event_ns is not None for tick in self.server.expected)
        found = []
        for batch in self.feed.sink.batches:
            if batch.instrument.rpartition(".")[0] != symbol:
                continue
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

    def expected(self, symbol: str) -> list[ExpectedTick]:
        return [tick for tick in self.server.expected if tick.symbol == symbol]

    async def until_all_published(self, *symbols: str) -> None:
        """Wait until the last tick has come, and require each once, in order, with its time and price."""
        for symbol in symbols or self.provider.symbols:
            await self.feed.until(functools.partial(self._has_all, symbol))
            assert self.published(symbol) == self.expected(symbol)

    def _has_all(self, symbol: str) -> bool:
        return len(self.published(symbol)) >= len(self.expected(symbol)) >= 3

    def instrument(self, symbol: str) -> str:
        return self.feed.feed.instruments[self.provider.symbols.index(symbol)]

    def condition(self, symbol: str) -> str:
        return self.feed.detail(self.instrument(symbol)).state


class _Outputs:
    """Everything that came out of the adapters of one test, as far as people or files get it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.secrets: set[str] = set()

    @asynccontextmanager
    async def running(self, provider: FakeProvider, scenario: str) -> AsyncIterator[_Run]:
        """Run the adapter against its provider, and keep what came out of it."""
        self.secrets.update(provider.secrets)
        recording = _Recording()
        async with provider.serve(scenario) as server:
            settings = IngestorSettings(**provider.settings(server.url))
            venue = _scaled(next(each for each in STREAMING_VENUES if each.name == provider.venue))
            async with venue_feed(
                venue,
                settings,
                provider.symbols,
                backfill=_NoBackfill() if venue.make_backfill is not None else None,
                timing=_TIMING,
                tap=recording,
            ) as feed:
                yield _Run(provider, server, feed)
                self.written.append(repr(list(feed.feed.details())).encode())
        self.written.append(generate_latest(feed.registry))
        self.written += [raw for _, raw in feed.sink.rejected] + recording.raw


@pytest.fixture
def outputs(caplog: pytest.LogCaptureFixture) -> Iterator[_Outputs]:
    """Collect what comes out, and require at the end that no key is in it."""
    caplog.set_level(logging.INFO)
    collected = _Outputs()
    with capture_logs() as logs:
        yield collected
    written = b"".join([*collected.written, repr(logs).encode(), caplog.text.encode()])
    assert written
    assert [secret for secret in collected.secrets if secret.encode() in written] == []


def _scaled(venue: StreamingVenue) -> StreamingVenue:
    """Return a venue that keeps its connection alive as often as the limits of the tests need."""
    keep_alive = venue.keep_alive and replace(venue.keep_alive, every_seconds=0.05)
    return replace(venue, keep_alive=keep_alive)


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
    provider: FakeProvider, scenario: str, outputs: _Outputs
) -> None:
    async with outputs.running(provider, scenario) as run:
        await run.until_all_published()
        for symbol in provider.symbols:
            assert run.feed.state(run.instrument(symbol)) is FeedState.LIVE
            assert run.condition(symbol) == FeedCondition.LIVE
        assert run.feed.is_connected()
    assert run.server.connections == 1
    assert run.feed.sink.rejected == []


@pytest.mark.parametrize("provider", FAKE_PROVIDERS, ids=lambda provider: provider.name)
async def test_connection_that_is_no_use_is_replaced(provider: FakeProvider, outputs: _Outputs) -> None:
    """All scenarios at once: each of them waits for a limit."""

    async def is_replaced(scenario: str) -> None:
        try:
            async with outputs.running(provider, scenario) as run:
                await run.feed.until(lambda: run.server.connections >= 2)
                await run.until_all_published()
            assert run.feed.count("feed_reconnects_total", reason=REPLACED[scenario]) == 1
        except Exception as error:
            error.add_note(f"in the scenario {scenario}")
            raise

    async with asyncio.TaskGroup() as group:
        for scenario in provider.scenarios & set(REPLACED):
            group.create_task(is_replaced(scenario))


@_playing(KEPT)
async def test_frame_that_is_no_use_is_counted_and_the_connection_kept(
    provider: FakeProvider, scenario: str, outputs: _Outputs
) -> None:
    async with outputs.running(provider, scenario) as run:
        await run.until_all_published()
    assert run.server.connections == 1
    dead_letters = KEPT[scenario]
    if dead_letters is not None:
        assert [reason for reason, _ in run.feed.sink.rejected] == ["undecodable"] * dead_letters


@_playing(["bad_key", "unknown_symbol", "blocked"])
async def test_refusal_counts_as_final_after_several_and_is_noticed_when_it_ends(
    provider: FakeProvider, scenario: str, outputs: _Outputs
) -> None:
    async with outputs.running(provider, scenario) as run:
        symbol = provider.symbols[0]
        await run.feed.until(lambda: run.condition(symbol) == FeedCondition.REFUSED)
        asked = run.server.handshakes
        assert asked >= 3
        assert run.feed.detail(run.instrument(symbol)).words
        await asyncio.sleep(0.2)
        assert run.server.handshakes == asked
        run.server.heal()
        await run.until_all_published()
        assert run.condition(symbol) == FeedCondition.LIVE
    assert run.server.handshakes == asked + 1


@_playing(["throttled", "too_many_connections"])
async def test_provider_that_asks_for_a_pause_gets_it_and_is_never_given_up(
    provider: FakeProvider, scenario: str, outputs: _Outputs
) -> None:
    async with outputs.running(provider, scenario) as run:
        await run.feed.until(lambda: run.server.handshakes == 1)
        await asyncio.sleep(0.25)
        assert run.server.handshakes == 1
        await run.feed.until(lambda: run.server.handshakes == 3)
        assert run.condition(provider.symbols[0]) != FeedCondition.REFUSED
        run.server.heal()
        await run.until_all_published()


@_playing(["partial_fails"])
async def test_one_symbol_that_is_rejected_does_not_touch_the_others(
    provider: FakeProvider, scenario: str, outputs: _Outputs
) -> None:
    *good, bad = provider.symbols
    async with outputs.running(provider, scenario) as run:
        await run.until_all_published(*good)
        await run.feed.until(lambda: run.condition(bad) == FeedCondition.REJECTED)
        assert [run.condition(symbol) for symbol in good] == [FeedCondition.LIVE] * len(good)
        assert run.feed.detail(run.instrument(bad)).words
        assert run.published(bad) == []
    assert run.server.connections == 1


@_playing(["stale_snapshot"])
async def test_price_from_before_the_weekend_is_no_tick(
    provider: FakeProvider, scenario: str, outputs: _Outputs
) -> None:
    async with outputs.running(provider, scenario) as run:
        await run.until_all_published()
    assert run.server.connections == 1


@_playing(_OUT_OF_TIME)
async def test_tick_out_of_time_is_rejected_with_its_reason(
    provider: FakeProvider, scenario: str, outputs: _Outputs
) -> None:
    async with outputs.running(provider, scenario) as run:
        await run.until_all_published()
    assert {reason for reason, _ in run.feed.sink.rejected} == {_OUT_OF_TIME[scenario]}
