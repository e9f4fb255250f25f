"""OANDA's lines as its documentation writes them, and lines that must do no harm."""

import json
from typing import Any

import pytest

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    OneSided,
    Quote,
    Refusal,
    Rejected,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.venues.oanda.protocol import OandaProtocol
from services.ingestor.feeds.venues.oanda.venue import OANDA

_PRICE = (
    '{"type":"PRICE","time":"2017-09-24T22:20:39.888097022Z","bids":[{"price":"1.19195",'
    '"liquidity":10000000},'
    '{"price":"1.19197","liquidity":500000}],"asks":[{"price":"1.19213",'
    '"liquidity":500000},{"price":"1.19218",'
    '"liquidity":10000000}],"closeoutBid":"1.19180","closeoutAsk":"1.19233",'
    '"status":"tradeable","tradeable":true,'
    '"instrument":"EUR_USD"}'
)
_HEARTBEAT = '{"type":"HEARTBEAT","time":"2026-10-02T10:53:05.000000000Z"}'


def _price(**changes: Any) -> str:
    return json.dumps({**json.loads(_PRICE), **changes})


def _live() -> OandaProtocol:
    """Return a protocol that has had its snapshot."""
    protocol = OandaProtocol({"EUR_USD": "EUR/USD"})
    protocol.receive(_PRICE)
    return protocol


def _one(events: list[Event]) -> Event:
    (event,) = events
    return event


def test_first_price_is_a_snapshot_and_acknowledges() -> None:
    protocol = OandaProtocol({"EUR_USD": "EUR/USD"})
    assert protocol.opening_frames() == ()
    assert protocol.receive(_PRICE) == [
        Acknowledged(symbol="EUR/USD"),
        Quote(
            ts_event_ns=1_506_291_639_888_097_022,
            bid=1.19197,
            ask=1.19213,
            is_snapshot=True,
            symbol="EUR/USD",
        ),
    ]


def test_next_price_is_the_best_of_each_side_and_no_snapshot() -> None:
    assert _live().receive(_price(time="2017-09-24T22:20:40Z")) == [
        Quote(
            ts_event_ns=1_506_291_640_000_000_000,
            bid=1.19197,
            ask=1.19213,
            is_snapshot=False,
            symbol="EUR/USD",
        )
    ]


def test_each_instrument_has_its_own_snapshot() -> None:
    protocol = OandaProtocol({"EUR_USD": "EUR/USD", "XAU_USD": "XAU/USD"})
    assert [type(each) for each in protocol.receive(_PRICE)] == [Acknowledged, Acknowledged, Quote]
    snapshots = []
    for line in (_price(instrument="XAU_USD"), _price(instrument="XAU_USD"), _PRICE):
        event = _one(protocol.receive(line))
        assert isinstance(event, Quote)
        snapshots.append((event.symbol, event.is_snapshot))
    assert snapshots == [("XAU/USD", True), ("XAU/USD", False), ("EUR/USD", False)]


@pytest.mark.parametrize(
    "changes",
    [{"tradeable": False}, {"tradeable": False, "status": "tradeable"}, {"status": "non-tradeable"}],
)
def test_price_that_cannot_be_dealt_is_a_snapshot(changes: dict[str, Any]) -> None:
    event = _one(_live().receive(_price(**changes)))
    assert isinstance(event, Quote)
    assert event.is_snapshot


def test_status_and_tradeable_are_optional() -> None:
    fields = json.loads(_PRICE)
    del fields["status"], fields["tradeable"]
    event = _one(_live().receive(json.dumps(fields)))
    assert isinstance(event, Quote)
    assert not event.is_snapshot


@pytest.mark.parametrize("side", ["bids", "asks"])
def test_empty_side_gives_no_price_and_never_the_closeout(side: str) -> None:
    assert _live().receive(_price(**{side: []})) == [OneSided(symbol="EUR/USD")]


def test_heartbeat_tells_the_venues_time() -> None:
    assert _live().receive(_HEARTBEAT) == [Heartbeat(ts_event_ns=1_790_938_385_000_000_000)]


def test_heartbeat_acknowledges_when_it_comes_first() -> None:
    protocol = OandaProtocol({"XAU_USD": "XAU/USD"})
    assert [type(each) for each in protocol.receive(_HEARTBEAT)] == [Acknowledged, Heartbeat]


@pytest.mark.parametrize("line", ["", "\r", "\n", "  ", b"", b"\r\n"])
def test_blank_line_means_nothing(line: str | bytes) -> None:
    assert _live().receive(line) == []


def test_carriage_return_is_no_part_of_a_line() -> None:
    assert _live().receive(_HEARTBEAT + "\r") == [Heartbeat(ts_event_ns=1_790_938_385_000_000_000)]


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ('{"errorMessage":"Insufficient authorization to perform request."}', Refusal.ACCESS),
        (
            (
                '{"errorCode":"oanda::rest::core::InvalidParameterException","errorMessage":"Invalid '
                "value specified for 'instruments'\"}"
            ),
            Refusal.UNKNOWN_SYMBOL,
        ),
        ('{"errorMessage":"Timeout"}', Refusal.OTHER),
        ('{"errorMessage":null}', Refusal.OTHER),
    ],
)
def test_error_is_a_refusal_of_its_kind_with_the_servers_words(body: str, refusal: Refusal) -> None:
    event = _one(OandaProtocol({"XAU_USD": "XAU/USD"}).receive(body))
    assert isinstance(event, Rejected)
    assert event.refusal is refusal
    assert event.message == str(json.loads(body)["errorMessage"])


@pytest.mark.parametrize(
    "line",
    [
        _price(bids=[{"price": None}]),
        _price(bids=[{}]),
        _price(asks={"price": "1"}),
        _price(time="2017-09-24"),
        _price(time=None),
        '{"type":"HEARTBEAT"}',
        _PRICE[:-9],
        "[]",
    ],
)
def test_line_of_a_wrong_form_is_unreadable(line: str) -> None:
    assert isinstance(_one(_live().receive(line)), Unreadable)


def test_other_lines_are_counted() -> None:
    assert _live().receive('{"type":"NEWS"}') == [Unknown(kind="NEWS")]
    for instrument in ("XAG_USD", None, ["EUR_USD"]):
        assert _live().receive(_price(instrument=instrument)) == [Unknown(kind="another instrument")]


def test_key_is_sent_as_a_header_only() -> None:
    settings = IngestorSettings.model_validate({"oanda_token": "s3cr3t", "oanda_account": "101-001"})
    endpoint = OANDA.endpoint(settings, ("XAU/USD",))
    assert endpoint.url == "https://stream-fxpractice.oanda.com/v3/accounts/101-001/pricing/stream"
    assert endpoint.query == {"instruments": "XAU_USD", "snapshot": "true"}
    assert endpoint.headers["Authorization"] == "Bearer s3cr3t"
    assert "s3cr3t" not in repr(endpoint)
