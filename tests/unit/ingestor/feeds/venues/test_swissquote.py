"""Swissquote's answers as they were measured, and answers that must do no harm."""

import json
from typing import Any

import pytest

from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    OneSided,
    Quote,
    Refusal,
    Rejected,
    Unreadable,
)
from services.ingestor.feeds.venues.swissquote.protocol import SwissquoteProtocol

_ANSWER = (
    '[{"topo":{"platform":"SwissquoteLtd","server":"Live5"},"spreadProfilePrices":[{"spreadProfile":"premium",'
    '"bidSpread":25.60,"askSpread":25.60,"bid":4389.049,"ask":4389.711},{"spreadProfile":"prime","bidSpread":20.10,'
    '"askSpread":20.10,"bid":4389.104,"ask":4389.656},{"spreadProfile":"elite","bidSpread":16.00,"askSpread":16.00,'
    '"bid":4389.145,"ask":4389.615}],"ts":1787059781075},{"topo":{"platform":"AT","server":"AT"},"spreadProfilePrices":'
    '[{"spreadProfile":"standard","bidSpread":30.00,"askSpread":30.00,"bid":4389.00,"ask":4389.76}],"ts":1787059781011}]'
)


def _protocol(platform: str = "SwissquoteLtd", profile: str = "premium") -> SwissquoteProtocol:
    return SwissquoteProtocol("XAU/USD", platform=platform, profile=profile)


def _one(events: list[Event]) -> Event:
    (event,) = events
    return event


def _quote(events: list[Event]) -> Quote:
    quote = events[-1]
    assert isinstance(quote, Quote)
    return quote


def _platform(**changes: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(_ANSWER)[0]
    return {**loaded, **changes}


def test_first_answer_is_a_snapshot_of_the_chosen_platform_and_profile() -> None:
    protocol = _protocol()
    assert protocol.opening_frames() == ()
    assert protocol.receive(_ANSWER) == [
        Acknowledged(symbol="XAU/USD"),
        Quote(
            ts_event_ns=1_787_059_781_075_000_000,
            bid=4389.049,
            ask=4389.711,
            is_snapshot=True,
            symbol="XAU/USD",
        ),
    ]


def test_order_of_platforms_and_profiles_does_not_matter() -> None:
    turned = json.loads(_ANSWER)[::-1]
    turned[-1]["spreadProfilePrices"].reverse()
    assert _protocol().receive(json.dumps(turned)) == _protocol().receive(_ANSWER)


def test_another_platform_and_profile_can_be_chosen() -> None:
    assert _quote(_protocol("AT", "standard").receive(_ANSWER)).bid == 4389.00


def test_frozen_time_is_no_tick_however_often_it_is_asked() -> None:
    protocol = _protocol()
    protocol.receive(_ANSWER)
    for _ in range(1_000):
        assert protocol.receive(_ANSWER) == [Heartbeat()]


def test_newer_answer_is_a_tick_and_an_older_one_after_it_is_not() -> None:
    protocol = _protocol()
    protocol.receive(_ANSWER)
    newer = json.dumps([_platform(ts=1787059786075)])
    assert protocol.receive(newer) == [
        Quote(
            ts_event_ns=1_787_059_786_075_000_000,
            bid=4389.049,
            ask=4389.711,
            is_snapshot=False,
            symbol="XAU/USD",
        )
    ]
    assert protocol.receive(_ANSWER) == [Heartbeat()]


def test_of_two_servers_of_a_platform_the_newer_counts() -> None:
    servers = [_platform(ts=1787059781075), _platform(ts=1787059781076), _platform(ts=1787059781074)]
    assert _quote(_protocol().receive(json.dumps(servers))).ts_event_ns == 1_787_059_781_076_000_000


def test_missing_platform_or_profile_is_refused_with_its_name() -> None:
    for protocol in (_protocol(platform="Gone"), _protocol(profile="gone")):
        event = _one(protocol.receive(_ANSWER))
        assert isinstance(event, Rejected)
        assert event.refusal is Refusal.OTHER
        assert "one" in event.message


def test_answer_without_quotes_is_an_unknown_symbol() -> None:
    event = _one(_protocol().receive("[]"))
    assert isinstance(event, Rejected)
    assert event.refusal is Refusal.UNKNOWN_SYMBOL


@pytest.mark.parametrize("price", [None, 0])
def test_quote_of_one_side_gives_no_price(price: float | None) -> None:
    prices = [{"spreadProfile": "premium", "bid": price, "ask": 4389.7}]
    assert _protocol().receive(json.dumps([_platform(spreadProfilePrices=prices)])) == [
        OneSided(symbol="XAU/USD")
    ]


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "null",
        "[1]",
        "<html></html>",
        _ANSWER[:-20],
        json.dumps([_platform(ts="soon")]),
        json.dumps([_platform(ts=None)]),
        json.dumps([_platform(spreadProfilePrices=None)]),
        json.dumps([_platform(spreadProfilePrices=[{"spreadProfile": "premium", "bid": "x", "ask": 1}])]),
    ],
)
def test_answer_of_a_wrong_form_is_unreadable(body: str) -> None:
    assert isinstance(_one(_protocol().receive(body)), Unreadable)


def test_platform_of_a_wrong_form_is_not_the_chosen_one() -> None:
    events = _protocol().receive(json.dumps([{"topo": "SwissquoteLtd"}, {}, _platform()]))
    assert _quote(events).bid == 4389.049
