"""Whatever a provider sends, no protocol raises."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.registry import STREAMING_VENUES
from services.ingestor.feeds.streaming.events import Event
from services.ingestor.feeds.streaming.ports import StreamingVenue

_SETTINGS = IngestorSettings.model_validate(
    {
        name: "k3y"
        for name, field in IngestorSettings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
)
# Names of fields of all providers.
# fmt: off
_NAMES = [
    "ev",     "status",     "message",     "p",     "a",     "b",     "t",     "sym",     "x",     "i",
    "c",     "s",     "ds",     "bp",     "ap",     "T",     "S",     "msg",     "code",     "trades",
    "quotes",     "type",     "time",     "bids",     "asks",     "price",     "instrument",     "topo",
    "platform",     "spreadProfilePrices",     "spreadProfile",     "bid",     "ask",     "ts",
    "symbol",     "currency",     "updatedAt",     "chart",     "finance",     "result",     "meta",
    "timestamp",     "indicators",     "quote",     "close",     "error",     "errorMessage",     "channel",
    "method",     "data",     "success",     "product_id",     "channels",
]
# fmt: on
# Deeper than Python makes a text of.
_DEEP = "[" * 1_000 + "]" * 1_000
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["IWM", "XAU/USD", "C", "T", "Q", "t", "q", "PRICE", "status", "1e400", "0001-01-01T00:00:00Z"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(_NAMES),
            inner,
            max_size=8,
        )
    ),
    max_leaves=30,
)


def _symbol(venue: StreamingVenue) -> str:
    return "IWM" if venue.name in ("massive_stocks", "alpaca", "yahoo_minutes", "tiingo_iex") else "XAU/USD"


def _events(venue: StreamingVenue, frames: list[str | bytes]) -> Iterator[Event]:
    protocol = venue.make_protocol(_SETTINGS, (_symbol(venue),))
    for frame in frames:
        yield from protocol.receive(frame)


@pytest.mark.parametrize("venue", STREAMING_VENUES, ids=lambda venue: venue.name)
@settings(max_examples=50)
@given(values=st.lists(_VALUES, min_size=1, max_size=3))
def test_any_json_is_an_event(venue: StreamingVenue, values: list[Any]) -> None:
    frames: list[str | bytes] = [json.dumps(value) for value in values]
    assert all(isinstance(event, Event) for event in _events(venue, frames))


@pytest.mark.parametrize("venue", STREAMING_VENUES, ids=lambda venue: venue.name)
@settings(max_examples=50)
@given(frame=st.text() | st.binary())
@example(frame="")
@example(frame='{"a":')
def test_any_text_and_any_bytes_are_events(venue: StreamingVenue, frame: str | bytes) -> None:
    assert all(isinstance(event, Event) for event in _events(venue, [frame]))


@pytest.mark.parametrize("venue", STREAMING_VENUES, ids=lambda venue: venue.name)
@pytest.mark.parametrize(
    "name",
    ["ev", "status", "T", "type", "errorMessage", "error", "chart", "channel", "method", "code", "msg"],
)
@pytest.mark.parametrize(
    "form", ['{{"{0}":{1}}}', '[{{"{0}":{1}}}]', '[{{"ev":"status","T":"error","{0}":{1}}}]']
)
def test_nesting_deeper_than_python_writes_is_an_event(venue: StreamingVenue, name: str, form: str) -> None:
    assert all(isinstance(event, Event) for event in _events(venue, [form.format(name, _DEEP)]))
