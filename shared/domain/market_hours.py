"""When an instrument's market is open, by what kind of instrument it is.

======================================= ===================================================================
instrument                              its market is open
======================================= ===================================================================
without a slash: a listed symbol        in the sessions of XNYS, early closes and declared closures included
XAU, XAG, XPT or XPD in a currency      Sunday 18:00 to Friday 17:00 New York, without the hour from 17:00,
                                        `metals_close_on` holidays and declared closures
a currency in another                   Sunday 17:00 to Friday 17:00 New York, not at Christmas and New Year
anything else: a token                  round the clock
======================================= ===================================================================
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final, Protocol

from shared.domain.closures import METALS, NO_CLOSURES, Closures
from shared.domain.gold_holidays import is_fixed_holiday, metals_close_on
from shared.domain.instants import from_ns, to_ns
from shared.domain.sessions import NEW_YORK, SessionCalendar
from shared.domain.ticks import FeedState

_METALS: Final = frozenset({"XAU", "XAG", "XPT", "XPD"})
_CURRENCIES: Final = frozenset(
    {
        "USD",
        "EUR",
        "GBP",
        "JPY",
        "CHF",
        "AUD",
        "NZD",
        "CAD",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
        "SGD",
        "HKD",
        "MXN",
        "ZAR",
    }
)
_DAY: Final = timedelta(days=1)
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6


class MarketHours(Protocol):
    """The hours of a market; instants are nanoseconds since the Unix epoch."""

    def state(self, ts_ns: int) -> FeedState:
        """Return ``LIVE`` while the market is open, else ``BREAK`` or ``CLOSED``."""
        ...

    def opened_at_ns(self, ts_ns: int) -> int | None:
        """Return when the market opened that is open at an instant; None if it is closed, or never closes."""
        ...


class RoundTheClock:
    """The hours of tokens."""

    def state(self, _: int) -> FeedState:
        """Return ``LIVE``."""
        return FeedState.LIVE

    def opened_at_ns(self, _: int) -> int | None:
        """Return None: it never closes."""
        return None


@dataclass(frozen=True, slots=True)
class SessionHours:
    """The hours of a listed symbol."""

    calendar: SessionCalendar

    def state(self, ts_ns: int) -> FeedState:
        """Return ``LIVE`` in a session, else ``CLOSED``."""
        return FeedState.LIVE if self.calendar.is_open(ts_ns) else FeedState.CLOSED

    def opened_at_ns(self, ts_ns: int) -> int | None:
        """Return the open of the session; None outside."""
        return self.calendar.opened_at_ns(ts_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverTheCounterHours:
    """The hours of metals and currencies: round the clock from Sunday to Friday.

    Parameters
    ----------
    ends, begins
        New York times at which a trading day ends and the next one begins; a trading day has the date on
        which it ends.
    are_metals
        They have a daily break and more holidays than currencies.
    """

    ends: time
    begins: time
    are_metals: bool
    closures: Closures = NO_CLOSURES

    def state(self, ts_ns: int) -> FeedState:
        """Return ``LIVE`` while it trades, else ``BREAK`` or ``CLOSED``.

        Examples
        --------
        >>> from shared.domain.instants import parse_rfc3339
        >>> SPOT_METALS.state(parse_rfc3339("2025-04-18T12:00:00Z"))  # Good Friday
        <FeedState.CLOSED: 'CLOSED'>
        """
        local = from_ns(ts_ns).astimezone(NEW_YORK)
        day, clock = local.date(), local.time()
        if self.begins <= clock:
            return FeedState.CLOSED if self._close_on(day + _DAY) == time(0) else FeedState.LIVE
        close = self._close_on(day)
        if close == time(0):
            return FeedState.CLOSED
        if clock < min(self.ends, close or self.ends):
            return FeedState.LIVE
        is_weekend = self._close_on(day + _DAY) == time(0)
        return FeedState.CLOSED if is_weekend else FeedState.BREAK

    def opened_at_ns(self, ts_ns: int) -> int | None:
        """Return when the trading day began, or, without a daily break, the week."""
        if self.state(ts_ns) is not FeedState.LIVE:
            return None
        local = from_ns(ts_ns).astimezone(NEW_YORK)
        day = local.date() if local.time() >= self.begins else local.date() - _DAY
        begin_ns = to_ns(datetime.combine(day, self.begins, NEW_YORK))
        while self.state(begin_ns - 1) is FeedState.LIVE:
            day -= _DAY
            begin_ns = to_ns(datetime.combine(day, self.begins, NEW_YORK))
        return begin_ns

    def _close_on(self, day: date) -> time | None:
        """Return when a trading day ends early; None if it does not, midnight if there is none."""
        if day.weekday() in (_SATURDAY, _SUNDAY):
            return time(0)
        if not self.are_metals:
            return time(0) if is_fixed_holiday(day) else None
        if self.closures.is_closed(METALS, day.isoformat()):
            return time(0)
        return self.closures.early_close(METALS, day.isoformat()) or metals_close_on(day)


SPOT_METALS: Final = OverTheCounterHours(ends=time(17), begins=time(18), are_metals=True)
SPOT_CURRENCIES: Final = OverTheCounterHours(ends=time(17), begins=time(17), are_metals=False)


def hours_of(instrument: str, *, calendar: SessionCalendar, closures: Closures) -> MarketHours:
    """Return the hours of an instrument's market."""
    base, slash, quote = instrument.rpartition(".")[0].partition("/")
    if not slash:
        return SessionHours(calendar)
    if base in _METALS:
        return replace(SPOT_METALS, closures=closures)
    if base in _CURRENCIES and quote in _CURRENCIES:
        return SPOT_CURRENCIES
    return RoundTheClock()
