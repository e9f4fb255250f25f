"""When precious metals do not trade on a weekday: the holidays of CME Globex, which spot markets follow.

======================================================== =============================================
trading day                                              trades
======================================================== =============================================
Good Friday, Christmas, New Year                         not at all
Martin Luther King, Presidents, Memorial, Juneteenth,    until 14:30 New York
Independence, Labor and Thanksgiving Day
the day after Thanksgiving, Christmas Eve                until 13:45 New York
======================================================== =============================================

A trading day begins at 18:00 New York on the day before. A holiday on a Sunday is kept on Monday, one on a
Saturday on Friday, except New Year.
"""

from datetime import date, time, timedelta
from functools import lru_cache
from typing import Final

_HOLIDAY_CLOSE: Final = time(14, 30)
_EVE_CLOSE: Final = time(13, 45)
_JUNETEENTH_SINCE: Final = 2022
_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6


def metals_close_on(day: date) -> time | None:
    """Return when metals stop early on a weekday; None if they do not, midnight if they do not trade at all.

    Examples
    --------
    >>> metals_close_on(date(2025, 4, 18))  # Good Friday
    datetime.time(0, 0)
    >>> metals_close_on(date(2025, 9, 1))  # Labor Day
    datetime.time(14, 30)
    >>> metals_close_on(date(2025, 9, 2)) is None
    True
    """
    if day in _closed(day.year):
        return time(0)
    return _early(day.year).get(day)


def is_fixed_holiday(day: date) -> bool:
    """Return whether a weekday is Christmas or New Year, as kept: then currencies do not trade either."""
    return day in {_kept(date(day.year, 12, 25)), _new_year(day.year)}


@lru_cache(maxsize=8)
def _closed(year: int) -> frozenset[date]:
    good_friday = _easter(year) - timedelta(days=2)
    return frozenset({good_friday, _kept(date(year, 12, 25)), _new_year(year)})


@lru_cache(maxsize=8)
def _early(year: int) -> dict[date, time]:
    thanksgiving = _nth(year, 11, _THURSDAY, 4)
    memorial = _nth(year, 6, _MONDAY, 1) - timedelta(days=7)
    holidays = {
        _nth(year, 1, _MONDAY, 3),
        _nth(year, 2, _MONDAY, 3),
        memorial,
        _kept(date(year, 7, 4)),
        _nth(year, 9, _MONDAY, 1),
        thanksgiving,
    }
    if year >= _JUNETEENTH_SINCE:
        holidays.add(_kept(date(year, 6, 19)))
    eves = {thanksgiving + timedelta(days=1), date(year, 12, 24)}
    return dict.fromkeys(holidays, _HOLIDAY_CLOSE) | dict.fromkeys(eves, _EVE_CLOSE)


def _nth(year: int, month: int, weekday: int, count: int) -> date:
    """Return the first, second, ... such weekday of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))


def _kept(holiday: date) -> date:
    return holiday + timedelta(days={_SATURDAY: -1, _SUNDAY: 1}.get(holiday.weekday(), 0))


def _new_year(year: int) -> date:
    first = date(year, 1, 1)
    return first + timedelta(days=1) if first.weekday() == _SUNDAY else first


def _easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar, by the algorithm of Meeus, Jones and Butcher."""
    golden, century, rest = year % 19, year // 100, year % 100
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - correction + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)
