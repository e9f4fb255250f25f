"""What an early warning expects of the next close, computed once more from the rebuilt sessions.

Sums of floats, as in `arithmetic`, and Student's t with eight degrees of freedom in its closed form: with
``s = t/√(8 + t²)`` the probability of at most ``t`` is ``1/2 + 35/32·(s − s³ + 3s⁵/5 − s⁷/7)``.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from convex.explain.arithmetic import MeanAndStd, comovement
from shared.domain.bars import Bar
from shared.domain.instants import NS_PER_SECOND, from_ns
from shared.domain.sessions import NEW_YORK, SessionCalendar, missing_bar_at_ns

_RETURNS: Final = 60
_HALF_LIFE: Final = 10
_QUARTER: Final = 15 * 60 * NS_PER_SECOND
_DAY: Final = 24 * 3_600 * NS_PER_SECOND
_LEAST_WEIGHT: Final = 1e-3
# √(8/6): the standard deviation of Student's t.
_STUDENT_STD: Final = math.sqrt(8 / 6)
_OVERNIGHT: Final = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """What is known of the next close besides the aligned sessions.

    Parameters
    ----------
    calendar
        XNYS sessions.
    other_session
        The other leg's newest session.
    is_newest_aligned
        Whether the lead has that session, too.
    sampled
        The lead's newest close, where the other leg lacks it.
    is_other_listed
        The other leg's close comes as a bar, also where it ticks.
    """

    calendar: SessionCalendar
    other_session: str
    is_newest_aligned: bool
    sampled: Bar | None
    is_other_listed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The live prices of one instant; the other leg's has a time if it is a tick."""

    at_ns: int
    lead: float
    other: float
    other_ts_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Mean and standard deviation of z at the next close, and the numbers that they come from."""

    mean: float
    std: float
    lead_std: float
    other_std: float
    correlation: float
    beta: float
    lead_to_come: float
    other_to_come: float
    ratio: float

    def probability(self, level: float, sign: int) -> float:
        """Return how likely ``sign · z`` is at or beyond a level."""
        distance = sign * self.mean - level
        if self.std == 0:
            return 1.0 if distance >= 0 else 0.0
        return student(distance / self.std * _STUDENT_STD)

    def likely(self, probability: float, sign: int) -> float:
        """Return the ``sign · z`` that is reached or exceeded with a probability."""
        return sign * self.mean - quantile(probability) / _STUDENT_STD * self.std


def student(t: float) -> float:
    """Return the probability of at most ``t``.

    Examples
    --------
    >>> student(0.0), round(student(2.0), 6)
    (0.5, 0.959742)
    """
    return _student_of_sine(t / math.sqrt(8 + t * t))


def quantile(probability: float) -> float:
    """Return the value that is not exceeded with a probability, by halving.

    Examples
    --------
    >>> round(quantile(0.8), 6)
    0.88889
    """
    low, high = -1.0, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        if _student_of_sine(middle) < probability:
            low = middle
        else:
            high = middle
    return math.sqrt(8 / (1 - low * low)) * low


def _student_of_sine(s: float) -> float:
    return 0.5 + 35 / 32 * (s - s**3 + 3 * s**5 / 5 - s**7 / 7)


def expect(
    upcoming: Upcoming,
    base: MeanAndStd,
    returns: tuple[tuple[float, ...], tuple[float, ...]],
    then: float,
    prices: Prices,
) -> Expectation | None:
    """Return what is expected of z at the next close; None where that is undefined.

    Parameters
    ----------
    returns
        Of the lead and of the other leg, oldest first.
    then
        The log ratio of the newest aligned session.
    """
    lead, other = returns[0][-_RETURNS:], returns[1][-_RETURNS:]
    if len(lead) < _RETURNS:
        return None
    moved = comovement(lead, other).correlation
    if moved is None:
        return None
    lead_std, other_std, r = _spread(lead), _spread(other), moved.r
    beta = r * other_std / lead_std
    calendar = upcoming.calendar
    ordinal = calendar.first_closing_at_or_after(prices.at_ns)
    if not 0 <= ordinal < len(calendar.labels):
        return None
    lead_to_come, since_ns = _lead_to_come(calendar, ordinal, prices.at_ns)
    ratio = math.log(prices.lead / prices.other)
    sampled = upcoming.sampled
    if sampled is not None and since_ns >= missing_bar_at_ns(sampled.session):
        sampled = None
    if prices.other_ts_ns is not None and upcoming.is_other_listed and sampled is not None:
        # Its last price of that session stands for its close until the bar comes.
        closed, lead_to_come = calendar.index_of(sampled.session), 0.0
        ratio = math.log(sampled.adj_close / prices.other)
        other_to_come = _other_to_come(calendar, closed, prices.other_ts_ns)
    elif prices.other_ts_ns is not None:
        other_to_come = _other_to_come(calendar, ordinal, prices.other_ts_ns)
    else:
        coming = ordinal
        if sampled is not None:
            coming, lead_to_come = calendar.index_of(sampled.session), 0.0
            ratio = math.log(sampled.adj_close / prices.other)
        other_to_come = float(max(1, coming - calendar.index_of(upcoming.other_session)))
        if upcoming.is_newest_aligned:
            # The lead's move since the other leg's close, of which the other leg makes the share beta.
            own = 1 - beta if abs(1 - beta) >= _LEAST_WEIGHT else 0.0
            ratio = then + own * (ratio - then)
    variance = lead_to_come * ((1 - beta) * lead_std) ** 2 + other_to_come * other_std**2 * (1 - r) * (1 + r)
    return Expectation(
        mean=(ratio - base.mean) / base.std,
        std=math.sqrt(variance) / base.std,
        lead_std=lead_std,
        other_std=other_std,
        correlation=r,
        beta=beta,
        lead_to_come=lead_to_come,
        other_to_come=other_to_come,
        ratio=ratio,
    )


def _spread(returns: tuple[float, ...]) -> float:
    weights = [0.5 ** (age / _HALF_LIFE) for age in range(len(returns) - 1, -1, -1)]
    squares = math.fsum(weight * each * each for weight, each in zip(weights, returns, strict=True))
    return math.sqrt(squares / math.fsum(weights))


def _lead_to_come(calendar: SessionCalendar, ordinal: int, at_ns: int) -> tuple[float, int]:
    """Return the share to come, and since when it is that."""
    close_ns = calendar.close_ns[ordinal]
    begin_ns = calendar.close_ns[ordinal - 1] if ordinal else close_ns - _DAY
    first, last = begin_ns // _QUARTER, (close_ns - 1) // _QUARTER
    weights = {each: _weight(from_ns(each * _QUARTER)) for each in range(first, last + 1)}
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1)
    now = min(at_ns // _QUARTER, last)
    while now > first and not weights[now - 1] and any(weights[each] for each in range(now, last + 1)):
        now -= 1
    to_come = sum(weights[each] for each in range(now, last + 1)) or 1
    return to_come / sum(weights.values()), now * _QUARTER


def _weight(instant: datetime) -> int:
    """Return how much of its variance gold has in a quarter of an hour."""
    local = instant.astimezone(NEW_YORK)
    day, hour = local.isoweekday(), local.hour
    is_evening, is_day = hour >= 18 and day in (7, 1, 2, 3, 4), hour < 17 and day <= 5
    if not (is_evening or is_day):
        return 0
    return 3 if 8 <= hour < 12 else 1


def _other_to_come(calendar: SessionCalendar, next_ordinal: int, ts_ns: int) -> float:
    """Return the sessions' variance to come since a tick of the other leg."""
    ordinal = min(calendar.first_closing_at_or_after(ts_ns), next_ordinal)
    open_ns, close_ns = calendar.open_ns[ordinal], calendar.close_ns[ordinal]
    begin_ns = calendar.close_ns[ordinal - 1] if ordinal else close_ns - _DAY
    at_ns = max(begin_ns, min(ts_ns, close_ns - 1) // _QUARTER * _QUARTER)
    if at_ns >= open_ns:
        rest = (1 - _OVERNIGHT) * (close_ns - at_ns) / (close_ns - open_ns)
    else:
        rest = 1 - _OVERNIGHT * (at_ns - begin_ns) / (open_ns - begin_ns)
    return next_ordinal - ordinal + rest
