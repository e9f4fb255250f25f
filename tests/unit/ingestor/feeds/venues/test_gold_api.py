"""gold-api.com's answers as they were measured, and answers that must do no harm."""

import json
from typing import Any

import pytest

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Heartbeat,
    Quote,
    Refusal,
    Rejected,
    Unreadable,
)
from services.ingestor.feeds.venues.gold_api.protocol import GoldApiProtocol
from services.ingestor.feeds.venues.gold_api.venue import GOLD_API
from shared.errors import ConfigError

_ANSWER = (
    '{"currency":"USD","currencySymbol":"$","exchangeRate":1.0,"name":"Gold","price":4392.0,"symbol":"XAU",'
    '"updatedAt":"2026-08-18T13:29:35Z","updatedAtReadable":"a few seconds ago"}'
)


def _answer(**changes: Any) -> str:
    return json.dumps({**json.loads(_ANSWER), **changes})


def test_price_is_bid_and_ask() -> None:
    protocol = GoldApiProtocol("XAU/USD")
    assert protocol.opening_frames() == ()
    assert protocol.receive(_ANSWER) == [
        Acknowledged(symbol="XAU/USD"),
        Quote(
            ts_event_ns=1_787_059_775_000_000_000,
            bid=4392.0,
            ask=4392.0,
            is_snapshot=True,
            symbol="XAU/USD",
        ),
    ]


def test_price_that_was_not_updated_is_no_tick() -> None:
    protocol = GoldApiProtocol("XAU/USD")
    protocol.receive(_ANSWER)
    assert protocol.receive(_answer(updatedAtReadable="2 days ago")) == [Heartbeat()]
    (event,) = protocol.receive(_answer(price=4392.5, updatedAt="2026-08-18T13:29:45Z"))
    assert isinstance(event, Quote)
    assert not event.is_snapshot


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ('{"error":"Symbol not found"}', Refusal.UNKNOWN_SYMBOL),
        ('{"message":"No such symbol"}', Refusal.UNKNOWN_SYMBOL),
        ('{"error":"try later"}', Refusal.OTHER),
    ],
)
def test_error_with_status_200_is_a_refusal(body: str, refusal: Refusal) -> None:
    (event,) = GoldApiProtocol("XAU/USD").receive(body)
    assert isinstance(event, Rejected)
    assert event.refusal is refusal


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        "Too Many Requests",
        _ANSWER[:-20],
        _answer(price=None),
        _answer(price="n/a"),
        _answer(updatedAt="a few seconds ago"),
        _answer(symbol="XAG"),
        _answer(currency="EUR"),
    ],
)
def test_answer_of_a_wrong_form_is_unreadable(body: str) -> None:
    (event,) = GoldApiProtocol("XAU/USD").receive(body)
    assert isinstance(event, Unreadable)


def test_only_prices_in_dollars_can_be_asked_for() -> None:
    settings = IngestorSettings()
    assert GOLD_API.endpoint(settings, ("XAU/USD",)).url == "https://api.gold-api.com/price/XAU"
    with pytest.raises(ConfigError, match="US dollars"):
        GOLD_API.endpoint(settings, ("XAU/EUR",))


def test_one_price_of_the_future_does_not_silence_those_after_it() -> None:
    protocol = GoldApiProtocol("XAU/USD")
    for updated_at, expected in (
        ("2026-08-18T13:29:35Z", ["Acknowledged", "Quote"]),
        ("2027-08-18T13:29:35Z", ["Quote"]),
        ("2026-08-18T13:29:45Z", ["Quote"]),
        ("2026-08-18T13:29:55Z", ["Quote"]),
        ("2026-08-18T13:29:45Z", ["Heartbeat"]),
    ):
        events = protocol.receive(_answer(updatedAt=updated_at))
        assert [type(event).__name__ for event in events] == expected


def test_price_after_one_of_the_future_is_a_snapshot_and_the_next_one_is_not() -> None:
    protocol = GoldApiProtocol("XAU/USD")
    protocol.receive(_answer(updatedAt="2027-08-18T13:29:35Z"))
    snapshots = []
    for updated_at in ("2026-08-18T13:29:45Z", "2026-08-18T13:29:55Z"):
        (event,) = protocol.receive(_answer(updatedAt=updated_at))
        assert isinstance(event, Quote)
        snapshots.append(event.is_snapshot)
    assert snapshots == [True, False]
