"""Which rows of a provider's answer are bars of the sessions that were asked for.

=================== ==========================================================================
dropped             a row
=================== ==========================================================================
``extra_session``   of a day without a session: a weekend, a holiday
``duplicate``       of a session that comes again, with other values, further down
``no_trade``        without volume, at the close before it: the exchange was closed
``partial_volume``  with less than a tenth of the usual volume of a liquid symbol: one
                    exchange's trades instead of all exchanges'
=================== ==========================================================================

Rows outside the sessions that were asked for, such as today's live row, are cut without a word.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Final

# IEX has two to three per cent of the volume. The quietest half-day of IWM in twenty years had 17 %.
_PARTIAL: Final = 0.1
# Volumes of symbols that trade less jump by more than that.
_LIQUID: Final = 1_000_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One session as a provider reports it.

    Parameters
    ----------
    session
        Exchange-local date label, ``YYYY-MM-DD``.
    close
        USD, positive.
    adj_close
        On whatever scale the provider uses; None where it gives none, or none that can be right.
    """

    session: str
    close: float
    adj_close: float | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledRows:
    """A provider's answer.

    Parameters
    ----------
    rows
        Oldest first; of two rows of a session, the later one is the newer.
    unreadable
        Each row without a close that can be read, as text.
    splits
        New shares for each old one, by ex-date: 2.0 for two to one.
    dividends
        USD a share, by ex-date.
    """

    rows: tuple[Row, ...] = ()
    unreadable: tuple[str, ...] = ()
    splits: Mapping[str, float] = field(default_factory=dict)
    dividends: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedRows:
    """The rows that are bars.

    Parameters
    ----------
    rows
        Ascending by session, one for each.
    dropped
        How many rows were dropped, by reason.
    """

    rows: tuple[Row, ...]
    dropped: Mapping[str, int]


def select_rows(
    rows: Sequence[Row],
    *,
    sessions: Sequence[str],
    is_session: Callable[[str], bool],
    usual_volume: float | None = None,
) -> SelectedRows:
    """Return the rows of some sessions, one for each.

    Parameters
    ----------
    sessions
        Those that were asked for, ascending.
    is_session
        Whether the exchange trades on a day, by the calendar.
    usual_volume
        Median volume of a session; None if it is not known.

    Examples
    --------
    >>> rows = [Row(session="2025-11-25", close=206.18), Row(session="2025-11-25", close=206.19),
    ...         Row(session="2025-11-27", close=206.19), Row(session="2025-12-01", close=1.0)]
    >>> sessions = ["2025-11-25", "2025-11-26", "2025-11-28"]
    >>> selected = select_rows(rows, sessions=sessions, is_session=lambda day: day != "2025-11-27")
    >>> [row.close for row in selected.rows], sorted(selected.dropped.items())
    ([206.19], [('duplicate', 1), ('extra_session', 1)])
    """
    wanted = set(sessions)
    dropped: Counter[str] = Counter()
    by_session: dict[str, Row] = {}
    for row in rows:
        if row.session not in wanted:
            dropped["extra_session"] += sessions[0] < row.session < sessions[-1] and not is_session(
                row.session
            )
            continue
        earlier = by_session.get(row.session)
        dropped["duplicate"] += earlier is not None and earlier != row
        by_session[row.session] = row
    kept = [by_session[session] for session in sorted(by_session)]
    closed = {row.session for last, row in pairwise(kept) if row.volume == 0 and row.close == last.close}
    partial = {row.session for row in kept if _is_partial(row.volume, usual_volume)} - closed
    dropped["no_trade"] += len(closed)
    dropped["partial_volume"] += len(partial)
    return SelectedRows(
        rows=tuple(row for row in kept if row.session not in closed | partial), dropped=+dropped
    )


def usual_volume(volumes: Sequence[float | None]) -> float | None:
    """Return the median of the volumes of the last sessions; None with fewer than ten."""
    known = [volume for volume in volumes[-60:] if volume]
    return median(known) if len(known) >= 10 else None


def _is_partial(volume: float | None, usual: float | None) -> bool:
    return bool(volume) and usual is not None and usual >= _LIQUID and (volume or 0.0) < _PARTIAL * usual
