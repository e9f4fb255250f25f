"""The returns of the legs after an opening: over 1, 5 and 20 aligned sessions.

They start at the **first aligned close after the opening was reported**. An opening by a close is known at
20:15 New York, so nobody could have traded at that close; the next close is the first price that both legs
have at one instant.

Returns are always added one by one in the order of the sessions. So a history scored at once and one scored
session by session agree to the last bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.kinds.claim import Moves
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.legs.history import day_of
from shared.domain.divergences import Direction, Kind
from shared.domain.sessions import SessionCalendar

HORIZONS: Final = (1, 5, 20)
"""A day, a week and a month, in sessions."""


Score = tuple[float, float]
"""Log returns of the lead's and the other leg's adjusted closes; a tuple, as checkpoints hold hundreds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One divergence that opened, and what followed.

    Parameters
    ----------
    session
        Label of the last session that had closed when the opening was reported. Its close may be later than
        the newest aligned one, and the pair may not have that session.
    scores
        The returns from the first aligned session after it on. One for each of the `HORIZONS` that has been
        reached, in their order.
    """

    kind: Kind
    direction: Direction
    session: str
    scores: tuple[Score, ...] = ()


def last_closed(at_ns: int, *, calendar: SessionCalendar, newest: str) -> str:
    """Return the label of the last session that had closed at an instant.

    Parameters
    ----------
    newest
        Label of the newest aligned session. It is returned where the calendar has no later one.

    Examples
    --------
    >>> week = SessionCalendar(labels=("2020-03-18", "2020-03-19"), open_ns=(0, 100), close_ns=(50, 150))
    >>> [last_closed(at_ns, calendar=week, newest="2020-03-18") for at_ns in (149, 150)]
    ['2020-03-18', '2020-03-19']
    """
    at = calendar.last_closed_before(at_ns + 1)
    return max(newest, calendar.labels[at]) if at >= 0 else newest


def moves_after(aligned: AlignedSessions, at: NDArray[np.intp], horizon: int) -> Moves:
    """Compute the returns of both legs over a horizon from each of several closes on.

    Parameters
    ----------
    at
        Indices of the closes' sessions, shape ``(n,)``; each at most ``len(aligned) - 1 - horizon``.
    horizon
        Aligned sessions, at least 1.

    Examples
    --------
    >>> up = np.log([100.0, 110.0, 121.0])
    >>> aligned = AlignedSessions(days=np.arange(3, dtype=np.int32), lead=np.exp(up), other=np.ones(3),
    ...                           log_ratio=up, lead_returns=np.diff(up), other_returns=np.zeros(2))
    >>> moves_after(aligned, np.array([0]), 2).lead.round(4)
    array([0.1906])
    """
    lead, other = aligned.lead_returns[at], aligned.other_returns[at]
    for step in range(1, horizon):
        lead = lead + aligned.lead_returns[at + step]
        other = other + aligned.other_returns[at + step]
    return Moves(lead=lead, other=other)


def rescored(openings: Sequence[Opening], aligned: AlignedSessions) -> tuple[Opening, ...]:
    """Return openings with their scores, for each horizon that the aligned sessions reach.

    Parameters
    ----------
    aligned
        The sessions; an opening before the first or after the last of them keeps the scores that it has.
    """
    days = np.array([day_of(opening.session) for opening in openings], dtype=np.int32)
    starts = aligned.days.searchsorted(days, side="right")
    first, last = (aligned.days[0], aligned.days[-1]) if len(aligned) else (1, 0)
    is_known = (first <= days) & (days <= last)
    scores: list[list[Score]] = [[] for _ in openings]
    for horizon in HORIZONS:
        (reached,) = np.nonzero(is_known & (starts + horizon < len(aligned)))
        moves = moves_after(aligned, starts[reached], horizon)
        for index, lead, other in zip(
            reached.tolist(), moves.lead.tolist(), moves.other.tolist(), strict=True
        ):
            scores[index].append((lead, other))
    return tuple(
        Opening(kind=opening.kind, direction=opening.direction, session=opening.session, scores=tuple(each))
        if is_here
        else opening
        for opening, each, is_here in zip(openings, scores, is_known.tolist(), strict=True)
    )
