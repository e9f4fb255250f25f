"""Files that both sides read: made-up daily closes, and ticks as the market of this benchmark has them."""

from pathlib import Path

import numpy as np

from bench.market import Market
from shared.calendars import xnys_calendar
from shared.domain.bars import Bar

_SEED = 20140501
_FIRST = "2006-01-03"


def write_daily_files(folder: Path, sessions: int) -> tuple[Path, Path]:
    """Write closes of both legs for as many sessions, with a correlation that comes and goes.

    Closes have six decimals: in cents, some returns are equal but for rounding, and which of them count as
    stressed would depend on the order of additions.
    """
    calendar = xnys_calendar()
    begin = calendar.labels.index(_FIRST)
    labels = calendar.labels[begin : begin + sessions]
    chance = np.random.default_rng(_SEED)
    share = 0.6 * np.sin(np.arange(sessions) / 300)
    other = chance.normal(0, 0.012, sessions)
    lead = share * other + np.sqrt(1 - share**2) * chance.normal(0, 0.01, sessions)
    paths = folder / "gold.csv", folder / "iwm.csv"
    for path, start, moves in ((paths[0], 1_300.0, lead), (paths[1], 110.0, other)):
        # Pulled back to where it began, so that no close leaves what a price can be.
        walk = np.zeros(sessions)
        for index, move in enumerate(moves[1:], 1):
            walk[index] = walk[index - 1] * 0.999 + move
        closes = np.round(start * np.exp(walk), 6)
        rows = "".join(f"{label},{close!r}\n" for label, close in zip(labels, closes.tolist(), strict=True))
        path.write_text(f"date,close\n{rows}")
    return paths


def write_tick_files(folder: Path, market: Market, ticks: int) -> tuple[Path, Path, Path]:
    """Write the history of both legs as daily files, and quotes as a tick file."""
    daily = folder / "daily_gold.csv", folder / "daily_iwm.csv"
    lead, other = (leg.bars for leg in market.history)
    for path, bars in zip(daily, (lead, (*other, *market.news.bars)), strict=True):
        path.write_text("date,close,adj_close\n" + "".join(_row(bar) for bar in bars))
    quotes = market.head(ticks)
    path = folder / "ticks.csv"
    instants = np.datetime_as_string(
        quotes.ts_event_ns.astype("datetime64[ns]").astype("datetime64[us]")
    ).tolist()
    with path.open("w") as file:
        file.write("ts_utc,bid,ask\n")
        file.writelines(
            f"{instant}Z,{bid!r},{ask!r}\n"
            for instant, bid, ask in zip(instants, quotes.bid.tolist(), quotes.ask.tolist(), strict=True)
        )
    return (*daily, path)


def _row(bar: Bar) -> str:
    return f"{bar.session},{bar.close!r},{bar.adj_close!r}\n"
