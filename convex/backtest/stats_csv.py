"""The statistics of each session as a CSV file; empty is None, floats are written as ``repr``."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

from services.signals.core.confirmed import HISTORY_SESSIONS, Values, confirmed_values, regimes
from services.signals.core.legs.aligned import AlignedSessions

# Other people's scripts read exactly these columns in this order: never add, remove or move one.
COLUMNS: Final = (
    "session",
    "gold",
    "iwm",
    "log_ratio",
    "z_90",
    "pctl_90",
    "corr_20",
    "corr_60",
    "corr_90",
    "corr_252",
    "spearman_60",
    "ewm_corr_20",
    "beta_60",
    "hedge_ratio_60",
    "hedge_effectiveness_60",
    "vol_gold_20",
    "vol_iwm_20",
    "lead_lag_120",
    "stress_corr_252",
    "half_life_252",
    "regime",
)
# The file has columns named by leg; the engine's statistics are named by role.
_ROLES: Final = {"vol_gold_20": "vol_lead_20", "vol_iwm_20": "vol_other_20"}

StatsRow = tuple[str, ...]


def stats_row(session: str, *, lead: float, other: float, values: Values, regime: str | None) -> StatsRow:
    """Return one session's row, one text for each of `COLUMNS`.

    Examples
    --------
    >>> stats_row("2020-03-18", lead=1486.0, other=99.97, values={"z_90": 3.25}, regime=None)[:5]
    ('2020-03-18', '1486.0', '99.97', '', '3.25')
    """
    named = [values.get(_ROLES.get(column, column)) for column in COLUMNS[3:-1]]
    cells = ["" if value is None else repr(value) for value in named]
    return (session, repr(lead), repr(other), *cells, regime or "")


def history_rows(aligned: AlignedSessions) -> Iterator[StatsRow]:
    """Yield the row of each session of a history, as it would have been on that session."""
    states = regimes(aligned.log_ratio)
    for index, session in enumerate(aligned.sessions):
        yield stats_row(
            session,
            lead=float(aligned.lead[index]),
            other=float(aligned.other[index]),
            values=confirmed_values(aligned.until(index + 1, limit=HISTORY_SESSIONS)),
            regime=states[index].name,
        )


def stats_bytes(rows: Iterable[StatsRow]) -> bytes:
    """Return the file: the names of the columns, then the rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()
