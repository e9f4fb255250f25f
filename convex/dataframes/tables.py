"""The results of a backtest as DataFrames."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pandas as pd

from convex.backtesting.outcomes_csv import OUTCOME_COLUMNS, outcomes_bytes
from convex.backtesting.stats_csv import COLUMNS, StatsRow
from shared.domain.divergences import DivergenceEvent
from shared.domain.instants import from_ns, parse_rfc3339
from shared.domain.kinds import statistic_of
from shared.domain.pairs import Pair
from shared.domain.sessions import NEW_YORK
from shared.domain.snapshots import OutcomeSummary


def statistics_table(rows: Sequence[StatsRow]) -> pd.DataFrame:
    """Return one row for each session, the numbers of the CSV to the last bit.

    Returns
    -------
    DataFrame
        Index ``session``; every column ``float64`` with NaN where the CSV is empty, but ``regime``, which is
        a category.
    """
    by_column = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
    sessions = pd.DatetimeIndex(by_column.pop("session"), name="session")
    regime = pd.Categorical([each or None for each in by_column.pop("regime")])
    table = pd.DataFrame(
        {
            name: [float(cell) if cell else float("nan") for cell in cells]
            for name, cells in by_column.items()
        },
        index=sessions,
    )
    table.insert(COLUMNS.index("regime") - 1, "regime", pd.Series(regime, index=sessions))
    return table


def events_table(events: Iterable[DivergenceEvent], pair: Pair) -> pd.DataFrame:
    """Return one row for each event.

    Parameters
    ----------
    events
        In the order of their sequence.
    pair
        Theirs.

    Returns
    -------
    DataFrame
        ``session`` is the date in New York: that of a confirmed event is in the index of the statistics.
        ``statistic`` and ``value`` are what decided. ``gold`` and ``iwm`` are raw prices.
    """
    return pd.DataFrame([_event(each, pair) for each in events], columns=list(_EVENT_COLUMNS)).astype(
        _EVENT_COLUMNS
    )


_INSTANT = "datetime64[ns, UTC]"
_EVENT_COLUMNS: dict[str, Any] = {
    "sequence": "int64",
    "occurred_at": _INSTANT,
    "session": "datetime64[ns]",
    "type": "str",
    "kind": "str",
    "direction": "str",
    "severity": "str",
    "confirmation": "str",
    "statistic": "str",
    "value": "float64",
    "gold": "float64",
    "iwm": "float64",
    "probability": "float64",
    "false_alarms_per_year": "float64",
    "is_flapping": "bool",
    "opened_at": _INSTANT,
    "not_after": _INSTANT,
    "divergence_id": "str",
    "event_id": "str",
}


def _event(event: DivergenceEvent, pair: Pair) -> dict[str, object]:
    statistic = statistic_of(event.kind, event.direction) or ""
    prices = {leg.instrument: leg.price for leg in event.legs}
    return {
        "sequence": event.sequence,
        "occurred_at": pd.Timestamp(event.occurred_at),
        "session": pd.Timestamp(from_ns(parse_rfc3339(event.occurred_at)).astimezone(NEW_YORK).date()),
        "type": event.type.value,
        "kind": event.kind.value,
        "direction": event.direction.value,
        "severity": event.severity.value,
        "confirmation": event.confirmation.value,
        "statistic": statistic,
        "value": event.values.get(statistic),
        "gold": prices.get(pair.lead),
        "iwm": prices.get(pair.other),
        "probability": event.probability,
        "false_alarms_per_year": event.significance.false_alarms_per_year if event.significance else None,
        "is_flapping": event.is_flapping,
        "opened_at": pd.Timestamp(event.opened_at),
        "not_after": pd.Timestamp(event.not_after),
        "divergence_id": event.divergence_id,
        "event_id": event.event_id,
    }


_OUTCOME_TEXTS: Final = ("kind", "direction")
_OUTCOME_COUNTS: Final = ("horizon_sessions", "openings", "hits", "episodes", "comparisons")


def outcomes_table(outcomes: Iterable[OutcomeSummary]) -> pd.DataFrame:
    """Return one row for each kind, direction and horizon, the numbers of the CSV to the last bit.

    Returns
    -------
    DataFrame
        The columns of the CSV. ``hit_rate`` is to be held against ``usual_rate``: how often the same followed
        any session. The adjusted interval allows for the number of rates in the table. Medians are of changes
        in logarithms.
    """
    rows = list(csv.reader(io.StringIO(outcomes_bytes(outcomes).decode())))[1:]
    columns = zip(*rows, strict=True) if rows else ((),) * len(OUTCOME_COLUMNS)
    return pd.DataFrame(
        {
            name: pd.Series(list(cells), dtype="str") if name in _OUTCOME_TEXTS else _numbers(name, cells)
            for name, cells in zip(OUTCOME_COLUMNS, columns, strict=True)
        }
    )


def _numbers(name: str, cells: Iterable[str]) -> "pd.Series[Any]":
    values = [float(cell) if cell else float("nan") for cell in cells]
    return pd.Series(values, dtype="float64").astype("int64" if name in _OUTCOME_COUNTS else "float64")
