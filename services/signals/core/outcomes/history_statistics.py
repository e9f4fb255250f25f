"""The statistics that open divergences, for every session of a history at once.

They agree with `confirmed_values` to 1e-9, and take milliseconds for 800 sessions instead of half a second.
The arrays in this file hold NaN where a statistic is undefined; the returned values hold None.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from services.signals.core.confirmed import RATIO_WINDOW, Values
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.statistics.e_break import AgreementBand, rolling_e_break
from services.signals.core.statistics.rolling import (
    Floats,
    rolling_correlation,
    rolling_fisher_z,
    rolling_interval_low,
    rolling_std,
)
from services.signals.core.statistics.zscore import FLAT_STD, zscores

_SPAN = 5


def statistics_of_history(aligned: AlignedSessions, band: AgreementBand | None = None) -> tuple[Values, ...]:
    """Compute the deciding statistics of each session, as they were when that session was the newest.

    Parameters
    ----------
    aligned
        ``n`` sessions; nothing is known about earlier ones.
    band
        The pair's baseline; None for a pair that states none.

    Returns
    -------
    tuple
        For each session by the names of the statistics: ``z_90``, ``opposite_moves``, ``return_5_lead``,
        ``return_5_other``, ``corr_20``, ``corr_60``, ``corr_252``, ``corr_ci_60_low``, ``fisher_z``,
        ``corr_change``, ``e_break``, ``e_tightening`` and ``e_loosening``. None is undefined.
    """
    size, a, b = len(aligned), aligned.lead_returns, aligned.other_returns
    recent, middle, usual = (rolling_correlation(a, b, window) for window in (20, 60, 252))
    return_a, return_b = (_sums(returns, _SPAN) for returns in (a, b))
    tightening, loosening = _evidence(a, b, band)
    columns = {
        "z_90": zscores(aligned.log_ratio, RATIO_WINDOW),
        "opposite_moves": _distances(a - b, return_a, return_b),
        "return_5_lead": return_a,
        "return_5_other": return_b,
        "corr_20": recent.correlation,
        "corr_60": middle.correlation,
        "corr_252": usual.correlation,
        "corr_ci_60_low": rolling_interval_low(middle),
        "fisher_z": rolling_fisher_z(recent, usual),
        "corr_change": recent.correlation[-usual.correlation.size or size :] - usual.correlation,
        "e_break": tightening + loosening,
        "e_tightening": tightening,
        "e_loosening": loosening,
    }
    rows = zip(*(_by_session(values, size) for values in columns.values()), strict=True)
    return tuple(dict(zip(columns, row, strict=True)) for row in rows)


def _distances(gaps: Floats, return_a: Floats, return_b: Floats) -> Floats:
    stds = rolling_std(gaps, RATIO_WINDOW)
    first = return_a.size - stds.size
    undefined = np.full_like(stds, np.nan)
    return np.divide(
        return_a[first:] - return_b[first:], stds * math.sqrt(_SPAN), out=undefined, where=stds > FLAT_STD
    )


def _evidence(a: Floats, b: Floats, band: AgreementBand | None) -> tuple[Floats, Floats]:
    if band is None:
        return np.empty(0), np.empty(0)
    found = rolling_e_break(a, b, band)
    return found.tightening, found.loosening


def _sums(values: Floats, window: int) -> Floats:
    if values.size < window:
        return np.empty(0)
    sums: Floats = sliding_window_view(values, window).sum(axis=1)
    return sums


def _by_session(values: Floats, size: int) -> list[float | None]:
    """Return one value for each session: None while warming up, then ``values``, the last for the newest."""
    known: list[float | None] = [None if math.isnan(value) else value for value in values.tolist()]
    warm_up: list[float | None] = [None] * (size - len(known))
    return warm_up + known
