"""Draw the pictures of docs/outcomes.md, and print its tables, from two daily files of real history.

``pip install 'convex-alerts[docs,signals]'``, then
``python docs/images/outcomes/draw.py GOLD.csv IWM.csv docs/images/outcomes``. The files are as for
``convex backtest``: ``date,close``, and ``adj_close`` for IWM. Takes three minutes; the same files give the
same pictures.
"""

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from PIL import Image

from convex.backtesting.replay import replay
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.outcomes.episodes import episodes_of
from services.signals.core.outcomes.from_history import openings_of_history
from services.signals.core.outcomes.history_evaluator import HistoryEvaluator
from services.signals.core.outcomes.intervals import Sample, hit_rates, medians
from services.signals.core.outcomes.scoring import rescored
from services.signals.core.outcomes.summary import summarise
from shared.calendars import xnys_calendar
from shared.domain.divergences import Estimate
from shared.domain.snapshots import OutcomeSummary
from shared.files.timeline import Recording
from shared.pairs.loading import load_pairs
from shared.text.divergences import describe_kind
from shared.text.numbers import format_log_return

INK, MUTED, ALARM, BLUE = "#20262e", "#9aa5b1", "#c0392b", "#2b6cb0"
HISTORIES, WALKS, SESSIONS, DRIFT, ROWS, LONGEST = 2_000, 1_000, 800, 0.1, 27, 20
# Sessions between the openings of a burst, on average; and how many openings a burst has.
CASES = ((1, 40, 1), (5, 6, 3), (5, 2, 6), (20, 15, 3), (20, 6, 4), (20, 3, 8))
# The standard normal's 97.5 % quantile.
NORMAL_975 = 1.959963984540054


def main(gold: Path, iwm: Path, folder: Path) -> None:
    """Run the backtest and the two simulations, print their tables and draw them."""
    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    outcomes = replay(
        Recording(lead_files=(gold,), other_files=(iwm,)),
        pair=load_pairs("replay")[0],
        rules=PUBLISHED_RULES,
        calendar=xnys_calendar(),
        code_version="",
    ).outcomes
    draw_example(outcomes, folder / "example.png")
    found = [coverage(*case) for case in CASES]
    pages = unrelated()
    rows = [
        f"| {case[0]} | {row[0]:.1f} | {row[1]:.1f} | {' | '.join(map(percent, row[2:]))} |"
        for case, row in zip(CASES, found, strict=True)
    ]
    claims = f"pages of unrelated walks with a rate that looks unusual: {', '.join(map(percent, pages))}"
    print("\n".join([*example(outcomes), "", *rows, "", claims]))  # noqa: T201 - asked for
    draw_promises(found, pages, folder / "promises.png")


def percent(share: float) -> str:
    """Return a share as a percentage."""
    return f"{100 * share:.1f}%"


def example(outcomes: Sequence[OutcomeSummary]) -> list[str]:
    """Return the rows of the documentation's table, 20 sessions after."""
    return [
        f"| `{one.kind}` | {one.direction} | {one.hits} of {one.count} | {one.episodes} "
        f"| {_whole(one.hit_rate.value)}% ({_ends(one.hit_rate)}) | {_ends(one.hit_rate_adjusted)} "
        f"| {_whole(one.usual_rate)}% | {_move(one.lead)} | {_move(one.other)} | {_move(one.ratio)} |"
        for one in outcomes
        if one.horizon_sessions == LONGEST and one.count
    ]


def coverage(horizon: int, apart: int, size: int) -> tuple[float, ...]:
    """Return openings and episodes of a history, and how often each interval contains what is true."""
    random = np.random.default_rng(horizon * 1_000 + apart)
    samples: list[Sample] = []
    while len(samples) < HISTORIES:
        level = np.concatenate(([0.0], np.cumsum(random.standard_normal(SESSIONS) + DRIFT)))
        bursts = random.integers(0, SESSIONS - horizon, 8)
        starts = np.concatenate([at + np.cumsum(random.geometric(1 / apart, size)) for at in bursts])
        starts = np.unique(starts[starts < SESSIONS - horizon])
        if len(starts):
            moves = level[starts + horizon] - level[starts]
            episodes = episodes_of(starts, horizon)
            samples.append(Sample(hits=moves > 0.0, moves=np.stack([moves] * 3), episodes=episodes))
    rate, middle = 0.5 * math.erfc(-DRIFT * math.sqrt(horizon / 2)), DRIFT * horizon
    rates = hit_rates(samples, comparisons=(1, ROWS))
    known = [lead for lead, _, _ in medians(samples) if lead.low is not None]
    return (
        float(np.mean([len(each.hits) for each in samples])),
        float(np.mean([each.episodes[-1] + 1 for each in samples])),
        float(np.mean([_holds(wilson(int(each.hits.sum()), len(each.hits)), rate) for each in samples])),
        float(np.mean([_holds(plain, rate) for plain, _ in rates])),
        float(np.mean([_holds(wide, rate) for _, wide in rates])),
        float(np.mean([_holds(each, middle) for each in known])),
    )


def unrelated() -> tuple[float, float, float]:
    """Return on how many pages of two unrelated walks some interval excludes the usual rate."""
    random = np.random.default_rng(7)
    pages: list[tuple[bool, bool, bool]] = []
    for _ in range(WALKS):
        a, b = random.standard_t(4, (2, SESSIONS - 1)) * [[0.006], [0.009]]
        aligned = walks(a, b)
        openings = openings_of_history(aligned, HistoryEvaluator(PUBLISHED_RULES))
        rows = [one for one in summarise(rescored(openings, aligned), aligned) if one.count]
        pages.append(
            (
                any(not _holds(wilson(one.hits, one.count), one.usual_rate) for one in rows),
                any(not _holds(one.hit_rate, one.usual_rate) for one in rows),
                any(not _holds(one.hit_rate_adjusted, one.usual_rate) for one in rows),
            )
        )
    before, plain, adjusted = np.mean(pages, axis=0).tolist()
    return before, plain, adjusted


def walks(a: NDArray[np.float64], b: NDArray[np.float64]) -> AlignedSessions:
    """Return two legs with these returns."""
    lead, other = (np.exp(np.concatenate(([0.0], np.cumsum(each)))) for each in (a, b))
    return AlignedSessions(
        days=np.arange(737_000, 737_000 + len(lead), dtype=np.int32),
        lead=lead,
        other=other,
        log_ratio=np.log(lead / other),
        lead_returns=a,
        other_returns=b,
    )


def wilson(hits: int, count: int) -> Estimate:
    """Return the interval that takes all openings as independent, as it was shown before."""
    rate, weight = hits / count, NORMAL_975**2 / count
    centre = (rate + weight / 2.0) / (1.0 + weight)
    margin = math.sqrt(rate * (1.0 - rate) * weight + weight * weight / 4.0) / (1.0 + weight)
    return Estimate(value=rate, low=centre - margin, high=centre + margin)


def draw_example(outcomes: Sequence[OutcomeSummary], path: Path) -> None:
    """Draw each hit rate with both intervals and the usual rate."""
    rows = [one for one in outcomes if one.count][::-1]
    figure, axis = plt.subplots(figsize=(9.0, 7.0), layout="constrained")
    for at, one in enumerate(rows):
        wide, plain = one.hit_rate_adjusted or one.hit_rate, one.hit_rate
        axis.plot([wide.low, wide.high], [at, at], color=MUTED, lw=1.2)
        axis.plot([plain.low, plain.high], [at, at], color=BLUE, lw=3.2, solid_capstyle="butt")
        axis.plot(plain.value, at, "o", color=INK, ms=4.5)
        axis.plot([one.usual_rate] * 2, [at - 0.35, at + 0.35], color=ALARM, lw=1.8)
    names = [f"{describe_kind(one.kind, one.direction)} · {one.horizon_sessions}" for one in rows]
    axis.set_yticks(
        range(len(rows)), [f"{n}  ({o.hits} of {o.count})" for n, o in zip(names, rows, strict=True)]
    )
    axis.set_xlim(0, 1)
    axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axis.set_title(
        "Hit rates over 1, 5 and 20 sessions: 95% interval (blue), adjusted (grey), any session (red)",
        fontsize=9,
        loc="left",
    )
    _save(figure, path)


def draw_promises(found: Sequence[tuple[float, ...]], pages: Sequence[float], path: Path) -> None:
    """Draw how often the intervals contain what is true, and how often a page makes a false claim."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.4), width_ratios=(3, 2), layout="constrained")
    at = np.arange(len(found))
    for column, name, colour, mark in (
        (2, "Wilson: all openings independent", ALARM, "x"),
        (3, "95% interval", BLUE, "o"),
        (4, "adjusted for 27 rows", MUTED, "s"),
        (5, "median, 95%", INK, "^"),
    ):
        left.plot(at, [100 * row[column] for row in found], mark, color=colour, label=name, ms=6)
    left.axhline(95, color=INK, lw=0.8, ls="--")
    labels = [f"{case[0]}\n{row[0]:.0f} / {row[1]:.0f}" for case, row in zip(CASES, found, strict=True)]
    left.set_xticks(at, labels)
    left.set_xlabel("sessions, and openings / episodes in 800 sessions")
    left.set_title("The truth lies in the interval, % of histories", fontsize=9, loc="left")
    left.legend(fontsize=8)
    right.bar(range(3), [100 * each for each in pages], color=[ALARM, BLUE, MUTED], width=0.6)
    for each, share in enumerate(pages):
        right.annotate(percent(share), (each, 100 * share), ha="center", va="bottom")
    right.axhline(5, color=INK, lw=0.8, ls="--")
    right.set_xticks(range(3), ["Wilson", "95% interval", "adjusted"])
    right.set_title("Pages of unrelated prices\nwith a rate that looks unusual, %", fontsize=9, loc="left")
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, dpi=100)
    plt.close(figure)
    Image.open(path).convert("RGB").quantize(48).save(path, optimize=True)


def _holds(interval: Estimate | None, truth: float | None) -> bool:
    low, high = (interval.low, interval.high) if interval else (None, None)
    return low is None or high is None or truth is None or low <= truth <= high


def _whole(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f}"


def _ends(of: Estimate | None) -> str:
    return "" if of is None else f"{_whole(of.low)} to {_whole(of.high)}%"


def _move(of: Estimate) -> str:
    value = format_log_return(of.value)
    if of.low is None or of.high is None:
        return value
    return f"{value} ({format_log_return(of.low).removesuffix('%')} to {format_log_return(of.high)})"


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
