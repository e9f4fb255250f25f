"""The statistics of each session as a CSV file; empty is None, floats are written as ``repr``."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

from services.signals.core.confirmed import HISTORY_SESSIONS, Values, confirmed_values, regimes
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.statistics.e_break import AgreementBand

# Other people's scripts read these columns in this order: never remove or move one, and add only at the end.
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
    "e_break",
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
    own = {"session": session, "gold": repr(lead), "iwm": repr(other), "regime": regime or ""}
    return tuple(
        own[column] if column in own else _cell(values.get(_ROLES.get(column, column))) for column in COLUMNS
    )


def history_rows(aligned: AlignedSessions, band: AgreementBand | None = None) -> Iterator[StatsRow]:
    """Yield the row of each session of a history, as it would have been on that session.

    Parameters
    ----------
    band
        The pair's baseline; None for a pair that states none.
    """
    states = regimes(aligned.log_ratio)
    for index, session in enumerate(aligned.sessions):
        yield stats_row(
            session,
            lead=float(aligned.lead[index]),
            other=float(aligned.other[index]),
            values=confirmed_values(aligned.until(index + 1, limit=HISTORY_SESSIONS), band),
            regime=states[index].name,
        )


def _cell(value: float | None) -> str:
    return "" if value is None else repr(value)


def stats_bytes(rows: Iterable[StatsRow]) -> bytes:
    """Return the file: the names of the columns, then the rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()
