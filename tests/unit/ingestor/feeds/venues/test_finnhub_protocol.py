"""Finnhub's frames, one by one."""

import json

import pytest

from services.ingestor.config import IngestorSettings
from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.streaming.events import (
    Event,
    Heartbeat,
    Print,
    Quote,
    Rejected,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.venues.finnhub.protocol import FinnhubProtocol
from services.ingestor.feeds.venues.finnhub.venue import FINNHUB
from shared.errors import ConfigError
from tests.support.wire_samples import wire_samples

_NS = 1_000_000


def _receive(fields: object) -> list[Event]:
    return FinnhubProtocol("XAU/USD", "IWM", "BINANCE:PAXGUSDT").receive(json.dumps(fields))


def test_each_symbol_is_asked_for_by_finnhubs_name() -> None:
    frames = FinnhubProtocol("XAU/USD", "IWM", "BINANCE:PAXGUSDT").opening_frames()
    assert [json.loads(frame) for frame in frames] == [
        {"type": "subscribe", "symbol": "OANDA:XAU_USD"},
        {"type": "subscribe", "symbol": "IWM"},
        {"type": "subscribe", "symbol": "BINANCE:PAXGUSDT"},
    ]


def test_price_of_a_metal_is_a_quote_and_a_stocks_is_a_trade() -> None:
    events = _receive(
        {
            "type": "trade",
            "data": [
                {"s": "OANDA:XAU_USD", "p": 4389.635, "t": 1787059781134, "v": 0, "c": None},
                {"s": "IWM", "p": 241.9, "t": 1787059781134, "v": 7, "c": ["1", "12"]},
                {"s": "BINANCE:PAXGUSDT", "p": 4390, "t": 1787059781135, "v": 0.011467},
                {"s": "OANDA:XAU_USD", "p": 4389.64, "t": 1787059781135},
            ],
        }
    )
    assert events == [
        Quote(
            ts_event_ns=1787059781134 * _NS, bid=4389.635, ask=4389.635, is_snapshot=True, symbol="XAU/USD"
        ),
        Print(ts_event_ns=1787059781134 * _NS, price=241.9, size=7.0, symbol="IWM"),
        Print(ts_event_ns=1787059781135 * _NS, price=4390.0, size=0.011467, symbol="BINANCE:PAXGUSDT"),
        Quote(ts_event_ns=1787059781135 * _NS, bid=4389.64, ask=4389.64, is_snapshot=False, symbol="XAU/USD"),
    ]


def test_entry_that_cannot_be_read_does_not_take_the_others_with_it() -> None:
    good = {"s": "IWM", "p": 241.9, "t": 1787059781134, "v": 7}
    events = _receive({"type": "trade", "data": [{**good, "p": None}, good, {**good, "t": "now"}, {}]})
    assert [type(event) for event in events] == [Unreadable, Print, Unreadable, Unknown]


def test_stock_without_a_volume_is_no_quote() -> None:
    (event,) = _receive({"type": "trade", "data": [{"s": "IWM", "p": 241.9, "t": 1787059781134, "v": 0}]})
    assert event == Print(ts_event_ns=1787059781134 * _NS, price=241.9, size=0.0, symbol="IWM")


@pytest.mark.parametrize("data", [None, {}, "x", [1], [None]])
def test_trade_without_entries_is_unreadable(data: object) -> None:
    assert [type(event) for event in _receive({"type": "trade", "data": data})] == [Unreadable]


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        ("Invalid API key", Refusal.ACCESS),
        ("Please use an API key.", Refusal.ACCESS),
        ("You don't have access to this resource.", Refusal.ACCESS),
        ("Subscribing to too many symbols", Refusal.UNKNOWN_SYMBOL),
        ("Invalid symbol XAUUSD", Refusal.UNKNOWN_SYMBOL),
        ("Invalid symbol", Refusal.UNKNOWN_SYMBOL),
        ("API limit reached. Please try again later. Remaining Limit: 0", Refusal.THROTTLED),
        ("Too many connections", Refusal.TOO_MANY_CONNECTIONS),
        ("Something went wrong", Refusal.OTHER),
        (None, Refusal.OTHER),
    ],
)
def test_error_is_told_apart_by_its_words(message: str | None, refusal: Refusal) -> None:
    assert _receive({"type": "error", "msg": message}) == [Rejected(message=str(message), refusal=refusal)]


def test_error_that_names_a_symbol_does_not_reject_the_others() -> None:
    message = "Invalid symbol OANDA:XAU_USD"
    assert _receive({"type": "error", "msg": message}) == [
        Rejected(message=message, refusal=Refusal.UNKNOWN_SYMBOL, symbol="XAU/USD")
    ]
    (event,) = _receive({"type": "error", "msg": "Invalid symbol OANDA:XAU_USD IWM"})
    assert isinstance(event, Rejected)
    assert event.symbol is None


def test_first_price_of_each_metal_on_a_connection_is_a_snapshot() -> None:
    protocol = FinnhubProtocol("XAU/USD", "XAG/USD")
    entries = [
        {"s": name, "p": 4389.6, "t": 1787059781134, "v": 0}
        for name in ("OANDA:XAU_USD", "OANDA:XAU_USD", "OANDA:XAG_USD")
    ]
    events = protocol.receive(json.dumps({"type": "trade", "data": entries}))
    assert [event.is_snapshot for event in events if isinstance(event, Quote)] == [True, False, True]


def test_every_sample_of_the_reference_is_readable() -> None:
    events = [event for sample in wire_samples("A4") for event in _receive(json.loads(sample))]
    assert [type(event) for event in events if not isinstance(event, Unknown)] == [
        Quote,
        Heartbeat,
        Rejected,
        Rejected,
    ]


def test_key_is_in_the_query_and_never_in_the_address() -> None:
    endpoint = FINNHUB.endpoint(IngestorSettings(finnhub_key="s3cret"), ("XAU/USD",))
    assert endpoint.query == {"token": "s3cret"}
    assert "s3cret" not in endpoint.url
    assert "s3cret" not in repr(endpoint)


@pytest.mark.parametrize("key", [None, "", "  "])
def test_missing_key_is_refused_with_the_variable_that_sets_it(key: str | None) -> None:
    with pytest.raises(ConfigError, match="CONVEX_INGESTOR_FINNHUB_KEY"):
        FINNHUB.endpoint(IngestorSettings(finnhub_key=key), ("XAU/USD",))
