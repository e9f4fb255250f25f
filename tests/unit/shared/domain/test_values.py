"""Pairs, bars, identities and transitions: what they refuse and what they answer."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.bars import Bar
from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.identity import divergence_id_of, event_id_of, fingerprint_of, stable_hash
from shared.domain.pairs import routes_of
from shared.errors import ConfigError, QualityError
from tests.support.builders_kinds import divergence_of
from tests.support.builders_market import LEAD, OTHER, bar, pair


@pytest.mark.parametrize(
    "name", ["", "gold", "Gold-IWM", "gold_iwm", "gold-", "-iwm", "gold--iwm", "gold iwm-x"]
)
def test_name_of_a_pair_is_words_joined_by_hyphens(name: str) -> None:
    with pytest.raises(ConfigError, match="a pair's name is words joined by hyphens, was"):
        pair(name)


@pytest.mark.parametrize("instrument", ["", "IWM", "iwm.ARCX", "IWM.", ".ARCX", "IWM ARCX", "I" * 25 + ".X"])
def test_instrument_is_a_symbol_and_a_venue(instrument: str) -> None:
    with pytest.raises(ConfigError, match=r"an instrument of pair gold-iwm is SYMBOL\.VENUE, was"):
        pair(other=instrument)
    with pytest.raises(ConfigError, match=r"an instrument of pair gold-iwm is SYMBOL\.VENUE, was"):
        pair(lead=instrument)


def test_pair_has_two_different_legs() -> None:
    with pytest.raises(ConfigError, match=r"needs two different instruments, was IWM\.TEST twice"):
        pair(lead="IWM.TEST", other="IWM.TEST")


@pytest.mark.parametrize(("low", "high"), [(0.42, None), (None, 0.52)])
def test_baseline_of_a_pair_has_both_ends_or_none(low: float | None, high: float | None) -> None:
    with pytest.raises(ConfigError, match="pair gold-iwm needs both agreement_low and agreement_high"):
        replace(pair(), agreement_low=low, agreement_high=high)
    assert pair().agreement is None


@pytest.mark.parametrize(
    ("low", "high"),
    [(0.52, 0.42), (0.5, 0.5), (0.04, 0.52), (0.42, 0.96), (0.0, 1.0), (float("nan"), 0.52), (42.0, 52.0)],
)
def test_baseline_of_a_pair_is_a_band_of_shares_away_from_both_ends(low: float, high: float) -> None:
    with pytest.raises(ConfigError, match=f"the baseline of pair gold-iwm is .*, was {low} and {high}"):
        replace(pair(), agreement_low=low, agreement_high=high)


def test_baseline_of_a_pair_may_be_as_wide_as_its_bounds() -> None:
    band = replace(pair(), agreement_low=0.05, agreement_high=0.95).agreement
    assert band is not None
    assert (band.low, band.high) == (0.05, 0.95)


def test_page_of_a_pair_is_named_after_it() -> None:
    assert pair("gold-iwm").page == "/compare/gold-vs-iwm"
    assert pair("gold-us-small-caps").page == "/compare/gold-vs-us-small-caps"


def test_records_go_to_every_lead_that_needs_them_once() -> None:
    pairs = (pair(), pair("gold-spy", other="SPY.TEST"), pair("silver-iwm", lead="XAG/USD.TEST"))

    assert routes_of(pairs) == {
        LEAD: (LEAD,),
        OTHER: (LEAD, "XAG/USD.TEST"),
        "SPY.TEST": (LEAD,),
        "XAG/USD.TEST": ("XAG/USD.TEST",),
    }
    assert routes_of(()) == {}


@pytest.mark.parametrize("name", ["close", "adj_close"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_close_of_a_bar_is_a_positive_number(name: str, value: float) -> None:
    with pytest.raises(QualityError, match=f"{name} of IWM.TEST on 2019-06-03 must be positive, was {value}"):
        replace(bar(), **{name: value})  # type: ignore[arg-type]  # the name is drawn


@pytest.mark.parametrize("name", ["close", "adj_close"])
@pytest.mark.parametrize("value", [9e-10, 1.1e12])
def test_close_of_a_bar_lies_in_the_range_of_prices(name: str, value: float) -> None:
    with pytest.raises(QualityError, match="must lie between 1e-09 and") as caught:
        replace(bar(), **{name: value})  # type: ignore[arg-type]  # the name is drawn
    assert caught.value.reason == "outside_range"


@pytest.mark.parametrize("name", ["open", "high", "low"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), 9e-10, 1.1e12])
def test_close_survives_another_price_that_is_none(name: str, value: float) -> None:
    sides = {"open": 150.0, "high": 151.0, "low": 149.0, "volume": 7.0}
    kept = replace(bar(close=150.0), **(sides | {name: value}))  # type: ignore[arg-type]  # the name is drawn

    assert {each: getattr(kept, each) for each in sides} == sides | {name: None}
    assert kept.close == 150.0


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ((None, 160.0, 150.0), (None, 160.0, 150.0)),
        ((150.0, 150.0, 150.0), (150.0, 150.0, 150.0)),
        ((None, 160.0, 150.1), (None, 160.0, None)),
        ((None, 149.9, 140.0), (None, None, 140.0)),
        ((None, 140.0, 160.0), (None, None, None)),
        ((None, None, 151.0), (None, None, None)),
        ((139.9, 160.0, 140.0), (None, 160.0, 140.0)),
        ((160.1, 160.0, 140.0), (None, 160.0, 140.0)),
        ((140.0, 160.0, 140.0), (140.0, 160.0, 140.0)),
        ((160.0, 160.0, None), (160.0, 160.0, None)),
        ((120.0, 110.0, 140.0), (None, None, 140.0)),
    ],
)
def test_side_price_of_a_bar_that_does_not_fit_is_dropped_and_no_other(
    given_: tuple[float | None, ...], kept: tuple[float | None, ...]
) -> None:
    open_, high, low = given_
    made = replace(bar(close=150.0), open=open_, high=high, low=low)

    assert (made.open, made.high, made.low) == kept
    assert made.close == 150.0


@pytest.mark.parametrize("volume", [-1.0, float("nan"), float("inf")])
def test_close_survives_a_volume_that_is_none(volume: float) -> None:
    assert replace(bar(), volume=0.0).volume == 0.0
    assert replace(bar(), volume=volume).volume is None


@pytest.mark.parametrize(("known_at_ns", "revision"), [(-1, 0), (1 << 63, 0), (0, -1), (0, 1 << 63)])
def test_instant_and_revision_of_a_bar_fit_into_64_bits(known_at_ns: int, revision: int) -> None:
    with pytest.raises(QualityError, match="must lie between 0 and") as caught:
        bar(known_at_ns=known_at_ns, revision=revision)
    assert caught.value.reason == "implausible_instant"
    for edge in (0, (1 << 63) - 1):
        assert isinstance(bar(known_at_ns=edge, revision=edge), Bar)


@given(parts=st.lists(st.text()), other=st.lists(st.text()))
def test_hash_tells_lists_of_text_apart(parts: list[str], other: list[str]) -> None:
    assert (stable_hash(*parts) == stable_hash(*other)) == (parts == other)


def test_identities_are_those_that_were_published() -> None:
    """Frozen: by sha256sum over ``11:fingerprint8:gold-iwm13:ratio_stretch8:risk_off`` and so on."""
    fingerprint = fingerprint_of(pair="gold-iwm", kind="ratio_stretch", direction="risk_off")
    divergence = divergence_id_of(fingerprint=fingerprint, rule_version="r", onset="2020-02-24")

    assert fingerprint == "fp_ec37459c9dcee77fd52d4c4f2acb4487"
    assert divergence == "dv_bc1252242d3bafce2a9867fb99ee7030"
    assert (
        event_id_of(divergence_id=divergence, transition="open", occurrence=1)
        == "ev_0ebc7c385069ef99ce9584a63e5f2f62"
    )


def test_occurrence_tells_repeated_transitions_apart() -> None:
    first, second = (event_id_of(divergence_id="dv_1", transition="eased", occurrence=n) for n in (1, 2))

    assert first != second


def test_three_transitions_end_a_divergence() -> None:
    assert {each.value for each in Transition if each.is_final} == {"closed", "not_confirmed", "expired"}


@pytest.mark.parametrize(
    ("kind", "values", "is_instant"),
    [
        (Kind.REGIME_CHANGE, {}, True),
        (Kind.DATA_FAULT, {"revised_from": 99.5, "revised_to": 99.97}, True),
        (Kind.DATA_FAULT, {"lasted_seconds": 60.0}, False),
        (Kind.RATIO_STRETCH, {"revised_to": 99.97}, False),
    ],
)
def test_only_a_new_regime_and_a_corrected_close_have_no_duration(
    kind: Kind, values: dict[str, float], is_instant: bool
) -> None:
    assert divergence_of(kind, Direction.LEAD, values=values).is_instant is is_instant
