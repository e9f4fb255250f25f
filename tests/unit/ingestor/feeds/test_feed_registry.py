"""Which instruments stream, which have daily bars, and which no live provider has."""

from typing import get_args

import pytest

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.registry import BAR_PROVIDERS, bar_provider, streaming_venue


@pytest.mark.parametrize(
    ("instrument", "feed"),
    [
        ("PAXG/USD.KRAKEN", "kraken"),
        ("BTC/USD.COINBASE", "coinbase"),
        ("IWM.ARCX", None),
        ("QQQ.XNAS", None),
        ("BTC/USDT.BITSTAMP", None),
        ("KRAKEN.ARCX", None),
    ],
)
def test_venue_says_where_an_instrument_comes_from(instrument: str, feed: str | None) -> None:
    venue = streaming_venue(instrument)

    assert (venue.name if venue is not None else None) == feed


def test_every_provider_of_bars_can_be_chosen_and_none_else() -> None:
    choices = get_args(IngestorSettings.model_fields["bars_source"].annotation)

    assert [bar_provider(name).name for name in choices] == list(choices)
    assert {provider.name for provider in BAR_PROVIDERS} == set(choices)
