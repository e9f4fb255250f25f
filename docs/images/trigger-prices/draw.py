"""Draw the picture of docs/trigger-prices.md from two daily files of real history.

``pip install 'convex-alerts[docs,signals]'``, then
``python docs/images/trigger-prices/draw.py GOLD.csv IWM.csv docs/images/trigger-prices``. The files are as
for ``convex backtest``: ``date,close``, and ``adj_close`` for IWM. The same files give the same picture.
"""

import csv
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.pairs.snapshot import take_snapshot
from shared.calendars import xnys_calendar
from shared.domain.bars import Bar, BarBatch, BarsMode
from shared.domain.sessions import bar_final_at_ns
from shared.domain.snapshots import PairSnapshot, Trigger
from shared.domain.ticks import FeedState, FeedStatus
from shared.pairs.loading import load_pairs
from shared.text.divergences import TRANSITION_WORDS, describe_kind

INK, MUTED, ALARM, BLUE = "#20262e", "#9aa5b1", "#c0392b", "#2b6cb0"
# The session after whose close the prices are asked for: gold has risen for a month.
ASKED = "2020-02-21"
WARM = 400


def main(gold: Path, iwm: Path, folder: Path) -> None:
    """Let an engine read the history, print its trigger prices and draw them."""
    pair = next(each for each in load_pairs("replay") if each.name == "gold-iwm")
    lead, other = bars_of(gold, pair.lead), bars_of(iwm, pair.other)
    sessions = [each for each in lead if each in other and each <= ASKED]
    config = EngineConfig(rules=PUBLISHED_RULES, calendar=xnys_calendar(), code_version="")
    engine = LeadEngine(pair.lead, [pair], config)
    begin = len(sessions) - 120
    for legs in (lead, other):
        past = tuple(legs[each] for each in sessions[begin - WARM : begin])
        engine.apply(BarBatch(instrument=past[0].instrument, mode=BarsMode.HISTORY, bars=past))
    for session in sessions[begin:]:
        for legs in (lead, other):
            bar = legs[session]
            engine.apply(BarBatch(instrument=bar.instrument, mode=BarsMode.LIVE, bars=(bar,)))
        at_ns = bar_final_at_ns(session)
        engine.apply(
            FeedStatus(instrument=pair.lead, feed="replay", state=FeedState.CLOSED, watermark_ns=at_ns)
        )
    snapshot = take_snapshot(engine.monitors[0], engine.progress.watermark_ns)
    present = lead[ASKED].close
    following = min(each for each in lead if each > ASKED)
    draw(snapshot, present, lead[following].close, folder / "example.png")


def bars_of(path: Path, instrument: str) -> dict[str, Bar]:
    """Return the bars of a daily file by session."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["date"]: Bar(
                instrument=instrument,
                session=row["date"],
                close=float(row["close"]),
                adj_close=float(row.get("adj_close") or row["close"]),
                known_at_ns=bar_final_at_ns(row["date"]),
                source="file",
            )
            for row in csv.DictReader(file)
        }


def words_of(trigger: Trigger) -> str:
    """Return what happens at a price."""
    return f"{describe_kind(trigger.kind, trigger.direction)}: {TRANSITION_WORDS[trigger.transition]}"


def draw(snapshot: PairSnapshot, present: float, following: float, path: Path) -> None:
    """Draw each trigger price as a line of its own, beside the last close and the one that followed."""
    triggers = sorted(snapshot.triggers, key=lambda each: each.lead_price)
    figure, axes = plt.subplots(figsize=(9, 1.1 + 0.28 * len(triggers)), dpi=110)
    axes.axvline(present, color=INK, linewidth=1.0)
    axes.axvline(following, color=MUTED, linewidth=1.0, linestyle="--")
    for row, each in enumerate(triggers):
        colour = ALARM if each.lead_price > present else BLUE
        axes.plot([present, each.lead_price], [row, row], color=colour, linewidth=1.2, alpha=0.5)
        axes.plot([each.lead_price], [row], "o", color=colour, markersize=4)
    axes.set_yticks(range(len(triggers)), [f"{words_of(each)}  {each.lead_price:,.2f}" for each in triggers])
    axes.set_xlabel("close of gold in the next session, USD per ounce; IWM unchanged")
    axes.set_title(
        f"After {ASKED}, gold at {present:,.2f}; dashed: the close that followed, {following:,.2f}",
        loc="left",
        fontsize=9,
    )
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
