"""Which pairs can be simulated together, and what each of their legs gives."""

from dataclasses import replace

import pytest

from services.ingestor.feeds.simulated.scenario import daily_of, require_simulated, ticks_of
from shared.errors import ConfigError
from shared.pairs.loading import load_pairs

SIMULATED = load_pairs("simulated")


def test_the_shipped_simulated_pairs_can_be_simulated() -> None:
    require_simulated(SIMULATED)


def test_a_pair_of_a_real_market_is_refused() -> None:
    with pytest.raises(ConfigError, match="pair gold-iwm is not marked is_simulated"):
        require_simulated(load_pairs("replay"))


def test_pairs_of_two_leads_are_refused_with_their_names() -> None:
    silver = replace(SIMULATED[0], name="silver-iwm", lead="XAG/USD.SIMULATED")

    with pytest.raises(
        ConfigError, match=r"one lead, CONVEX_PAIRS has 2: XAU/USD\.SIMULATED, XAG/USD\.SIMULATED"
    ):
        require_simulated((SIMULATED[0], silver))


def test_an_instrument_with_a_slash_ticks_and_one_without_has_daily_bars() -> None:
    assert ticks_of(SIMULATED) == ("XAU/USD.SIMULATED", "BTC/USD.SIMULATED")
    assert daily_of(SIMULATED) == ("IWM.SIMULATED",)
