"""Whatever comes in a frame or a body, the parsers answer with events or with an error of ours."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.feeds.streaming.events import Event, Unreadable
from services.ingestor.feeds.venues.coinbase.candles import parse_candles
from services.ingestor.feeds.venues.coinbase.protocol import CoinbaseProtocol
from services.ingestor.feeds.venues.kraken.protocol import KrakenProtocol
from services.ingestor.feeds.venues.tiingo.eod import parse_prices
from services.ingestor.feeds.venues.yahoo.chart import parse_chart
from shared.errors import FeedUnavailable

_json: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_kraken = st.fixed_dictionaries(
    {},
    optional={
        "channel": st.sampled_from(["ticker", "trade", "status", "heartbeat"]) | _json,
        "method": st.sampled_from(["subscribe", "pong"]) | _json,
        "type": st.sampled_from(["snapshot", "update"]) | _json,
        "success": _json,
        "error": _json,
        "result": _json,
        "data": _json
        | st.lists(
            st.fixed_dictionaries(
                {"symbol": st.just("PAXG/USD")},
                optional=dict.fromkeys(
                    ("bid", "ask", "timestamp", "price", "qty", "trade_id", "system"), _json
                ),
            ),
            max_size=3,
        ),
    },
)
_channels = st.lists(
    _json | st.fixed_dictionaries({}, optional={"name": _json, "product_ids": _json}), max_size=3
)
_coinbase = st.fixed_dictionaries(
    {"product_id": st.just("PAXG-USD")},
    optional={
        "type": st.sampled_from(["ticker", "match", "last_match", "heartbeat", "subscriptions", "error"]),
        "channels": _channels,
        **dict.fromkeys(
            ("best_bid", "best_ask", "time", "price", "size", "trade_id", "last_trade_id"), _json
        ),
    },
)


def _check(events: list[Event]) -> None:
    assert events is not None
    for event in events:
        if isinstance(event, Unreadable):
            assert event.error.reason == "undecodable"


@given(
    frame=st.binary(max_size=64) | st.text(max_size=64) | _json.map(lambda each: orjson.dumps(each).decode())
)
def test_no_frame_raises(frame: str | bytes) -> None:
    _check(KrakenProtocol("PAXG/USD").receive(frame))
    _check(CoinbaseProtocol("PAXG-USD").receive(frame))


@given(frame=_kraken)
def test_nothing_that_looks_like_kraken_raises(frame: dict[str, Any]) -> None:
    _check(KrakenProtocol("PAXG/USD").receive(orjson.dumps(frame).decode()))


@given(frame=_coinbase)
def test_nothing_that_looks_like_coinbase_raises(frame: dict[str, Any]) -> None:
    _check(CoinbaseProtocol("PAXG-USD").receive(orjson.dumps(frame).decode()))


@pytest.mark.parametrize("parse", [parse_chart, parse_prices, parse_candles])
@given(body=_json)
def test_no_body_raises_anything_but_our_errors(parse: Any, body: Any) -> None:
    try:
        assert parse(body) is not None
    except FeedUnavailable as error:
        assert error.reason in {"not_json", "server_error", "not_found"}  # noqa: PT017 - may pass without
