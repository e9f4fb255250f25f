"""Twelve Data's frames, one by one."""

import json

import pytest

from services.ingestor.config import IngestorSettings
from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    Quote,
    Rejected,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.venues.twelvedata.protocol import TwelveDataProtocol
from services.ingestor.feeds.venues.twelvedata.venue import TWELVEDATA
from shared.errors import ConfigError
from tests.support.wire_samples import wire_samples

_PRICE = {"event": "price", "symbol": "XAU/USD", "timestamp": 1647950462, "price": 1925.18}


def _receive(fields: object) -> list[Event]:
    return TwelveDataProtocol("XAU/USD", "IWM").receive(json.dumps(fields))


def _status(status: str, **lists: object) -> dict[str, object]:
    return {"event": "subscribe-status", "status": status, **lists}


def test_all_symbols_are_asked_for_in_one_frame() -> None:
    (frame,) = TwelveDataProtocol("XAU/USD", "IWM").opening_frames()
    assert json.loads(frame) == {"action": "subscribe", "params": {"symbols": "XAU/USD,IWM"}}


def test_price_with_both_sides_is_their_quote() -> None:
    assert _receive({**_PRICE, "bid": 1925.05, "ask": 1925.32}) == [
        Quote(
            ts_event_ns=1_647_950_462_000_000_000,
            bid=1925.05,
            ask=1925.32,
            is_snapshot=True,
            symbol="XAU/USD",
        )
    ]


def test_first_price_of_each_symbol_on_a_connection_is_a_snapshot() -> None:
    protocol = TwelveDataProtocol("XAU/USD", "IWM")
    frames = [_PRICE, _PRICE, {**_PRICE, "symbol": "iwm"}]
    events = [event for frame in frames for event in protocol.receive(json.dumps(frame))]
    assert [event.is_snapshot for event in events if isinstance(event, Quote)] == [True, False, True]


@pytest.mark.parametrize("sides", [{}, {"bid": None, "ask": 1925.3}, {"bid": 1925.0}, {"bid": 0, "ask": 0}])
def test_price_stands_for_both_sides_where_one_is_missing(sides: dict[str, object]) -> None:
    (event,) = _receive({**_PRICE, **sides})
    assert isinstance(event, Quote)
    assert (event.bid, event.ask) == (1925.18, 1925.18)


def test_stock_has_a_price_and_the_days_volume_is_not_its_size() -> None:
    (event,) = _receive(
        {**_PRICE, "symbol": "IWM", "price": 175.6997, "mic_code": "ARCX", "day_volume": 15991537}
    )
    assert isinstance(event, Quote)
    assert (event.symbol, event.bid, event.ask) == ("IWM", 175.6997, 175.6997)


@pytest.mark.parametrize(
    "wrong", [{"price": None}, {"price": "x"}, {"timestamp": None}, {"timestamp": 1e18}, {"bid": "x"}]
)
def test_price_that_cannot_be_read_is_unreadable(wrong: dict[str, object]) -> None:
    assert [type(event) for event in _receive({**_PRICE, **wrong})] == [Unreadable]


def test_one_symbol_is_acknowledged_while_the_other_is_rejected() -> None:
    events = _receive(
        _status(
            "warning",
            success=[{"symbol": "XAU/USD", "exchange": "", "country": "", "type": "Physical Currency"}],
            fails=[{"symbol": "IWM", "message": "You are not authorized to access ARCX data."}],
        )
    )
    assert events == [
        Acknowledged(symbol="XAU/USD"),
        Rejected(message="You are not authorized to access ARCX data.", refusal=Refusal.ACCESS, symbol="IWM"),
    ]


def test_symbol_in_neither_list_is_not_acknowledged() -> None:
    assert _receive(_status("ok", success=[{"symbol": "XAU/USD"}], fails=None)) == [
        Acknowledged(symbol="XAU/USD")
    ]
    assert _receive(_status("ok", success=None, fails=None)) == [Heartbeat()]
    assert _receive(_status("ok", success=[{"symbol": "AAPL"}], fails=[])) == [Heartbeat()]


@pytest.mark.parametrize("lists", [{"success": {}}, {"success": ["XAU/USD"]}, {"fails": "none"}])
def test_status_with_something_else_for_a_list_is_unreadable(lists: dict[str, object]) -> None:
    assert [type(event) for event in _receive(_status("ok", **lists))] == [Unreadable]


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        (_status("error", messages=["Cant parse message"]), Refusal.OTHER),
        ({"code": 401, "message": "**apikey** parameter is incorrect", "status": "error"}, Refusal.ACCESS),
        ({"event": "error", "status": "error", "message": "Your api key is wrong"}, Refusal.ACCESS),
        ({"code": 429, "message": "You have run out of API credits", "status": "error"}, Refusal.THROTTLED),
        ({"status": "error", "message": "You have run out of API credits"}, Refusal.THROTTLED),
        ({"status": "error", "message": "Maximum connections exceeded"}, Refusal.TOO_MANY_CONNECTIONS),
        ({"code": 500, "status": "error", "message": "internal"}, Refusal.OTHER),
    ],
)
def test_error_of_the_whole_connection_is_told_apart(fields: dict[str, object], refusal: Refusal) -> None:
    (event,) = _receive(fields)
    assert isinstance(event, Rejected)
    assert (event.refusal, event.symbol) == (refusal, None)


def test_symbol_that_is_not_found_is_told_apart_from_one_that_the_plan_lacks() -> None:
    (event,) = _receive(_status("error", fails=[{"symbol": "IWM", "message": "**symbol** not found: IWM"}]))
    assert isinstance(event, Rejected)
    assert (event.refusal, event.symbol) == (Refusal.UNKNOWN_SYMBOL, "IWM")


def test_every_sample_of_the_reference_is_readable() -> None:
    events = [event for sample in wire_samples("A5") for event in _receive(json.loads(sample))]
    assert [type(event) for event in events if not isinstance(event, Unknown)] == [
        Heartbeat,
        Acknowledged,
        Heartbeat,  # two symbols that are not ours
        Rejected,
        Quote,
    ]


def test_key_is_in_the_query_and_a_heartbeat_is_sent_every_ten_seconds() -> None:
    endpoint = TWELVEDATA.endpoint(IngestorSettings(twelvedata_key="s3cret"), ("XAU/USD",))
    assert endpoint.query == {"apikey": "s3cret"}
    assert "s3cret" not in endpoint.url
    assert TWELVEDATA.keep_alive is not None
    assert json.loads(TWELVEDATA.keep_alive.frame) == {"action": "heartbeat"}
    with pytest.raises(ConfigError, match="CONVEX_INGESTOR_TWELVEDATA_KEY"):
        TWELVEDATA.endpoint(IngestorSettings(), ("XAU/USD",))


@pytest.mark.parametrize(
    ("entry", "words", "refusal"),
    [
        ({}, "refused without a reason", Refusal.UNKNOWN_SYMBOL),
        ({"message": None}, "refused without a reason", Refusal.UNKNOWN_SYMBOL),
        ({"message": " ", "exchange": "ARCX"}, "refused without a reason", Refusal.UNKNOWN_SYMBOL),
        ({"message": 7, "messages": []}, "refused without a reason", Refusal.UNKNOWN_SYMBOL),
        ({"code": 403}, "refused without a reason", Refusal.ACCESS),
        ({"msg": "not entitled"}, "not entitled", Refusal.ACCESS),
        ({"reason": "**symbol** not found"}, "**symbol** not found", Refusal.UNKNOWN_SYMBOL),
        ({"messages": ["Out of credits", "wait"]}, "Out of credits; wait", Refusal.THROTTLED),
        ({"error": "something new"}, "something new", Refusal.OTHER),
        ({"message": "x" * 300}, "x" * 200, Refusal.OTHER),
    ],
)
def test_failed_symbol_has_words_and_a_kind_whatever_its_entry_holds(
    entry: dict[str, object], words: str, refusal: Refusal
) -> None:
    """Would have caught: the words of an entry without ``message`` were ``None``."""
    frame = _status("warning", success=[{"symbol": "XAU/USD"}], fails=[{"symbol": "IWM", **entry}])
    assert _receive(frame)[-1] == Rejected(message=words, refusal=refusal, symbol="IWM")
