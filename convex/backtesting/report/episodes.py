"""The divergences of a backtest: how far each went, and how the market moved afterwards."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from convex.backtesting.observed_sessions import observed_positions
from convex.backtesting.stats_csv import COLUMNS, StatsRow
from services.signals.core.confirmed import Values
from services.signals.core.divergence.observation import sign_of
from services.signals.core.outcomes.scoring import last_closed
from shared.domain.divergences import Confirmation, DivergenceEvent, Kind, Severity, Transition
from shared.domain.instants import parse_rfc3339
from shared.domain.kinds import KIND_TRAITS, statistic_of
from shared.domain.sessions import SessionCalendar

# Sessions over which prices are compared, from the first close after an opening was reported.
HORIZONS: Final = (1, 5, 20)

_AT_RATIO, _AT_Z, _AT_REGIME = (COLUMNS.index(name) for name in ("log_ratio", "z_90", "regime"))
_NUMBERS: Final = tuple(at for at, name in enumerate(COLUMNS) if name not in ("session", "regime"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One row of the statistics, as numbers.

    Parameters
    ----------
    evaluated
        Every statistic of this close that decided, by name; empty where the session was only history.
    regime
        ``RISK_OFF``, ``RISK_ON``, ``NEUTRAL``, or empty where it is undefined.
    columns
        The numbers of the row by the names of its columns.
    """

    label: str
    lead: float
    other: float
    log_ratio: float | None
    z: float | None
    evaluated: Values
    regime: str
    columns: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """Changes since the first close after an opening, as fractions; None where the record ends earlier."""

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
        From 1 within its kind, by opening.
    ended
        The final event; None while it is open where the record ends.
    peak
        The most extreme value of the kind's statistic in its direction, over its events and the closes from
        its opening to its end; None for a data fault.
    begin, end
        Positions of sessions; ``end`` is the last one of the record while it is open.
    after
        Empty for a data fault, which is not about the market.
    """

    number: int
    opened: DivergenceEvent
    ended: DivergenceEvent | None
    severity: Severity
    peak: float | None
    begin: int
    end: int
    stretches: tuple[Stretch, ...]
    after: tuple[After, ...]

    @property
    def kind(self) -> Kind:
        """Return what kind of divergence it is."""
        return self.opened.kind

    @property
    def anchor(self) -> str:
        """Return the id of its row on the page."""
        return f"{self.kind.value}-{self.number}"


def sessions_of(rows: Iterable[StatsRow], values: Mapping[str, Values]) -> tuple[Session, ...]:
    """Return the rows as numbers, together with the statistics that decided in each session.

    Examples
    --------
    >>> row = ("2020-03-18", "1486.0", "99.97", "2.7", *[""] * (len(COLUMNS) - 4))
    >>> (session,) = sessions_of([row], {"2020-03-18": {"fisher_z": 1.2}})
    >>> session.log_ratio, session.z, session.evaluated["fisher_z"]
    (2.7, None, 1.2)
    """
    return tuple(
        Session(
            label=row[0],
            lead=float(row[1]),
            other=float(row[2]),
            log_ratio=_number(row[_AT_RATIO]),
            z=_number(row[_AT_Z]),
            evaluated=values.get(row[0], {}),
            regime=row[_AT_REGIME],
            columns={COLUMNS[at]: _number(row[at]) for at in _NUMBERS},
        )
        for row in rows
    )


def observed_by(kinds: Collection[Kind], sessions: Iterable[Session]) -> frozenset[int]:
    """Return the positions of the sessions in which any of some kinds may open."""
    return observed_positions(kinds, (each.evaluated for each in sessions))


def diverged_in(episodes: Iterable[Episode], observed: Collection[int]) -> int:
    """Return in how many observed sessions any of some divergences was open."""
    inside = {at for each in episodes for at in range(each.begin, each.end + (each.ended is None))}
    return len(inside.intersection(observed))


def episodes_of(
    events: Iterable[DivergenceEvent], sessions: tuple[Session, ...], *, calendar: SessionCalendar
) -> tuple[Episode, ...]:
    """Return the divergences of every kind by opening.

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
    labels, counted, episodes = [each.label for each in sessions], dict.fromkeys(Kind, 0), []
    for group in grouped.values():
        kind = group[0].kind
        counted[kind] += 1
        places = [_place(event, labels, calendar) for event in group]
        ended = group[-1] if group[-1].type.is_final else None
        begin, end = places[0], places[-1] if ended is not None else max(len(labels) - 1, 0)
        lasting = [event for event in group if not event.type.is_final]
        episodes.append(
            Episode(
                number=counted[kind],
                opened=group[0],
                ended=ended,
                severity=_severity(group),
                peak=_peak(group, sessions[begin : end + 1]),
                begin=begin,
                end=end,
                stretches=tuple(
                    Stretch(begin=at, end=until, severity=event.severity, confirmation=event.confirmation)
                    for event, at, until in zip(lasting, places, [*places[1:], end], strict=False)
                    if event.type is not Transition.TEST
                ),
                after=tuple(_after(horizon, group[0], sessions, labels, calendar) for horizon in HORIZONS)
                if kind.is_market
                else (),
            )
        )
    return tuple(episodes)


def _severity(events: Iterable[DivergenceEvent]) -> Severity:
    is_critical = any(event.severity is Severity.CRITICAL for event in events)
    return Severity.CRITICAL if is_critical else Severity.WARNING


def _peak(events: list[DivergenceEvent], closes: tuple[Session, ...]) -> float | None:
    kind, direction = events[0].kind, events[0].direction
    name = statistic_of(kind, direction)
    # A statistic of one direction grows with the divergence whichever direction it is.
    sign = 1.0 if KIND_TRAITS[kind].statistics else sign_of(direction)
    if name is None:
        return None
    reached = [event.values.get(name) for event in events] + [each.evaluated.get(name) for each in closes]
    peak = max((sign * value for value in reached if value is not None), default=None)
    return None if peak is None else sign * peak


def _place(event: DivergenceEvent, labels: list[str], calendar: SessionCalendar) -> int:
    """Return the position of an event's session: that of the close that decided, else of the next close."""
    # A fault's evidence names the newest bar, which did not decide it.
    is_by_close = event.kind.is_market and event.evidence.inputs
    decided = event.evidence.inputs[0].session if is_by_close else None
    label = decided or _next_session(event, calendar)
    return min(bisect_left(labels, label), max(len(labels) - 1, 0))


def _next_session(event: DivergenceEvent, calendar: SessionCalendar) -> str:
    return calendar.labels[calendar.first_closing_at_or_after(parse_rfc3339(event.occurred_at))]


def _after(
    horizon: int,
    opened: DivergenceEvent,
    sessions: tuple[Session, ...],
    labels: list[str],
    calendar: SessionCalendar,
) -> After:
    # From the first close after it was reported: nobody could have traded at the one that caused it.
    closed = last_closed(parse_rfc3339(opened.occurred_at), calendar=calendar, newest="")
    start = bisect_right(labels, closed)
    if start + horizon >= len(sessions):
        return After(sessions=horizon, lead=None, other=None, ratio=None)
    first, then = sessions[start], sessions[start + horizon]
    return After(
        sessions=horizon,
        lead=then.lead / first.lead - 1,
        other=then.other / first.other - 1,
        ratio=math.exp(then.log_ratio - first.log_ratio) - 1
        if then.log_ratio is not None and first.log_ratio is not None
        else None,
    )


def _number(text: str) -> float | None:
    return float(text) if text else None
