"""The results of a backtest as DataFrames."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from convex.backtesting.stats_csv import COLUMNS, StatsRow
from shared.domain.divergences import DivergenceEvent, Estimate
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


_OUTCOME_COLUMNS: dict[str, Any] = {
    "kind": "str",
    "direction": "str",
    "horizon_sessions": "int64",
    "count": "int64",
    "episodes": "int64",
    "hits": "int64",
    "hit_rate": "float64",
    "hit_rate_low": "float64",
    "hit_rate_high": "float64",
    "hit_rate_adjusted_low": "float64",
    "hit_rate_adjusted_high": "float64",
    "usual_rate": "float64",
    "gold": "float64",
    "gold_low": "float64",
    "gold_high": "float64",
    "iwm": "float64",
    "iwm_low": "float64",
    "iwm_high": "float64",
    "log_ratio": "float64",
    "log_ratio_low": "float64",
    "log_ratio_high": "float64",
}


def outcomes_table(outcomes: Iterable[OutcomeSummary]) -> pd.DataFrame:
    """Return one row for each kind, direction and horizon.

    Returns
    -------
    DataFrame
        ``hit_rate`` is to be held against ``usual_rate``: how often the same followed any session. The
        adjusted interval allows for the number of rates in the table. ``gold``, ``iwm`` and ``log_ratio`` are
        median changes in logarithms.
    """
    return pd.DataFrame([_outcome(each) for each in outcomes], columns=list(_OUTCOME_COLUMNS)).astype(
        _OUTCOME_COLUMNS
    )


def _outcome(found: OutcomeSummary) -> dict[str, object]:
    adjusted = found.hit_rate_adjusted
    return {
        "kind": found.kind.value,
        "direction": found.direction.value,
        "horizon_sessions": found.horizon_sessions,
        "count": found.count,
        "episodes": found.count if found.episodes is None else found.episodes,
        "hits": found.hits,
        **_estimate("hit_rate", found.hit_rate),
        "hit_rate_adjusted_low": adjusted.low if adjusted is not None else None,
        "hit_rate_adjusted_high": adjusted.high if adjusted is not None else None,
        "usual_rate": found.usual_rate,
        **_estimate("gold", found.lead),
        **_estimate("iwm", found.other),
        **_estimate("log_ratio", found.ratio),
    }


def _estimate(name: str, found: Estimate) -> dict[str, object]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
