"""Alpaca's frames as its documentation writes them, and frames that must do no harm."""

import json
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    OneSided,
    Print,
    Quote,
    Refusal,
    Rejected,
    Reply,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.venues.alpaca.protocol import AlpacaProtocol


def _protocol(*symbols: str) -> AlpacaProtocol:
    return AlpacaProtocol(
        key_id=SecretStr("k3y1d"), secret_key=SecretStr("s3cr3t"), symbols=symbols or ("IWM",)
    )


def _one(events: list[Event]) -> Event:
    (event,) = events
    return event


def test_login_and_subscription_answer_what_the_server_says() -> None:
    protocol = _protocol("IWM", "SPY")
    assert protocol.opening_frames() == ()
    login = _one(protocol.receive('[{"T":"success","msg":"connected"}]'))
    assert isinstance(login, Reply)
    assert orjson.loads(login.frame) == {"action": "auth", "key": "k3y1d", "secret": "s3cr3t"}
    assert "k3y1d" not in repr(login)
    assert "s3cr3t" not in repr(login)
    subscription = _one(protocol.receive('[{"T":"success","msg":"authenticated"}]'))
    assert isinstance(subscription, Reply)
    assert orjson.loads(subscription.frame) == {
        "action": "subscribe",
        "trades": ["IWM", "SPY"],
        "quotes": ["IWM", "SPY"],
    }
    frame = (
        '[{"T":"subscription","trades":["IWM","SPY"],"quotes":["SPY","IWM"],"bars":[],'
        '"corrections":["IWM","SPY"],"cancelErrors":["IWM","SPY"]}]'
    )
    assert protocol.receive(frame) == [Acknowledged(symbol="IWM"), Acknowledged(symbol="SPY")]


def test_symbol_that_the_acknowledgement_does_not_list_was_rejected() -> None:
    events = _protocol("IWM", "IWMX").receive(
        '[{"T":"subscription","trades":["IWM","IWMX"],"quotes":["IWM"],"bars":[]}]'
    )
    assert events[0] == Acknowledged(symbol="IWM")
    assert isinstance(events[1], Rejected)
    assert (events[1].symbol, events[1].refusal) == ("IWMX", Refusal.UNKNOWN_SYMBOL)


def test_subscription_to_everything_has_each_symbol() -> None:
    events = _protocol().receive('[{"T":"subscription","trades":["*"],"quotes":["*"]}]')
    assert events == [Acknowledged(symbol="IWM")]


@pytest.mark.parametrize(
    "row", [{"T": "subscription"}, {"T": "subscription", "trades": ["IWM"], "quotes": None}]
)
def test_acknowledgement_without_lists_is_unreadable(row: dict[str, Any]) -> None:
    assert isinstance(_one(_protocol().receive(json.dumps([row]))), Unreadable)


@pytest.mark.parametrize(
    ("code", "message", "refusal"),
    [
        (400, "invalid syntax", Refusal.OTHER),
        (401, "not authenticated", Refusal.OTHER),
        (402, "auth failed", Refusal.ACCESS),
        (404, "auth timeout", Refusal.OTHER),
        (405, "symbol limit exceeded", Refusal.ACCESS),
        (406, "connection limit exceeded", Refusal.TOO_MANY_CONNECTIONS),
        (407, "slow client", Refusal.OTHER),
        (408, "v2 not enabled", Refusal.ACCESS),
        (409, "insufficient subscription", Refusal.ACCESS),
        (410, "invalid subscribe action for this feed", Refusal.UNKNOWN_SYMBOL),
        (411, "insufficient scope", Refusal.ACCESS),
        (429, "too many requests", Refusal.THROTTLED),
        (500, "internal error", Refusal.OTHER),
        ("402", "auth failed", Refusal.OTHER),
    ],
)
def test_error_is_a_refusal_of_its_kind_with_the_servers_words(
    code: int | str, message: str, refusal: Refusal
) -> None:
    event = _one(_protocol().receive(json.dumps([{"T": "error", "code": code, "msg": message}])))
    assert event == Rejected(message=f"{code}: {message}", refusal=refusal)


def test_second_login_is_no_refusal() -> None:
    frame = '[{"T":"error","code":403,"msg":"already authenticated"}]'
    assert _protocol().receive(frame) == [Unknown(kind="already authenticated")]


def test_trade_stands_as_written() -> None:
    frame = (
        '[{"T":"t","i":96921,"S":"IWM","x":"V","p":241.55,"s":1,'
        '"t":"2021-02-22T15:51:44.208000001Z","c":["@","I"],"z":"B"}]'
    )
    assert _protocol().receive(frame) == [
        Print(
            ts_event_ns=1_614_009_104_208_000_001,
            price=241.55,
            size=1.0,
            print_id="V:96921",
            symbol="IWM",
        )
    ]


def test_quote_stands_as_written() -> None:
    frame = (
        '[{"T":"q","S":"IWM","bx":"V","bp":241.66,"bs":1,"ax":"V","ap":241.68,"as":4,'
        '"t":"2021-02-22T15:51:45.335689322Z","c":["R"],"z":"B"}]'
    )
    assert _protocol().receive(frame) == [
        Quote(
            ts_event_ns=1_614_009_105_335_689_322,
            bid=241.66,
            ask=241.68,
            is_snapshot=False,
            symbol="IWM",
        )
    ]


@pytest.mark.parametrize("side", ["bp", "ap"])
@pytest.mark.parametrize("price", [0, None])
def test_quote_of_one_side_gives_no_price(side: str, price: float | None) -> None:
    row = {"T": "q", "S": "IWM", "bp": 1.0, "ap": 1.1, "t": "2021-02-22T15:51:45Z", side: price}
    assert _protocol().receive(json.dumps([row])) == [OneSided(symbol="IWM")]


@pytest.mark.parametrize("condition", ["B", "C", "P", "U", "W", "Z", "4", "7", "9"])
def test_trade_that_is_not_at_the_markets_price_is_no_tick(condition: str) -> None:
    row = {
        "T": "t",
        "i": 1,
        "S": "IWM",
        "x": "D",
        "p": 1.0,
        "s": 1,
        "t": "2021-02-22T15:51:45Z",
        "c": ["@", condition],
    }
    assert _protocol().receive(json.dumps([row])) == [Unknown(kind=f"trade of condition {condition}")]


@pytest.mark.parametrize(
    ("row", "print_id"), [({"i": 7}, None), ({"x": "V"}, None), ({"i": "7", "x": "V"}, "V:7")]
)
def test_id_is_unique_only_within_an_exchange(row: dict[str, Any], print_id: str | None) -> None:
    whole = {"T": "t", "S": "IWM", "p": 1.0, "s": 1, "t": "2021-02-22T15:51:45Z", **row}
    event = _one(_protocol().receive(json.dumps([whole])))
    assert isinstance(event, Print)
    assert event.print_id == print_id


def test_correction_and_cancellation_are_no_ticks() -> None:
    frame = (
        '[{"T":"c","S":"IWM","x":"M","oi":52983525033527,"op":39.1582,"os":440000,"oc":[" ",'
        '"7","V"],"ci":52983525034326,'
        '"cp":39.1809,"cs":440000,"cc":[" ","7","V"],"z":"B","t":"2023-04-06T14:25:06.542305024Z"},'
        '{"T":"x","S":"IWM","i":52983525033527,"x":"M","p":39.1582,"s":440000,"a":"C","z":"B",'
        '"t":"2023-04-06T13:15:42.83540958Z"}]'
    )
    assert _protocol().receive(frame) == [
        Unknown(kind="correction of a trade"),
        Unknown(kind="cancellation of a trade"),
    ]


def test_other_messages_are_counted() -> None:
    rows: list[dict[str, Any]] = [
        {"T": "b", "S": "IWM"},
        {"T": "q", "S": "SPY"},
        {"T": "success", "msg": "hi"},
        {},
    ]
    assert _protocol().receive(json.dumps(rows)) == [
        Unknown(kind="b"),
        Unknown(kind="another symbol"),
        Unknown(kind="success hi"),
        Unknown(kind="None"),
    ]


def test_one_bad_message_of_a_frame_does_not_lose_the_others() -> None:
    good = {"T": "q", "S": "IWM", "bp": 1.0, "ap": 1.1, "t": "2021-02-22T15:51:45Z"}
    bad: list[dict[str, Any]] = [
        {**good, "bp": "x"},
        {**good, "t": "0001-01-01T00:00:00Z"},
        {"T": "t", "S": "IWM", "c": "@"},
    ]
    events = _protocol().receive(json.dumps([bad[0], good, *bad[1:], good]))
    assert [type(each) for each in events] == [Unreadable, Quote, Unreadable, Unreadable, Quote]
