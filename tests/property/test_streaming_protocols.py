"""Whatever a provider writes in place of a good value, its adapter answers with events that can be used."""

import copy
import json
import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.registry import STREAMING_VENUES
from services.ingestor.feeds.streaming.events import (
    Event,
    Print,
    Quote,
    Rejected,
    Reply,
    Trade,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.streaming.ports import Carrier, VenueProtocol
from shared.domain.instants import INSTANTS_END_NS
from shared.errors import DataError
from tests.support.fake_feeds.played_venue import Fault, WireFormat
from tests.support.fake_feeds.registry import FAKE_PROVIDERS, FakeProvider

_PLAYED = [provider for provider in FAKE_PROVIDERS if provider.make_format is not None]
_AT_NS = 1_790_000_000_123_456_789
_ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        10**30,
        2**63,
        -(2**63) - 1,
        0.0,
        -0.5,
        1e308,
        5e-324,
        "",
        "x",
        "nan",
        "1e400",
        "1_000",
        "0001-01-01T00:00:00Z",
        "1601-01-01T00:00:00+14:00",
        "9999-12-31T23:59:60Z",
        "2026-10-02T15:59:58.1234567891Z",
        "٣",
        "\ud800",
        [],
        {},
        [[]],
        {"": None},
        [None, "Q"],
    ]
) | st.text(max_size=8)


def _protocol(provider: FakeProvider) -> VenueProtocol:
    venue = next(each for each in STREAMING_VENUES if each.name == provider.venue)
    scheme = "ws" if venue.carrier is Carrier.WEBSOCKET else "http"
    settings = IngestorSettings(**provider.settings(f"{scheme}://127.0.0.1:1"))
    return venue.make_protocol(settings, provider.symbols)


def _format(provider: FakeProvider) -> WireFormat:
    assert provider.make_format is not None
    return provider.make_format()


def _frames(provider: FakeProvider) -> list[Any]:
    """Return every frame that the fake provider can send, as JSON values."""
    if provider.make_format is None:
        return [json.loads(sample) for sample in provider.samples]
    wire = _format(provider)
    protocol = _protocol(provider)
    requests = [json.loads(frame) for frame in protocol.opening_frames()]
    requests += _replies(protocol, wire.greeting())
    requests += [
        reply for request in requests for reply in _replies(protocol, wire.answer(request, fault=None))
    ]
    faults = [None] + [Fault(each) for each in provider.scenarios if each in set(Fault)]
    frames: list[Any] = [*wire.greeting()]
    for symbol in provider.symbols:
        frames += [wire.tick(symbol, 1, _AT_NS)[0], wire.without_price(symbol)]
    for fault in faults:
        frames += [answer for request in requests for answer in wire.answer(request, fault=fault)]
    beat = wire.heartbeat()
    frames += [beat] if beat is not None else []
    return [json.loads(frame) if isinstance(frame, str) else frame for frame in frames]


def _replies(protocol: VenueProtocol, frames: list[Any]) -> list[Any]:
    """Return what a client sends because of some frames."""
    events = [
        event
        for frame in frames
        for event in protocol.receive(frame if isinstance(frame, str) else json.dumps(frame))
    ]
    return [json.loads(event.frame) for event in events if isinstance(event, Reply)]


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, each in inner for place in _places(each, (*at, key)))]


def _changed(frame: Any, place: tuple[Any, ...], to: Any, *, is_removed: bool) -> Any:
    if not place:
        return to
    copied = copy.deepcopy(frame)
    parent = copied
    for key in place[:-1]:
        parent = parent[key]
    if is_removed:
        del parent[place[-1]]
    else:
        parent[place[-1]] = to
    return copied


def _check(events: list[Event]) -> None:
    for event in events:
        match event:
            case Unreadable(error=error):
                assert isinstance(error, DataError)
                assert len(str(error)) <= 300
            case Unknown(kind=kind):
                assert len(kind) <= 60
            case Rejected(message=message):
                assert len(message) <= 200
            case Quote():
                assert math.isfinite(event.bid)
                assert math.isfinite(event.ask)
                assert event.ts_event_ns is None or 0 <= event.ts_event_ns < INSTANTS_END_NS
            case Trade() | Print():
                assert math.isfinite(event.price)
                assert math.isfinite(event.size)
                assert 0 <= event.ts_event_ns < INSTANTS_END_NS


@pytest.mark.parametrize("provider", FAKE_PROVIDERS, ids=lambda provider: provider.name)
@given(data=st.data())
def test_frame_with_an_odd_value_in_any_place_is_answered_with_events(
    provider: FakeProvider, data: st.DataObject
) -> None:
    frame = data.draw(st.sampled_from(_frames(provider)))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(_places(frame)))
        frame = _changed(frame, place, data.draw(_ODD), is_removed=data.draw(st.booleans()))
    _check(_protocol(provider).receive(json.dumps(frame)))


@pytest.mark.parametrize("provider", FAKE_PROVIDERS, ids=lambda provider: provider.name)
@given(data=st.data())
def test_frame_with_changed_characters_is_answered_with_events(
    provider: FakeProvider, data: st.DataObject
) -> None:
    text = orjson.dumps(data.draw(st.sampled_from(_frames(provider)))).decode()
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 4))
    _check(_protocol(provider).receive(text[:at] + data.draw(st.text(max_size=4)) + text[at + cut :]))


@pytest.mark.parametrize("provider", FAKE_PROVIDERS, ids=lambda provider: provider.name)
@given(frame=st.binary(max_size=64) | st.text(max_size=64))
def test_anything_else_is_answered_with_events(provider: FakeProvider, frame: str | bytes) -> None:
    _check(_protocol(provider).receive(frame))


@pytest.mark.parametrize("provider", _PLAYED, ids=lambda provider: provider.name)
def test_unchanged_tick_is_read_as_what_the_provider_wrote(provider: FakeProvider) -> None:
    for symbol in provider.symbols:
        frame, expected = _format(provider).tick(symbol, 1, _AT_NS)
        (event,) = _protocol(provider).receive(frame if isinstance(frame, str) else json.dumps(frame))
        match event:
            case Quote():
                found = (event.bid, event.ask)
            case Trade() | Print():
                found = (event.price, event.size)
            case _:
                raise AssertionError(f"no tick: {event}")
        assert found == expected.prices
        assert event.ts_event_ns == expected.ts_event_ns
        assert event.symbol in (symbol, None)
