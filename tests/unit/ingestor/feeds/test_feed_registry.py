"""Which instruments stream, which have daily bars, and which no live provider has."""

from typing import get_args

import pytest

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.registry import BAR_PROVIDERS, bar_provider, require_live, streaming_venue
from shared.errors import ConfigError
from shared.pairs.loading import load_pairs
from tests.support.builders_market import pair

GOLD = "PAXG/USD.KRAKEN"


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


def test_shipped_live_pairs_are_all_to_be_had() -> None:
    require_live(load_pairs("live"))
    require_live((pair(lead="BTC/USD.COINBASE", other="ETH/USD.KRAKEN"),))


@pytest.mark.parametrize(
    ("lead", "other", "said"),
    [
        ("GLD.ARCX", "IWM.ARCX", "its lead GLD.ARCX has no live ticks.* of venue KRAKEN or COINBASE"),
        ("BTC/USDT.BITSTAMP", "IWM.ARCX", "its lead BTC/USDT.BITSTAMP has no live ticks"),
        (GOLD, "BTC/USDT.BITSTAMP", "BTC/USDT.BITSTAMP has no daily bars, and its venue no live ticks"),
        (GOLD, "IWM.REPLAY", "IWM.REPLAY is of no live venue"),
        ("XAU/USD.REPLAY", "IWM.ARCX", "XAU/USD.REPLAY is of no live venue"),
    ],
)
def test_pair_that_no_provider_has_is_refused_with_what_to_name(lead: str, other: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"pair gold-iwm: .*{said}"):
        require_live((pair(lead=lead, other=other),))


def test_simulated_pairs_are_not_looked_for_in_a_market() -> None:
    with pytest.raises(
        ConfigError, match=r"XAU/USD\.SIMULATED is of no live venue; set CONVEX_PAIRS to live"
    ):
        require_live(load_pairs("simulated"))
