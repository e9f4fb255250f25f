"""Confirmed values, slow values and the hedge answer on eight years of gold and IWM against the oracle.

Every seventh session, as in `test_statistics_on_real_history`: 301 of 2107, warm-up and the crash of 2020
among them.
"""

import math

import numpy as np
import pandas as pd
import pytest

from services.signals.core.confirmed import HISTORY_SESSIONS, Values, confirmed_values, regimes, slow_values
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.legs.history import day_of
from services.signals.core.statistics.e_break import AgreementBand
from services.signals.core.statistics.hedge_answer import hedge_answer
from shared.domain.divergences import Hedge
from tests.oracle.estimates_oracle import Interval, hedge_at, values_at
from tests.oracle.pair_oracle import COLUMNS, evidence_at, read_pair, sides, stats_table
from tests.support.data import shared_data

EVERY = 7
BAND = AgreementBand(low=0.42, high=0.52)
GOLD = "pair_gold_daily_20121114_20210331.csv"
IWM = "pair_iwm_daily_20121114_20210331.csv"

NEW = (
    "mean_90", "std_90", "corr_ci_20_low", "corr_ci_20_high", "n_eff_20", "corr_ci_60_low", "corr_ci_60_high",
    "n_eff_60", "corr_ci_90_low", "corr_ci_90_high", "n_eff_90", "corr_ci_252_low", "corr_ci_252_high",
    "n_eff_252", "fisher_z", "corr_change", "opposite_moves", "return_5_lead", "return_5_other",
    "e_tightening", "e_loosening", "agreement_60", "agreement_low", "agreement_high",
    "return_gap_std_90", "lead_lag_corr_120", "lead_lag_band_120", "coint_p_252",
)  # fmt: skip
# The rest is in the table of the backtest, under these names.
_ROLES = {"vol_gold_20": "vol_lead_20", "vol_iwm_20": "vol_other_20"}
TABLED = {
    _ROLES.get(name, name): name for name in COLUMNS if name not in ("session", "gold", "iwm", "regime")
}
ESTIMATES = ("ratio", "beta", "effectiveness", "stress_corr", "ratio_tls", "ratio_kalman")


@pytest.fixture(scope="module")
def pair() -> pd.DataFrame:
    return read_pair(shared_data(GOLD), shared_data(IWM))


@pytest.fixture(scope="module")
def whole(pair: pd.DataFrame) -> AlignedSessions:
    gold, iwm = pair["gold"].to_numpy(float), pair["adjusted"].to_numpy(float)
    return AlignedSessions(
        days=np.array([day_of(label) for label in pair["date"]], dtype=np.int32),
        lead=gold,
        other=pair["iwm"].to_numpy(float),
        log_ratio=np.log(gold / iwm),
        lead_returns=np.log(gold[1:] / gold[:-1]),
        other_returns=np.log(iwm[1:] / iwm[:-1]),
    )


@pytest.fixture(scope="module")
def sessions(pair: pd.DataFrame) -> range:
    return range((len(pair) - 1) % EVERY, len(pair), EVERY)


@pytest.fixture(scope="module")
def ours(whole: AlignedSessions, sessions: range) -> list[Values]:
    then = [whole.until(s + 1, limit=HISTORY_SESSIONS) for s in sessions]
    return [confirmed_values(aligned, BAND) | slow_values(aligned) for aligned in then]


@pytest.fixture(scope="module")
def theirs(pair: pd.DataFrame, sessions: range) -> list[dict[str, float]]:
    agreed = sides(*(np.log(pair[name]).diff() for name in ("gold", "adjusted")))
    return [values_at(pair, s) | evidence_at(agreed, s) for s in sessions]


@pytest.fixture(scope="module")
def hedges(
    whole: AlignedSessions, pair: pd.DataFrame, sessions: range
) -> list[tuple[Hedge, dict[str, Interval]]]:
    answers = []
    for s in sessions:
        then = whole.until(s + 1, limit=HISTORY_SESSIONS)
        answers.append((hedge_answer(then.lead_returns, then.other_returns), hedge_at(pair, s)))
    return answers


def test_every_value_is_compared(ours: list[Values]) -> None:
    assert set(ours[-1]) == {*NEW, *TABLED}


@pytest.mark.parametrize("name", NEW)
def test_value_equals_the_oracle_and_is_none_where_it_has_none(
    ours: list[Values], theirs: list[dict[str, float]], name: str
) -> None:
    assert len(ours) == len(theirs) == 301
    for values, expected in zip(ours, theirs, strict=True):
        assert _is_same(values[name], expected[name]), (values[name], expected[name])
    assert sum(values[name] is not None for values in ours) >= 264


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return stats_table(shared_data(GOLD), shared_data(IWM), every=EVERY)


@pytest.mark.parametrize("name", TABLED)
def test_value_of_the_engines_history_equals_the_table(
    ours: list[Values], table: pd.DataFrame, name: str
) -> None:
    for values, expected in zip(ours, table[TABLED[name]], strict=True):
        assert _is_same(values[name], math.nan if pd.isna(expected) else float(expected))


def test_regimes_of_the_whole_history_equal_the_table(
    whole: AlignedSessions, table: pd.DataFrame, sessions: range
) -> None:
    states = regimes(whole.log_ratio)
    assert [states[s].name for s in sessions] == [None if pd.isna(name) else name for name in table["regime"]]


@pytest.mark.parametrize("name", ESTIMATES)
def test_estimate_and_its_interval_equal_the_oracle(
    hedges: list[tuple[Hedge, dict[str, Interval]]], name: str
) -> None:
    defined = 0
    for hedge, expected in hedges:
        estimate = getattr(hedge, name)
        for number, known in zip((estimate.value, estimate.low, estimate.high), expected[name], strict=True):
            assert _is_same(number, known), (estimate, expected[name])
        defined += estimate.value is not None
        assert estimate.low is None or estimate.low <= estimate.value <= estimate.high
    assert defined >= 264


def _is_same(value: float | None, expected: float) -> bool:
    if value is None or math.isnan(expected):
        return value is None and math.isnan(expected)
    return value == pytest.approx(expected, rel=1e-9, abs=0.0)
