"""Draw the pictures of docs/estimators.md from two daily files of real history.

``pip install 'convex-alerts[docs,signals]'``, then
``python docs/images/estimators/draw.py GOLD.csv IWM.csv docs/images/estimators``. The files are as for
``convex backtest``: ``date,close``, and ``adj_close`` for IWM. Takes half a minute; the same files give the
same pictures.
"""

import csv
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.dates import YearLocator
from numpy.typing import NDArray
from PIL import Image

from services.signals.core.confirmed import (
    HISTORY_SESSIONS,
    confirmed_values,
    leg_values,
    regimes,
    slow_values,
)
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.legs.history import day_of
from services.signals.core.statistics.hedge_answer import hedge_answer

INK, GOLD, IWM, MUTED, ALARM = "#20262e", "#b07d10", "#2b6cb0", "#9aa5b1", "#c0392b"
ESTIMATES = ("ratio", "beta", "effectiveness", "stress_corr", "ratio_tls", "ratio_kalman")
WIDTH, DPI = 9.0, 100

plt.rcParams.update(
    {
        "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": MUTED,
        "axes.labelcolor": INK, "axes.titlesize": 9, "axes.titlelocation": "right", "axes.titlecolor": INK,
        "xtick.color": INK, "ytick.color": INK, "axes.grid": True, "grid.color": "#e6e9ed",
        "grid.linewidth": 0.6, "lines.linewidth": 1.0, "legend.frameon": False, "legend.fontsize": 8,
        "legend.borderaxespad": 0.0, "legend.borderpad": 0.2,
    }
)  # fmt: skip

Columns = dict[str, NDArray[np.float64]]


def main(gold: Path, iwm: Path, folder: Path) -> None:
    """Compute every session once and write one PNG for each picture."""
    sessions = read(gold, iwm)
    columns = compute(sessions)
    days = np.array([date.fromisoformat(label) for label in sessions.sessions])
    for name, (heights, draw) in PICTURES.items():
        figure, axes = plt.subplots(
            len(heights), 1, figsize=(WIDTH, sum(heights)), height_ratios=heights, sharex=True, squeeze=False,
            layout="constrained",
        )  # fmt: skip
        draw(list(axes[:, 0]), days, columns)
        axes[-1, 0].xaxis.set_major_locator(YearLocator())
        axes[-1, 0].set_xlim(days[0], days[-1])
        for axis in axes[:, 0]:
            # February to April 2020.
            axis.axvspan(date(2020, 2, 20), date(2020, 4, 30), color="#f3e9e7", zorder=0, lw=0)
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=DPI)
        plt.close(figure)
        # Lines on white need few colours; this halves the file.
        Image.open(path).convert("RGB").quantize(48).save(path, optimize=True)


def read(gold: Path, iwm: Path) -> AlignedSessions:
    """Join the two files on their dates; IWM's adjusted close is scaled to end at its raw one."""
    lead, other = (list(csv.DictReader(path.open(encoding="utf-8"))) for path in (gold, iwm))
    scale = float(other[-1]["close"]) / float(other[-1]["adj_close"])
    closes = {row["date"]: (float(row["close"]), float(row["adj_close"]) * scale) for row in other}
    both = [(row["date"], float(row["close"]), *closes[row["date"]]) for row in lead if row["date"] in closes]
    a, raw, b = (np.array([row[column] for row in both]) for column in (1, 2, 3))
    return AlignedSessions(
        days=np.array([day_of(row[0]) for row in both], dtype=np.int32),
        lead=a,
        other=raw,
        log_ratio=np.log(a / b),
        lead_returns=np.log(a[1:] / a[:-1]),
        other_returns=np.log(b[1:] / b[:-1]),
    )


def compute(sessions: AlignedSessions) -> Columns:
    """Compute every statistic of every session as it stood then; NaN where it is undefined."""
    rows: list[dict[str, float | None]] = []
    levels = {"RISK_ON": -1.0, "NEUTRAL": 0.0, "RISK_OFF": 1.0}
    states = regimes(sessions.log_ratio)
    slow: dict[str, float | None] = {}
    for s in range(len(sessions)):
        then = sessions.until(s + 1, limit=HISTORY_SESSIONS)
        # The slow one each week.
        slow = slow_values(then) if s % 5 == 0 else slow
        row = confirmed_values(then) | slow | {"regime": levels.get(states[s].name or "")}
        hedge = hedge_answer(then.lead_returns, then.other_returns)
        for name in ESTIMATES:
            estimate = getattr(hedge, name)
            row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        for leg, closes in (("gold", then.lead), ("iwm", then.other)):
            row |= {f"{leg}_{name}": value for name, value in leg_values(closes).items()}
        rows.append(row)
    return {
        name: np.array([np.nan if row.get(name) is None else row[name] for row in rows], dtype=np.float64)
        for name in rows[-1]
    }


Draw = Callable[[list[Axes], NDArray[np.object_], Columns], None]


def _label(axis: Axes) -> None:
    # Above the panel, where no line is.
    names = axis.get_legend_handles_labels()[1]
    axis.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=len(names))


def _lines(axis: Axes, days: NDArray[np.object_], columns: Columns, **of: str) -> None:
    for name, colour in of.items():
        axis.plot(days, columns[name], color=colour, label=name)
    _label(axis)


def _levels(axis: Axes, *levels: float) -> None:
    for level in levels:
        axis.axhline(level, color=ALARM if level else MUTED, lw=0.8, ls="--" if level else "-")


def _estimate(name: str, *, title: str, limits: tuple[float, float]) -> Draw:
    def draw(axes: list[Axes], days: NDArray[np.object_], columns: Columns) -> None:
        (axis,) = axes
        low, high, value = (columns[each] for each in (f"{name}_low", f"{name}_high", name))
        axis.fill_between(days, low, high, color=IWM, alpha=0.22, lw=0, label="95 % interval")
        # No line from one end of the picture to the other where a value leaves it.
        axis.plot(
            days, np.where((value > limits[0]) & (value < limits[1]), value, np.nan), color=INK, label=name
        )
        axis.axhline(0.0, color=MUTED, lw=0.8)
        axis.set(ylim=limits)
        axis.set_title(title)
        _label(axis)

    return draw


def _ratio(axes: list[Axes], days: NDArray[np.object_], columns: Columns) -> None:
    mean, std = columns["mean_90"], columns["std_90"]
    axes[0].fill_between(
        days, mean - 2 * std, mean + 2 * std, color=GOLD, alpha=0.2, lw=0, label="mean_90 ± 2 std_90"
    )
    _lines(axes[0], days, columns, log_ratio=INK, mean_90=GOLD)
    _lines(axes[1], days, columns, z_90=INK)
    _levels(axes[1], -3, -2, 0, 2, 3)


def _rank(axes: list[Axes], days: NDArray[np.object_], columns: Columns) -> None:
    _lines(axes[0], days, columns, pctl_90=INK)
    axes[1].fill_between(days, 0, columns["regime"], step="mid", color=GOLD, alpha=0.45, lw=0)
    axes[1].plot(days, columns["z_90"] / 3, color=MUTED, lw=0.7, label="z_90 / 3")
    axes[1].set_yticks([-1, 0, 1], ["RISK_ON", "NEUTRAL", "RISK_OFF"])
    axes[1].set_ylim(-1.5, 1.5)
    _label(axes[1])


def _correlations(axes: list[Axes], days: NDArray[np.object_], columns: Columns) -> None:
    _lines(axes[0], days, columns, corr_20=MUTED, corr_60=IWM, corr_90=GOLD, corr_252=INK)
    _lines(axes[1], days, columns, corr_60=MUTED, spearman_60=IWM, ewm_corr_20=GOLD)
    for axis in axes:
        _levels(axis, 0)


def _interval(axes: list[Axes], days: NDArray[np.object_], columns: Columns) -> None:
    low, high = columns["corr_ci_60_low"], columns["corr_ci_60_high"]
    axes[0].fill_between(days, low, high, color=IWM, alpha=0.22, lw=0, label="corr_ci_60")
    _lines(axes[0], days, columns, corr_60=INK)
    _levels(axes[0], 0, 0.1, 0.3)
    _lines(axes[1], days, columns, n_eff_60=INK)


def _change(axes: list[Axes], days: NDArray[np.object_], columns: Columns) -> None:
    _lines(axes[0], days, columns, corr_20=MUTED, corr_252=INK, corr_change=IWM)
    _levels(axes[0], -0.3, 0, 0.3)
    _lines(axes[1], days, columns, fisher_z=INK)
    _levels(axes[1], -3.29, -2.58, 0, 2.58, 3.29)


def _moves(axes: list[Axes], days: NDArray[np.object_], columns: Columns) -> None:
    _lines(axes[0], days, columns, return_5_lead=GOLD, return_5_other=IWM, return_gap_std_90=INK)
    _lines(axes[1], days, columns, opposite_moves=INK)
    is_opposite = columns["return_5_lead"] * columns["return_5_other"] < 0
    far = is_opposite & (np.abs(columns["opposite_moves"]) >= 2)
    axes[1].plot(
        days[far], columns["opposite_moves"][far], ".", color=ALARM, ms=4, label="opposite, and 2 or more"
    )
    _label(axes[1])
    _levels(axes[1], -3, -2, 0, 2, 3)


def _lead_lag(axes: list[Axes], days: NDArray[np.object_], columns: Columns) -> None:
    axes[0].plot(days, columns["lead_lag_120"], ".", color=INK, ms=2, label="lead_lag_120")
    _label(axes[0])
    band = columns["lead_lag_band_120"]
    axes[1].fill_between(days, -band, band, color=MUTED, alpha=0.3, lw=0, label="± lead_lag_band_120")
    _lines(axes[1], days, columns, lead_lag_corr_120=INK)
    _levels(axes[0], 0)


def _reversion(axes: list[Axes], days: NDArray[np.object_], columns: Columns) -> None:
    _lines(axes[0], days, columns, half_life_252=INK)
    axes[0].set(yscale="log", ylabel="sessions")
    _lines(axes[1], days, columns, coint_p_252=INK)
    _levels(axes[1], 0.05)


def _volatility(axes: list[Axes], days: NDArray[np.object_], columns: Columns) -> None:
    _lines(axes[0], days, columns, vol_lead_20=GOLD, vol_other_20=IWM)


def _legs(axes: list[Axes], days: NDArray[np.object_], columns: Columns) -> None:
    _lines(axes[0], days, columns, gold_drawdown=GOLD, iwm_drawdown=IWM)
    _lines(axes[1], days, columns, gold_percentile=GOLD, iwm_percentile=IWM)


# The heights of the panels, inches, and what draws into them.
PICTURES: dict[str, tuple[tuple[float, ...], Draw]] = {
    "ratio": ((2.0, 1.7), _ratio),
    "rank": ((1.6, 1.5), _rank),
    "correlation": ((1.8, 1.8), _correlations),
    "interval": ((2.0, 1.2), _interval),
    "change": ((1.8, 1.7), _change),
    "moves": ((1.7, 1.8), _moves),
    "lead-lag": ((1.4, 1.6), _lead_lag),
    "reversion": ((1.5, 1.5), _reversion),
    "volatility": ((1.8,), _volatility),
    "legs": ((1.6, 1.5), _legs),
    "hedge-ratio": ((1.9,), _estimate("ratio", title="least squares, 60 sessions", limits=(-2, 2))),
    "hedge-tls": ((1.9,), _estimate("ratio_tls", title="total least squares, 60 sessions", limits=(-15, 15))),
    "hedge-kalman": ((1.9,), _estimate("ratio_kalman", title="Kalman, up to 800 sessions", limits=(-2, 2))),
    "hedge-beta": ((1.9,), _estimate("beta", title="gold on IWM, 60 sessions", limits=(-1, 1))),
    "hedge-effectiveness": (
        (1.9,), _estimate("effectiveness", title="out of sample, 60 sessions", limits=(-0.6, 0.6))
    ),
    "hedge-stress": ((1.9,), _estimate("stress_corr", title="worst tenth of 252 sessions", limits=(-1, 1))),
}  # fmt: skip

if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
