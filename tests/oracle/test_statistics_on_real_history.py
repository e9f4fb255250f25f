"""Every statistic on eight years of gold and IWM against the pandas and scipy table.

Every seventh session is compared (301 of 2107, the crash of 2020 among them); 7 shares no factor with
the weeks' 5 sessions, so all weekdays come up.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from services.signals.core.statistics.correlation import pearson
from services.signals.core.statistics.e_break import AgreementBand, e_break
from services.signals.core.statistics.ewm import ewm_correlation
from services.signals.core.statistics.half_life import half_life
from services.signals.core.statistics.hedging import beta, hedge_effectiveness, hedge_ratio
from services.signals.core.statistics.lead_lag import lead_lag
from services.signals.core.statistics.percentile import percentile_rank
from services.signals.core.statistics.rank_correlation import spearman
from services.signals.core.statistics.regime import START, next_regime
from services.signals.core.statistics.stress import stress_correlation
from services.signals.core.statistics.volatility import annualised_volatility
from services.signals.core.statistics.zscore import baseline, zscore
from tests.oracle.pair_oracle import COLUMNS, read_pair, stats_table
from tests.support.data import shared_data

EVERY = 7
BAND = AgreementBand(low=0.42, high=0.52)
GOLD = "pair_gold_daily_20121114_20210331.csv"
IWM = "pair_iwm_daily_20121114_20210331.csv"

_Row = dict[str, float | str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both tables, one row per compared session; in ``ours`` None is None."""

    ours: list[_Row]
    oracle: pd.DataFrame


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    gold, iwm = shared_data(GOLD), shared_data(IWM)
    pair = read_pair(gold, iwm)
    ours = _compute(pair["gold"].to_numpy(float), pair["adjusted"].to_numpy(float))
    first = (len(pair) - 1) % EVERY
    return Comparison(ours=ours[first::EVERY], oracle=stats_table(gold, iwm, every=EVERY))


@pytest.mark.parametrize("column", [each for each in COLUMNS if each not in ("session", "gold", "iwm")])
def test_statistic_equals_the_oracle_and_is_none_where_it_has_none(
    comparison: Comparison, column: str
) -> None:
    assert len(comparison.ours) == len(comparison.oracle) == 301
    defined = 0
    for row, expected, session in zip(
        comparison.ours, comparison.oracle[column], comparison.oracle["session"], strict=True
    ):
        if pd.isna(expected):
            assert row[column] is None, f"{column} of {session}"
            continue
        defined += 1
        if isinstance(expected, str):
            assert row[column] == expected, f"{column} of {session}"
        else:
            assert row[column] == pytest.approx(float(expected), rel=1e-9, abs=0.0), f"{column} of {session}"
    assert defined >= 250


def test_the_flight_to_safety_of_2020_shows(comparison: Comparison) -> None:
    crash = [
        row
        for row, session in zip(comparison.ours, comparison.oracle["session"], strict=True)
        if "2020-02-24" <= session <= "2020-03-31"
    ]
    assert {row["regime"] for row in crash} == {"RISK_OFF"}
    assert max(float(row["z_90"] or 0.0) for row in crash) > 3.0


def _compute(gold: NDArray[np.float64], iwm: NDArray[np.float64]) -> list[_Row]:
    ratios = np.log(gold / iwm)
    returns_a, returns_b = np.diff(np.log(gold)), np.diff(np.log(iwm))
    state = START
    rows = []
    for s in range(gold.size):
        previous, a, b = ratios[:s], returns_a[:s], returns_b[:s]
        z = zscore(float(ratios[s]), baseline(previous, 90))
        state = next_regime(state, z)
        leads = lead_lag(a, b, 120)
        rows.append(
            {
                "log_ratio": float(ratios[s]),
                "z_90": z,
                "pctl_90": percentile_rank(float(ratios[s]), previous, 90),
                "corr_20": pearson(a, b, 20),
                "corr_60": pearson(a, b, 60),
                "corr_90": pearson(a, b, 90),
                "corr_252": pearson(a, b, 252),
                "spearman_60": spearman(a, b, 60),
                "ewm_corr_20": ewm_correlation(a, b, 20),
                "beta_60": beta(a, b, 60),
                "hedge_ratio_60": hedge_ratio(a, b, 60),
                "hedge_effectiveness_60": hedge_effectiveness(a, b, 60),
                "vol_gold_20": annualised_volatility(a, 20),
                "vol_iwm_20": annualised_volatility(b, 20),
                "lead_lag_120": None if leads is None else leads.lag,
                "stress_corr_252": stress_correlation(a, b, 252),
                "half_life_252": half_life(ratios[: s + 1], 252),
                "e_break": found.total if (found := e_break(a, b, BAND)) is not None else None,
                "regime": state.name,
            }
        )
    return rows
