"""The statistics table of a pair, derived a second time with pandas and scipy.

It is the other side of the comparison: it must not import ``services`` or ``shared``, and it reads the
definitions (design.md, section 6), not the code. It is slow on purpose, one window at a time, because
pandas' rolling sums carry the rounding errors of values that have left the window.

Run ``python -m tests.oracle.pair_oracle GOLD.csv IWM.csv OUT.csv`` for the table of two daily files.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

COLUMNS = (
    "session", "gold", "iwm", "log_ratio", "z_90", "pctl_90", "corr_20", "corr_60", "corr_90", "corr_252",
    "spearman_60", "ewm_corr_20", "beta_60", "hedge_ratio_60", "hedge_effectiveness_60", "vol_gold_20",
    "vol_iwm_20", "lead_lag_120", "stress_corr_252", "half_life_252", "regime",
    "e_break",
)  # fmt: skip

_NAN = float("nan")


def stats_table(gold: Path, iwm: Path, *, every: int = 1) -> pd.DataFrame:
    """Compute the table; with ``every`` = 7 only each seventh session, the last one included."""
    pair = read_pair(gold, iwm)
    a = np.log(pair["gold"]).diff()
    b = np.log(pair["adjusted"]).diff()
    ratio: pd.Series[float] = pd.Series(np.log(pair["gold"] / pair["adjusted"]))
    z = pd.Series([_zscore(ratio, s) for s in range(len(pair))])
    # A return exists from session 1 on; ewm must not see the empty one before it.
    ewm = a[1:].ewm(halflife=20).corr(b[1:])
    ratios = pd.Series([_on_last(a, b, s, 60, _hedge_ratio) for s in range(len(pair))])
    regimes = _regimes(z)
    agreed = sides(a, b)
    rows = [
        {
            "session": pair["date"][s],
            "gold": pair["gold"][s],
            "iwm": pair["iwm"][s],
            "log_ratio": ratio[s],
            "z_90": z[s],
            "pctl_90": _percentile(ratio, s),
            "corr_20": _on_last(a, b, s, 20, _pearson),
            "corr_60": _on_last(a, b, s, 60, _pearson),
            "corr_90": _on_last(a, b, s, 90, _pearson),
            "corr_252": _on_last(a, b, s, 252, _pearson),
            "spearman_60": _on_last(a, b, s, 60, _spearman),
            "ewm_corr_20": ewm[s] if s >= 60 else _NAN,
            "beta_60": _on_last(a, b, s, 60, _beta),
            "hedge_ratio_60": ratios[s],
            "hedge_effectiveness_60": _effectiveness(a, b, ratios, s),
            "vol_gold_20": _volatility(a, s),
            "vol_iwm_20": _volatility(b, s),
            "lead_lag_120": _on_last(a, b, s, 120, _lead_lag),
            "stress_corr_252": _on_last(a, b, s, 252, _stress),
            "half_life_252": _half_life(ratio, s),
            "regime": regimes[s],
            "e_break": sum(evidence(agreed, s)),
        }
        for s in range((len(pair) - 1) % every, len(pair), every)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    # Lags are whole sessions; Int64 is the integer column that can be empty.
    return table.astype({"lead_lag_120": "Int64"})


def sides(a: "pd.Series[float]", b: "pd.Series[float]") -> list[int | None]:
    """Return for each session 1 where both legs moved to one side of their means, 0 where to opposite ones.

    None before the 62nd session: the means of up to 252 returns before it need 60.
    """
    found: list[int | None] = []
    for s in range(len(a)):
        first = max(1, s - 252)
        if s - first < 60:
            found.append(None)
            continue
        up = [bool(each.iloc[s] > np.mean(each.iloc[first:s].to_numpy())) for each in (a, b)]
        found.append(int(up[0] == up[1]))
    return found


def evidence(agreed: list[int | None], s: int) -> tuple[float, float]:
    """Return the evidence for more, and for less, agreement than 42 to 52 %, by each start of each stake."""
    known = [each for each in agreed[max(0, s - 119) : s + 1] if each is not None]
    if not known:
        return _NAN, _NAN
    totals = []
    for won, p in ((known, 0.52), ([1 - each for each in known], 0.58)):
        owned = [
            np.prod([1 + k * (1 - p) / p if each else 1 - k for each in won[start:]])
            for k in (0.125, 0.25, 0.5)
            for start in range(len(won))
        ]
        totals.append(0.46 * float(np.sum(owned)) / 3)
    return totals[0], totals[1]


def evidence_at(agreed: list[int | None], s: int) -> dict[str, float]:
    """Compute what events state of the evidence in session ``s``; the table has only the sum."""
    tightening, loosening = evidence(agreed, s)
    last = [each for each in agreed[max(0, s - 59) : s + 1] if each is not None]
    return {
        "e_tightening": tightening,
        "e_loosening": loosening,
        "agreement_60": _NAN if len(last) < 60 else float(np.mean(last)),
        "agreement_low": 0.42,
        "agreement_high": 0.52,
    }


def read_pair(gold: Path, iwm: Path) -> pd.DataFrame:
    """Join two daily files on their date; ``adjusted`` ends at the last raw close of the IWM file."""
    leg_a, leg_b = pd.read_csv(gold, dtype=str), pd.read_csv(iwm, dtype=str)
    if "adj_close" not in leg_b:
        leg_b["adj_close"] = leg_b["close"]
    # Python's own reading of a decimal: pandas 2's default is off by an ulp now and then.
    leg_a["close"] = leg_a["close"].map(float)
    leg_b[["close", "adj_close"]] = leg_b[["close", "adj_close"]].map(float)
    leg_b["adjusted"] = leg_b["adj_close"] * (leg_b["close"].iloc[-1] / leg_b["adj_close"].iloc[-1])
    both = leg_a[["date", "close"]].merge(
        leg_b[["date", "close", "adjusted"]], on="date", how="inner", suffixes=("_a", "_b")
    )
    return both.rename(columns={"close_a": "gold", "close_b": "iwm"}).reset_index(drop=True)


def _on_last(
    a: "pd.Series[float]",
    b: "pd.Series[float]",
    s: int,
    size: int,
    statistic: Callable[["pd.Series[float]", "pd.Series[float]"], float],
) -> float:
    # Return s is the one that ends at session s, so the first `size` of them end at session `size`.
    return statistic(a[s - size + 1 : s + 1], b[s - size + 1 : s + 1]) if s >= size else _NAN


def _is_flat(x: "pd.Series[float]") -> bool:
    return bool(x.nunique() == 1)


def _pearson(a: "pd.Series[float]", b: "pd.Series[float]") -> float:
    return _NAN if _is_flat(a) or _is_flat(b) else float(np.corrcoef(a, b)[0, 1])


def _spearman(a: "pd.Series[float]", b: "pd.Series[float]") -> float:
    return _NAN if _is_flat(a) or _is_flat(b) else float(stats.spearmanr(a, b).statistic)


def _beta(a: "pd.Series[float]", b: "pd.Series[float]") -> float:
    return _NAN if _is_flat(b) else float(np.polyfit(b, a, 1)[0])


def _hedge_ratio(a: "pd.Series[float]", b: "pd.Series[float]") -> float:
    return _NAN if _is_flat(a) else float(-np.cov(a, b)[0, 1] / np.cov(a, b)[0, 0])


def _effectiveness(a: "pd.Series[float]", b: "pd.Series[float]", ratios: "pd.Series[float]", s: int) -> float:
    if s < 120:
        return _NAN
    scored = slice(s - 59, s + 1)
    known = ratios.shift(1)[scored]
    if known.isna().any() or _is_flat(b[scored]):
        return _NAN
    return float(1.0 - (b[scored] + known * a[scored]).var() / b[scored].var())


def _volatility(r: "pd.Series[float]", s: int) -> float:
    return float(r[s - 19 : s + 1].std() * np.sqrt(252)) if s >= 20 else _NAN


def _lead_lag(a: "pd.Series[float]", b: "pd.Series[float]") -> float:
    leads, follows = a.to_numpy(), b.to_numpy()
    by_lag: dict[int, float] = {}
    for lag in range(-10, 11):
        times = np.arange(max(0, -lag), len(leads) - max(0, lag))
        x, y = leads[times], follows[times + lag]
        if np.ptp(x) > 0.0 and np.ptp(y) > 0.0:
            by_lag[lag] = abs(float(np.corrcoef(x, y)[0, 1]))
    if not by_lag:
        return _NAN
    return min(by_lag, key=lambda lag: (-by_lag[lag], abs(lag), -lag))


def _stress(a: "pd.Series[float]", b: "pd.Series[float]") -> float:
    stressed = b <= b.quantile(0.1)
    return _pearson(a[stressed], b[stressed]) if stressed.sum() >= 20 else _NAN


def _zscore(ratio: "pd.Series[float]", s: int) -> float:
    if s < 90 or _is_flat(ratio[s - 90 : s]):
        return _NAN
    return float((ratio[s] - ratio[s - 90 : s].mean()) / ratio[s - 90 : s].std())


def _percentile(ratio: "pd.Series[float]", s: int) -> float:
    if s < 90:
        return _NAN
    return float(stats.percentileofscore(ratio[s - 90 : s], ratio[s], kind="mean") / 100.0)


def _half_life(ratio: "pd.Series[float]", s: int) -> float:
    if s < 251:
        return _NAN
    window = ratio[s - 251 : s + 1].to_numpy()
    if np.ptp(window[:-1]) == 0.0:
        return _NAN
    slope = float(stats.linregress(window[:-1], np.diff(window)).slope)
    return float(-np.log(2.0) / np.log(1.0 + slope)) if -1.0 < slope < 0.0 else _NAN


def _regimes(z: "pd.Series[float]") -> list[str | None]:
    names: list[str | None] = []
    held, changed = "NEUTRAL", -1000
    for session, value in enumerate(z):
        if np.isnan(value):
            names.append(None)
            continue
        wanted = held
        if abs(value) < 0.5:
            wanted = "NEUTRAL"
        if value >= 1.0:
            wanted = "RISK_OFF"
        if value <= -1.0:
            wanted = "RISK_ON"
        if wanted != held and session - changed > 2:
            held, changed = wanted, session
        names.append(held)
    return names


if __name__ == "__main__":
    stats_table(Path(sys.argv[1]), Path(sys.argv[2])).to_csv(sys.argv[3], index=False)
