"""The ingestor as an installation runs it: live gold, its history, and IWM's bars, from fake providers."""

import asyncio
import json
import socket
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from services.ingestor.config import IngestorSettings
from shared.calendars import xnys_calendar
from shared.clock import SystemClock
from shared.config import HealthSettings, KafkaSettings
from shared.contracts.records import DEADLETTERS
from shared.domain.bars import BarBatch, BarsMode, BarStatus
from shared.domain.instants import to_ns
from shared.domain.pairs import Pair
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch, TradeBatch
from shared.errors import ConfigError
from shared.kafka import topics
from shared.pairs.loading import load_pairs
from tests.integration.ingestor.harness import Reader, running, ticks_reader
from tests.support.fake_feeds.coinbase import CoinbaseRest
from tests.support.fake_feeds.daily import Day, FakeYahoo
from tests.support.fake_feeds.kraken import FakeKraken, KrakenRest

_PAIRS = {pair.name: pair for pair in load_pairs("live")}
_GOLD_IWM = (_PAIRS["gold-iwm"],)
_PAXG, _BTC = "PAXG/USD.KRAKEN", "BTC/USD.KRAKEN"


def _days() -> dict[str, Day]:
    calendar = xnys_calendar()
    last = calendar.last_closed_before(to_ns(SystemClock().now()))
    return {
        session: Day(close=200 + number / 100, adj_close=200 + number / 100)
        for number, session in enumerate(calendar.labels[last - 699 : last + 1])
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Providers:
    def __init__(self, scenario: str, of_symbols: dict[str, str]) -> None:
        self.kraken = FakeKraken(scenario, of_symbols=of_symbols)
        self.kraken_rest = KrakenRest()
        self.coinbase = CoinbaseRest()
        self.yahoo = FakeYahoo(_days())
        self.health_port = _free_port()

    def settings(self) -> IngestorSettings:
        return IngestorSettings(
            feed="live",
            health=HealthSettings(port=self.health_port),
            kraken_websocket_url=self.kraken.url,
            kraken_rest_url=self.kraken_rest.server.url,
            coinbase_rest_url=self.coinbase.server.url,
            yahoo_url=self.yahoo.server.url,
            request_interval_seconds=0.0,
            status_interval_seconds=0.1,
            reconnect_base_seconds=0.05,
        )

    def scrape(self, path: str) -> str:
        url = f"http://127.0.0.1:{self.health_port}{path}"
        with urllib.request.urlopen(url, timeout=5) as page:
            text: str = page.read().decode()
            return text


@asynccontextmanager
async def _providers(
    scenario: str = "happy", *, of_symbols: dict[str, str] | None = None
) -> AsyncIterator[_Providers]:
    providers = _Providers(scenario, of_symbols or {})
    async with (
        providers.kraken,
        providers.kraken_rest.server,
        providers.coinbase.server,
        providers.yahoo.server,
    ):
        yield providers


async def test_live_log_has_both_histories_quotes_trades_and_statuses(kafka: KafkaSettings) -> None:
    async with (
        _providers() as providers,
        running(kafka, providers.settings(), _GOLD_IWM),
        ticks_reader(kafka) as log,
        Reader(kafka, topics.BARS.name) as bars,
    ):
        await log.until(
            lambda: (
                {batch.instrument for batch in log.tick_records() if isinstance(batch, BarBatch)}
                == {"PAXG/USD.KRAKEN", "IWM.ARCX"}
                and any(isinstance(each, TradeBatch) for each in log.tick_records())
                and any(
                    isinstance(each, FeedStatus) and each.state is FeedState.LIVE
                    for each in log.tick_records()
                )
            )
        )
        await bars.until(lambda: len(bars.values) >= 1_190)
        page = await asyncio.to_thread(providers.scrape, "/metrics")
        assert '"status": "ok"' in await asyncio.to_thread(providers.scrape, "/readyz")
    records = log.tick_records()
    assert set(log.keys) == {"PAXG/USD.KRAKEN"}
    for batch in (each for each in records if isinstance(each, BarBatch)):
        assert batch.mode is BarsMode.HISTORY
        assert len(batch.bars) >= 598
    bids = [bid for each in records if isinstance(each, QuoteBatch) for bid in each.bid.tolist()]
    assert bids == [4000.0, 4001.0, 4002.0]
    marks = [each.watermark_ns for each in records if isinstance(each, FeedStatus)]
    assert marks == sorted(marks)
    assert 'convex_ingestor_ticks_received_total{feed="kraken"} 4.0' in page
    assert 'convex_ingestor_feed_connected{feed="kraken",instrument="PAXG/USD.KRAKEN"} 1.0' in page


async def test_restart_knows_what_is_published_and_tells_only_what_changed(kafka: KafkaSettings) -> None:
    async with _providers() as providers:
        days = providers.yahoo.days
        newest, older = sorted(days)[-5], sorted(days)[-6]
        providers.yahoo.days = {session: day for session, day in days.items() if session < newest}
        async with (
            running(kafka, providers.settings(), _GOLD_IWM),
            Reader(kafka, topics.BARS.name) as bars,
        ):
            await bars.until(lambda: len([key for key in bars.keys if key.startswith("IWM")]) >= 590)
        changed = dict(days)
        changed[older] = Day(close=190.0, adj_close=190.0)
        providers.yahoo.days = {session: day for session, day in changed.items() if session <= newest}
        async with running(kafka, providers.settings(), _GOLD_IWM), ticks_reader(kafka) as log:
            await log.until(
                lambda: any(
                    isinstance(each, BarBatch) and each.mode is BarsMode.LIVE for each in log.tick_records()
                )
            )
    (news,) = (
        each for each in log.tick_records() if isinstance(each, BarBatch) and each.mode is BarsMode.LIVE
    )
    assert [(bar.session, bar.status, bar.revision) for bar in news.bars] == [
        (older, BarStatus.CORRECTED, 1),
        (newest, BarStatus.FINAL, 0),
    ]


async def test_unreadable_frame_is_kept_as_a_dead_letter(kafka: KafkaSettings) -> None:
    async with (
        _providers("bad_json") as providers,
        running(kafka, providers.settings(), _GOLD_IWM),
        Reader(kafka, topics.DEADLETTERS.name) as letters,
    ):
        await letters.until(lambda: bool(letters.values))
    letter = DEADLETTERS.decode(letters.values[0])
    assert (letter.origin, letter.reason, letter.partition) == ("feed:kraken", "undecodable", None)
    # The first bytes of {"channel":"trade", as base64.
    assert letter.first_bytes.startswith("eyJjaGFubmVsIjoidHJhZGUi")


async def test_refused_feed_leaves_the_rest_running_and_says_stale(kafka: KafkaSettings) -> None:
    async with (
        _providers("ack_fail_for_good") as providers,
        running(kafka, providers.settings(), _GOLD_IWM) as ingestor,
        ticks_reader(kafka) as log,
    ):
        await log.until(
            lambda: (
                any(isinstance(each, BarBatch) for each in log.tick_records())
                and len([each for each in log.tick_records() if isinstance(each, FeedStatus)]) >= 5
            )
        )
        assert not ingestor.done()
    assert {each.state for each in log.tick_records() if isinstance(each, FeedStatus)} == {FeedState.STALE}


def _bids(log: Reader, instrument: str, *, lead: str = _PAXG) -> list[float]:
    return [
        bid
        for key, each in zip(log.keys, log.tick_records(), strict=True)
        if key == lead and isinstance(each, QuoteBatch) and each.instrument == instrument
        for bid in each.bid.tolist()
    ]


async def test_pair_whose_legs_both_tick_has_both_in_its_log(kafka: KafkaSettings) -> None:
    async with (
        _providers() as providers,
        running(kafka, providers.settings(), (_PAIRS["gold-bitcoin"],)),
        ticks_reader(kafka) as log,
    ):
        await log.until(
            lambda: (
                {each.instrument for each in log.tick_records() if isinstance(each, BarBatch)}
                == {_PAXG, _BTC}
                and {each.instrument for each in log.tick_records() if isinstance(each, TradeBatch)}
                == {_PAXG, _BTC}
                and {
                    each.instrument
                    for each in log.tick_records()
                    if isinstance(each, FeedStatus) and each.state is FeedState.LIVE
                }
                == {_PAXG, _BTC}
                and _bids(log, _PAXG)[-1:] == [4002.0]
                and _bids(log, _BTC)[-1:] == [84002.0]
            )
        )
        page = await asyncio.to_thread(providers.scrape, "/metrics")
    assert set(log.keys) == {_PAXG}
    assert _bids(log, _PAXG) == [4000.0, 4001.0, 4002.0]
    assert _bids(log, _BTC) == [84000.0, 84001.0, 84002.0]
    # Both closes are sampled from ticks: their bars are history and nothing else.
    assert {each.mode for each in log.tick_records() if isinstance(each, BarBatch)} == {BarsMode.HISTORY}
    for instrument in (_PAXG, _BTC):
        assert f'feed_connected{{feed="kraken",instrument="{instrument}"}} 1.0' in page
        statuses = [
            each.watermark_ns
            for each in log.tick_records()
            if isinstance(each, FeedStatus) and each.instrument == instrument
        ]
        assert statuses == sorted(statuses)
    subscribed = sorted(request["params"]["symbol"][0] for request in providers.kraken.received)
    assert subscribed == ["BTC/USD", "BTC/USD", "PAXG/USD", "PAXG/USD"]
    assert providers.kraken.connections == 2


async def test_instrument_of_several_pairs_is_fetched_once_and_reported_to_each_lead(
    kafka: KafkaSettings,
) -> None:
    pairs = (
        _PAIRS["gold-iwm"],
        _PAIRS["gold-spy"],
        _PAIRS["gold-bitcoin"],
        replace(_PAIRS["gold-iwm"], name="bitcoin-iwm", lead=_BTC),
    )
    async with (
        _providers() as providers,
        running(kafka, providers.settings(), pairs),
        ticks_reader(kafka) as log,
    ):
        await log.until(
            lambda: (
                {
                    (key, each.instrument)
                    for key, each in zip(log.keys, log.tick_records(), strict=True)
                    if isinstance(each, BarBatch)
                }
                == {
                    *((_PAXG, leg) for leg in (_PAXG, _BTC, "IWM.ARCX", "SPY.ARCX")),
                    *((_BTC, leg) for leg in (_BTC, "IWM.ARCX")),
                }
                and _bids(log, _BTC, lead=_BTC)[-1:] == _bids(log, _BTC)[-1:] == [84002.0]
            )
        )
    assert _bids(log, _BTC, lead=_BTC) == _bids(log, _BTC) == [84000.0, 84001.0, 84002.0]
    assert _bids(log, _PAXG, lead=_BTC) == []
    for lead in (_PAXG, _BTC):
        found = [
            each
            for key, each in zip(log.keys, log.tick_records(), strict=True)
            if key == lead and isinstance(each, FeedStatus) and each.instrument == _BTC
        ]
        assert len(found) >= 2
    assert providers.kraken.connections_of == {"PAXG/USD": 1, "BTC/USD": 1}
    charts = sorted(request.path for request in providers.yahoo.server.requests)
    assert charts == ["/v8/finance/chart/IWM", "/v8/finance/chart/SPY"]


async def test_reconnect_of_one_leg_leaves_the_other_alone(kafka: KafkaSettings) -> None:
    async with (
        _providers(of_symbols={"BTC/USD": "close_1006"}) as providers,
        running(kafka, providers.settings(), (_PAIRS["gold-bitcoin"],)),
        ticks_reader(kafka) as log,
    ):
        await log.until(lambda: 84003.0 in _bids(log, _BTC) and 4002.0 in _bids(log, _PAXG))
        before = len(log.values)
        await log.until(
            lambda: (
                {
                    (each.instrument, each.state)
                    for each in log.tick_records()[before:]
                    if isinstance(each, FeedStatus)
                }
                >= {(_PAXG, FeedState.LIVE), (_BTC, FeedState.LIVE)}
            )
        )
    assert providers.kraken.connections_of == {"PAXG/USD": 1, "BTC/USD": 2}
    states = [
        each.state for each in log.tick_records() if isinstance(each, FeedStatus) and each.instrument == _PAXG
    ]
    first_live = states.index(FeedState.LIVE)
    assert set(states[first_live:]) == {FeedState.LIVE}


async def test_leg_that_the_venue_refuses_is_stale_and_the_other_ticks_on(kafka: KafkaSettings) -> None:
    with capture_logs() as logs:
        async with (
            _providers(of_symbols={"BTC/USD": "ack_fail_for_good"}) as providers,
            running(kafka, providers.settings(), (_PAIRS["gold-bitcoin"],)),
            ticks_reader(kafka) as log,
        ):
            await log.until(
                lambda: (
                    _bids(log, _PAXG)[-1:] == [4002.0]
                    and sum(isinstance(each, FeedStatus) for each in log.tick_records()) >= 10
                )
            )
            ready = json.loads(await asyncio.to_thread(providers.scrape, "/readyz"))
    shown = {(each["instrument"], each["state"], each["words"]) for each in ready["detail"]["feeds"]}
    assert (_PAXG, "live", "") in shown
    assert _BTC in {
        instrument
        for instrument, state, words in shown
        if state != "live" and words == "Currency pair not supported XYZ/USD"
    }
    assert _bids(log, _BTC) == []
    assert {
        each.state for each in log.tick_records() if isinstance(each, FeedStatus) and each.instrument == _BTC
    } == {FeedState.STALE}
    rejected = [each for each in logs if each["event"] == "feed_disconnected"]
    assert rejected
    for each in rejected:
        assert each["instruments"] == (_BTC,)
        assert (each["reason"], each["detail"]) == ("rejected", "Currency pair not supported XYZ/USD")


@pytest.mark.parametrize(
    ("pair", "problem"),
    [
        (replace(_PAIRS["gold-iwm"], lead="GLD.ARCX"), "its lead GLD.ARCX has no live ticks"),
        (replace(_PAIRS["gold-iwm"], other="BTC/USDT.BITSTAMP"), "BTC/USDT.BITSTAMP has no daily bars"),
    ],
)
async def test_leg_that_nobody_has_is_refused_at_the_start(
    kafka: KafkaSettings, pair: Pair, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        async with running(kafka, IngestorSettings(feed="live"), (pair,)) as ingestor:
            await ingestor


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            IngestorSettings(feed="live", bars_source="tiingo"),
            "Tiingo needs a key: set CONVEX_INGESTOR_TIINGO_TOKEN",
        ),
    ],
)
async def test_live_settings_that_do_not_fit_are_refused(
    kafka: KafkaSettings, settings: IngestorSettings, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        async with running(kafka, settings, _GOLD_IWM) as ingestor:
            await ingestor
