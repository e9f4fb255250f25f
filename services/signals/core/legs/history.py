"""One leg's closes by session, taken from its bars; `bar_change` says what a bar changes.

Kept as columns, mostly 11 bytes a session: there are thousands of legs, and a `Bar` takes 400 bytes.
"""

from datetime import date
from functools import lru_cache
from typing import Final, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.signals.core.legs.bar_change import BarChange, change_by
from services.signals.core.legs.leg_columns import LegColumns
from services.signals.core.legs.price_column import PriceColumn
from shared.domain.bars import Bar, BarStatus

# ``known_at_ns`` is kept for the bars of this many newest sessions. An evaluation uses the latest instant at
# which any of its bars was known, and older bars were known long before that.
RECENT_SESSIONS: Final = 8
# Rows to spare when a column is full: a leg gains one a day.
_SPARE: Final = 16
# The days since 1970 that 16 bits can hold.
FIRST_DAY: Final = date(1970, 1, 1).toordinal()
LAST_DAY: Final = FIRST_DAY + (1 << 16) - 1

_T = TypeVar("_T", bound=np.generic)


@lru_cache(maxsize=1 << 15)
def day_of(session: str) -> int:
    """Return a session's number: days since 0001-01-01, counted from 1.

    Raises
    ------
    ValueError
        If the label is not a date.

    Examples
    --------
    >>> day_of("2020-03-18") - day_of("2020-03-16")
    2
    """
    return date.fromisoformat(session).toordinal()


@lru_cache(maxsize=1 << 15)
def label_of(day: int) -> str:
    """Return the label of a session by its number.

    Examples
    --------
    >>> label_of(day_of("2020-03-18"))
    '2020-03-18'
    """
    return date.fromordinal(day).isoformat()


class LegHistory:
    """Bars of one instrument in session order.

    Parameters
    ----------
    limit
        Sessions kept; the oldest go first.

    Examples
    --------
    >>> len(LegHistory(limit=800)), LegHistory(limit=800).newest_session
    (0, None)
    """

    __slots__ = (
        "_adj_closes",
        "_closes",
        "_count",
        "_days",
        "_instrument",
        "_last_day",
        "_last_used",
        "_limit",
        "_origin_table",
        "_origins",
        "_recent_ns",
    )  # fmt: skip

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._instrument = ""
        self._count = 0
        self._last_day = 0
        self._days = np.empty(0, np.uint16)
        self._closes = PriceColumn(np.empty(0))
        self._adj_closes = PriceColumn(np.empty(0))
        self._origins: NDArray[np.uint8 | np.uint16] = np.empty(0, np.uint8)
        self._origin_table: list[tuple[str, int]] = []
        self._recent_ns: list[int] = []
        # Day and ``known_at_ns`` of the bar that was put last: the caller reads it back, however old it is.
        self._last_used = (0, 0)

    @classmethod
    def from_columns(cls, columns: LegColumns, *, instrument: str, limit: int) -> Self:
        """Return the history with these columns.

        Parameters
        ----------
        columns
            At most ``limit`` rows, ascending by session, with a ``known_at_ns`` for each of the last
            `RECENT_SESSIONS`.
        """
        history = cls(limit=limit)
        if len(columns.days):
            history._instrument = instrument
            history._count = len(columns.days)
            history._last_day = columns.days.item(-1)
        history._days = (columns.days - FIRST_DAY).astype(np.uint16)
        history._origins = columns.origins.astype(np.uint8 if len(columns.origin_table) <= 256 else np.uint16)
        history._closes, history._adj_closes = PriceColumn(columns.closes), PriceColumn(columns.adj_closes)
        history._origin_table = list(columns.origin_table)
        history._recent_ns = list(columns.recent_known_at_ns)
        return history

    def columns(self) -> LegColumns:
        """Return a copy of the history as columns."""
        return LegColumns(
            days=self.days,
            closes=self.closes,
            adj_closes=self.adj_closes,
            origins=self._origins[: self._count].astype(np.uint16),
            origin_table=tuple(self._origin_table),
            recent_known_at_ns=tuple(self._recent_ns),
        )

    def __len__(self) -> int:
        return self._count

    @property
    def sessions(self) -> list[str]:
        """Return the labels of the known sessions, ascending."""
        return [label_of(day) for day in self.days.tolist()]

    @property
    def days(self) -> NDArray[np.int32]:
        """Return a copy of the known sessions' numbers, ascending, shape ``(n,)``."""
        return self._days[: self._count].astype(np.int32) + np.int32(FIRST_DAY)

    @property
    def closes(self) -> NDArray[np.float64]:
        """Return a copy of the raw closes, shape ``(n,)``."""
        return self._closes.first(self._count)

    @property
    def adj_closes(self) -> NDArray[np.float64]:
        """Return a copy of the adjusted closes, shape ``(n,)``."""
        return self._adj_closes.first(self._count)

    @property
    def newest_session(self) -> str | None:
        """Return the label of the latest session, None before the first."""
        return label_of(self._last_day) if self._count else None

    @property
    def newest_close(self) -> float | None:
        """Return the raw close of the latest session, None before the first."""
        return self._closes[self._count - 1] if self._count else None

    @property
    def oldest_day(self) -> int:
        """Return the number of the first session, 0 before there is one."""
        return self._days.item(0) + FIRST_DAY if self._count else 0

    @property
    def newest_adj_close(self) -> float | None:
        """Return the adjusted close of the latest session, None before the first."""
        return self._adj_closes[self._count - 1] if self._count else None

    def put(self, bar: Bar) -> BarChange:
        """Add or update the session of a bar, and return what it changed.

        In a full history a bar older than every kept session is not kept; it is ``NEW`` all the same.

        Raises
        ------
        ValueError
            If its session is not a date from `FIRST_DAY` to `LAST_DAY`.
        """
        day = day_of(bar.session)
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ValueError(f"a session must lie from 1970 to 2149, was {bar.session}")
        at = self._place(day)
        if not self._is_at(at, day):
            self._insert(at, day, bar)
            return BarChange.NEW
        change = change_by(
            bar,
            close=self._closes[at],
            adj_close=self._adj_closes[at],
            origin=self._origin_table[self._origins.item(at)],
        )
        if change in (BarChange.READJUSTED, BarChange.CORRECTED):
            self._write(at, day, bar)
        return change

    def remove(self, session: str) -> None:
        """Remove a known session.

        Raises
        ------
        KeyError
            If it is not known.
        """
        day = day_of(session)
        at = self._place(day)
        if not self._is_at(at, day):
            raise KeyError(session)
        from_end = self._count - at
        self._remove(at)
        if from_end <= RECENT_SESSIONS:
            del self._recent_ns[-from_end]
            # The instant of the session that is one of the newest again is not known any more.
            missing = min(self._count, RECENT_SESSIONS) - len(self._recent_ns)
            self._recent_ns[:0] = [0] * missing
        self._last_day = self._days.item(self._count - 1) + FIRST_DAY if self._count else 0
        if day == self._last_used[0]:
            self._last_used = (0, 0)

    def has(self, session: str) -> bool:
        """Return whether a session is known."""
        return self.has_day(day_of(session))

    def has_day(self, day: int) -> bool:
        """Return whether a session is known, by its number."""
        return self._is_at(self._place(day), day)

    def get(self, session: str) -> Bar | None:
        """Return a session's bar, None where it is not known.

        Its ``known_at_ns`` is 0 if at least `RECENT_SESSIONS` newer sessions are known and it is not the bar
        that was put last: then the instant no longer matters.
        """
        day = day_of(session)
        at = self._place(day)
        return self._bar(at) if self._is_at(at, day) else None

    def known_at_ns(self, session: str) -> int | None:
        """Return when a session's bar was known, as `get` does; None where the session is not known."""
        day = day_of(session)
        at = self._place(day)
        return self._known_at_ns(at, day) if self._is_at(at, day) else None

    def known_after(self, ts_ns: int) -> list[Bar]:
        """Return the bars, of the newest `RECENT_SESSIONS`, that were known only after an instant."""
        count = len(self._recent_ns)
        return [self._bar(self._count - count + at) for at in range(count) if self._recent_ns[at] > ts_ns]

    def newest(self) -> Bar | None:
        """Return the bar of the latest session, None before the first."""
        return self._bar(self._count - 1) if self._count else None

    def _place(self, day: int) -> int:
        # Almost always it is the newest session, or the next one.
        if day >= self._last_day:
            return self._count - (day == self._last_day and self._count > 0)
        return int(self._days[: self._count].searchsorted(day - FIRST_DAY)) if day > FIRST_DAY else 0

    def _is_at(self, at: int, day: int) -> bool:
        return at < self._count and self._days.item(at) + FIRST_DAY == day

    def _bar(self, at: int) -> Bar:
        day = self._days.item(at) + FIRST_DAY
        source, revision = self._origin_table[self._origins.item(at)]
        return Bar(
            instrument=self._instrument,
            session=label_of(day),
            close=self._closes[at],
            adj_close=self._adj_closes[at],
            known_at_ns=self._known_at_ns(at, day),
            status=BarStatus.CORRECTED if revision else BarStatus.FINAL,
            revision=revision,
            source=source,
        )

    def _known_at_ns(self, at: int, day: int) -> int:
        if day == self._last_used[0]:
            return self._last_used[1]
        from_end = self._count - at
        return self._recent_ns[-from_end] if from_end <= len(self._recent_ns) else 0

    def _insert(self, at: int, day: int, bar: Bar) -> None:
        if self._count == self._limit:
            if not at:
                return  # older than everything that is kept
            at -= 1
            self._forget_oldest()
        count = self._count
        if count == len(self._days):
            self._days, self._origins = _grown(self._days), _grown(self._origins)
        for column in (self._days, self._origins):
            column[at + 1 : count + 1] = column[at:count]
        for prices in (self._closes, self._adj_closes):
            prices.make_room(at, count=count)
        self._count += 1
        self._instrument = bar.instrument
        self._days[at] = day - FIRST_DAY
        self._last_day = self._days.item(count) + FIRST_DAY
        if count - at < RECENT_SESSIONS:
            self._recent_ns.insert(len(self._recent_ns) - (count - at), 0)
            del self._recent_ns[:-RECENT_SESSIONS]
        self._write(at, day, bar)

    def _remove(self, at: int) -> None:
        for prices in (self._closes, self._adj_closes):
            prices.remove(at, count=self._count)
        self._count -= 1
        for column in (self._days, self._origins):
            column[at : self._count] = column[at + 1 : self._count + 1]

    def _forget_oldest(self) -> None:
        self._remove(0)
        del self._recent_ns[: len(self._recent_ns) - self._count]

    def _write(self, at: int, day: int, bar: Bar) -> None:
        self._closes.put(at, bar.close, count=self._count)
        self._adj_closes.put(at, bar.adj_close, count=self._count)
        origin = self._origin_of(bar)
        if origin > np.iinfo(self._origins.dtype).max:
            self._origins = self._origins.astype(np.uint16)
        self._origins[at] = origin
        from_end = self._count - at
        if from_end <= len(self._recent_ns):
            self._recent_ns[-from_end] = bar.known_at_ns
        self._last_used = (day, bar.known_at_ns)

    def _origin_of(self, bar: Bar) -> int:
        origin = (bar.source, bar.revision)
        if origin not in self._origin_table:
            # Drop unused rows, so that a bar that is corrected many times does not grow the table for ever.
            if len(self._origin_table) > self._count:
                used, codes = np.unique(self._origins[: self._count], return_inverse=True)
                self._origin_table = [self._origin_table[code] for code in used.tolist()]
                self._origins[: self._count] = codes
            self._origin_table.append(origin)
        return self._origin_table.index(origin)


def _grown(column: NDArray[_T]) -> NDArray[_T]:
    grown = np.empty(len(column) + _SPARE, column.dtype)
    grown[: len(column)] = column
    return grown
