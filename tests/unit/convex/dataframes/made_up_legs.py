"""Two made-up legs, as files and as DataFrames with the same rows."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpLegs:
    """Daily closes of both legs; those of IWM have an adjusted column."""

    gold: pd.DataFrame
    iwm: pd.DataFrame

    def written(self, folder: Path) -> tuple[Path, Path]:
        """Write both as the command reads them."""
        paths = folder / "gold.csv", folder / "iwm.csv"
        for path, table in zip(paths, (self.gold, self.iwm), strict=True):
            table.to_csv(path, index_label="date", lineterminator="\n")
        return paths


@cache
def made_up_legs(days: int = 420) -> MadeUpLegs:
    """Return legs with every date from 2018 on, session or not, and a shock in the last month."""
    random = np.random.default_rng(5)
    dates = pd.date_range("2018-01-02", periods=days)
    iwm = np.round(150 * np.exp(random.normal(0, 0.01, days).cumsum()), 2)
    gold = 1_300 * np.exp(random.normal(0, 0.005, days).cumsum())
    gold[-25:] *= np.linspace(1.0, 1.25, 25)
    return MadeUpLegs(
        gold=pd.DataFrame({"close": np.round(gold, 2)}, index=dates),
        iwm=pd.DataFrame({"close": iwm, "adj_close": np.round(iwm * 0.9, 4)}, index=dates),
    )


def made_up_quotes() -> pd.DataFrame:
    """Return a quote every ten minutes for six weeks after the first year, ascending, in UTC."""
    instants = pd.date_range("2018-12-10T00:00:00.000001Z", "2019-01-20T00:00:00Z", freq="10min")
    random = np.random.default_rng(6)
    bid = np.round(1_300 * np.exp(random.normal(0, 0.0008, len(instants)).cumsum()), 2)
    return pd.DataFrame({"bid": bid, "ask": bid + 0.5}, index=instants)


def write_quotes(path: Path, quotes: pd.DataFrame) -> Path:
    """Write quotes as the command reads them."""
    index = pd.DatetimeIndex(quotes.index)
    text = index.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    quotes.set_axis(text).to_csv(path, index_label="ts_utc", lineterminator="\n")
    return path
