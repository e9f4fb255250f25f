"""The statistics that open divergences, for every session of a history in one pass.

They are the ones of `confirmed_values`, from the same two passes over each window (first value subtracted,
nothing un-added), with the windows as rows of one array: milliseconds for 800 sessions, not half a second.
The arrays in here hold NaN where a statistic is undefined; what is returned holds None.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from services.signals.core.confirmed import RATIO_WINDOW, Values
from services.signals.core.kinds.claim import Floats
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.statistics.correlation import is_perfect
from services.signals.core.statistics.zscore import zscores

_NORMAL_975 = 1.959963984540054
_SPAN = 5


def values_of_history(aligned: AlignedSessions) -> tuple[Values, ...]:
    """Compute what decides about each session, as it stood when that session was the newest.

    Parameters
    ----------
    aligned
        ``n`` sessions; what came before them is not known.

    Returns
    -------
    tuple
        For each session by the names of the statistics: ``z_90``, ``opposite_moves``, ``return_5_lead``,
        ``return_5_other``, ``corr_20``, ``corr_60``, ``corr_252``, ``corr_ci_60_low``, ``fisher_z`` and
        ``corr_change``. They agree with `confirmed_values` to 1e-9; None is undefined.
    """
    size, a, b = len(aligned), aligned.lead_returns, aligned.other_returns
    recent, middle, usual = (_correlations(a, b, window) for window in (20, 60, 252))
    return_a, return_b = (_row_sums(returns, _SPAN) for returns in (a, b))
    ends = {
        "z_90": zscores(aligned.log_ratio, RATIO_WINDOW),
        "opposite_moves": _distances(a - b, return_a, return_b),
        "return_5_lead": return_a,
        "return_5_other": return_b,
        "corr_20": recent.correlation,
        "corr_60": middle.correlation,
        "corr_252": usual.correlation,
        "corr_ci_60_low": _interval_low(middle),
        "fisher_z": _fisher_z(recent, usual),
        "corr_change": recent.correlation[-usual.correlation.size or size :] - usual.correlation,
    }
    columns = {name: _listed(values, size) for name, values in ends.items()}
    return tuple(dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Correlations:
    """Of each full window of two legs' returns, in the order of the windows' ends; NaN for a flat leg."""

    correlation: Floats
    effective_size: Floats


def _correlations(a: Floats, b: Floats, window: int) -> _Correlations:
    x, y = _centred_windows(a, window), _centred_windows(b, window)
    squares_x, squares_y = _dots(x, x), _dots(y, y)
    degrees = window - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt((squares_x / degrees) * (squares_y / degrees))
        correlation = np.clip(_dots(x, y) / degrees / scale, -1.0, 1.0)
        lag_x, lag_y = (_dots(each[:, :-1], each[:, 1:]) for each in (x, y))
        persistence = lag_x / squares_x * (lag_y / squares_y)
        worth = window * (1.0 - persistence) / (1.0 + persistence)
    is_flat = scale == 0.0
    return _Correlations(
        correlation=np.where(is_flat, np.nan, correlation),
        effective_size=np.where(is_flat, np.nan, np.clip(worth, 4.0, window)),
    )


def _interval_low(of: _Correlations) -> Floats:
    with np.errstate(divide="ignore"):
        low = np.tanh(np.arctanh(of.correlation) - _NORMAL_975 / np.sqrt(of.effective_size - 3.0))
    # The ends of Fisher's scale have a point for an interval.
    return np.where(_are_perfect(of.correlation), of.correlation, low)


def _fisher_z(recent: _Correlations, usual: _Correlations) -> Floats:
    count = usual.correlation.size
    r_recent, n_recent = (each[each.size - count :] for each in (recent.correlation, recent.effective_size))
    variance = 1.0 / (n_recent - 3.0) + 1.0 / (usual.effective_size - 3.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (np.arctanh(r_recent) - np.arctanh(usual.correlation)) / np.sqrt(variance)
    return np.where(_are_perfect(r_recent) | _are_perfect(usual.correlation), np.nan, z)


def _are_perfect(correlations: Floats) -> NDArray[np.bool_]:
    return np.array([is_perfect(each) for each in correlations.tolist()], dtype=np.bool_)


def _distances(gaps: Floats, return_a: Floats, return_b: Floats) -> Floats:
    stds = _stds(_centred_windows(gaps, RATIO_WINDOW))
    first = return_a.size - stds.size
    return _over(return_a[first:] - return_b[first:], stds * math.sqrt(_SPAN))


def _centred_windows(values: Floats, window: int) -> NDArray[np.float64]:
    """Return each full window of ``values`` less its mean, shape ``(n - window + 1, window)``."""
    if values.size < window:
        return np.empty((0, window))
    windows = sliding_window_view(values, window)
    deviations: Floats = windows - windows[:, :1]
    deviations -= deviations.sum(axis=1, keepdims=True) / window
    return deviations


def _row_sums(values: Floats, window: int) -> Floats:
    if values.size < window:
        return np.empty(0)
    sums: Floats = sliding_window_view(values, window).sum(axis=1)
    return sums


def _dots(x: Floats, y: Floats) -> Floats:
    dots: Floats = np.einsum("ij,ij->i", x, y)
    return dots


def _stds(deviations: Floats) -> Floats:
    stds: Floats = np.sqrt(_dots(deviations, deviations) / (deviations.shape[1] - 1))
    return stds


def _over(numerator: Floats, denominator: Floats) -> Floats:
    undefined = np.full_like(numerator, np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator != 0.0)


def _listed(values: Floats, size: int) -> list[float | None]:
    """Return values that end with the newest session, one for each session."""
    known: list[float | None] = [None if math.isnan(value) else value for value in values.tolist()]
    warm_up: list[float | None] = [None] * (size - len(known))
    return warm_up + known
