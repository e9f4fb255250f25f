"""A leg's history as a checkpoint stores it: compact, quick to read, and validated when it is read."""

from dataclasses import dataclass

import numpy as np

from services.signals.core.legs.history import (
    FIRST_DAY,
    LAST_DAY,
    RECENT_SESSIONS,
    LegHistory,
)
from services.signals.core.legs.leg_columns import LegColumns
from shared.domain.bars import HISTORY_SESSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBars:
    """The columns of a history, ascending by session.

    Parameters
    ----------
    days
        The first session's number (`history.day_of`), then the distance of each session from the one before.
    closes
        Raw, USD.
    adj_closes
        None if all are equal to the closes.
    origins
        Each bar's row of ``origin_table``; None if all are from its first row.
    origin_table
        Source and revision.
    recent_known_at_ns
        When the newest bars were known, at most `RECENT_SESSIONS` of them.

    Raises
    ------
    ValueError
        If this is not a valid history: the columns differ in length, the sessions do not ascend, or a price
        is not positive.

    Examples
    --------
    >>> StoredBars(days=(737000, 3), closes=(150.0, 0.0), adj_closes=None, origins=None,
    ...            origin_table=(("yahoo", 0),), recent_known_at_ns=(1, 2))
    Traceback (most recent call last):
        ...
    ValueError: a price of a history must be positive
    """

    days: tuple[int, ...] = ()
    closes: tuple[float, ...] = ()
    adj_closes: tuple[float, ...] | None = None
    origins: tuple[int, ...] | None = None
    origin_table: tuple[tuple[str, int], ...] = ()
    recent_known_at_ns: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.days)
        lengths = {len(each) for each in (self.closes, self.adj_closes, self.origins) if each is not None}
        if not (count <= HISTORY_SESSIONS and lengths == {count}):
            raise ValueError(f"a history has columns of one length up to {HISTORY_SESSIONS}")
        if len(self.recent_known_at_ns) != min(count, RECENT_SESSIONS):
            raise ValueError(f"a history has the last {RECENT_SESSIONS} instants")
        if not count:
            return
        if self.days[0] < FIRST_DAY or min(self.days) < 1 or sum(self.days) > LAST_DAY:
            raise ValueError("the sessions of a history must ascend")
        for prices in (self.closes, self.adj_closes):
            if prices is not None and not (min(prices) > 0 and max(prices) < np.inf):
                raise ValueError("a price of a history must be positive")
        origins = self.origins if self.origins is not None else (0,)
        if not (min(origins) >= 0 and max(origins) < len(self.origin_table)):
            raise ValueError("a bar of a history must have an origin")
        instants = (*self.recent_known_at_ns, *(revision for _, revision in self.origin_table))
        if not (min(instants) >= 0 and max(instants) < 1 << 63):
            raise ValueError("instants and revisions of a history must lie between 0 and 2**63")


def store_bars(history: LegHistory) -> StoredBars:
    """Return a history in its stored form.

    Examples
    --------
    >>> store_bars(LegHistory(limit=800)) == StoredBars()
    True
    """
    columns = history.columns()
    is_adjusted = not np.array_equal(columns.closes, columns.adj_closes)
    return StoredBars(
        days=tuple(np.diff(columns.days, prepend=0).tolist()),
        closes=tuple(columns.closes.tolist()),
        adj_closes=tuple(columns.adj_closes.tolist()) if is_adjusted else None,
        origins=tuple(columns.origins.tolist()) if columns.origins.any() else None,
        origin_table=columns.origin_table,
        recent_known_at_ns=columns.recent_known_at_ns,
    )


def restore_bars(stored: StoredBars, *, instrument: str) -> LegHistory:
    """Return the history from its stored form."""
    count = len(stored.days)
    closes = np.array(stored.closes, np.float64)
    return LegHistory.from_columns(
        LegColumns(
            days=np.cumsum(stored.days, dtype=np.int32),
            closes=closes,
            adj_closes=closes.copy()
            if stored.adj_closes is None
            else np.array(stored.adj_closes, np.float64),
            origins=np.zeros(count, np.uint16)
            if stored.origins is None
            else np.array(stored.origins, np.uint16),
            origin_table=stored.origin_table,
            recent_known_at_ns=stored.recent_known_at_ns,
        ),
        instrument=instrument,
        limit=HISTORY_SESSIONS,
    )
