"""Which statistics a session has, by name, and from which session on."""

from datetime import date

import numpy as np
import pytest
from statsmodels.tsa.stattools import coint

from services.signals.core.confirmed import confirmed_values, regimes, slow_values
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.legs.history import day_of
from services.signals.core.statistics.e_break import AgreementBand, e_break
from services.signals.core.statistics.regime import START, next_regime
from services.signals.core.statistics.zscore import baseline, zscore

# Aligned sessions from which on each is there.
FROM_SESSION = {
    "log_ratio": 1,
    "z_90": 91, "mean_90": 91, "std_90": 91, "pctl_90": 91,
    "corr_20": 21, "corr_ci_20_low": 21, "corr_ci_20_high": 21, "n_eff_20": 21,
    "corr_60": 61, "corr_ci_60_low": 61, "corr_ci_60_high": 61, "n_eff_60": 61,
    "corr_90": 91, "corr_ci_90_low": 91, "corr_ci_90_high": 91, "n_eff_90": 91,
    "corr_252": 253, "corr_ci_252_low": 253, "corr_ci_252_high": 253, "n_eff_252": 253,
    "fisher_z": 253, "corr_change": 253,
    "spearman_60": 61, "ewm_corr_20": 61,
    "beta_60": 61, "hedge_ratio_60": 61, "hedge_effectiveness_60": 121,
    "vol_lead_20": 21, "vol_other_20": 21,
    "lead_lag_120": 121, "lead_lag_corr_120": 121, "lead_lag_band_120": 121,
    "stress_corr_252": 253, "half_life_252": 252,
    "return_5_lead": 6, "return_5_other": 6, "return_gap_std_90": 91, "opposite_moves": 91,
    "e_break": 62, "e_tightening": 62, "e_loosening": 62, "agreement_60": 121,
    "agreement_low": 1, "agreement_high": 1,
}  # fmt: skip

BAND = AgreementBand(low=0.42, high=0.52)
_RNG = np.random.default_rng(31)
GOLD = 1_300.0 * np.exp(np.cumsum(_RNG.normal(size=300)) * 0.01)
IWM = 150.0 * np.exp(np.cumsum(_RNG.normal(size=300)) * 0.01)


def _aligned(count: int) -> AlignedSessions:
    gold, iwm = GOLD[:count], IWM[:count]
    first = day_of(date(2019, 1, 1).isoformat())
    return AlignedSessions(
        days=np.arange(first, first + count, dtype=np.int32),
        lead=gold,
        other=iwm,
        log_ratio=np.log(gold / iwm),
        lead_returns=np.diff(np.log(gold)),
        other_returns=np.diff(np.log(iwm)),
    )


@pytest.mark.parametrize("count", [1, 5, 6, 20, 21, 60, 61, 90, 91, 120, 121, 251, 252, 253, 300])
def test_each_statistic_is_there_as_soon_as_its_window_is_full(count: int) -> None:
    values = confirmed_values(_aligned(count), BAND)
    assert values.keys() == FROM_SESSION.keys()
    for name, first in FROM_SESSION.items():
        # The half-life alone may have none in a full window.
        if name != "half_life_252" or count < first:
            assert (values[name] is not None) == (count >= first), name


def test_pair_without_a_baseline_has_no_evidence_but_its_share_of_agreement() -> None:
    with_it, without = confirmed_values(_aligned(300), BAND), confirmed_values(_aligned(300))

    assert {name for name, value in without.items() if value is None} == {
        *("e_break", "e_tightening", "e_loosening", "agreement_low", "agreement_high")
    }
    assert {name: value for name, value in with_it.items() if without[name] is not None} == {
        name: value for name, value in without.items() if value is not None
    }


def test_evidence_is_that_of_the_returns_and_the_share_counts_their_sides() -> None:
    values = confirmed_values(_aligned(300), BAND)
    a, b = np.diff(np.log(GOLD)), np.diff(np.log(IWM))
    found = e_break(a, b, BAND)
    assert found is not None
    assert (values["e_tightening"], values["e_loosening"], values["e_break"]) == (
        *(found.tightening, found.loosening),
        found.total,
    )
    same = [
        (a[t] - a[max(0, t - 252) : t].mean()) * (b[t] - b[max(0, t - 252) : t].mean()) > 0
        for t in range(239, 299)
    ]
    assert values["agreement_60"] == sum(same) / 60


def test_change_of_the_correlation_is_what_the_test_evaluates() -> None:
    values = confirmed_values(_aligned(300))
    a, b = np.diff(np.log(GOLD)), np.diff(np.log(IWM))
    recent, usual = (np.corrcoef(a[-size:], b[-size:])[0, 1] for size in (20, 252))
    assert values["corr_change"] == pytest.approx(recent - usual, rel=1e-10)
    n_recent, n_usual = values["n_eff_20"], values["n_eff_252"]
    assert n_recent is not None
    assert n_usual is not None
    expected = (np.arctanh(recent) - np.arctanh(usual)) / np.sqrt(1.0 / (n_recent - 3) + 1.0 / (n_usual - 3))
    assert values["fisher_z"] == pytest.approx(expected, rel=1e-10)


def test_slow_statistic_is_that_of_the_log_prices() -> None:
    values = slow_values(_aligned(300))
    assert list(values) == ["coint_p_252"]
    expected = coint(np.log(GOLD[-252:]), np.log(IWM[-252:]), return_results=False)[1]
    assert values["coint_p_252"] == pytest.approx(expected, rel=1e-9)
    # 252 prices are enough, and 251 are not.
    assert slow_values(_aligned(252))["coint_p_252"] is not None
    assert slow_values(_aligned(251)) == {"coint_p_252": None}


def test_regime_at_a_level_is_the_one_the_session_had_when_it_came() -> None:
    # 90 values at ±1 have the mean 0 and the variance 90 / 89: the next one's z-score is 1 but for its
    # rounding, and all scores at once are rounded otherwise than one by one.
    for scale in range(1, 40):
        ratios = np.append(np.tile([1.0, -1.0], 45), np.sqrt(90.0 / 89.0)) * scale / 7.0
        one = zscore(float(ratios[-1]), baseline(ratios[:-1], 90))
        assert regimes(ratios)[-1].name == next_regime(START, one).name


def test_no_session_has_no_statistic() -> None:
    nothing = _aligned(0)
    assert confirmed_values(nothing) == {}
    assert slow_values(nothing) == {}
    assert regimes(nothing.log_ratio) == []
