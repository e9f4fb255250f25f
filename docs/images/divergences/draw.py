"""Draw the pictures of docs/divergences.md, and print its counts, from two daily files of real history.

``pip install 'convex-alerts[docs,signals]'``, then
``python docs/images/divergences/draw.py GOLD.csv IWM.csv docs/images/divergences``. The files are as for
``convex backtest``: ``date,close``, and ``adj_close`` for IWM. Takes a quarter of a minute; the same files
give the same pictures. The drawing is in ``panels.py``.
"""

import csv
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from panels import DPI, PICTURES, WIDTH, Course, session_of
from PIL import Image

from convex.backtesting.replay import replay
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.legs.history import day_of
from shared.calendars import xnys_calendar
from shared.domain.divergences import Kind, Transition
from shared.files.timeline import Recording
from shared.pairs.loading import load_pairs


def main(gold: Path, iwm: Path, folder: Path) -> None:
    """Run the backtest, print how often each kind opened and draw each kind's example."""
    (pair,) = load_pairs("replay")
    replayed = replay(
        Recording(lead_files=(gold,), other_files=(iwm,)),
        pair=pair,
        rules=PUBLISHED_RULES,
        calendar=xnys_calendar(),
        code_version="",
    )
    opened = Counter(
        (each.kind, session_of(each)[:4]) for each in replayed.events if each.type is Transition.OPEN
    )
    years = sorted({row[0][:4] for row in replayed.rows})
    for kind in Kind:
        counts = [opened[kind, year] for year in years]
        print("|", " | ".join([f"`{kind.value}`", *map(str, counts), str(sum(counts))]), "|")  # noqa: T201 - asked for
    sessions = read(gold, iwm)
    for kind, (start, end, heights, draw) in PICTURES.items():
        course = Course(sessions, replayed.events, pair, kind, start, end)
        figure, axes = plt.subplots(
            len(heights), 1, figsize=(WIDTH, sum(heights)), height_ratios=heights, sharex=True, squeeze=False,
            layout="constrained",
        )  # fmt: skip
        draw(list(axes[:, 0]), course)
        axes[-1, 0].set_xlim(*course.limits)
        path = folder / f"{kind.value.replace('_', '-')}.png"
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


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
