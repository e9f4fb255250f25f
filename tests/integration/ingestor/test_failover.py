"""Two venues for one instrument: one dies, the other takes over, and the log says whose ticks follow."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from services.ingestor.config import IngestorSettings
from shared.config import KafkaSettings
from shared.contracts.records import DIVERGENCES
from shared.contracts.ticks import TickRecord
from shared.domain.divergences import Transition
from shared.domain.instants import NS_PER_SECOND
from shared.domain.ticks import (
    AuthorityReason,
    FeedAuthority,
    FeedFault,
    FeedStatus,
    QuoteBatch,
    TradeBatch,
)
from shared.pairs.loading import load_pairs
from tests.integration.ingestor.harness import Reader, running, ticks_reader
from tests.support.direct_engine import run_directly
from tests.support.fake_feeds import coinbase, kraken
from tests.support.fake_feeds.coinbase import CoinbaseRest, FakeCoinbase
from tests.support.fake_feeds.daily import FakeYahoo
from tests.support.fake_feeds.kraken import FakeKraken, KrakenRest
from tests.support.fake_feeds.venue import send

_GOLD = "PAXG/USD.KRAKEN"
_PAIRS = tuple(pair for pair in load_pairs("live") if pair.name == "gold-iwm")
_TICK_SECONDS = 0.05
_KRAKEN, _COINBASE = 4_000.0, 4_001.0


class _SteadyKraken(FakeKraken):
    """Quote every twentieth of a second until it is down; then close, and refuse each handshake."""

    def __init__(self) -> None:
        super().__init__()
        self.is_down = asyncio.Event()
        self.price = _KRAKEN

    async def _happy(self, socket: ServerConnection) -> None:
        steps = 0
        while not self.is_down.is_set():
            steps += 1
            bid = self.price + steps % 5 / 100
            await send(socket, kraken.ticker(f"{bid:.2f}", f"{bid + 0.5:.2f}"))
            await asyncio.sleep(_TICK_SECONDS)
        socket.transport.abort()

    _second = _happy

    def go_down(self) -> None:
        self._refuse_with = (503, {})
        self.is_down.set()

    def come_back(self) -> None:
        self._refuse_with = None
        self.is_down.clear()


class _SteadyCoinbase(FakeCoinbase):
    """Quote every twentieth of a second."""

    async def _happy(self, socket: ServerConnection) -> None:
        steps = 0
        while True:
            steps += 1
            bid = _COINBASE + steps % 5 / 100
            await send(socket, coinbase.ticker(f"{bid:.2f}", f"{bid + 0.5:.2f}"))
            await asyncio.sleep(_TICK_SECONDS)

    _second = _happy


class _Venues:
    def __init__(self) -> None:
        self.kraken, self.coinbase = _SteadyKraken(), _SteadyCoinbase()
        self.kraken_rest, self.coinbase_rest, self.yahoo = KrakenRest(), CoinbaseRest(), FakeYahoo({})

    def settings(self, **changes: object) -> IngestorSettings:
        fields: dict[str, object] = {
            "feeds": {_GOLD: ("kraken", "coinbase")},
            "kraken_websocket_url": self.kraken.url,
            "kraken_rest_url": self.kraken_rest.server.url,
            "coinbase_websocket_url": self.coinbase.url,
            "coinbase_rest_url": self.coinbase_rest.server.url,
            "yahoo_url": self.yahoo.server.url,
            "request_interval_seconds": 0.0,
            "status_interval_seconds": 0.1,
            "reconnect_base_seconds": 0.05,
            "reconnect_cap_seconds": 0.2,
            "failover_after_seconds": 0.5,
            "return_after_seconds": 1.5,
        }
        return IngestorSettings(**{**fields, **changes})  # type: ignore[arg-type]  # fields by name


@asynccontextmanager
async def _venues() -> AsyncIterator[_Venues]:
    venues = _Venues()
    async with (
        venues.kraken,
        venues.coinbase,
        venues.kraken_rest.server,
        venues.coinbase_rest.server,
        venues.yahoo.server,
    ):
        yield venues


def _of_gold(records: Iterable[TickRecord]) -> list[FeedAuthority | FeedStatus | QuoteBatch | TradeBatch]:
    kinds = (FeedAuthority, FeedStatus, QuoteBatch, TradeBatch)
    return [each for each in records if isinstance(each, kinds) and each.instrument == _GOLD]


def _authorities(log: Reader) -> list[FeedAuthority]:
    return [each for each in log.tick_records() if isinstance(each, FeedAuthority)]


def _ticks_of(log: Reader, feed: str) -> int:
    return sum(
        len(each.ts_event_ns)
        for each in log.tick_records()
        if isinstance(each, QuoteBatch | TradeBatch) and each.feed == feed
    )


def _assert_only_the_authoritative_feed_ticks(records: Iterable[TickRecord]) -> None:
    present: FeedAuthority | None = None
    for record in _of_gold(records):
        match record:
            case FeedAuthority():
                assert record.previous == (None if present is None else present.feed)
                present = record
            case FeedStatus():
                assert present is None or record.feed == present.feed
            case QuoteBatch() | TradeBatch():
                assert present is not None
                assert record.feed == present.feed
                assert record.ts_event_ns.min() >= present.since_ns


async def test_one_dies_and_the_other_takes_over_and_it_comes_back_once(kafka: KafkaSettings) -> None:
    async with (
        _venues() as venues,
        running(kafka, venues.settings(), _PAIRS),
        ticks_reader(kafka) as log,
    ):
        await log.until(lambda: _ticks_of(log, "kraken") > 20)
        venues.kraken.go_down()
        died = len(log.values)
        await log.until(lambda: _ticks_of(log, "coinbase") > 20)
        venues.kraken.come_back()
        before = _ticks_of(log, "kraken")
        await log.until(lambda: _ticks_of(log, "kraken") > before + 20)
        # It stays: nothing is switched back and forth.
        await log.until(lambda: _ticks_of(log, "kraken") > before + 60)
    _assert_only_the_authoritative_feed_ticks(log.tick_records())
    assert [(each.feed, each.reason) for each in _authorities(log)] == [
        ("kraken", AuthorityReason.FIRST),
        ("coinbase", AuthorityReason.OTHER_STALE),
        ("kraken", AuthorityReason.PREFERRED_IS_BACK),
    ]
    second = next(
        at for at, each in enumerate(log.tick_records()) if isinstance(each, FeedAuthority) and each.previous
    )
    assert second >= died - 1
    # The price was there at once: the status and a tick of the new feed are the next records of gold.
    status, tick = [each for each in log.tick_records()[second + 1 :] if each in _of_gold([each])][:2]
    assert isinstance(status, FeedStatus)
    assert isinstance(tick, QuoteBatch)
    assert (status.feed, tick.feed) == ("coinbase", "coinbase")


async def test_take_over_leaves_no_long_gap_in_event_time(kafka: KafkaSettings) -> None:
    async with (
        _venues() as venues,
        running(kafka, venues.settings(), _PAIRS),
        ticks_reader(kafka) as log,
    ):
        await log.until(lambda: _ticks_of(log, "kraken") > 20)
        venues.kraken.go_down()
        await log.until(lambda: _ticks_of(log, "coinbase") > 20)
    instants = [
        instant
        for each in log.tick_records()
        if isinstance(each, QuoteBatch)
        for instant in each.ts_event_ns.tolist()
    ]
    assert instants == sorted(instants)
    longest = max(later - earlier for earlier, later in pairwise(instants))
    assert longest < 3 * NS_PER_SECOND


async def test_feed_that_never_came_is_left_and_the_second_begins(kafka: KafkaSettings) -> None:
    async with _venues() as venues:
        venues.kraken.go_down()
        async with running(kafka, venues.settings(), _PAIRS), ticks_reader(kafka) as log:
            await log.until(lambda: _ticks_of(log, "coinbase") > 5)
    assert [(each.feed, each.previous, each.reason) for each in _authorities(log)] == [
        ("kraken", None, AuthorityReason.FIRST),
        ("coinbase", "kraken", AuthorityReason.OTHER_STALE),
    ]


async def test_two_that_disagree_are_a_data_fault_also_in_a_replay_of_the_log(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("services.ingestor.core.feed_comparison.APART_SECONDS", 1.0)
    async with _venues() as venues:
        venues.kraken.price = 4_100.0
        settings = venues.settings(feeds={_GOLD: ("coinbase",)}, cross_checks={_GOLD: ("kraken",)})
        async with running(kafka, settings, _PAIRS), ticks_reader(kafka) as log:
            await log.until(lambda: any(isinstance(each, FeedFault) for each in log.tick_records()))
            venues.kraken.price = _KRAKEN
            await log.until(lambda: sum(isinstance(each, FeedFault) for each in log.tick_records()) == 2)
    begun, ended = (each for each in log.tick_records() if isinstance(each, FeedFault))
    assert (begun.instrument, begun.feed, begun.is_open, ended.is_open) == (_GOLD, "coinbase", True, False)
    assert begun.at_ns < ended.at_ns
    assert "% apart" in begun.detail
    assert _ticks_of(log, "kraken") == 0
    events = _replayed(log, tmp_path)
    assert events == _replayed(log, tmp_path)
    of_fault = [event for event in map(DIVERGENCES.decode, events) if "feeds_disagree" in repr(event)]
    assert [event.type for event in of_fault][:1] == [Transition.OPEN]


def _replayed(log: Reader, folder: Path) -> list[bytes]:
    """Return what signals makes of what was read of the log."""
    (folder / "rules.toml").write_text("")
    written = list(zip(log.keys, log.values, strict=True))
    return run_directly(written, pairs=_PAIRS, rules=folder / "rules.toml", partition_of=lambda _: 0).events
