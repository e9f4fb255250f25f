"""Every statistic of one committed session, from aligned closes only."""

import numpy as np
from numpy.typing import NDArray

from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.statistics.cointegration import coint_p
from services.signals.core.statistics.correlation import (
    CorrelationEstimate,
    estimate_correlation,
    estimate_of,
)
from services.signals.core.statistics.correlation_change import fisher_z
from services.signals.core.statistics.e_break import (
    STARTS,
    AgreementBand,
    agreement_share,
    agreements,
    evidence_of,
)
from services.signals.core.statistics.ewm import ewm_correlation
from services.signals.core.statistics.half_life import half_life
from services.signals.core.statistics.hedging import beta_of, hedge_effectiveness, hedge_ratio_of
from services.signals.core.statistics.lead_lag import lead_lag
from services.signals.core.statistics.leg_summary import leg_summary
from services.signals.core.statistics.moments import centred_pairs
from services.signals.core.statistics.opposite_moves import opposite_moves
from services.signals.core.statistics.percentile import percentile_rank
from services.signals.core.statistics.rank_correlation import spearman
from services.signals.core.statistics.regime import ENTER, LEAVE, RegimeState, walk_regimes
from services.signals.core.statistics.stress import stress_correlation
from services.signals.core.statistics.volatility import annualised_volatility
from services.signals.core.statistics.zscore import baseline, zscore, zscores
from shared.domain.bars import HISTORY_SESSIONS as HISTORY_SESSIONS

RATIO_WINDOW = 90
CORRELATION_WINDOWS = (20, 60, 90, 252)
COINTEGRATION_WINDOW = 252
AGREEMENT_WINDOW = 60
HEDGE_WINDOW = 60

# Far above what two orders of summation can differ by, far below what any data resolve.
_ROUNDING = 1e-6

Values = dict[str, float | None]


def confirmed_values(aligned: AlignedSessions, band: AgreementBand | None = None) -> Values:
    """Compute the statistics of the last session.

    Parameters
    ----------
    aligned
        Sessions up to and including the one to compute, at most `HISTORY_SESSIONS` of them.
    band
        The pair's baseline; without one there is no evidence of a break.

    Returns
    -------
    dict
        By the names of the statistics; None is undefined. Empty without a session.
    """
    if not len(aligned):
        return {}
    a, b = aligned.lead_returns, aligned.other_returns
    base = baseline(aligned.log_ratio[:-1], RATIO_WINDOW)
    lead = lead_lag(a, b, size=120)
    # One reading of each window for all that is computed from it.
    windows = {size: centred_pairs(a, b, size) for size in CORRELATION_WINDOWS}
    of_60 = windows[HEDGE_WINDOW]
    values: Values = {
        "log_ratio": float(aligned.log_ratio[-1]),
        "z_90": zscore(float(aligned.log_ratio[-1]), base),
        "mean_90": base.mean if base is not None else None,
        "std_90": base.std if base is not None else None,
        "pctl_90": percentile_rank(float(aligned.log_ratio[-1]), aligned.log_ratio[:-1], RATIO_WINDOW),
        "spearman_60": spearman(a, b, 60),
        "ewm_corr_20": ewm_correlation(a, b, halflife=20),
        "beta_60": None if of_60 is None else beta_of(of_60.moments),
        "hedge_ratio_60": None if of_60 is None else hedge_ratio_of(of_60.moments),
        "hedge_effectiveness_60": hedge_effectiveness(a, b, 60),
        "vol_lead_20": annualised_volatility(a, 20),
        "vol_other_20": annualised_volatility(b, 20),
        "lead_lag_120": lead.lag if lead is not None else None,
        "lead_lag_corr_120": lead.correlation if lead is not None else None,
        "lead_lag_band_120": lead.band if lead is not None else None,
        "stress_corr_252": stress_correlation(a, b, size=252),
        "half_life_252": half_life(aligned.log_ratio, size=252),
    }
    correlations = _correlation_values(
        {size: None if pairs is None else estimate_of(pairs) for size, pairs in windows.items()}
    )
    return values | move_values(aligned) | correlations | agreement_values(aligned, band)


def ratio_values(aligned: AlignedSessions) -> Values:
    """Compute the z-score of the last session's log ratio; it has at least one session."""
    ratio = float(aligned.log_ratio[-1])
    return {"z_90": zscore(ratio, baseline(aligned.log_ratio[:-1], RATIO_WINDOW))}


def move_values(aligned: AlignedSessions) -> Values:
    """Compute how far the legs moved apart by the last session."""
    moves = opposite_moves(aligned.lead_returns, aligned.other_returns, size=RATIO_WINDOW)
    return {
        "opposite_moves": moves.distance,
        "return_5_lead": moves.return_a,
        "return_5_other": moves.return_b,
        "return_gap_std_90": moves.gap_std,
    }


def correlation_values(aligned: AlignedSessions, sizes: tuple[int, ...]) -> Values:
    """Compute the correlations of the last session over some windows, and the change if they show it."""
    a, b = aligned.lead_returns, aligned.other_returns
    return _correlation_values({size: estimate_correlation(a, b, size) for size in sizes})


def slow_values(aligned: AlignedSessions) -> Values:
    """Compute the statistics of the last session that are too slow for every pair at every close.

    Parameters
    ----------
    aligned
        As for `confirmed_values`.

    Returns
    -------
    dict
        By the names of the statistics; None is undefined. Empty without a session.
    """
    if not len(aligned):
        return {}
    # The adjusted log prices of the window but for a constant, which the test does not see.
    log_a, log_b = (
        np.concatenate(([0.0], np.cumsum(returns[-COINTEGRATION_WINDOW + 1 :])))
        for returns in (aligned.lead_returns, aligned.other_returns)
    )
    return {"coint_p_252": coint_p(log_a, log_b, COINTEGRATION_WINDOW)}


def regimes(log_ratio: NDArray[np.float64]) -> list[RegimeState]:
    """Return the regime after each session of a history.

    Parameters
    ----------
    log_ratio
        Shape ``(n,)``, session order.
    """
    z = zscores(log_ratio, RATIO_WINDOW)
    # Computed all at once a z-score differs from `zscore` by its rounding. Where that could decide otherwise
    # than the session's own commit did, at a level of the regime, the latter's number is taken.
    distance = np.minimum(np.abs(np.abs(z) - ENTER), np.abs(np.abs(z) - LEAVE))
    scores = z.tolist()
    for index in np.flatnonzero(distance < _ROUNDING).tolist():
        scores[index] = zscore(float(log_ratio[index]), baseline(log_ratio[:index], RATIO_WINDOW))
    return walk_regimes(scores)


def leg_values(closes: NDArray[np.float64]) -> Values:
    """Return one leg's 90-session summary by name; every ``_pct`` and share as a fraction.

    Examples
    --------
    >>> leg_values(np.array([100.0, 110.0]))["change_1_pct"]
    0.1
    >>> leg_values(np.array([100.0, 110.0]))["max"] is None
    True
    """
    summary = leg_summary(closes, size=RATIO_WINDOW)
    if summary is None:
        return {}
    values: Values = {"last": summary.last}
    for sessions, change in (
        (1, summary.change_1),
        (5, summary.change_5),
        (20, summary.change_20),
        (90, summary.change_90),
    ):
        values[f"change_{sessions}"] = change.absolute if change is not None else None
        values[f"change_{sessions}_pct"] = change.percent / 100 if change is not None else None
    return values | {
        "min": summary.minimum,
        "max": summary.maximum,
        "mean": summary.mean,
        "std": summary.std,
        "percentile": summary.percentile,
        "drawdown": summary.drawdown,
        "vol": summary.volatility,
    }


def _correlation_values(estimates: dict[int, CorrelationEstimate | None]) -> Values:
    values: Values = {}
    for size, estimate in estimates.items():
        values[f"corr_{size}"] = estimate.correlation if estimate is not None else None
        values[f"corr_ci_{size}_low"] = estimate.interval.low if estimate is not None else None
        values[f"corr_ci_{size}_high"] = estimate.interval.high if estimate is not None else None
        values[f"n_eff_{size}"] = estimate.effective_size if estimate is not None else None
    if not {20, 252} <= estimates.keys():
        return values
    recent, usual = estimates[20], estimates[252]
    return values | {
        "fisher_z": fisher_z(recent, usual),
        "corr_change": recent.correlation - usual.correlation if recent and usual else None,
    }


def agreement_values(aligned: AlignedSessions, band: AgreementBand | None) -> Values:
    """Compute how often the legs agreed by the last session, and the evidence against the baseline."""
    agreed = agreements(aligned.lead_returns, aligned.other_returns, last=STARTS)
    evidence = None if band is None else evidence_of(agreed, band)
    return {
        "e_break": None if evidence is None else evidence.total,
        "e_tightening": None if evidence is None else evidence.tightening,
        "e_loosening": None if evidence is None else evidence.loosening,
        "agreement_60": agreement_share(agreed[-AGREEMENT_WINDOW:])
        if agreed.size >= AGREEMENT_WINDOW
        else None,
        "agreement_low": None if band is None else band.low,
        "agreement_high": None if band is None else band.high,
    }
