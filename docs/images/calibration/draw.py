"""Count how often each kind opens on real legs and on unrelated walks, beside what its events say of chance.

Run ``python docs/images/calibration/draw.py GOLD.csv IWM.csv FOLDER [WALKS]`` with the same files as for
``convex backtest``. It prints the table of docs/divergences.md and draws ``chance.png``. Forty walks take
about five minutes on two cores; each goes through the engine as a backtest does, not through a shortcut.
"""

import csv
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from convex.backtesting.replay import replay
from services.signals.core.false_alarms import FalseAlarms
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.statistics.poisson import poisson_rate
from services.signals.false_alarms.loading import load_false_alarms
from shared.calendars import xnys_calendar
from shared.domain.divergences import Estimate, Kind, Transition
from shared.domain.kinds import KIND_TRAITS
from shared.files.timeline import Recording
from shared.pairs.loading import load_pairs
from shared.text.chance import format_rate

WALKS, SEED = 40, 20_121_114
# Fat tails as daily returns have them; the variance of such a step is 2.
DEGREES = 4
YEAR = 252
KINDS = tuple(rule.kind for rule in PUBLISHED_RULES if rule.kind.is_market)
INK, REAL, WALK, STATED = "#20262e", "#b07d10", "#7d8792", "#2b6cb0"


@dataclass(frozen=True)
class Count:
    """Openings by kind, and the sessions in which each kind's statistic had a value."""

    openings: Counter[Kind]
    sessions: Counter[Kind]

    def rate(self, kind: Kind) -> Estimate:
        """Return the openings a year with their 95 % interval."""
        return poisson_rate(self.openings[kind], self.sessions[kind] / YEAR)


def count(gold: Path, iwm: Path) -> Count:
    """Run the engine over two files and count."""
    replayed = replay(
        Recording(lead_files=(gold,), other_files=(iwm,)),
        pair=load_pairs("replay")[0],
        rules=PUBLISHED_RULES,
        calendar=xnys_calendar(),
        code_version="",
    )
    openings = Counter(event.kind for event in replayed.events if event.type is Transition.OPEN)
    statistics = {kind: KIND_TRAITS[kind].statistic or "z_90" for kind in KINDS}
    sessions = Counter(
        kind
        for values in replayed.values.values()
        for kind, statistic in statistics.items()
        if values.get(statistic) is not None
    )
    return Count(openings, sessions)


def count_walk(given: tuple[list[str], list[float], int]) -> Count:
    """Count in two random walks that have nothing to do with each other.

    Parameters
    ----------
    given
        The sessions, the standard deviations of both legs' returns, and the number of the walk.
    """
    sessions, spreads, number = given
    random = np.random.default_rng([SEED, number])
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.csv" for name in ("gold", "iwm")]
        for path, spread in zip(files, spreads, strict=True):
            steps = random.standard_t(DEGREES, size=len(sessions) - 1) * spread / np.sqrt(2.0)
            closes = 100.0 * np.exp(np.concatenate(([0.0], np.cumsum(steps))))
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(
                    [("date", "close"), *zip(sessions, closes.round(4).tolist(), strict=True)]
                )
        return count(*files)


def main(gold: Path, iwm: Path, folder: Path, walks: int) -> None:
    """Print the table and draw the picture."""
    legs = [
        {row["date"]: float(row.get("adj_close") or row["close"]) for row in csv.DictReader(path.open())}
        for path in (gold, iwm)
    ]
    sessions = sorted(legs[0].keys() & legs[1].keys())
    spreads = [float(np.diff(np.log([leg[each] for each in sessions])).std(ddof=1)) for leg in legs]
    with ProcessPoolExecutor(2) as processes:
        found = list(processes.map(count_walk, [(sessions, spreads, number) for number in range(walks)]))
    random = Count(
        sum((each.openings for each in found), Counter()), sum((each.sessions for each in found), Counter())
    )
    real = count(gold, iwm)
    chance = {figure.kind: figure for figure in load_false_alarms(None).values() if figure.pair == "gold-iwm"}
    print("| kind | gold and IWM | unrelated walks | stated as chance |\n| --- | --: | --: | --: |")  # noqa: T201 - asked for
    for kind in KINDS:
        cells = (_cell(real.rate(kind)), _cell(random.rate(kind)), _cell(_stated(chance.get(kind))))
        print("|", " | ".join([f"`{kind.value}`", *cells]), "|")  # noqa: T201 - asked for
    years = {kind: random.sessions[kind] / YEAR for kind in KINDS}
    print(f"{walks} walks of {len(sessions):,} sessions; {min(years.values()):.0f} years counted at least")  # noqa: T201 - asked for
    figure, axis = plt.subplots(figsize=(9.0, 0.62 * len(KINDS) + 1.1), layout="constrained")
    draw(axis, real, random, chance)
    figure.savefig(folder / "chance.png", dpi=100)


def _stated(figure: FalseAlarms | None) -> Estimate:
    if figure is None:
        return Estimate(value=None)
    return Estimate(value=figure.per_year, low=figure.low, high=figure.high)


def _cell(rate: Estimate) -> str:
    if rate.value is None:
        return "no figure"
    within = "" if rate.low is None or rate.high is None else f" ({_brief(rate.low)} to {_brief(rate.high)})"
    return _brief(rate.value) + within


def _brief(rate: float) -> str:
    return format_rate(rate)


def draw(axis: Axes, real: Count, random: Count, chance: dict[Kind, FalseAlarms]) -> None:
    """Draw the three rates of each kind with their intervals, on a scale of ratios."""
    places = {kind: -at for at, kind in enumerate(KINDS)}
    for label, colour, marker, up, rates in (
        ("gold and IWM", REAL, "o", 0.2, {kind: real.rate(kind) for kind in KINDS}),
        ("unrelated walks", WALK, "s", 0.0, {kind: random.rate(kind) for kind in KINDS}),
        ("stated as chance", STATED, "D", -0.2, {kind: _stated(chance.get(kind)) for kind in KINDS}),
    ):
        for kind, rate in rates.items():
            y = places[kind] + up
            if rate.low is not None and rate.high is not None:
                axis.plot([max(rate.low, 0.01), rate.high], [y, y], color=colour, lw=2, solid_capstyle="butt")
            if rate.value:
                axis.plot(rate.value, y, marker, color=colour, ms=6, mec="white", mew=0.8)
        axis.plot([], [], marker, color=colour, lw=2, ls="-", ms=6, label=label)
    axis.set_xscale("log")
    axis.set_xlim(0.01, 30)
    axis.set_xticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
    axis.set_yticks(list(places.values()), [kind.value for kind in places])
    axis.set_xlabel("openings a year, 95 % interval", color=INK)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", color="#e4e7eb", lw=0.8)
    axis.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, frameon=False)


if __name__ == "__main__":
    gold_file, iwm_file, to_folder, *given = sys.argv[1:]
    main(Path(gold_file), Path(iwm_file), Path(to_folder), int(given[0]) if given else WALKS)
