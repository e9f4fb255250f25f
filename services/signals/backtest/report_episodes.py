"""What a backtest found, divergence by divergence: how far each went, and what the market did then."""

import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.signals.backtest.stats_csv import COLUMNS, Row
from shared.domain.divergences import Confirmation, Direction, DivergenceEvent, Severity, Transition
from shared.domain.instants import parse_rfc3339
from shared.domain.sessions import SessionCalendar

# Design: each opened divergence is looked at again after so many sessions.
HORIZONS: Final = (1, 5, 20)
_AT_RATIO, _AT_Z = COLUMNS.index("log_ratio"), COLUMNS.index("z_90")
_SIGN: Final = {Direction.RISK_OFF: 1.0, Direction.RISK_ON: -1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One row of the statistics, as numbers."""

    label: str
    lead: float
    other: float
    log_ratio: float | None
    z: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """Changes since an opening, as fractions; None where the record ends earlier."""

    sessions: int
    lead: float | None
    other: float | None
    ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a divergence with one severity and one confirmation, in positions of sessions."""

    begin: int
    end: int
    severity: Severity
    confirmation: Confirmation


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One divergence from its opening to its end.

    Parameters
    ----------
    number
        From 1, by opening.
    ended
        The final event; None while it is open where the record ends.
    peak_z
        The z-score farthest out in its direction, over its events and the closes from its opening to its end.
    begin, end
        Positions of sessions; ``end`` is the last one of the record while it is open.
    """

    number: int
    opened: DivergenceEvent
    ended: DivergenceEvent | None
    severity: Severity
    peak_z: float | None
    begin: int
    end: int
    stretches: tuple[Stretch, ...]
    after: tuple[After, ...]


def sessions_of(rows: Iterable[Row]) -> tuple[Session, ...]:
    """Return the statistics' rows as numbers.

    Examples
    --------
    >>> row = ("2020-03-18", "1486.0", "99.97", "2.7", *[""] * (len(COLUMNS) - 4))
    >>> sessions_of([row])[0].log_ratio, sessions_of([row])[0].z
    (2.7, None)
    """
    return tuple(
        Session(
            label=row[0],
            lead=float(row[1]),
            other=float(row[2]),
            log_ratio=_number(row[_AT_RATIO]),
            z=_number(row[_AT_Z]),
        )
        for row in rows
    )


def episodes_of(
    events: Iterable[DivergenceEvent], sessions: tuple[Session, ...], *, calendar: SessionCalendar
) -> tuple[Episode, ...]:
    """Return the divergences by opening.

    Parameters
    ----------
    events
        In the order of their sequence.
    sessions
        Ascending.
    """
    grouped: dict[str, list[DivergenceEvent]] = {}
    for event in events:
        grouped.setdefault(event.divergence_id, []).append(event)
    return tuple(
        _episode(number, group, sessions, calendar) for number, group in enumerate(grouped.values(), start=1)
    )


def _episode(
    number: int, events: list[DivergenceEvent], sessions: tuple[Session, ...], calendar: SessionCalendar
) -> Episode:
    places = [_place(event, sessions, calendar) for event in events]
    ended = events[-1] if events[-1].type.is_final else None
    begin, end = places[0], places[-1] if ended is not None else max(len(sessions) - 1, 0)
    sign = _SIGN[events[0].direction]
    reached = [event.values.get("z_90") for event in events] + [each.z for each in sessions[begin : end + 1]]
    peak = max((sign * z for z in reached if z is not None), default=None)
    lasting = [event for event in events if not event.type.is_final]
    return Episode(
        number=number,
        opened=events[0],
        ended=ended,
        severity=Severity.CRITICAL
        if any(event.severity is Severity.CRITICAL for event in events)
        else Severity.WARNING,
        peak_z=None if peak is None else sign * peak,
        begin=begin,
        end=end,
        stretches=tuple(
            Stretch(begin=at, end=until, severity=event.severity, confirmation=event.confirmation)
            for event, at, until in zip(lasting, places, [*places[1:], end], strict=False)
            if event.type is not Transition.TEST
        ),
        after=tuple(_after(horizon, events[0], sessions, calendar) for horizon in HORIZONS),
    )


def _place(event: DivergenceEvent, sessions: tuple[Session, ...], calendar: SessionCalendar) -> int:
    """Return the position of an event's session: that of the close that decided, else of the next close."""
    decided = event.evidence.inputs[0].session if event.evidence.inputs else None
    label = decided or _next_session(event, calendar)
    return min(bisect_left([each.label for each in sessions], label), max(len(sessions) - 1, 0))


def _next_session(event: DivergenceEvent, calendar: SessionCalendar) -> str:
    return calendar.labels[calendar.first_closing_at_or_after(parse_rfc3339(event.occurred_at))]


def _after(
    horizon: int, opened: DivergenceEvent, sessions: tuple[Session, ...], calendar: SessionCalendar
) -> After:
    # The closes after the news, not the one that made it: that one was known already.
    first = bisect_left([each.label for each in sessions], _next_session(opened, calendar))
    at = first + horizon - 1
    if at >= len(sessions):
        return After(sessions=horizon, lead=None, other=None, ratio=None)
    then, (lead, other) = sessions[at], opened.legs
    ratio = opened.values.get("log_ratio")
    return After(
        sessions=horizon,
        lead=then.lead / lead.price - 1,
        other=then.other / other.price - 1,
        ratio=math.exp(then.log_ratio - ratio) - 1
        if then.log_ratio is not None and ratio is not None
        else None,
    )


def _number(text: str) -> float | None:
    return float(text) if text else None
