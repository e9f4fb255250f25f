"""What the table of `pair_oracle` has no column for, derived with pandas, scipy and statsmodels.

Intervals, tests, the values of the new kinds, and the hedge answer. As its neighbour it must not import
``services`` or ``shared``, reads the definitions (design.md, section 6; docs/estimators.md), and is slow.
"""

import math
import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg, stats
from statsmodels.regression.linear_model import OLS
from statsmodels.tools import add_constant
from statsmodels.tsa.stattools import acf, coint

Floats = NDArray[np.float64]
Row = dict[str, float]
# Value, low and high.
Interval = tuple[float, float, float]

NAN = float("nan")
_UNKNOWN = (NAN, NAN, NAN)
KEPT = 800


def values_at(pair: pd.DataFrame, s: int) -> Row:
    """Compute the values of session ``s`` of a pair as `pair_oracle.read_pair` gives it; NaN is undefined."""
    gold, iwm = (np.log(pair[name].to_numpy(float)[: s + 1]) for name in ("gold", "adjusted"))
    a, b, ratio = pd.Series(np.diff(gold)), pd.Series(np.diff(iwm)), pd.Series(gold - iwm)
    before = ratio.iloc[-91:-1] if s >= 90 else None
    row = {
        "mean_90": NAN if before is None else float(before.mean()),
        "std_90": NAN if before is None else float(before.std()),
        "coint_p_252": NAN if s < 251 else _engle_granger(gold[-252:], iwm[-252:]),
    }
    return row | _correlations(a, b) | _moves(gold, iwm, a, b) | _lead_lag(a, b)


def hedge_at(pair: pd.DataFrame, s: int) -> dict[str, Interval]:
    """Compute the hedge answer of session ``s`` over the last 800 sessions, by name."""
    first = max(0, s + 1 - KEPT)
    a, b = (np.diff(np.log(pair[name].to_numpy(float)[first : s + 1])) for name in ("gold", "adjusted"))
    is_warm = a.size >= 60
    return {
        "ratio": _flipped(_slope(a[-60:], b[-60:])) if is_warm else _UNKNOWN,
        "beta": _slope(b[-60:], a[-60:]) if is_warm else _UNKNOWN,
        "effectiveness": _effectiveness(a, b) if a.size >= 120 else _UNKNOWN,
        "stress_corr": _stress(a[-252:], b[-252:]) if a.size >= 252 else _UNKNOWN,
        "ratio_tls": _flipped(_orthogonal(a[-60:], b[-60:])) if is_warm else _UNKNOWN,
        "ratio_kalman": _flipped(_wandering(a, b)) if is_warm else _UNKNOWN,
    }


def _engle_granger(gold: Floats, iwm: Floats) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return float(coint(gold, iwm, return_results=False)[1])


def _correlations(a: "pd.Series[float]", b: "pd.Series[float]") -> Row:
    row: Row = {}
    known: dict[int, tuple[float, float]] = {}
    for size in (20, 60, 90, 252):
        names = (f"corr_ci_{size}_low", f"corr_ci_{size}_high", f"n_eff_{size}")
        if len(a) < size:
            row |= dict.fromkeys(names, NAN)
            continue
        window = (np.asarray(each.iloc[-size:], dtype=np.float64) for each in (a, b))
        r, effective, low, high = _with_interval(*window)
        known[size] = (r, effective)
        row |= dict(zip(names, (low, high, effective), strict=True))
    row["fisher_z"] = row["corr_change"] = NAN
    if len(known) == 4:
        (r1, n1), (r2, n2) = known[20], known[252]
        row["corr_change"] = r1 - r2
        row["fisher_z"] = float(
            (np.arctanh(r1) - np.arctanh(r2)) / np.hypot((n1 - 3) ** -0.5, (n2 - 3) ** -0.5)
        )
    return row


def _with_interval(a: Floats, b: Floats) -> tuple[float, float, float, float]:
    r = float(stats.pearsonr(a, b).statistic)
    product = float(acf(a, nlags=1)[1] * acf(b, nlags=1)[1])
    effective = float(np.clip(len(a) * (1 - product) / (1 + product), 4, len(a)))
    margin = stats.norm.ppf(0.975) / math.sqrt(effective - 3)
    return r, effective, float(np.tanh(np.arctanh(r) - margin)), float(np.tanh(np.arctanh(r) + margin))


def _moves(gold: Floats, iwm: Floats, a: "pd.Series[float]", b: "pd.Series[float]") -> Row:
    row = dict.fromkeys(("return_5_lead", "return_5_other", "return_gap_std_90", "opposite_moves"), NAN)
    if len(a) >= 5:
        row["return_5_lead"], row["return_5_other"] = float(gold[-1] - gold[-6]), float(iwm[-1] - iwm[-6])
    if len(a) >= 90:
        row["return_gap_std_90"] = float((a - b).iloc[-90:].std())
        gap = row["return_5_lead"] - row["return_5_other"]
        row["opposite_moves"] = gap / (row["return_gap_std_90"] * math.sqrt(5))
    return row


def _lead_lag(a: "pd.Series[float]", b: "pd.Series[float]") -> Row:
    if len(a) < 120:
        return dict.fromkeys(("lead_lag_corr_120", "lead_lag_band_120"), NAN)
    x, y = a.iloc[-120:], b.iloc[-120:]
    # pandas leaves out the pairs that a shift leaves without a partner.
    by_lag = {lag: float(x.corr(y.shift(-lag))) for lag in range(-10, 11)}
    best = max(by_lag, key=lambda lag: abs(by_lag[lag]))
    return {"lead_lag_corr_120": by_lag[best], "lead_lag_band_120": 1.96 / math.sqrt(120 - abs(best))}


def _flipped(interval: Interval) -> Interval:
    value, low, high = interval
    return -value, -high, -low


def _slope(x: Floats, y: Floats) -> Interval:
    fitted = OLS(y, add_constant(x)).fit(
        cov_type="HAC", cov_kwds={"maxlags": 3, "use_correction": True}, use_t=True
    )
    low, high = fitted.conf_int()[1]
    return float(fitted.params[1]), float(low), float(high)


def _effectiveness(a: Floats, b: Floats) -> Interval:
    hedged = []
    for s in range(a.size - 60, a.size):
        slope = stats.linregress(a[s - 60 : s], b[s - 60 : s]).slope
        hedged.append(b[s] - slope * a[s])
    both, alone = np.array(hedged), b[-60:]
    left = both.var() / alone.var()
    # The log of a ratio of variances moves by the mean of these.
    influences = (both - both.mean()) ** 2 / both.var() - (alone - alone.mean()) ** 2 / alone.var()
    fitted = OLS(influences, np.ones(60)).fit(
        cov_type="HAC", cov_kwds={"maxlags": 3, "use_correction": True}, use_t=True
    )
    low, high = fitted.conf_int()[0]
    factor = math.exp((high - low) / 2)
    return 1 - left, 1 - left * factor, 1 - left / factor


def _stress(a: Floats, b: Floats) -> Interval:
    worst = b <= np.quantile(b, 0.1)
    if worst.sum() < 20:
        return _UNKNOWN
    r, _, low, high = _with_interval(a[worst], b[worst])
    return r, low, high


def _orthogonal(a: Floats, b: Floats) -> Interval:
    points = np.column_stack([a - a.mean(), b - b.mean()])
    _, singular, axes = np.linalg.svd(points)
    along, across = points @ axes[0], points @ axes[1]
    # One is no regressor of the other; how far it could be from that is how far the axis could be turned, and
    # more so the less the axes differ.
    _, low, high = _slope(along, across)
    turned = (high - low) / 2 / (1 - singular[1] ** 2 / singular[0] ** 2)
    angle = math.atan2(axes[0, 1] * np.sign(axes[0, 0]), abs(axes[0, 0]))
    if abs(angle) + turned >= math.pi / 2:
        return math.tan(angle), NAN, NAN
    return math.tan(angle), math.tan(angle - turned), math.tan(angle + turned)


def _wandering(a: Floats, b: Floats) -> Interval:
    a, b = a - a.mean(), b - b.mean()
    gain = 1 - 0.5 ** (1 / 20)
    q = gain**2 / (1 - gain) / np.mean(a**2)
    # All slopes at once, the last of them is the filter's: least squares with a price on each change.
    bands = np.zeros((2, a.size))
    bands[0, 1:] = -1 / q
    bands[1] = a**2 + np.r_[1, np.full(a.size - 2, 2), 1] / q
    last = np.eye(a.size)[-1]
    slopes, of_last = linalg.solveh_banded(bands, np.column_stack([a * b, last])).T
    least = np.sum((b - slopes * a) ** 2) + np.sum(np.diff(slopes) ** 2) / q
    margin = stats.t.ppf(0.975, a.size - 1) * math.sqrt(least / (a.size - 1) * of_last[-1])
    return float(slopes[-1]), float(slopes[-1] - margin), float(slopes[-1] + margin)
