"""Rebuild the sessions of the pair as they were known at the event, from the bars of the log."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from convex.explain.material import Bars, Prices
from convex.explain.next_close import Upcoming
from services.signals.core.legs.history import LegHistory
from services.signals.core.legs.quarantine import without_unusable
from shared.domain.bars import HISTORY_SESSIONS, Bar, BarStatus
from shared.domain.divergences import Confirmation, DivergenceEvent
from shared.domain.instants import parse_rfc3339
from shared.domain.instruments import is_listed
from shared.domain.sessions import SessionCalendar

# An event's instants are rounded down to microseconds.
CUT_NS: Final = 999


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Both legs' aligned sessions, and the log ratio that was evaluated.

    Parameters
    ----------
    source
        Where the bars come from.
    sessions, lead, other
        Labels, ascending, and the bars of each; where a close was evaluated it is the last of them.
    log_ratios
        ``ln(A/B)`` of the adjusted closes, one for each session.
    lead_returns, other_returns
        ``ln`` returns of the adjusted closes, one fewer than sessions.
    evaluated_lead, evaluated_other
        What was evaluated: the adjusted closes of one session, or a live price and the newest adjusted
        close of the other leg.
    evaluated
        ``ln(evaluated_lead / evaluated_other)``.
    is_live
        A live price was evaluated, so that the window ends with the last of the sessions.
    band
        The baseline that the event states: low and high; None where it states none.
    upcoming
        What is known of the next close; None where a close was evaluated.
    """

    source: str
    sessions: tuple[str, ...]
    lead: tuple[Bar, ...]
    other: tuple[Bar, ...]
    log_ratios: tuple[float, ...]
    lead_returns: tuple[float, ...]
    other_returns: tuple[float, ...]
    evaluated_lead: float
    evaluated_other: float
    evaluated: float
    is_live: bool
    band: tuple[float, float] | None = None
    upcoming: Upcoming | None = None

    def window(self, size: int) -> slice | None:
        """Return the sessions that the evaluated ratio is compared with; None with fewer than ``size``."""
        end = len(self.sessions) - (0 if self.is_live else 1)
        return slice(end - size, end) if end >= size else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What the log no longer has, and what can be done about it."""

    what: str
    remedy: str


def rebuild(
    event: DivergenceEvent, found: Bars, prices: Prices, *, calendar: SessionCalendar
) -> Market | Missing:
    """Return the pair as it was known at the event, or what is missing for that.

    A live price that the log has no longer is taken from the event.
    """
    names = [each.instrument for each in event.evidence.inputs]
    at_ns = parse_rfc3339(event.occurred_at) + CUT_NS
    legs = {name: LegHistory(limit=HISTORY_SESSIONS) for name in names}
    for bar in _usable(found.bars, at_ns, calendar):
        if bar.instrument in legs:
            legs[bar.instrument].put(bar)
    # Closes that the worker kept out of its windows, as far as they were known.
    lead, other = (without_unusable(legs[name]) for name in names)
    is_live = event.confirmation is Confirmation.PROVISIONAL
    last = None if is_live else event.evidence.inputs[0].session
    rows = [
        (session, a, b)
        for session in lead.sessions
        if (last is None or session <= last)
        and (a := lead.get(session)) is not None
        and (b := other.get(session)) is not None
    ]
    if not rows:
        return _no_bar(found, " and ".join(names), last or "any session")
    evaluated: list[float] = []
    for index, (each, ticks) in enumerate(
        zip(event.evidence.inputs, (prices.lead, prices.other), strict=True)
    ):
        known = legs[each.instrument].get(each.session) if each.session is not None else None
        if each.session is not None and known is None:
            return _no_bar(found, each.instrument, each.session)
        live = ticks.at(each.ts_event_ns, stated=event.legs[index].price)
        if known is not None:
            evaluated.append(known.adj_close)
        else:
            evaluated.append(live if live is not None else event.legs[index].price)
    lead_adjusted = np.array([a.adj_close for _, a, _ in rows])
    other_adjusted = np.array([b.adj_close for _, _, b in rows])
    return Market(
        source=found.source,
        sessions=tuple(session for session, _, _ in rows),
        lead=tuple(a for _, a, _ in rows),
        other=tuple(b for _, _, b in rows),
        # numpy's logarithm, as the worker's: the hash is over its very bits.
        log_ratios=tuple(np.log(lead_adjusted / other_adjusted).tolist()),
        lead_returns=tuple(np.log(lead_adjusted[1:] / lead_adjusted[:-1]).tolist()),
        other_returns=tuple(np.log(other_adjusted[1:] / other_adjusted[:-1]).tolist()),
        evaluated_lead=evaluated[0],
        evaluated_other=evaluated[1],
        evaluated=float(np.log(evaluated[0] / evaluated[1])),
        is_live=is_live,
        band=_band(event),
        upcoming=_upcoming(lead, other, rows[-1][0], calendar, is_other_listed=is_listed(names[1]))
        if is_live
        else None,
    )


def _upcoming(
    lead: LegHistory, other: LegHistory, newest: str, calendar: SessionCalendar, *, is_other_listed: bool
) -> Upcoming:
    other_session, sampled = other.newest_session or newest, lead.newest()
    is_ahead = sampled is not None and sampled.session > other_session
    return Upcoming(
        calendar=calendar,
        other_session=other_session,
        is_newest_aligned=other_session == newest,
        sampled=sampled if is_ahead else None,
        is_other_listed=is_other_listed,
    )


def _band(event: DivergenceEvent) -> tuple[float, float] | None:
    low, high = event.values.get("agreement_low"), event.values.get("agreement_high")
    return None if low is None or high is None else (low, high)


def _usable(bars: Iterable[Bar], at_ns: int, calendar: SessionCalendar) -> list[Bar]:
    """Return what might be used by then, in the order in which it became usable."""
    known = [
        bar
        for bar in bars
        if bar.known_at_ns <= at_ns
        and bar.status is not BarStatus.PROVISIONAL
        and calendar.is_session(bar.session)
    ]
    return sorted(known, key=lambda bar: bar.known_at_ns)


def _no_bar(found: Bars, instrument: str, session: str) -> Missing:
    return Missing(
        what=f"{found.source} has no bar of {instrument} for {session} that was known at the event",
        remedy="give the daily files that hold it: --events FILE --gold FILE --iwm FILE",
    )
