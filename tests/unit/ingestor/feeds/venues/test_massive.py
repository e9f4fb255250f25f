"""Massive's frames as its documentation and client write them, and frames that must do no harm."""

import json
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    OneSided,
    Print,
    Quote,
    Refusal,
    Rejected,
    Reply,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.venues.massive.forex import read_forex
from services.ingestor.feeds.venues.massive.protocol import MassiveProtocol
from services.ingestor.feeds.venues.massive.stocks import read_stock
from tests.support.data import shared_data

_GREETING = '[{"ev":"status","status":"connected","message":"Connected Successfully"}]'
_LOGGED_IN = '[{"ev":"status","status":"auth_success","message":"authenticated"}]'


def _forex(*symbols: str) -> MassiveProtocol:
    return MassiveProtocol(
        key=SecretStr("s3cr3t"), symbols=symbols or ("XAU/USD",), channels=("C",), read=read_forex
    )


def _stocks(*symbols: str) -> MassiveProtocol:
    return MassiveProtocol(
        key=SecretStr("s3cr3t"), symbols=symbols or ("IWM",), channels=("T", "Q"), read=read_stock
    )


def _status(status: str, message: str) -> str:
    return json.dumps([{"ev": "status", "status": status, "message": message}])


def _one(events: list[Event]) -> Event:
    (event,) = events
    return event


def test_login_and_subscription_answer_what_the_server_says() -> None:
    protocol = _forex("XAU/USD", "EUR/USD")
    assert protocol.opening_frames() == ()
    login = _one(protocol.receive(_GREETING))
    assert isinstance(login, Reply)
    assert orjson.loads(login.frame) == {"action": "auth", "params": "s3cr3t"}
    subscription = _one(protocol.receive(_LOGGED_IN))
    assert isinstance(subscription, Reply)
    assert orjson.loads(subscription.frame) == {"action": "subscribe", "params": "C.XAU/USD,C.EUR/USD"}
    for symbol in ("XAU/USD", "EUR/USD"):
        assert protocol.receive(_status("success", f"subscribed to: C.{symbol}")) == [
            Acknowledged(symbol=symbol)
        ]


def test_login_of_an_older_server_is_answered_as_well() -> None:
    reply = _one(_forex().receive(_status("success", "authenticated")))
    assert isinstance(reply, Reply)
    assert "subscribe" in reply.frame


def test_key_is_in_no_event_as_text() -> None:
    assert "s3cr3t" not in repr(_forex().receive(_GREETING))
    assert "s3cr3t" not in repr(_forex())


def test_stock_is_acknowledged_once_trades_and_quotes_are() -> None:
    protocol = _stocks()
    assert protocol.receive(_status("success", "subscribed to: T.IWM")) == [Heartbeat()]
    assert protocol.receive(_status("success", "subscribed to: Q.IWM")) == [Acknowledged(symbol="IWM")]
    assert protocol.receive(_status("success", "subscribed to: Q.IWM")) == [Heartbeat()]


def test_subscriptions_may_be_acknowledged_together_and_with_a_hyphen() -> None:
    assert _stocks().receive(_status("success", "subscribed to: T.IWM,Q.IWM")) == [Acknowledged(symbol="IWM")]
    assert _forex().receive(_status("success", "subscribed to: C.XAU-USD")) == [
        Acknowledged(symbol="XAU/USD")
    ]


def test_acknowledgement_of_something_else_is_none() -> None:
    assert _forex().receive(_status("success", "subscribed to: C.XAG/USD")) == [Heartbeat()]


@pytest.mark.parametrize("exchange", ["48", '"44"'])
def test_quote_of_gold_stands_as_written(exchange: str) -> None:
    frame = f'[{{"ev":"C","p":"XAU/USD","x":{exchange},"a":4389.71,"b":4389.05,"t":1787059781084}}]'
    assert _forex().receive(frame) == [
        Quote(
            ts_event_ns=1_787_059_781_084_000_000,
            bid=4389.05,
            ask=4389.71,
            is_snapshot=False,
            symbol="XAU/USD",
        )
    ]


def test_aggregate_is_no_quote() -> None:
    frame = (
        '[{"ev":"CA","pair":"XAU/USD","o":4389.2,"c":4389.6,"h":4389.9,"l":4389.1,"v":120,'
        '"s":1787059740000,"e":1787059800000}]'
    )
    assert _forex().receive(frame) == [Unknown(kind="CA")]


@pytest.mark.parametrize(
    "row",
    [
        {"ev": "C", "p": "XAU/USD", "a": 4389.71, "b": 0, "t": 1787059781084},
        {"ev": "C", "p": "XAU/USD", "a": None, "b": 4389.05, "t": 1787059781084},
    ],
)
def test_quote_of_one_side_gives_no_price(row: dict[str, Any]) -> None:
    assert _forex().receive(json.dumps([row])) == [OneSided(symbol="XAU/USD")]


def test_quote_of_a_symbol_that_was_not_asked_for_is_not_ours() -> None:
    frame = '[{"ev":"C","p":"XAG/USD","x":48,"a":52.1,"b":52.0,"t":1787059781084}]'
    assert _forex().receive(frame) == [Unknown(kind="another symbol")]


def test_one_bad_event_of_a_frame_does_not_lose_the_others() -> None:
    good = {"ev": "C", "p": "XAU/USD", "a": 2.0, "b": 1.0, "t": 1787059781084}
    bad: list[dict[str, Any]] = [
        {**good, "a": "x"},
        {**good, "t": 1e300},
        {**good, "p": ["XAU/USD"]},
        {"ev": "C"},
    ]
    events = _forex().receive(json.dumps([bad[0], good, *bad[1:], good]))
    assert [type(each) for each in events] == [Unreadable, Quote, *[Unreadable] * 3, Quote]


@pytest.mark.parametrize(
    ("status", "message", "refusal"),
    [
        ("auth_failed", "authentication failed", Refusal.ACCESS),
        (
            "auth_failed",
            "Your plan doesn't include websocket access. Visit the pricing page.",
            Refusal.ACCESS,
        ),
        ("auth_timeout", "No authentication request received.", Refusal.OTHER),
        ("error", "authentication failed", Refusal.ACCESS),
        ("error", "not authorized to subscribe to C.XAU/USD", Refusal.ACCESS),
        ("error", "internal error", Refusal.OTHER),
        (
            "max_connections",
            (
                "Maximum number of websocket connections exceeded. You have reached the connection "
                "limit for your account."
            ),
            Refusal.TOO_MANY_CONNECTIONS,
        ),
    ],
)
def test_failure_is_a_refusal_of_its_kind_with_the_servers_words(
    status: str, message: str, refusal: Refusal
) -> None:
    event = _one(_forex().receive(_status(status, message)))
    assert isinstance(event, Rejected)
    assert event.refusal is refusal
    assert event.message == f"{status}: {message}"


def test_refusal_that_names_a_symbol_is_of_that_symbol() -> None:
    event = _one(_stocks("IWM", "SPY").receive(_status("error", "not authorized: Q.SPY")))
    assert isinstance(event, Rejected)
    assert event.symbol == "SPY"


def test_unknown_status_is_counted() -> None:
    assert _forex().receive(_status("force_disconnect", "slow")) == [Unknown(kind="status force_disconnect")]


def test_trade_of_a_stock_stands_as_written() -> None:
    frame = (
        '[{"ev":"T","sym":"IWM","x":4,"i":"12345","z":2,"p":241.125,"s":100,"c":[0,12],'
        '"t":1536036818784,"q":3681328}]'
    )
    assert _stocks().receive(frame) == [
        Print(
            ts_event_ns=1_536_036_818_784_000_000,
            price=241.125,
            size=100.0,
            print_id="4:12345",
            symbol="IWM",
        )
    ]


def test_trade_without_conditions_and_of_an_odd_lot_count() -> None:
    rows = [
        {"ev": "T", "sym": "IWM", "x": 4, "i": "799", "p": 161.87, "s": 100, "t": 1651684192717},
        {
            "ev": "T",
            "sym": "IWM",
            "x": 12,
            "i": "72815",
            "p": 161.87,
            "s": 1,
            "c": [14, 37, 41],
            "t": 1651684192536,
        },
    ]
    assert [type(each) for each in _stocks().receive(json.dumps(rows))] == [Print, Print]


@pytest.mark.parametrize("condition", [2, 10, 15, 22, 32, 53])
def test_trade_that_is_not_at_the_markets_price_is_no_tick(condition: int) -> None:
    row = {
        "ev": "T",
        "sym": "IWM",
        "x": 4,
        "i": "1",
        "p": 1.0,
        "s": 1,
        "c": [14, condition],
        "t": 1651684192717,
    }
    assert _stocks().receive(json.dumps([row])) == [Unknown(kind=f"trade of condition {condition}")]


def test_trade_of_less_than_a_share_has_its_size() -> None:
    row = {"ev": "T", "sym": "IWM", "x": 4, "i": "1", "p": 241.5, "s": 0, "ds": "0.25", "t": 1651684192717}
    event = _one(_stocks().receive(json.dumps([row])))
    assert isinstance(event, Print)
    assert event.size == 0.25


@pytest.mark.parametrize(
    ("row", "print_id"), [({"i": 7, "x": "4"}, "4:7"), ({"i": "7"}, None), ({"x": 4}, None)]
)
def test_id_is_unique_only_within_an_exchange(row: dict[str, Any], print_id: str | None) -> None:
    whole = {"ev": "T", "sym": "IWM", "p": 241.5, "s": 1, "t": 1651684192717, **row}
    event = _one(_stocks().receive(json.dumps([whole])))
    assert isinstance(event, Print)
    assert event.print_id == print_id


def test_quote_of_a_stock_stands_as_written() -> None:
    frame = (
        '[{"ev":"Q","sym":"IWM","bx":4,"bp":241.125,"bs":100,"ax":7,"ap":241.128,"as":160,"c":0,"i":[604],'
        '"t":1536036818784,"q":50385480,"z":2}]'
    )
    assert _stocks().receive(frame) == [
        Quote(
            ts_event_ns=1_536_036_818_784_000_000,
            bid=241.125,
            ask=241.128,
            is_snapshot=False,
            symbol="IWM",
        )
    ]


def test_quote_of_a_stock_without_a_bid_gives_no_price() -> None:
    assert _stocks().receive('[{"ev":"Q","sym":"IWM","ap":241.1,"t":1536036818784}]') == [
        OneSided(symbol="IWM")
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"ev": "T", "sym": "IWM", "c": 12},
        {"ev": "T", "sym": 7},
        {"ev": "Q"},
        {"ev": "Q", "sym": "IWM", "bp": "x"},
    ],
)
def test_stock_event_of_a_wrong_form_is_unreadable(row: dict[str, Any]) -> None:
    assert isinstance(_one(_stocks().receive(json.dumps([row]))), Unreadable)


def test_recorded_trade_quote_and_pair_have_the_fields_that_are_read() -> None:
    """The recordings are of REST, with the websocket's field names but for the ticker "
    "and the unit of time."""
    trade = json.loads(shared_data("raw_payloads/polygon_last_trade_AAPL.json").read_text())["results"]
    row = {**trade, "ev": "T", "sym": trade["T"], "t": trade["t"] // 1_000_000}
    assert _stocks("AAPL").receive(json.dumps([row])) == [
        Print(
            ts_event_ns=1_651_179_319_310_000_000,
            price=166.25,
            size=2.0,
            print_id="4:237688",
            symbol="AAPL",
        )
    ]
    quote = json.loads(shared_data("raw_payloads/polygon_last_nbbo_AAPL.json").read_text())["results"]
    row = {"ev": "Q", "sym": "AAPL", "bp": quote["p"], "ap": quote["P"], "t": quote["t"] // 1_000_000}
    event = _one(_stocks("AAPL").receive(json.dumps([row])))
    assert isinstance(event, Quote)
    assert (event.bid, event.ask) == (155.65, 155.66)
    recorded = json.loads(shared_data("raw_payloads/polygon_last_quote_currency_AUDUSD.json").read_text())
    last = recorded["last"]
    row = {
        "ev": "C",
        "p": recorded["symbol"],
        "x": last["exchange"],
        "a": last["ask"],
        "b": last["bid"],
        "t": last["timestamp"],
    }
    assert _forex("AUD/USD").receive(json.dumps([row])) == [
        Quote(
            ts_event_ns=1_652_193_694_000_000_000,
            bid=0.6952,
            ask=0.69527,
            is_snapshot=False,
            symbol="AUD/USD",
        )
    ]
