"""The frames of Tiingo's two websockets, one by one."""

import json

import pytest

from services.ingestor.config import IngestorSettings
from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    OneSided,
    Print,
    Quote,
    Rejected,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.venues.tiingo.fx_protocol import TiingoFxProtocol
from services.ingestor.feeds.venues.tiingo.iex_protocol import TiingoIexProtocol
from services.ingestor.feeds.venues.tiingo.venue import TIINGO_FX, TIINGO_IEX
from shared.errors import ConfigError
from tests.support.wire_samples import wire_samples

_FX_TIME = "2019-07-05T15:49:15.157000+00:00"
_FX_NS = 1_562_341_755_157_000_000
_IEX_TIME = "2019-01-30T13:33:45.383129126-05:00"
_IEX_NS = 1_548_873_225_383_129_126


def _fx(*data: object, symbols: tuple[str, ...] = ("EUR/NOK", "XAU/USD")) -> Event:
    protocol = TiingoFxProtocol(*symbols, token="t", threshold_level=5)
    (event,) = protocol.receive(json.dumps({"messageType": "A", "service": "fx", "data": data}))
    return event


def _iex(*data: object) -> Event:
    protocol = TiingoIexProtocol("IWM", "VYM", token="t", threshold_level=6)
    (event,) = protocol.receive(json.dumps({"messageType": "A", "service": "iex", "data": data}))
    return event


def test_frame_that_subscribes_has_the_key_the_level_and_names_in_small_letters() -> None:
    (frame,) = TiingoFxProtocol("XAU/USD", token="s3cret", threshold_level=7).opening_frames()
    assert json.loads(frame) == {
        "eventName": "subscribe",
        "authorization": "s3cret",
        "eventData": {"thresholdLevel": 7, "tickers": ["xauusd"]},
    }


def test_currencys_fields_are_in_the_order_of_the_example_and_not_of_the_table() -> None:
    event = _fx("Q", "eurnok", _FX_TIME, 5e6, 9.6764, 9.678135, 5e6, 9.67987)
    assert event == Quote(ts_event_ns=_FX_NS, bid=9.6764, ask=9.67987, is_snapshot=False, symbol="EUR/NOK")


def test_frame_in_the_order_of_the_table_is_refused() -> None:
    event = _fx("Q", "eurnok", _FX_TIME, 5e6, 9.6764, 9.678135, 9.67987, 5e6)
    assert isinstance(event, Unreadable)
    assert "middle" in str(event.error)


@pytest.mark.parametrize(
    ("mid", "kind"),
    [(1925.185, Quote), (1925.19, Quote), (1925.18, Quote), (None, Unreadable), ("x", Unreadable)],
)
def test_middle_may_be_rounded_and_must_not_be_missing(mid: object, kind: type[Event]) -> None:
    assert isinstance(_fx("Q", "xauusd", _FX_TIME, 1e6, 1925.05, mid, 1e6, 1925.32), kind)


def test_middle_that_is_off_by_more_than_rounding_is_refused() -> None:
    assert isinstance(_fx("Q", "xauusd", _FX_TIME, 1e6, 1925.05, 1925.25, 1e6, 1925.32), Unreadable)


@pytest.mark.parametrize(("bid", "ask"), [(None, 1925.3), (1925.0, None), (0, 1925.3), (None, None)])
def test_currencys_empty_side_is_no_price(bid: object, ask: object) -> None:
    assert _fx("Q", "XAUUSD", _FX_TIME, None, bid, None, None, ask) == OneSided(symbol="XAU/USD")


@pytest.mark.parametrize(
    "data", [("Q",), ("Q", "xauusd", _FX_TIME, 1e6), ("Q", "xauusd", "today", 1, 1925.0, 1925.0, 1, 1925.0)]
)
def test_currencys_data_that_is_too_short_or_has_no_time_is_unreadable(data: tuple[object, ...]) -> None:
    assert isinstance(_fx(*data), Unreadable)


@pytest.mark.parametrize("data", [(), ("T", "xauusd"), (None,), ("Q", "gbpusd", _FX_TIME, 1, 2, 2, 1, 2)])
def test_currencys_data_of_another_kind_or_ticker_is_unknown(data: tuple[object, ...]) -> None:
    assert isinstance(_fx(*data), Unknown)


def test_reference_price_of_a_stock_is_a_quote_with_nine_decimals_of_time() -> None:
    assert _iex(_IEX_TIME, "vym", 81.585) == Quote(
        ts_event_ns=_IEX_NS, bid=81.585, ask=81.585, is_snapshot=False, symbol="VYM"
    )


def test_stocks_ask_stands_before_its_size() -> None:
    event = _iex(
        "Q", _IEX_TIME, _IEX_NS, "vym", 100, 81.58, 81.585, 81.59, 100, None, None, 0, 0, None, None, None
    )
    assert event == Quote(ts_event_ns=_IEX_NS, bid=81.58, ask=81.59, is_snapshot=False, symbol="VYM")
    assert isinstance(
        _iex("Q", _IEX_TIME, _IEX_NS, "vym", 100, 81.58, 81.585, 100, 81.59, None, None), Unreadable
    )


def test_stocks_trade_has_its_price_and_size_and_no_quote() -> None:
    event = _iex("T", _IEX_TIME, _IEX_NS, "iwm", None, None, None, None, None, 50.285, 200, None, 0, 0, 0, 0)
    assert event == Print(ts_event_ns=_IEX_NS, price=50.285, size=200.0, symbol="IWM")


def test_stocks_empty_side_is_no_price() -> None:
    event = _iex("Q", _IEX_TIME, _IEX_NS, "iwm", None, None, None, 81.59, 100, None, None, 1, 0)
    assert event == OneSided(symbol="IWM")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (("B", _IEX_TIME, _IEX_NS, "iwm", None, None, None, None, None, 50.285, 200), Unknown),
        ((_IEX_TIME, "spy", 10.735), Unknown),
        ((_IEX_TIME, "iwm", None), Unreadable),
        ((_IEX_TIME, "iwm"), Unreadable),
        ((_IEX_TIME, "iwm", 10.735, 1), Unreadable),
        (("T", _IEX_TIME, None, "iwm", None, None, None, None, None, 50.285, 200), Unreadable),
        (("T", _IEX_TIME, _IEX_NS, "iwm", None, None, None, None, None, None, None), Unreadable),
    ],
)
def test_stocks_data_of_another_form_is_told_apart(data: tuple[object, ...], kind: type[Event]) -> None:
    assert isinstance(_iex(*data), kind)


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        (400, Refusal.ACCESS),
        (401, Refusal.ACCESS),
        (403, Refusal.ACCESS),
        (404, Refusal.UNKNOWN_SYMBOL),
        (429, Refusal.THROTTLED),
        (500, Refusal.OTHER),
    ],
)
def test_error_is_told_apart_by_its_code_and_keeps_its_words(code: int, refusal: Refusal) -> None:
    frame = {"messageType": "E", "response": {"code": code, "message": "thresholdLevel not valid"}}
    (event,) = TiingoFxProtocol("XAU/USD", token="t", threshold_level=5).receive(json.dumps(frame))
    assert event == Rejected(message=f"{code}: thresholdLevel not valid", refusal=refusal)


@pytest.mark.parametrize("kind", ["I", "E"])
@pytest.mark.parametrize("response", [None, {}, {"code": "200"}])
def test_answer_without_a_code_is_unreadable(kind: str, response: object) -> None:
    frame = json.dumps({"messageType": kind, "response": response})
    (event,) = TiingoIexProtocol("IWM", token="t", threshold_level=6).receive(frame)
    assert isinstance(event, Unreadable)


def test_data_that_is_no_array_is_unreadable_and_other_types_are_unknown() -> None:
    protocol = TiingoIexProtocol("IWM", token="t", threshold_level=6)
    assert isinstance(protocol.receive('{"messageType":"A","data":{}}')[0], Unreadable)
    assert isinstance(protocol.receive('{"messageType":"D","data":[]}')[0], Unknown)
    assert isinstance(protocol.receive("[]")[0], Unreadable)


def test_every_sample_of_the_reference_is_readable() -> None:
    protocol = TiingoFxProtocol("EUR/NOK", token="t", threshold_level=5)
    samples = [sample for sample in wire_samples("A6") if sample.startswith("{")]
    events = [event for sample in samples for event in protocol.receive(sample)]
    assert [type(event) for event in events if not isinstance(event, Unknown)] == [
        Acknowledged,
        Acknowledged,
        Heartbeat,
        Quote,
        Rejected,
        Rejected,
        Rejected,
    ]


def test_key_is_neither_in_the_address_nor_in_the_query() -> None:
    for venue in (TIINGO_FX, TIINGO_IEX):
        endpoint = venue.endpoint(IngestorSettings(tiingo_token="s3cret"), ("IWM",))
        assert "s3cret" not in endpoint.url
        assert not endpoint.query
        with pytest.raises(ConfigError, match="CONVEX_INGESTOR_TIINGO_TOKEN"):
            venue.endpoint(IngestorSettings(), ("IWM",))


def test_level_comes_from_the_settings() -> None:
    settings = IngestorSettings(tiingo_token="t", tiingo_fx_threshold_level=7, tiingo_iex_threshold_level=0)
    (fx,) = TIINGO_FX.make_protocol(settings, ("XAU/USD",)).opening_frames()
    (iex,) = TIINGO_IEX.make_protocol(settings, ("IWM",)).opening_frames()
    assert json.loads(fx)["eventData"] == {"thresholdLevel": 7, "tickers": ["xauusd"]}
    assert json.loads(iex)["eventData"] == {"thresholdLevel": 0, "tickers": ["iwm"]}
