"""Statistics with their intervals and what they mean to a reader."""

from dataclasses import replace

import pytest

from services.dashboard.core.comparison import Comparison, compare
from shared.domain.divergences import Estimate, Hedge
from shared.domain.snapshots import PairSnapshot
from tests.support.snapshot_builder import CONFIRMED_VALUES, HEDGE, PAIR, snapshot

BAND = "95% band of a single lag ±0.18"


def shown_of(one: PairSnapshot) -> Comparison:
    return compare(PAIR, one, (), published_ms=0, now_ms=0)


def test_correlations_have_their_interval_on_the_same_scale_where_they_have_one() -> None:
    shown = {one.key: one for one in shown_of(snapshot()).correlations}
    # 50 (1 + r): of -0.671 and 0.164.
    assert shown["corr_20"].span == (16.45, 58.2)
    assert shown["corr_20"].note == "95%: −0.67 to +0.16, worth 18 sessions"
    assert (shown["spearman_60"].span, shown["spearman_60"].note) == (None, "")
    assert (shown["ewm_corr_20"].span, shown["ewm_corr_20"].note) == (None, "")


def test_correlation_of_a_writer_without_intervals_has_none() -> None:
    confirmed = snapshot().confirmed
    assert confirmed is not None
    view = shown_of(snapshot(confirmed=replace(confirmed, values={"corr_20": 0.5, "corr_ci_20_low": 0.1})))
    assert (view.correlations[0].text, view.correlations[0].span, view.correlations[0].note) == (
        "+0.50",
        None,
        "",
    )
    whole: dict[str, float | None] = {"corr_20": 0.5, "corr_ci_20_low": 0.1, "corr_ci_20_high": 0.7}
    view = shown_of(snapshot(confirmed=replace(confirmed, values=whole)))
    assert view.correlations[0].note == "95%: +0.10 to +0.70"


def test_hedge_answer_has_six_estimates_each_with_its_interval() -> None:
    assert [(one.text, one.note) for one in shown_of(snapshot()).hedge] == [
        ("+0.52", "95%: +0.11 to +0.93"),
        ("+3.90", "95%: +1.20 to +9.70"),
        ("+0.47", "95%: +0.19 to +0.75"),
        ("−0.11", "95%: −0.24 to +0.02"),
        ("3.4%", "95%: −2.1% to 8.6%"),
        ("−0.41", "95%: −0.68 to −0.04"),
    ]


def test_hedge_without_the_answer_is_that_of_the_statistics() -> None:
    """A snapshot of an older writer has four of the six, and no interval."""
    shown = {one.key: one for one in shown_of(snapshot(hedge=None)).hedge}
    assert {key: one.text for key, one in shown.items()} == {
        "hedge_ratio_60": "+0.52",
        "ratio_tls": "—",
        "ratio_kalman": "—",
        "beta_60": "−0.11",
        "hedge_effectiveness_60": "3.4%",
        "stress_corr_252": "−0.41",
    }
    assert {one.note for one in shown.values()} == {""}
    assert shown["ratio_tls"].why is not None


def test_estimate_of_the_hedge_without_an_interval_says_so() -> None:
    unbounded = replace(HEDGE, ratio_tls=Estimate(value=2.2))
    assert [one.note for one in shown_of(snapshot(hedge=unbounded)).hedge][1] == "no 95% interval"


def test_undefined_hedge_ratios_have_the_reason_of_the_first() -> None:
    unknown = Estimate(value=None)
    hedge = Hedge(ratio=unknown, beta=unknown, effectiveness=unknown, stress_corr=unknown)
    view = shown_of(snapshot(hedge=hedge, undefined={"hedge_ratio_60": "Gold did not move."}))
    assert [one.why for one in view.hedge[:3]] == ["Gold did not move."] * 3


def dynamics(**values: float | None) -> dict[str, tuple[str, str]]:
    confirmed = snapshot().confirmed
    assert confirmed is not None
    view = shown_of(snapshot(confirmed=replace(confirmed, values=CONFIRMED_VALUES | values)))
    return {one.key: (one.text, one.note) for one in view.dynamics}


def test_statistics_of_dynamics_say_what_they_mean() -> None:
    assert dynamics() == {
        "opposite_moves": (
            "+2.21",
            "Gold −7.9%, IWM −19.8%; not opposite, so no divergence",
        ),
        "fisher_z": (
            "−1.95",
            "the correlation changed by −0.51: they move together less than over the year",
        ),
        "e_break": ("31", "the legs agreed in 40% of 60 sessions, the baseline is 42% to 52%"),
        "lead_lag_120": (
            "+1 session",
            f"Gold moves first: correlation +0.41, {BAND}; by chance the best of 21 lags often exceeds it",
        ),
        "half_life_252": ("31.3 sessions", ""),
        "coint_p_252": (
            "0.031",
            "below 0.05: the prices are cointegrated, so a stretched ratio tends to return",
        ),
        "vol_lead_20": ("24.6%", ""),
        "vol_other_20": ("87.3%", ""),
    }


@pytest.mark.parametrize(
    ("values", "key", "text", "note"),
    [
        ({"lead_lag_120": -3.0}, "lead_lag_120", "−3 sessions", "IWM moves first: "),
        ({"lead_lag_120": 0.0}, "lead_lag_120", "0 sessions", "both move at the same time: "),
        ({"lead_lag_corr_120": -0.18}, "lead_lag_120", "+1 session", "no stronger than chance: "),
        ({"lead_lag_corr_120": -0.181}, "lead_lag_120", "+1 session", "Gold moves first: "),
        ({"lead_lag_corr_120": None}, "lead_lag_120", "+1 session", "positive: Gold moves first"),
        ({"coint_p_252": 0.05}, "coint_p_252", "0.050", "not below 0.05: no evidence"),
        ({"coint_p_252": 0.0004}, "coint_p_252", "below 0.001", "below 0.05"),
        ({"coint_p_252": None}, "coint_p_252", "—", ""),
        (
            {"return_5_lead": 0.03},
            "opposite_moves",
            "+2.21",
            "Gold +3.0%, IWM −19.8%",
        ),
        ({"return_5_lead": None}, "opposite_moves", "+2.21", ""),
        (
            {"corr_change": 0.1},
            "fisher_z",
            "−1.95",
            "the correlation changed by +0.10: they move together more",
        ),
        ({"corr_change": None}, "fisher_z", "−1.95", ""),
        ({"agreement_60": None}, "e_break", "31", ""),
        ({"e_break": None}, "e_break", "—", ""),
    ],
)
def test_meaning_follows_the_numbers(values: dict[str, float | None], key: str, text: str, note: str) -> None:
    shown = dynamics(**values)[key]
    assert shown[0] == text
    assert shown[1].startswith(note)
    assert bool(shown[1]) is bool(note)


def test_opposite_legs_are_not_called_the_same_way() -> None:
    assert dynamics(return_5_lead=0.03)["opposite_moves"][1] == "Gold +3.0%, IWM −19.8%"
