"""Make the tables and the picture of docs/evidence.md anew, from simulated markets.

``pip install 'convex-alerts[docs,signals]'``, then
``python docs/images/evidence/draw.py docs/images/evidence``. Takes about four minutes, and makes the same
picture and the same tables each time. The simulation is in ``simulate.py``.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image
from simulate import (
    BAND,
    NULLS,
    agreement_of,
    correlation_of,
    delays,
    false_alarms,
    fat_tails,
    gaussian,
    rate_against_an_adversary,
    sessions_from_the_closing_level,
)

Floats = NDArray[np.float64]
Interval = tuple[float, float, float]
Rates = dict[str, dict[str, Interval]]
Delays = dict[str, dict[float, dict[str, Floats]]]

INK, E, FISHER, MUTED, BOUND = "#20262e", "#b07d10", "#2b6cb0", "#9aa5b1", "#c0392b"
COLOURS = {"evidence_break": E, "correlation_break": FISHER}
PATHS, YEARS = 100, 50
DELAY_PATHS = 1_000
BEFORE = float(correlation_of(0.47))
AFTER = (-0.8, -0.6, -0.4, 0.2, 0.3, 0.4, 0.6, 0.8)
SEED = 1
RESAMPLES = 2_000
WIDTH, DPI = 9.0, 100

plt.rcParams.update(
    {
        "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": MUTED,
        "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "axes.grid": True,
        "grid.color": "#e6e9ed", "grid.linewidth": 0.6, "legend.frameon": False, "legend.fontsize": 8,
    }
)  # fmt: skip


def main(folder: Path) -> None:
    """Simulate, print both tables, draw the picture."""
    rates: Rates = {}
    for name in NULLS:
        of_rules = false_alarms(name, paths=PATHS, years=YEARS, seed=SEED)
        rates[name] = {rule: _interval(of_paths, np.mean) for rule, of_paths in of_rules.items()}
    adversary = _interval(rate_against_an_adversary(paths=PATHS, years=YEARS, seed=SEED), np.mean)
    _print(
        "| the baseline holds | `evidence_break` a year | `correlation_break` a year |\n| --- | --: | --: |"
    )
    for name, of_market in rates.items():
        _print(f"| {name} | " + " | ".join(_text(each, 3) for each in of_market.values()) + " |")
    _print(f"| chosen by an adversary who sees the evidence | {_text(adversary, 3)} | – |\n")
    for edge, of_edge in (("upper", BAND.high), ("lower", 1 - BAND.low)):
        took = sessions_from_the_closing_level(of_edge, paths=5_000, seed=SEED)
        _print(
            f"from 20 to 252 at the {edge} edge: {_text(_interval(took, np.mean), 0)} sessions, at least 504"
        )
    found: Delays = {
        market.__name__: {
            after: delays(BEFORE, after, market, paths=DELAY_PATHS, seed=SEED) for after in AFTER
        }
        for market in (gaussian, fat_tails)
    }
    for market, by_shift in found.items():
        _print(
            f"\n{market}, before: correlation {BEFORE:.2f}\n\n| new correlation | agreement | "
            "`evidence_break`, sessions | in 252 | `correlation_break`, sessions | in 252 |\n"
            "| --: | --: | --: | --: | --: | --: |"
        )
        for after, by_rule in by_shift.items():
            cells = [
                cell
                for each in by_rule.values()
                for cell in (_text(_interval(each, np.median), 0), f"{np.isfinite(each).mean():.0%}")
            ]
            _print(f"| {after:+.1f} | {agreement_of(after):.0%} | " + " | ".join(cells) + " |")
    _draw(rates, found, folder / "evidence.png")


def _interval(values: Floats, of: Callable[..., np.floating]) -> Interval:
    """Return a value with its 95 % interval, by resampling paths."""
    rng = np.random.default_rng(SEED)
    rows = rng.integers(values.size, size=(RESAMPLES, values.size))
    # A median between a number and never is never.
    ordered = np.sort(values[rows], axis=1)
    again = ordered[:, values.size // 2] if of is np.median else values[rows].mean(axis=1)
    middle = np.sort(values)[values.size // 2] if of is np.median else values.mean()
    low, high = np.quantile(again, [0.025, 0.975], method="nearest")
    return float(middle), float(low), float(high)


def _text(of: Interval, decimals: int) -> str:
    value, low, high = (f"{each:.{decimals}f}" if np.isfinite(each) else "never" for each in of)
    return value if value == low == high else f"{value} ({low} to {high})"


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - asked for


def _draw(rates: Rates, found: Delays, path: Path) -> None:
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(WIDTH, 3.9), layout="constrained", width_ratios=(1, 1)
    )
    for place, of_market in enumerate(rates.values()):
        for rule, shift in (("evidence_break", -0.12), ("correlation_break", 0.12)):
            value, low, high = of_market[rule]
            left.errorbar(
                value, place + shift, xerr=[[value - low], [high - value]], fmt="o", ms=4,
                color=COLOURS[rule], label=rule if place == 0 else None,
            )  # fmt: skip
    left.axvline(1, color=BOUND, lw=1.4, ls="--", label="guaranteed: at most 1")
    left.set_yticks(range(len(rates)), list(rates))
    left.invert_yaxis()
    left.set_xlim(left=0)
    left.set_title("openings a year while the baseline holds", loc="left", fontsize=9)
    figure.legend(loc="outside lower center", ncols=4)
    _delays(right, found)
    figure.savefig(path, dpi=DPI)
    plt.close(figure)
    # Lines on white need few colours; this halves the file.
    Image.open(path).convert("RGB").quantize(96).save(path, optimize=True)


def _delays(axis: Axes, found: Delays) -> None:
    for market, style in (("gaussian", "-"), ("fat_tails", ":")):
        for rule, colour in COLOURS.items():
            values = [_interval(found[market][after][rule], np.median) for after in AFTER]
            middle, low, high = (np.array(each) for each in zip(*values, strict=True))
            shown = np.minimum(middle, 260)
            for side in (np.array(AFTER) < 0, np.array(AFTER) > 0):
                axis.plot(np.array(AFTER)[side], shown[side], style, marker="o", ms=3.5, color=colour)
                axis.fill_between(
                    np.array(AFTER)[side], np.minimum(low, 260)[side], np.minimum(high, 260)[side],
                    color=colour, alpha=0.15, lw=0,
                )  # fmt: skip
    axis.axhspan(252, 270, color=MUTED, alpha=0.25, lw=0)
    axis.annotate("not within a year", (0.0, 259), ha="center", va="center", fontsize=8, color=INK)
    axis.axvline(BEFORE, color=MUTED, lw=1.0)
    axis.annotate(
        "before", (BEFORE, 8), xytext=(4, 0), textcoords="offset points", fontsize=8, color=INK, rotation=90
    )
    axis.set_ylim(0, 268)
    axis.set_xlabel("new correlation")
    axis.set_title("median sessions until it opens (dotted: t)", loc="left", fontsize=9)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
