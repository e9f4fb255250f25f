"""A rule is data, and its version names it."""

import math
from dataclasses import fields, replace
from typing import Any

import pytest

from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.pairs.deadband import deadband
from services.signals.core.statistics.moments import MeanStd
from services.signals.core.statistics.next_close import NextClose
from services.signals.core.undefined import SESSIONS_NEEDED, why_undefined
from shared.domain.kinds import KIND_TRAITS
from shared.errors import ConfigError


@pytest.mark.parametrize(
    ("leave", "warning", "critical"),
    [(-0.1, 2.0, 3.0), (2.0, 2.0, 3.0), (1.0, 3.0, 3.0), (1.0, float("nan"), 3.0), (4.0, 2.0, 3.0)],
)
def test_levels_that_do_not_ascend_are_refused(leave: float, warning: float, critical: float) -> None:
    with pytest.raises(ConfigError, match="ratio_stretch: needs 0 <= leave < warning < critical"):
        Rule(leave=leave, warning=warning, critical=critical)


def test_leave_may_be_zero() -> None:
    assert Rule(leave=0.0).leave == 0.0


# Out of order, as two divergences may ask for them.
LEVELS = [(sign, level) for level in (2.0, 1.0, 3.0) for sign in (1.0, -1.0)]
# The next close is the live ratio, without a doubt.
CERTAIN = NextClose(base=MeanStd(mean=2.0, std=0.01), weight=1.0, offset=0.0, spread=0.0)
_LENGTHS = [field.name for field in fields(Rule) if field.name.endswith(("_seconds", "_sessions"))]


@pytest.mark.parametrize("name", _LENGTHS)
def test_negative_length_is_refused_and_zero_is_not(name: str) -> None:
    zero: dict[str, Any] = {name: 0}
    negative: dict[str, Any] = {name: -1}
    assert getattr(replace(Rule(), **zero), name) == 0
    with pytest.raises(ConfigError, match=f"ratio_stretch: {name} must not be negative, was -1"):
        replace(Rule(), **negative)


@pytest.mark.parametrize("probability", [0.49, 0.991, 0.0, 1.0, -0.8, 80.0, float("nan")])
def test_early_warning_is_at_least_as_likely_as_not_and_never_certain(probability: float) -> None:
    with pytest.raises(ConfigError, match=r"ratio_stretch: probability must lie between 0\.5 and 0\.99, was"):
        Rule(probability=probability)


@pytest.mark.parametrize("probability", [0.5, 0.8, 0.99])
def test_probability_may_be_either_bound(probability: float) -> None:
    assert Rule(probability=probability).thresholds["probability"] == probability


def test_every_parameter_is_part_of_the_version() -> None:
    for rule in PUBLISHED_RULES:
        decisions = {name: 1 if name.endswith("s") else 0.01 for name in KIND_TRAITS[rule.kind].rule_fields}
        others = [
            replace(rule, **{name: getattr(rule, name) + decision}) for name, decision in decisions.items()
        ]

        versions = {rule.version, *(other.version for other in others)}

        assert len(versions) == len(KIND_TRAITS[rule.kind].rule_fields) + 1
        assert all(version.startswith(f"{rule.kind.value}-1-") for version in versions)


def test_thresholds_are_shown_as_numbers() -> None:
    assert Rule().thresholds == {
        "warning": 2.0,
        "critical": 3.0,
        "leave": 1.0,
        "hold_seconds": 300.0,
        "probability": 0.8,
    }


@pytest.mark.parametrize(
    ("z", "low", "high"),
    [
        (0.0, -1.0, 1.0),
        (1.5, 1.0, 2.0),
        (2.5, 2.0, 3.0),
        (-2.5, -3.0, -2.0),
        (3.5, 3.0, None),
        (-3.5, None, -3.0),
    ],
)
def test_prices_are_quiet_between_the_two_levels_around_z(
    z: float, low: float | None, high: float | None
) -> None:
    got = deadband(2 + z * 0.01, levels=LEVELS, ahead=CERTAIN, margin=1.0)

    assert got[0] == (0.0 if low is None else pytest.approx(math.exp(2 + low * 0.01), rel=1e-11))
    assert got[1] == (math.inf if high is None else pytest.approx(math.exp(2 + high * 0.01), rel=1e-11))
    # Clear of the levels themselves, inwards.
    if low is not None:
        assert got[0] > math.exp(2 + low * 0.01)
    if high is not None:
        assert got[1] < math.exp(2 + high * 0.01)


def test_no_price_is_quiet_at_a_level_itself() -> None:
    exact = CERTAIN._replace(base=MeanStd(mean=2.0, std=0.5))

    low, high = deadband(3.0, levels=LEVELS, ahead=exact, margin=1.0)

    assert low > high


@pytest.mark.parametrize("weight", [1.0, -0.4])
@pytest.mark.parametrize("z", [-6.0, -2.7, 0.0, 2.7, 6.0])
def test_a_band_until_the_close_is_what_all_spreads_until_then_have_in_common(
    z: float, weight: float
) -> None:
    ahead = NextClose(
        base=MeanStd(mean=2.0, std=0.01), weight=weight, offset=0.0, spread=0.5, least_spread=0.1
    )
    ratio = (2.0 + 0.01 * z) / weight

    found = deadband(ratio, levels=LEVELS, ahead=ahead, margin=0.75, is_until_close=True)

    bands = [
        deadband(ratio, levels=LEVELS, ahead=ahead._replace(spread=spread), margin=0.75)
        for spread in (0.5, 0.3, 0.1)
    ]
    assert found == (max(low for low, _ in bands), min(high for _, high in bands))
    # Beyond every level, each has been reached already.
    assert (found != bands[0]) == (abs(z) < 6.0)


def test_reason_for_a_gap_is_warming_up_until_the_last_session_needed() -> None:
    for name, needed in SESSIONS_NEEDED.items():
        assert why_undefined(name, needed - 1) == f"warming up: {needed - 1} of {needed} sessions"
        assert "warming up" not in why_undefined(name, needed)


def test_reason_for_a_gap_in_a_full_window_is_the_formulas() -> None:
    assert why_undefined("corr_20", 21) == "a leg did not move in this window"
    assert "mean" in why_undefined("half_life_252", 252)
    assert "stress" in why_undefined("stress_corr_252", 253)
    assert "moved as its mean" in why_undefined("agreement_60", 121)
    assert why_undefined("unheard_of", 0) == "a leg did not move in this window"


def test_every_price_is_quiet_without_a_level() -> None:
    assert deadband(2.0, levels=(), ahead=CERTAIN, margin=1.0) == (0.0, math.inf)
