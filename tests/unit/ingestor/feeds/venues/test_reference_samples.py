"""Every sample of the protocol reference, read in its order on one connection."""

import json

import pytest
from pydantic import SecretStr

from services.ingestor.feeds.streaming.events import Event
from services.ingestor.feeds.streaming.ports import VenueProtocol
from services.ingestor.feeds.venues.gold_api.protocol import GoldApiProtocol
from services.ingestor.feeds.venues.massive.forex import read_forex
from services.ingestor.feeds.venues.massive.protocol import MassiveProtocol
from services.ingestor.feeds.venues.oanda.protocol import OandaProtocol
from services.ingestor.feeds.venues.swissquote.protocol import SwissquoteProtocol
from services.ingestor.feeds.venues.yahoo.minute_prices import YahooMinutesProtocol
from tests.support.wire_samples import wire_samples

_MASSIVE = MassiveProtocol(key=SecretStr("k"), symbols=("XAU/USD",), channels=("C",), read=read_forex)
_OANDA = OandaProtocol({"EUR_USD": "EUR/USD"})
_SWISSQUOTE = SwissquoteProtocol("XAU/USD", platform="SwissquoteLtd", profile="premium")
_GOLD_API = GoldApiProtocol("XAU/USD")
_YAHOO = YahooMinutesProtocol("IWM")


def _names(protocol: VenueProtocol, samples: list[str]) -> list[list[str]]:
    def of(events: list[Event]) -> list[str]:
        return [type(event).__name__ for event in events]

    return [of(protocol.receive(sample)) for sample in samples]


@pytest.mark.parametrize(
    ("protocol", "section", "first", "expected"),
    [
        (
            _MASSIVE,
            "A7",
            '[{"ev"',
            [
                ["Reply"],
                ["Reply"],
                ["Rejected"],
                ["Rejected"],
                ["Acknowledged"],
                ["Quote"],
                ["Unknown"],
                ["Rejected"],
            ],
        ),
        (_OANDA, "A8", "{", [["Acknowledged", "Quote"], ["Heartbeat"], ["Rejected"], ["Rejected"]]),
        (_SWISSQUOTE, "A9", '[{"topo"', [["Acknowledged", "Quote"]]),
        (_GOLD_API, "A9", '{"currency"', [["Acknowledged", "Quote"]]),
    ],
    ids=["massive", "oanda", "swissquote", "gold_api"],
)
def test_sample_is_what_the_reference_says(
    protocol: VenueProtocol, section: str, first: str, expected: list[list[str]]
) -> None:
    samples = [sample for sample in wire_samples(section) if sample.startswith(first)]
    assert _names(protocol, samples) == expected


def test_chart_of_daily_rows_is_no_chart_of_minutes_and_its_errors_are_told() -> None:
    samples = wire_samples("B7")
    assert _names(_YAHOO, samples) == [["Unreadable"], ["Rejected"], ["Rejected"]]
    chart = json.loads(samples[0])
    chart["chart"]["result"][0]["meta"]["dataGranularity"] = "1m"
    assert _names(_YAHOO, [json.dumps(chart)]) == [["Acknowledged", "Quote"]]
