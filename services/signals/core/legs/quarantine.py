"""The bars of a leg that are kept out of its history because their closes cannot be used.

A quarantined bar is kept apart, so that it can be used later: when a correction, an adjustment of the history
or the closes after it show that it was right. Each decision is made over all bars of the leg (`bar_quality`),
so it does not depend on how they were batched.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.legs.bar_change import BarChange, change_by
from services.signals.core.legs.bar_quality import (
    Close,
    Floats,
    close_of,
    is_plausible,
    past_causes,
    present_causes,
    why_not_after,
    why_unusable,
)
from services.signals.core.legs.data_quality import Cause
from services.signals.core.legs.history import LegHistory, day_of
from services.signals.core.legs.leg import Leg
from shared.domain.bars import HISTORY_SESSIONS, Bar

# A leg whose closes are believed after ten never has more at its end; of older ones, the newest are kept.
MOST_QUARANTINED: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """What all bars of a leg say together.

    Parameters
    ----------
    removed
        Sessions of the history whose closes cannot be used any more, ascending.
    used
        Quarantined bars whose closes can be used now, ascending by session.
    quarantined
        The bars that cannot be used, ascending by session; at most `MOST_QUARANTINED`.
    causes
        What is wrong with the closes now: why those newer than the newest good one cannot be used, and what
        is wrong with good ones.
    found
        Why each bar that was not quarantined before is.
    """

    removed: tuple[str, ...] = ()
    used: tuple[Bar, ...] = ()
    quarantined: tuple[Bar, ...] = ()
    causes: tuple[Cause, ...] = ()
    found: tuple[Cause, ...] = ()


def can_follow(leg: Leg, bar: Bar) -> bool:
    """Return whether a bar continues the history: newer, plausible, and nothing is quarantined since."""
    history = leg.history
    newest, raw, adjusted = history.newest_session, history.newest_close, history.newest_adj_close
    if newest is None or raw is None or adjusted is None:
        return not leg.data_quality.quarantined
    if bar.session <= newest or leg.newest_session != newest:
        return False
    return why_not_after(close_of(bar), Close(raw=raw, adjusted=adjusted)) is None


def with_bar(quarantined: Iterable[Bar], bar: Bar) -> tuple[Bar, ...]:
    """Return quarantined bars with one more, or with a newer version of one."""
    by_session = {each.session: each for each in quarantined} | {bar.session: bar}
    return tuple(by_session[session] for session in sorted(by_session))


def change_of_quarantined(known: Bar, bar: Bar) -> BarChange:
    """Return what a bar changes of its session, whose known bar is quarantined."""
    return change_by(bar, close=known.close, adj_close=known.adj_close, origin=(known.source, known.revision))


def screen(history: LegHistory, quarantined: tuple[Bar, ...], *, known: Iterable[str]) -> Screening:
    """Decide over all bars of a leg which can be used.

    Parameters
    ----------
    history, quarantined
        All bars: those that are used, and those that are not, or whose turn it is to be decided about.
    known
        Sessions of the bars that were quarantined before.
    """
    if not quarantined and is_plausible(history.closes, history.adj_closes):
        return Screening(causes=present_causes(history.closes, history.adj_closes))
    order, closes, adj_closes = _all_closes(history, quarantined)
    causes = why_unusable(closes, adj_closes)
    is_good = np.array([cause is None for cause in causes], np.bool_)
    count, sessions = len(history), history.sessions
    before, wrong = frozenset(known), dict[str, Cause]()
    removed, used, end = list[str](), list[Bar](), list[Cause]()
    for row, cause in zip(order.tolist(), causes, strict=True):
        if cause is None:
            end = []
            used += [quarantined[row - count]] if row >= count else []
            continue
        end.append(cause)
        removed += [sessions[row]] if row < count else []
        wrong[sessions[row] if row < count else quarantined[row - count].session] = cause
    known_bars = {bar.session: bar for bar in quarantined}
    bars = [known_bars.get(session) or history.get(session) for session in wrong]
    return Screening(
        removed=tuple(removed),
        used=tuple(used),
        quarantined=tuple(bar for bar in bars[-MOST_QUARANTINED:] if bar is not None),
        causes=(*dict.fromkeys(end), *present_causes(closes[is_good], adj_closes[is_good])),
        found=tuple(cause for session, cause in wrong.items() if session not in before),
    )


def screen_next(leg: Leg, bar: Bar) -> Screening:
    """Decide about a bar that continues the history, see `can_follow`, before it is put: it can be used."""
    history = leg.history
    # A full history loses its oldest close to the bar.
    first = len(history) == HISTORY_SESSIONS
    causes = present_causes(
        np.append(history.closes[first:], bar.close), np.append(history.adj_closes[first:], bar.adj_close)
    )
    return Screening(quarantined=leg.data_quality.quarantined, causes=causes)


def review(leg: Leg, *, until: str) -> tuple[tuple[Cause, ...], tuple[Cause, ...]]:
    """Return what is wrong with the bars of a leg that nothing was reported about yet.

    Parameters
    ----------
    until
        The last session that is looked at.

    Returns
    -------
    tuple
        Why each quarantined close is, ascending by session; and what was ever wrong with good ones.
    """
    history, quarantined = leg.history, leg.data_quality.quarantined
    count, last = len(history), int(history.days.searchsorted(day_of(until), side="right"))
    past = past_causes(history.closes[:last], history.adj_closes[:last])
    order, closes, adj_closes = _all_closes(history, quarantined)
    found = [
        cause
        for row, cause in zip(order.tolist(), why_unusable(closes, adj_closes), strict=True)
        if cause is not None and row >= count and quarantined[row - count].session <= until
    ]
    return tuple(found), past


def _all_closes(history: LegHistory, quarantined: tuple[Bar, ...]) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Return all closes by session, and the row of each in the history followed by the quarantined bars."""
    days = np.concatenate((history.days, [day_of(bar.session) for bar in quarantined]))
    order = np.argsort(days, kind="stable")
    closes = np.concatenate((history.closes, [bar.close for bar in quarantined]))
    adj_closes = np.concatenate((history.adj_closes, [bar.adj_close for bar in quarantined]))
    return order, closes[order], adj_closes[order]


def quarantine_values(leg: Leg) -> dict[str, float | None]:
    """Return what a fault's event shows of the closes that were quarantined since it began.

    ``quarantined_closes`` is how many. Of the newest that still is there are ``quarantined_close`` and its
    session as a number, such as 20200318, and ``last_good_close`` before it.
    """
    quality = leg.data_quality
    if not quality.quarantined_count:
        return {}
    values: dict[str, float | None] = {"quarantined_closes": float(quality.quarantined_count)}
    if quality.quarantined:
        newest = quality.quarantined[-1]
        values["quarantined_close"] = newest.close
        values["quarantined_session"] = float(newest.session.replace("-", ""))
        at = int(leg.history.days.searchsorted(day_of(newest.session)))
        values["last_good_close"] = leg.history.closes.item(at - 1) if at else None
    return values


def without_unusable(history: LegHistory) -> LegHistory:
    """Remove the closes of a history that cannot be used; return the history.

    Examples
    --------
    >>> history = LegHistory(limit=9)
    >>> for day, close in enumerate((150.0, 151.0, 1_500.0, 149.0), start=3):
    ...     bar = Bar(instrument="IWM.SIM", session=f"2020-03-0{day}", close=close, adj_close=close,
    ...               known_at_ns=0, source="replay")
    ...     _ = history.put(bar)
    >>> without_unusable(history).sessions
    ['2020-03-03', '2020-03-04', '2020-03-06']
    """
    for session in screen(history, (), known=()).removed:
        history.remove(session)
    return history
