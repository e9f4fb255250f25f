"""Which feeds an instrument has, and one clear message for each mistake in the settings."""

import json
from datetime import datetime

import pytest

from services.ingestor.config import IngestorSettings
from services.ingestor.feed_order import FeedOrder, Source, feed_orders
from shared.calendars import xnys_calendar
from shared.config import load_settings
from shared.domain.closures import NO_CLOSURES
from shared.domain.instants import to_ns
from shared.domain.pairs import Pair
from shared.domain.sessions import NEW_YORK
from shared.domain.ticks import FeedState
from shared.errors import ConfigError
from shared.pairs.loading import load_pairs
from tests.support.builders_market import pair

GOLD = "PAXG/USD.KRAKEN"
_GOLD_IWM = (pair(lead=GOLD, other="IWM.ARCX"),)


def _orders(*pairs: Pair, **settings: dict[str, tuple[str, ...]]) -> dict[str, FeedOrder]:
    return feed_orders(IngestorSettings(**settings), pairs or _GOLD_IWM)  # type: ignore[arg-type]  # fields by name


def _told(sources: tuple[Source, ...]) -> list[tuple[str, str]]:
    return [(source.venue.name, source.symbol) for source in sources]


def test_venue_of_an_instrument_is_its_one_feed_and_a_listed_symbol_has_none() -> None:
    orders = _orders()
    assert _told(orders[GOLD].order) == [("kraken", "PAXG/USD")]
    assert orders[GOLD].cross_checks == ()
    assert orders["IWM.ARCX"] == FeedOrder()


def test_shipped_live_pairs_are_all_to_be_had() -> None:
    assert all(order.names for order in _orders(*load_pairs("live")).values() if order.order)
    _orders(pair(lead="BTC/USD.COINBASE", other="ETH/USD.KRAKEN"))


def test_list_is_an_order_and_an_item_may_name_the_symbol_there() -> None:
    orders = _orders(
        feeds={GOLD: ("coinbase", "kraken", "binance:PAXG/USDT"), "IWM.ARCX": ("yahoo_minutes",)}
    )
    assert _told(orders[GOLD].order) == [
        ("coinbase", "PAXG/USD"),
        ("kraken", "PAXG/USD"),
        ("binance", "PAXG/USDT"),
    ]
    assert _told(orders["IWM.ARCX"].order) == [("yahoo_minutes", "IWM")]


def test_metal_may_be_compared_with_what_stands_for_it() -> None:
    orders = _orders(cross_checks={GOLD: ("swissquote:XAU/USD", "coinbase")})
    assert orders[GOLD].names == ("kraken", "swissquote", "coinbase")
    assert _told(orders[GOLD].cross_checks) == [("swissquote", "XAU/USD"), ("coinbase", "PAXG/USD")]


def test_instrument_of_any_venue_and_a_listed_lead_may_have_feeds() -> None:
    orders = _orders(
        pair(lead="XAU/USD.SPOT", other="GLD.ARCX"),
        feeds={"XAU/USD.SPOT": ("oanda", "tiingo_fx")},
    )
    assert orders["XAU/USD.SPOT"].names == ("oanda", "tiingo_fx")
    _orders(pair(lead="GLD.ARCX", other="IWM.ARCX"), feeds={"GLD.ARCX": ("yahoo_minutes",)})


@pytest.mark.parametrize(
    ("feeds", "checks", "said"),
    [
        ({GOLD: ("krakken",)}, {}, r"FEEDS: PAXG/USD\.KRAKEN: there is no venue 'krakken'; there are kraken"),
        ({GOLD: ("",)}, {}, "there is no venue ''"),
        ({"PAXG/USD.COINBASE": ("kraken",)}, {}, r"FEEDS: no pair has the instrument PAXG/USD\.COINBASE"),
        ({GOLD: ()}, {}, "has an empty list"),
        ({GOLD: ("kraken", "coinbase", "kraken")}, {}, "names kraken twice"),
        ({GOLD: ("binance:PAXG/USDT", "binance:PAXG/USD")}, {}, "names binance twice"),
        ({GOLD: ("kraken:XAUT/USD",)}, {}, "XAUT/USD of kraken is not the same thing as PAXG/USD"),
        ({GOLD: ("oanda:XAU/USD",)}, {}, "XAU/USD of oanda is not the same thing.*CROSS_CHECKS compares"),
        ({GOLD: ("kraken:PAXG/EUR",)}, {}, "PAXG/EUR of kraken is not the same thing"),
        ({GOLD: ("kraken:IWM",)}, {}, "kraken has no symbol 'IWM'"),
        ({GOLD: ("kraken:XAU/USD",)}, {}, "kraken has no symbol 'XAU/USD'"),
        ({"IWM.ARCX": ("kraken",)}, {}, "kraken has no symbol 'IWM'"),
        ({"IWM.ARCX": ("yahoo_minutes:IWO",)}, {}, "IWO of yahoo_minutes is not the same thing as IWM"),
        ({}, {GOLD: ("kraken",)}, "CROSS_CHECKS: .* names kraken twice"),
        ({}, {GOLD: ("coinbase:BTC/USD",)}, "BTC/USD of coinbase is not the same thing"),
        ({}, {"IWM.ARCX": ("yahoo_minutes",)}, r"CROSS_CHECKS: IWM\.ARCX has no feed that"),
        ({}, {"QQQ.XNAS": ("yahoo_minutes",)}, r"CROSS_CHECKS: no pair has the instrument QQQ\.XNAS"),
    ],
)
def test_each_mistake_has_its_own_message(
    feeds: dict[str, tuple[str, ...]], checks: dict[str, tuple[str, ...]], said: str
) -> None:
    with pytest.raises(ConfigError, match=f"^CONVEX_INGESTOR_.*{said}"):
        _orders(feeds=feeds, cross_checks=checks)


@pytest.mark.parametrize("name", ["FEEDS", "CROSS_CHECKS"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kraken", "is not JSON"),
        ('{"PAXG/USD.KRAKEN": ["kraken"', "is not JSON .* at character 29"),
        ('["kraken"]', "not an object that names instruments"),
        ('{"PAXG/USD.KRAKEN": "kraken"}', "which is no list of feeds"),
        ('{"PAXG/USD.KRAKEN": [1]}', "lists 1, which is no feed"),
        ('{"PAXG/USD.KRAKEN": ["kraken"], "PAXG/USD.KRAKEN": []}', r"names PAXG/USD\.KRAKEN twice"),
    ],
)
def test_text_that_is_no_list_of_feeds_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, said: str
) -> None:
    monkeypatch.setenv(f"CONVEX_INGESTOR_{name}", text)
    with pytest.raises(ConfigError, match=rf"^CONVEX_INGESTOR_{name}.*{said}"):
        load_settings(IngestorSettings)


def test_lists_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_INGESTOR_FEEDS", json.dumps({GOLD: ["kraken", "coinbase"]}))
    monkeypatch.setenv("CONVEX_INGESTOR_CROSS_CHECKS", " ")
    settings = load_settings(IngestorSettings)
    assert (settings.feeds, settings.cross_checks) == ({GOLD: ("kraken", "coinbase")}, {})


@pytest.mark.parametrize(
    ("lead", "other", "said"),
    [
        ("GLD.ARCX", "IWM.ARCX", "its lead GLD.ARCX has no live ticks.* of venue KRAKEN or COINBASE"),
        ("BTC/USDT.BITSTAMP", "IWM.ARCX", "its lead BTC/USDT.BITSTAMP has no live ticks"),
        (GOLD, "BTC/USDT.BITSTAMP", "BTC/USDT.BITSTAMP has no daily bars, and its venue no live ticks"),
        (GOLD, "IWM.REPLAY", "IWM.REPLAY is of no live venue"),
        ("XAU/USD.REPLAY", "IWM.ARCX", "XAU/USD.REPLAY is of no live venue"),
    ],
)
def test_pair_that_no_provider_has_is_refused_with_what_to_name(lead: str, other: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"pair gold-iwm: .*{said}"):
        _orders(pair(lead=lead, other=other))


def test_simulated_pairs_are_not_looked_for_in_a_market() -> None:
    with pytest.raises(
        ConfigError, match=r"XAU/USD\.SIMULATED is of no live venue; set CONVEX_PAIRS to live"
    ):
        _orders(*load_pairs("simulated"))


@pytest.mark.parametrize(
    ("item", "local", "state"),
    [
        # Metals rest at the weekend, also where they are compared with a token that does not.
        ("swissquote:XAU/USD", "2026-03-14T12:00", "CLOSED"),
        ("swissquote:XAU/USD", "2026-03-10T17:30", "BREAK"),
        ("swissquote:XAU/USD", "2026-03-10T18:01", "LIVE"),
        ("oanda:XAU/USD", "2026-03-10T16:59", "BREAK"),
        ("oanda:XAU/USD", "2026-03-10T18:02", "BREAK"),
        ("oanda:XAU/USD", "2026-03-10T18:03", "LIVE"),
        ("coinbase", "2026-03-14T12:00", "LIVE"),
    ],
)
def test_feed_has_the_hours_of_what_it_brings(item: str, local: str, state: str) -> None:
    (source,) = _orders(cross_checks={GOLD: (item,)})[GOLD].cross_checks
    hours = source.hours(calendar=xnys_calendar(), closures=NO_CLOSURES)
    at_ns = to_ns(datetime.fromisoformat(local).replace(tzinfo=NEW_YORK))
    assert hours.state(at_ns) is FeedState(state)


def test_listed_symbol_has_the_hours_of_the_exchange_and_a_currency_no_daily_break() -> None:
    orders = _orders(pair(lead="EUR/USD.OANDA", other="IWM.ARCX"), feeds={"IWM.ARCX": ("yahoo_minutes",)})
    at_ns = to_ns(datetime(2026, 3, 10, 17, 30, tzinfo=NEW_YORK))
    states = [
        source.hours(calendar=xnys_calendar(), closures=NO_CLOSURES).state(at_ns)
        for order in orders.values()
        for source in order.order
    ]
    assert states == [FeedState.LIVE, FeedState.CLOSED]
