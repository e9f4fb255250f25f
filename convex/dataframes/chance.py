"""How often each rule opened in a backtest, beside how often chance alone opens it."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from convex.backtesting.report.chance import observed_here
from convex.backtesting.report.episodes import episodes_of, sessions_of
from convex.backtesting.run import Backtest
from convex.report_of_backtest import chance_of_data
from shared.calendars import xnys_calendar
from shared.domain.divergences import Kind, Significance

_COLUMNS: dict[str, Any] = {
    "opened": "int64",
    "opened_per_year": "float64",
    "opened_per_year_low": "float64",
    "opened_per_year_high": "float64",
    "chance_per_year": "float64",
    "chance_per_year_low": "float64",
    "chance_per_year_high": "float64",
    "exceeds_chance": "boolean",
}


def chance_table(backtest: Backtest, *, paths: int) -> pd.DataFrame:
    """Return one row for each rule about the market, indexed by ``kind``; see `BacktestResult.chance`."""
    replayed, calendar = backtest.replayed, xnys_calendar()
    figures = chance_of_data(
        backtest.recording,
        replayed.events,
        pair=backtest.pair,
        rules=backtest.rules,
        paths=paths,
        calendar=calendar,
        figures=backtest.false_alarms,
        has_halves=False,
    )
    sessions = sessions_of(replayed.rows, replayed.values)
    found = episodes_of(replayed.events, sessions, calendar=calendar)
    kinds = [rule.kind for rule in backtest.rules if rule.kind.is_market]
    episodes = {kind: [each for each in found if each.kind is kind] for kind in kinds}
    rows = (
        _row(
            kind,
            len(episodes[kind]),
            observed_here(kind, episodes[kind], sessions, figures.by_kind.get(kind)),
        )
        for kind in kinds
    )
    table = _table(rows)
    table.attrs["source"] = " ".join(figures.source)
    return table


def _row(kind: Kind, opened: int, found: Significance) -> dict[str, object]:
    seen, interval = found.observed.per_year if found.observed is not None else None, found.interval
    return {
        "kind": kind.value,
        "opened": opened,
        "opened_per_year": seen.value if seen is not None else None,
        "opened_per_year_low": seen.low if seen is not None else None,
        "opened_per_year_high": seen.high if seen is not None else None,
        "chance_per_year": found.false_alarms_per_year,
        "chance_per_year_low": interval.low if interval is not None else None,
        "chance_per_year_high": interval.high if interval is not None else None,
        "exceeds_chance": found.exceeds_chance,
    }


def _table(rows: Iterable[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["kind", *_COLUMNS]).set_index("kind").astype(_COLUMNS)
