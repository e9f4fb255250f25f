"""Every statistic of two legs' closes by its textbook formula, in 50-digit arithmetic with mpmath.

It must not import ``services`` or ``shared``, and it reads the definitions (design.md, section 6). The
closes, as floats, are taken as exact; everything after them is computed with 50 digits. Nothing here is fast.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import mpmath
from mpmath import mpf

DIGITS = 50
Number = mpf
Row = Sequence[mpf]

mpmath.mp.dps = DIGITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """A value with 50 digits, and the size of what it is a difference of: what 1e-12 is 1e-12 of."""

    value: mpf
    scale: mpf


def values_of(closes_a: Iterable[float], closes_b: Iterable[float]) -> dict[str, Exact | None]:
    """Compute the statistics of the last session from both legs' adjusted closes, shape ``(n,)`` each."""
    prices_a, prices_b = ([mpf(close) for close in leg] for leg in (closes_a, closes_b))
    ratio = [mpmath.log(p / q) for p, q in zip(prices_a, prices_b, strict=True)]
    a, b = log_returns(prices_a), log_returns(prices_b)
    values: dict[str, Exact | None] = {"log_ratio": _exact(ratio[-1], least=1)}
    values |= _stretch(ratio) | _correlations(a, b) | _hedges(a, b) | _moves(a, b) | _lead_lag(a, b)
    for name, returns in (("vol_lead_20", a), ("vol_other_20", b)):
        window = _last(returns, 20)
        std = mpmath.sqrt(covariance(window, window) * 252) if window else None
        values[name] = None if std is None else _exact(std, least="1e-4")
    values["half_life_252"] = _half_life(_last(ratio, 252))
    return values


def log_returns(prices: Row) -> Row:
    """Return the log returns, one fewer than there are prices."""
    return [mpmath.log(q / p) for p, q in pairwise(prices)]


def mean(x: Row) -> mpf:
    """Return the arithmetic mean."""
    return mpmath.fsum(x) / len(x)


def covariance(x: Row, y: Row) -> mpf:
    """Return the sample covariance, ``ddof=1``; exactly 0 with a flat leg."""
    if is_flat(x) or is_flat(y):
        return mpf(0)
    mean_x, mean_y = mean(x), mean(y)
    return mpmath.fsum((p - mean_x) * (q - mean_y) for p, q in zip(x, y, strict=True)) / (len(x) - 1)


def correlation(x: Row, y: Row) -> mpf | None:
    """Return Pearson's correlation, None for a flat leg."""
    if is_flat(x) or is_flat(y):
        return None
    return covariance(x, y) / mpmath.sqrt(covariance(x, x) * covariance(y, y))


def effective_size(x: Row, y: Row) -> mpf:
    """Return the pairs that two rows are worth, by their lag-1 autocorrelations, between 4 and all."""
    product = mpf(1)
    for row in (x, y):
        centre = mean(row)
        lagged = mpmath.fsum((p - centre) * (q - centre) for p, q in pairwise(row))
        product *= lagged / mpmath.fsum((p - centre) ** 2 for p in row)
    return min(max(len(x) * (1 - product) / (1 + product), mpf(4)), mpf(len(x)))


def is_perfect(r: mpf) -> bool:
    """Return whether a correlation is ±1, but for the fiftieth digit."""
    return bool(abs(r) > 1 - mpf("1e-40"))


def fisher_interval(r: mpf, effective: mpf) -> tuple[mpf, mpf]:
    """Return the 95 % interval of a correlation, a point for a perfect one."""
    if is_perfect(r):
        return r, r
    margin = normal_975() / mpmath.sqrt(effective - 3)
    return mpmath.tanh(mpmath.atanh(r) - margin), mpmath.tanh(mpmath.atanh(r) + margin)


def normal_975() -> mpf:
    """Return the standard normal's 97.5 % quantile."""
    return mpmath.sqrt(2) * mpmath.erfinv(mpf("0.95"))


# A deviation of log prices up to this one is that of rounding: docs/estimators.md.
FLAT = mpf("1e-6")


def is_flat(x: Row) -> bool:
    """Return whether all values are equal."""
    return all(value == x[0] for value in x)


def stressed(a: Row, b: Row) -> tuple[Row, Row] | None:
    """Return the pairs in which ``b`` is at or below its linear 10th percentile; None with fewer than 20."""
    ordered, place = sorted(b), mpf(len(b) - 1) / 10
    below = int(mpmath.floor(place))
    quantile = ordered[below] + (ordered[below + 1] - ordered[below]) * (place - below)
    worst = [(p, q) for p, q in zip(a, b, strict=True) if q <= quantile]
    return ([p for p, _ in worst], [q for _, q in worst]) if len(worst) >= 20 else None


def _exact(value: mpf, *, least: float | str) -> Exact:
    return Exact(value=value, scale=max(abs(value), mpf(least)))


def _last(x: Row, size: int) -> Row:
    return x[-size:] if len(x) >= size else []


def _stretch(ratio: Row) -> dict[str, Exact | None]:
    names = ("z_90", "mean_90", "std_90", "pctl_90")
    if len(ratio) < 91:
        return dict.fromkeys(names)
    now, before = ratio[-1], ratio[-91:-1]
    share = (sum(each < now for each in before) + mpf(sum(each == now for each in before)) / 2) / 90
    percentile = _exact(share, least=1)
    if is_flat(before) or mpmath.sqrt(covariance(before, before)) <= FLAT:
        return dict.fromkeys(names) | {"pctl_90": percentile}
    std = mpmath.sqrt(covariance(before, before))
    # A float has 16 digits of a log ratio; a spread in the last of those has none. 14 are asked for.
    least = max(mpf(1), abs(mean(before)) / std / 100)
    return {
        "z_90": _exact((now - mean(before)) / std, least=least),
        "mean_90": _exact(mean(before), least=1),
        "std_90": _exact(std, least="1e-4"),
        "pctl_90": percentile,
    }


def _correlations(a: Row, b: Row) -> dict[str, Exact | None]:
    values: dict[str, Exact | None] = {}
    known = {}
    for size in (20, 60, 90, 252):
        x, y = _last(a, size), _last(b, size)
        r = correlation(x, y) if x else None
        names = (f"corr_{size}", f"corr_ci_{size}_low", f"corr_ci_{size}_high", f"n_eff_{size}")
        if r is None:
            values |= dict.fromkeys(names)
            continue
        effective = effective_size(x, y)
        known[size] = (r, effective)
        numbers = (r, *fisher_interval(r, effective), effective)
        values |= {name: _exact(number, least=1) for name, number in zip(names, numbers, strict=True)}
    values["fisher_z"] = values["corr_change"] = None
    if 20 in known and 252 in known:
        (r1, n1), (r2, n2) = known[20], known[252]
        if not is_perfect(r1) and not is_perfect(r2):
            error = mpmath.sqrt(1 / (n1 - 3) + 1 / (n2 - 3))
            # What 14 digits of the correlations are worth: Fisher's scale runs away towards ±1.
            worth = (1 / (1 - r1**2) + 1 / (1 - r2**2)) / error / 100
            z = (mpmath.atanh(r1) - mpmath.atanh(r2)) / error
            values["fisher_z"] = _exact(z, least=max(mpf(1), worth))
        values["corr_change"] = _exact(r1 - r2, least=1)
    x, y = _last(a, 60), _last(b, 60)
    rank = correlation(_ranks(x), _ranks(y)) if x else None
    values["spearman_60"] = None if rank is None else _exact(rank, least=1)
    values["ewm_corr_20"] = _ewm(a, b)
    worst = stressed(a[-252:], b[-252:]) if len(a) >= 252 else None
    stress = None if worst is None else correlation(*worst)
    values["stress_corr_252"] = None if stress is None else _exact(stress, least=1)
    return values


def _ranks(x: Row) -> Row:
    return [sum(each < value for each in x) + mpf(sum(each == value for each in x) + 1) / 2 for value in x]


def _ewm(a: Row, b: Row) -> Exact | None:
    if len(a) < 60 or is_flat(a) or is_flat(b):
        return None
    weights = [mpf(2) ** (mpf(s - len(a) + 1) / 20) for s in range(len(a))]
    total = mpmath.fsum(weights)
    mean_a, mean_b = (mpmath.fsum(w * p for w, p in zip(weights, x, strict=True)) / total for x in (a, b))
    rows = list(zip(weights, a, b, strict=True))
    products = mpmath.fsum(w * (p - mean_a) * (q - mean_b) for w, p, q in rows)
    squares = [
        mpmath.fsum(w * (p - mean_a) ** 2 for w, p, _ in rows),
        mpmath.fsum(w * (q - mean_b) ** 2 for w, _, q in rows),
    ]
    return _exact(products / mpmath.sqrt(squares[0] * squares[1]), least=1)


def _hedges(a: Row, b: Row) -> dict[str, Exact | None]:
    x, y = _last(a, 60), _last(b, 60)
    values: dict[str, Exact | None] = dict.fromkeys(("beta_60", "hedge_ratio_60", "hedge_effectiveness_60"))
    if x and not is_flat(y):
        # A slope's size is the one it would have if the legs moved as one.
        steepest = mpmath.sqrt(covariance(x, x) / covariance(y, y))
        values["beta_60"] = Exact(value=covariance(x, y) / covariance(y, y), scale=steepest)
    if x and not is_flat(x):
        steepest = mpmath.sqrt(covariance(y, y) / covariance(x, x))
        values["hedge_ratio_60"] = Exact(value=-covariance(x, y) / covariance(x, x), scale=steepest)
    series = hedged(a, b)
    if series is not None and not is_flat(series[0]):
        left = covariance(series[1], series[1]) / covariance(series[0], series[0])
        values["hedge_effectiveness_60"] = _exact(1 - left, least=1)
    return values


def hedged(a: Row, b: Row) -> tuple[Row, Row] | None:
    """Return the last 60 returns of ``b``, alone and with the hedge of the 60 sessions before each."""
    if len(a) < 120:
        return None
    both = []
    for s in range(len(a) - 60, len(a)):
        x, y = a[s - 60 : s], b[s - 60 : s]
        if is_flat(x):
            return None
        both.append(b[s] - covariance(x, y) / covariance(x, x) * a[s])
    return b[-60:], both


def _moves(a: Row, b: Row) -> dict[str, Exact | None]:
    values: dict[str, Exact | None] = dict.fromkeys(
        ("return_5_lead", "return_5_other", "return_gap_std_90", "opposite_moves")
    )
    if len(a) < 5:
        return values
    move_a, move_b = mpmath.fsum(a[-5:]), mpmath.fsum(b[-5:])
    values["return_5_lead"] = _exact(move_a, least=mpmath.fsum(map(abs, a[-5:])) + mpf("1e-3"))
    values["return_5_other"] = _exact(move_b, least=mpmath.fsum(map(abs, b[-5:])) + mpf("1e-3"))
    if len(a) < 90:
        return values
    gaps = [p - q for p, q in zip(a[-90:], b[-90:], strict=True)]
    std = mpmath.sqrt(covariance(gaps, gaps))
    values["return_gap_std_90"] = _exact(std, least="1e-4")
    if std > FLAT:
        values["opposite_moves"] = _exact((move_a - move_b) / (std * mpmath.sqrt(5)), least=1)
    return values


def _lead_lag(a: Row, b: Row) -> dict[str, Exact | None]:
    names = ("lead_lag_120", "lead_lag_corr_120", "lead_lag_band_120")
    x, y = _last(a, 120), _last(b, 120)
    by_lag = {}
    for lag in range(-10, 11):
        leads = [x[t] for t in range(120) if 0 <= t + lag < 120] if x else []
        follows = [y[t + lag] for t in range(120) if 0 <= t + lag < 120] if x else []
        r = correlation(leads, follows) if x else None
        if r is not None:
            by_lag[lag] = r
    if not by_lag:
        return dict.fromkeys(names)
    best = min(by_lag, key=lambda lag: (-abs(by_lag[lag]), abs(lag), -lag))
    numbers = (mpf(best), by_lag[best], mpf("1.96") / mpmath.sqrt(120 - abs(best)))
    return {name: _exact(number, least=1) for name, number in zip(names, numbers, strict=True)}


def _half_life(window: Row) -> Exact | None:
    if not window or is_flat(window[:-1]):
        return None
    changes = [q - p for p, q in pairwise(window)]
    slope = covariance(window[:-1], changes) / covariance(window[:-1], window[:-1])
    if not -1 < slope < 0:
        return None
    # What 14 digits of the slope are worth: the half-life runs away as the slope goes to 0 or -1.
    value = -mpmath.log(2) / mpmath.log(1 + slope)
    return Exact(value=value, scale=value + value**2 / mpmath.log(2) / (1 + slope) / 100)
