"""The columns of a backtest's statistics in vectorised pandas and numpy, as a quant would write them.

``python -m bench.past.pandas_backtest GOLD.csv IWM.csv OUT.csv``; imports nothing of ours. Windows are
the rolling ones of pandas where it has the statistic, the sliding ones of numpy where it has not; only the
regime, in which each session depends on the one before, is a loop.
"""

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

# Share of sessions in which the legs agree, as the pair gold-iwm states it.
_LOW, _HIGH = 0.42, 0.52
_STAKES = (0.125, 0.25, 0.5)
_PRIOR = 0.46


def main(gold: str, iwm: str, out: str) -> None:
    """Read both files, and write the table."""
    pair = pd.read_csv(gold).merge(pd.read_csv(iwm), on="date", suffixes=("_gold", "_iwm"))
    statistics(pair["date"], pair["close_gold"], pair["close_iwm"]).to_csv(out, index=False)


def statistics(session: "pd.Series[str]", gold: "pd.Series[float]", iwm: "pd.Series[float]") -> pd.DataFrame:
    """Return the table of all sessions, by the columns' definitions in ``docs/backtest.md``."""
    ratio: pd.Series[float] = pd.Series(np.log(gold / iwm))
    a, b = (pd.Series(np.log(leg)).diff() for leg in (gold, iwm))
    before = ratio.shift(1).rolling(90)
    z = (ratio - before.mean()) / before.std()
    variance_b = b.rolling(60).var()
    hedge = -(a.rolling(60).cov(b) / a.rolling(60).var())
    hedged = b + hedge.shift(1) * a
    ewm = a[1:].ewm(halflife=20).corr(b[1:])
    return pd.DataFrame(
        {
            "session": session,
            "gold": gold,
            "iwm": iwm,
            "log_ratio": ratio,
            "z_90": z,
            "pctl_90": _percentile(ratio, 90),
            **{f"corr_{size}": a.rolling(size).corr(b) for size in (20, 60, 90, 252)},
            "spearman_60": _spearman(a, b, 60),
            "ewm_corr_20": ewm.where(ewm.index >= 60),
            "beta_60": a.rolling(60).cov(b) / variance_b,
            "hedge_ratio_60": hedge,
            "hedge_effectiveness_60": 1.0 - hedged.rolling(60).var() / variance_b,
            "vol_gold_20": a.rolling(20).std() * np.sqrt(252),
            "vol_iwm_20": b.rolling(20).std() * np.sqrt(252),
            "lead_lag_120": _lead_lag(a, b, 120),
            "stress_corr_252": _stress(a, b, 252),
            "half_life_252": _half_life(ratio, 252),
            "regime": list(_regimes(z)),
            "e_break": _evidence(a, b),
        }
    )


def _ended(values: np.ndarray, count: int) -> np.ndarray:
    """Return values of the last windows, with empty ones for the sessions before them."""
    return np.concatenate([np.full(count - len(values), np.nan), values])


def _percentile(ratio: "pd.Series[float]", size: int) -> np.ndarray:
    values = ratio.to_numpy()
    windows, now = sliding_window_view(values[:-1], size), values[size:, None]
    below, equal = (windows < now).sum(axis=1), (windows == now).sum(axis=1)
    return _ended((below + 0.5 * equal) / size, len(ratio))


def _spearman(a: "pd.Series[float]", b: "pd.Series[float]", size: int) -> np.ndarray:
    ranks = []
    for leg in (a, b):
        windows = sliding_window_view(leg.to_numpy()[1:], size)
        # By the number of lower ones, and half of the equal ones: the average rank.
        columns = np.empty(windows.shape)
        for column in range(size):
            now = windows[:, column, None]
            columns[:, column] = (windows < now).sum(axis=1) + 0.5 * (windows == now).sum(axis=1)
        ranks.append(columns - columns.mean(axis=1, keepdims=True))
    return _ended(_correlation_of_rows(*ranks), len(a))


def _correlation_of_rows(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    found: np.ndarray = (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return found


def _lead_lag(a: "pd.Series[float]", b: "pd.Series[float]", size: int) -> "pd.Series[int]":
    # In the order in which equal ones are preferred.
    lags = sorted(range(-10, 11), key=lambda lag: (abs(lag), lag < 0))
    found = np.array(
        [
            (a.shift(lag) if lag > 0 else a)
            .rolling(size - abs(lag))
            .corr(b.shift(-lag) if lag < 0 else b)
            .abs()
            .to_numpy()
            for lag in lags
        ]
    )
    is_known = np.arange(len(a)) >= size
    best = np.array(lags)[np.nan_to_num(found).argmax(axis=0)]
    return pd.Series(best).where(is_known).astype("Int64")


def _stress(a: "pd.Series[float]", b: "pd.Series[float]", size: int) -> np.ndarray:
    lead, other = (sliding_window_view(leg.to_numpy()[1:], size) for leg in (a, b))
    is_low = other <= np.quantile(other, 0.1, axis=1, keepdims=True)
    count = is_low.sum(axis=1, keepdims=True)
    x, y = (
        np.where(is_low, leg - (leg * is_low).sum(axis=1, keepdims=True) / count, 0.0)
        for leg in (lead, other)
    )
    return _ended(np.where(count[:, 0] >= 20, _correlation_of_rows(x, y), np.nan), len(a))


def _half_life(ratio: "pd.Series[float]", size: int) -> np.ndarray:
    windows = sliding_window_view(ratio.to_numpy(), size)
    x, moves = windows[:, :-1], np.diff(windows, axis=1)
    x = x - x.mean(axis=1, keepdims=True)
    slope = (x * moves).sum(axis=1) / (x * x).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        life = -np.log(2.0) / np.log1p(slope)
    return _ended(np.where((slope > -1) & (slope < 0), life, np.nan), len(ratio))


def _regimes(z: "pd.Series[float]") -> Iterator[str]:
    held, since = "NEUTRAL", 3
    for value in z.tolist():
        since += 1
        if value != value:
            yield ""
            continue
        wanted = (
            "RISK_OFF"
            if value >= 1
            else "RISK_ON"
            if value <= -1
            else "NEUTRAL"
            if abs(value) < 0.5
            else held
        )
        if wanted != held and since >= 3:
            held, since = wanted, 0
        yield held


def _evidence(a: "pd.Series[float]", b: "pd.Series[float]") -> np.ndarray:
    up = [leg > leg.shift(1).rolling(252, min_periods=60).mean() for leg in (a, b)]
    agreed = (up[0] == up[1]).to_numpy()[61:]
    # Of the last 120, newest first; those before the first are in no product.
    padded = np.concatenate([np.full(119, np.nan), agreed.astype(float)])
    windows = sliding_window_view(padded, 120)[:, ::-1]
    total = np.zeros(len(agreed))
    for won, p in ((windows, _HIGH), (1.0 - windows, 1.0 - _LOW)):
        for stake in _STAKES:
            factors = np.where(won == 1.0, 1 + stake * (1 - p) / p, 1 - stake)
            total += (
                _PRIOR * np.nansum(np.where(np.isnan(won), np.nan, np.cumprod(factors, axis=1)), axis=1) / 3
            )
    return _ended(total, len(a))


if __name__ == "__main__":
    main(*sys.argv[1:])
