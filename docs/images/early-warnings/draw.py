"""Check the probabilities of early warnings on history and on simulated pairs, for docs/early-warnings.md.

``pip install 'convex-alerts[docs,signals]'``, then ``python docs/images/early-warnings/draw.py
GOLD_HOURS.csv.gz IWM.csv docs/images/early-warnings``. The first file has hourly bars of spot gold,
``time_server,open,high,low,close``, in the time of a server whose day ends at 17:00 New York; the second has
daily closes, ``date,close,adj_close``. The probability of each hour is computed by our own functions from
nothing later than that hour. Takes half a minute; the same files give the same numbers.
"""

import csv
import gzip
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from PIL import Image

from services.signals.core.legs.session_clock import SessionClock
from services.signals.core.statistics.next_close import margin_of, next_close_since, return_spread
from services.signals.core.statistics.zscore import baseline
from shared.calendars import xnys_calendar
from shared.domain.instants import to_ns

Floats = NDArray[np.float64]
_LEVEL, _PROBABILITY, _WARM = 2.0, 0.8, 300
_SERVER = ZoneInfo("Europe/Helsinki")
_EDGES = np.array([0.0, 0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.98, 1.0001])


@dataclass(frozen=True)
class Hours:
    """One row for each hour and direction: the session, what was forecast, and what the close was."""

    session: Floats
    to_come: Floats
    stale: Floats
    likely: Floats
    forecast: Floats
    closed: Floats

    @property
    def hit(self) -> Floats:
        """1 where the close was at or beyond the level."""
        return (self.closed >= _LEVEL).astype(float)


def main(hours: Path, iwm: Path, folder: Path) -> None:
    """Print the tables and draw the picture."""
    lead, other, paths = read(hours, iwm)
    found = {"gold and IWM, 2013 to 2021": walk(lead, other, paths), "simulated": walk(*simulate())}
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained", sharey=True)
    for axis, (name, rows) in zip(axes, found.items(), strict=True):
        report(name, rows)
        draw(axis, name, rows)
    axes[0].set_ylabel("share of closes at or beyond the level")
    path = folder / "reliability.png"
    figure.savefig(path, dpi=110)
    Image.open(path).convert("RGB").quantize(48).save(path, optimize=True)


def read(hours: Path, iwm: Path) -> tuple[Floats, Floats, list[list[tuple[float, float]]]]:
    """Return both legs' closes; of each session the share to come and the price at each hour's end."""
    with gzip.open(hours, "rt", encoding="utf-8") as text:
        ends, prices = zip(
            *(
                (
                    to_ns(
                        datetime.fromisoformat(row["time_server"]).replace(tzinfo=_SERVER)
                        + timedelta(hours=1)
                    ),
                    float(row["close"]),
                )
                for row in csv.DictReader(text)
            ),
            strict=True,
        )
    with iwm.open(encoding="utf-8") as text:
        daily = {row["date"]: float(row["adj_close"]) for row in csv.DictReader(text)}
    instants, gold, calendar = np.array(ends), np.array(prices), xnys_calendar()
    clock, lead, other, paths = SessionClock(calendar), [], [], []
    for label, fund in sorted(daily.items()):
        if not calendar.is_session(label):
            continue
        ordinal = calendar.index_of(label)
        begin, end = instants.searchsorted(
            (calendar.close_ns[ordinal - 1], calendar.close_ns[ordinal]), "right"
        )
        if end == begin or calendar.close_ns[ordinal] - instants[end - 1] > 2 * 3_600 * 10**9:
            continue
        path = []
        for at in range(begin, end):
            clock.move_to(int(instants[at]), ordinal)
            path.append((clock.lead_to_come, float(gold[at])))
        lead.append(float(gold[end - 1]))
        other.append(fund)
        paths.append(path)
    return np.array(lead), np.array(other), paths


def simulate(count: int = 4_000) -> tuple[Floats, Floats, list[list[tuple[float, float]]]]:
    """Return legs with a correlation of 0.3, a slowly changing volatility and Student's returns."""
    rng = np.random.default_rng(1)
    volatility = np.exp(0.35 * _slow(rng, count))
    scale = volatility * np.sqrt(6 / rng.chisquare(8, count))
    steps = 0.01 * scale[:, None] * rng.normal(size=(count, 23)) / np.sqrt(23)
    moves = steps.sum(axis=1)
    other = 1.4 * 0.3 * moves + 0.014 * np.sqrt(1 - 0.09) * scale * rng.normal(size=count)
    lead_log = np.log(1_300) + np.concatenate(([0.0], np.cumsum(moves)))
    paths = [
        [
            (1 - (hour + 1) / 23, float(np.exp(lead_log[row] + steps[row, : hour + 1].sum())))
            for hour in range(23)
        ]
        for row in range(count)
    ]
    return np.exp(lead_log[1:]), 150 * np.exp(np.cumsum(other)), paths


def _slow(rng: np.random.Generator, count: int) -> Floats:
    state, states = 0.0, []
    for shock in rng.normal(size=count):
        state = 0.97 * state + np.sqrt(1 - 0.97**2) * shock
        states.append(state)
    return np.array(states)


def walk(lead: Floats, other: Floats, paths: list[list[tuple[float, float]]]) -> Hours:
    """Forecast at each hour how likely the close is at the level, from the sessions before."""
    ratios = np.log(lead / other)
    lead_returns, other_returns = np.diff(np.log(lead)), np.diff(np.log(other))
    rows = []
    for row in range(_WARM, len(lead)):
        base = baseline(ratios[:row], 90)
        returns = return_spread(lead_returns[: row - 1], other_returns[: row - 1])
        if base is None or returns is None:
            continue
        z = (ratios[row] - base.mean) / base.std
        for to_come, price in paths[row]:
            ahead = next_close_since(
                base, returns, then=float(ratios[row - 1]), lead_to_come=to_come, other_to_come=1.0
            )
            live = float(np.log(price / other[row - 1]))
            rows.extend(
                (
                    row,
                    to_come,
                    sign * (live - base.mean) / base.std,
                    ahead.likely(live, sign=sign, margin=margin_of(_PROBABILITY)),
                    ahead.probability(live, level=_LEVEL, sign=sign),
                    sign * z,
                )
                for sign in (1.0, -1.0)
            )
    return Hours(*np.array(rows).T)


def report(name: str, rows: Hours) -> None:
    """Print the Brier scores, the reliability and the early openings."""
    usual = rows.hit.mean()
    sessions = len(np.unique(rows.session))
    lines = [f"\n{name}: {sessions:,} sessions, {len(rows.forecast):,} hours and directions"]
    for what, forecast in (
        ("the probability", rows.forecast),
        ("live lead against the other leg's last close", rows.stale >= _LEVEL),
        ("always the usual share", np.full(len(rows.forecast), usual)),
    ):
        lines.append(f"  Brier {np.mean((forecast - rows.hit) ** 2):.4f}  {what}")
    for low, high, mean, hit, count, days, margin in reliability(rows):
        text = f"  {low:.2f}-{min(high, 1):.2f}  forecast {mean:.3f}"
        lines.append(f"{text}  was {hit:.3f} ± {margin:.3f}  {count:,} in {days} sessions")
    for what, deciding in (("stale z", rows.stale), ("likely z", rows.likely)):
        early, kept = openings(rows, deciding)
        lines.append(f"  opened by {what}: {early}, confirmed {kept} ({kept / early:.0%})")
    print("\n".join(lines))  # noqa: T201 - asked for


def reliability(rows: Hours) -> list[tuple[float, float, float, float, int, int, float]]:
    """Return forecast and observed shares by what was forecast, with 95 % margins by resampling sessions."""
    rng, found = np.random.default_rng(2), []
    for low, high in pairwise(_EDGES):
        chosen = (rows.forecast >= low) & (rows.forecast < high)
        if not chosen.any():
            continue
        sessions, at = np.unique(rows.session[chosen], return_inverse=True)
        hits, counts = np.bincount(at, rows.hit[chosen]), np.bincount(at)
        drawn = rng.integers(0, len(sessions), (500, len(sessions)))
        shares = hits[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
        margin = float(np.diff(np.quantile(shares, (0.025, 0.975)))[0]) / 2
        forecast, hit = float(rows.forecast[chosen].mean()), float(rows.hit[chosen].mean())
        found.append((low, high, forecast, hit, int(chosen.sum()), len(sessions), margin))
    return found


def openings(rows: Hours, deciding: Floats) -> tuple[int, int]:
    """Count the sessions and directions that open before their close, and those whose close agrees.

    A session that follows a close at the level is left out: its divergence is open already.
    """
    early = kept = 0
    was_open: dict[tuple[float, bool], bool] = {}
    for session in np.unique(rows.session):
        here = np.flatnonzero(rows.session == session)
        for side in (here[::2], here[1::2]):
            key = bool(side[0] % 2)
            hit = bool(rows.hit[side[0]])
            if not was_open.get((session - 1, key), False) and (deciding[side] >= _LEVEL).any():
                early += 1
                kept += hit
            was_open[session, key] = hit
    return early, kept


def draw(axis: plt.Axes, name: str, rows: Hours) -> None:
    """Draw forecast against observed shares."""
    found = reliability(rows)
    forecast, hit = [each[2] for each in found], [each[3] for each in found]
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axis.errorbar(
        forecast, hit, yerr=[each[6] for each in found], fmt="o", color="#2563eb", markersize=4, capsize=2
    )
    axis.axvline(_PROBABILITY, color="#d97706", linewidth=1, linestyle=":")
    axis.set(title=name, xlabel="forecast probability", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axis.grid(alpha=0.2)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
