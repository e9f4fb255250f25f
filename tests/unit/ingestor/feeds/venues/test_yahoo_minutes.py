"""Yahoo's one-minute charts in the forms that clients have met, and charts that must do no harm."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Heartbeat,
    Quote,
    Refusal,
    Rejected,
    Unreadable,
)
from services.ingestor.feeds.venues.yahoo.minute_prices import YahooMinutesProtocol

_SECOND_NS = 1_000_000_000


def _at(clock: str) -> int:
    """Return an instant of one session as Yahoo writes it."""
    return int(
        datetime.fromisoformat(f"2026-02-20T{clock}").replace(tzinfo=ZoneInfo("America/New_York")).timestamp()
    )


def _chart(*rows: tuple[str, float | None], last_trade: str | None, **meta: Any) -> str:
    regular = {"timezone": "EST", "start": _at("09:30:00"), "end": _at("16:00:00"), "gmtoffset": -18000}
    whole = {
        "currency": "USD",
        "symbol": "IWM",
        "exchangeName": "PCX",
        "regularMarketTime": _at(last_trade) if last_trade is not None else None,
        "exchangeTimezoneName": "America/New_York",
        "currentTradingPeriod": {"regular": regular},
        "dataGranularity": "1m",
        **meta,
    }
    closes = [price for _, price in rows]
    quote = {"open": closes, "high": closes, "low": closes, "close": closes, "volume": [0 for _ in rows]}
    result = {"meta": whole, "timestamp": [_at(clock) for clock, _ in rows], "indicators": {"quote": [quote]}}
    return json.dumps({"chart": {"result": [result], "error": None}})


def _price(body: str) -> tuple[int, float]:
    """Return what the first answer of a connection says."""
    acknowledged, quote = YahooMinutesProtocol("IWM").receive(body)
    assert acknowledged == Acknowledged(symbol="IWM")
    assert isinstance(quote, Quote)
    assert quote.is_snapshot
    assert quote.bid == quote.ask
    assert quote.ts_event_ns is not None
    return quote.ts_event_ns, quote.bid


def test_row_of_a_minute_that_has_ended_is_dated_by_its_end() -> None:
    body = _chart(("10:00:00", 263.0), ("10:01:00", 264.0), last_trade="10:02:03")
    assert _price(body) == (_at("10:02:00") * _SECOND_NS, 264.0)


def test_row_of_the_present_minute_is_dated_by_the_last_trade() -> None:
    body = _chart(("10:00:00", 263.0), ("10:01:00", 264.0), last_trade="10:01:17")
    assert _price(body) == (_at("10:01:17") * _SECOND_NS, 264.0)


def test_row_with_a_stamp_inside_a_minute_is_dated_by_it() -> None:
    body = _chart(("10:00:00", 263.0), ("10:01:42", 264.0), last_trade="10:01:42")
    assert _price(body) == (_at("10:01:42") * _SECOND_NS, 264.0)


def test_row_is_never_dated_before_its_beginning() -> None:
    body = _chart(("10:01:00", 264.0), last_trade="10:00:30")
    assert _price(body) == (_at("10:01:00") * _SECOND_NS, 264.0)


def test_row_without_the_time_of_the_last_trade_is_dated_by_its_beginning() -> None:
    assert _price(_chart(("10:01:00", 264.0), last_trade=None)) == (_at("10:01:00") * _SECOND_NS, 264.0)


def test_last_row_of_a_session_is_the_close() -> None:
    body = _chart(("15:59:00", 263.0), ("16:00:00", 264.43), last_trade="16:00:01")
    assert _price(body) == (_at("16:00:01") * _SECOND_NS, 264.43)


def test_row_after_the_close_is_not_of_the_session() -> None:
    body = _chart(("15:59:00", 263.0), ("17:30:00", 250.0), last_trade="16:00:01")
    assert _price(body) == (_at("16:00:00") * _SECOND_NS, 263.0)


def test_null_rows_are_passed_over() -> None:
    body = _chart(("10:00:00", 263.0), ("10:01:00", None), ("10:02:00", None), last_trade="10:02:30")
    assert _price(body) == (_at("10:01:00") * _SECOND_NS, 263.0)


def test_widened_float_is_rounded_to_what_was_traded() -> None:
    body = _chart(("10:00:00", 264.42999267578125), last_trade="10:00:30")
    assert _price(body)[1] == 264.43


@pytest.mark.parametrize(
    "body",
    [
        _chart(last_trade=None),
        _chart(("09:30:00", None), last_trade="09:30:00"),
        _chart(last_trade=None).replace('"timestamp": [], ', "").replace('"close": [], ', ""),
    ],
)
def test_chart_without_a_price_yet_shows_that_the_symbol_is_known(body: str) -> None:
    assert YahooMinutesProtocol("IWM").receive(body) == [Acknowledged(symbol="IWM"), Heartbeat()]


def test_price_changes_within_a_minute_and_is_told_once() -> None:
    protocol = YahooMinutesProtocol("IWM")
    protocol.receive(_chart(("10:01:00", 264.0), last_trade="10:01:17"))
    later = _chart(("10:01:00", 264.1), last_trade="10:01:32")
    (event,) = protocol.receive(later)
    assert isinstance(event, Quote)
    assert (event.ts_event_ns, event.bid, event.is_snapshot) == (_at("10:01:32") * _SECOND_NS, 264.1, False)
    assert protocol.receive(later) == [Heartbeat()]
    older = _chart(("10:01:00", 264.0), last_trade="10:01:17")
    assert protocol.receive(older) == [Heartbeat()]


@pytest.mark.parametrize(
    ("body", "refusal", "words"),
    [
        (
            (
                '{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found, '
                'symbol may be delisted"}}}'
            ),
            Refusal.UNKNOWN_SYMBOL,
            "Not Found: No data found, symbol may be delisted",
        ),
        (
            '{"finance":{"result":null,"error":{"code":"Unauthorized","description":"Invalid Crumb"}}}',
            Refusal.BLOCKED,
            "Unauthorized: Invalid Crumb",
        ),
        (
            '{"finance":{"result":null,"error":{"code":"Too Many Requests","description":"Rate limited"}}}',
            Refusal.THROTTLED,
            "Too Many Requests: Rate limited",
        ),
        ('{"chart":{"result":null,"error":"broken"}}', Refusal.OTHER, "broken"),
    ],
)
def test_error_is_a_refusal_of_its_kind_with_yahoos_words(body: str, refusal: Refusal, words: str) -> None:
    assert YahooMinutesProtocol("IWM").receive(body) == [
        Rejected(message=words, refusal=refusal, symbol="IWM")
    ]


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        "Too Many Requests\r\n",
        "<html></html>",
        '{"chart":null}',
        '{"chart":{"result":[],"error":null}}',
        '{"chart":{"result":[{}],"error":null}}',
        _chart(("10:00:00", 1.0), last_trade="10:00:00")[:-20],
        _chart(("10:00:00", 1.0), last_trade="10:00:00", symbol="SPY"),
        _chart(("10:00:00", 1.0), last_trade="10:00:00", dataGranularity="1d"),
        _chart(("10:00:00", 1.0), last_trade="10:00:00", regularMarketTime="now"),
        _chart(("10:00:00", 1.0), last_trade="10:00:00").replace('"close": [1.0]', '"close": [1.0, 2.0]'),
        _chart(("10:00:00", 1.0), last_trade="10:00:00").replace('"close": [1.0]', '"close": {"0": 1.0}'),
        _chart(("10:00:00", 1.0), last_trade="10:00:00").replace('"close": [1.0]', '"close": ["x"]'),
        _chart(("10:00:00", 1.0), last_trade="10:00:00").replace('"timestamp": [', '"timestamp": [null, '),
    ],
)
def test_answer_of_a_wrong_form_is_unreadable(body: str) -> None:
    (event,) = YahooMinutesProtocol("IWM").receive(body)
    assert isinstance(event, Unreadable)


@pytest.mark.parametrize("period", [None, {}, {"regular": None}, {"regular": {}}])
def test_chart_without_a_trading_period_is_read_all_the_same(period: Any) -> None:
    body = _chart(("10:01:00", 264.0), last_trade="10:01:17", currentTradingPeriod=period)
    assert _price(body) == (_at("10:01:17") * _SECOND_NS, 264.0)
