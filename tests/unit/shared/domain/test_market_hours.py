"""When markets are open: every row of the tables of hours and holidays."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.calendars import xnys_calendar
from shared.domain.closures import NO_CLOSURES, Closures, parse_closures
from shared.domain.gold_holidays import metals_close_on
from shared.domain.gold_hours import spot_gold_state
from shared.domain.instants import to_ns
from shared.domain.market_hours import MarketHours, hours_of
from shared.domain.ticks import FeedState

_NEW_YORK = ZoneInfo("America/New_York")


def _hours(instrument: str, closures: Closures = NO_CLOSURES) -> MarketHours:
    return hours_of(instrument, calendar=xnys_calendar().with_closures(closures), closures=closures)


def _at(local: str) -> int:
    return to_ns(datetime.fromisoformat(local).replace(tzinfo=_NEW_YORK))


@pytest.mark.parametrize(
    ("instrument", "local", "state"),
    [
        ("IWM.ARCX", "2026-03-10T09:29:59", "CLOSED"),
        ("IWM.ARCX", "2026-03-10T09:30", "LIVE"),
        ("IWM.ARCX", "2026-03-10T16:00", "CLOSED"),
        ("QQQ.XNAS", "2025-11-28T12:59", "LIVE"),
        ("QQQ.XNAS", "2025-11-28T13:00", "CLOSED"),
        ("IWM.ARCX", "2025-07-04T12:00", "CLOSED"),
        ("XAU/USD.OANDA", "2026-03-10T12:00", "LIVE"),
        ("XAU/USD.OANDA", "2026-03-10T16:59:59", "LIVE"),
        ("XAU/USD.OANDA", "2026-03-10T17:00", "BREAK"),
        ("XAG/USD.SPOT", "2026-03-10T17:59:59", "BREAK"),
        ("XAU/USD.OANDA", "2026-03-10T18:00", "LIVE"),
        ("XAU/USD.OANDA", "2026-03-13T17:00", "CLOSED"),
        ("XAU/USD.OANDA", "2026-03-13T18:00", "CLOSED"),
        ("XAU/USD.OANDA", "2026-03-14T12:00", "CLOSED"),
        ("XAU/USD.OANDA", "2026-03-15T17:59", "CLOSED"),
        ("XAU/USD.OANDA", "2026-03-15T18:00", "LIVE"),
        # Good Friday: from Thursday evening to Sunday evening.
        ("XAU/USD.OANDA", "2025-04-17T16:59", "LIVE"),
        ("XAU/USD.OANDA", "2025-04-17T17:30", "CLOSED"),
        ("XAU/USD.OANDA", "2025-04-17T18:30", "CLOSED"),
        ("XAU/USD.OANDA", "2025-04-18T12:00", "CLOSED"),
        ("XAU/USD.OANDA", "2025-04-20T18:00", "LIVE"),
        # Christmas Eve, Christmas, and the evening after.
        ("XAU/USD.OANDA", "2025-12-24T13:44", "LIVE"),
        ("XAU/USD.OANDA", "2025-12-24T13:45", "CLOSED"),
        ("XAU/USD.OANDA", "2025-12-25T12:00", "CLOSED"),
        ("XAU/USD.OANDA", "2025-12-25T18:00", "LIVE"),
        ("XAU/USD.OANDA", "2026-01-01T12:00", "CLOSED"),
        ("XAU/USD.OANDA", "2026-01-01T18:00", "LIVE"),
        # Holidays that end early, and open again in the evening.
        ("XAU/USD.OANDA", "2025-09-01T14:29", "LIVE"),
        ("XAU/USD.OANDA", "2025-09-01T14:30", "BREAK"),
        ("XAU/USD.OANDA", "2025-09-01T18:00", "LIVE"),
        ("XAU/USD.OANDA", "2025-11-28T13:45", "CLOSED"),
        ("EUR/USD.OANDA", "2026-03-10T17:30", "LIVE"),
        ("EUR/USD.OANDA", "2026-03-13T17:00", "CLOSED"),
        ("EUR/USD.OANDA", "2026-03-15T17:00", "LIVE"),
        ("EUR/USD.OANDA", "2025-12-25T12:00", "CLOSED"),
        ("EUR/USD.OANDA", "2025-04-18T12:00", "LIVE"),
        ("PAXG/USD.KRAKEN", "2025-12-25T12:00", "LIVE"),
        ("BTC/USD.COINBASE", "2026-03-14T12:00", "LIVE"),
    ],
)
def test_state_follows_the_kind_of_instrument(instrument: str, local: str, state: str) -> None:
    assert _hours(instrument).state(_at(local)) is FeedState(state)


@pytest.mark.parametrize(
    ("instrument", "local", "opened"),
    [
        ("IWM.ARCX", "2026-03-10T12:00", "2026-03-10T09:30"),
        ("IWM.ARCX", "2026-03-10T08:00", None),
        ("XAU/USD.OANDA", "2026-03-10T12:00", "2026-03-09T18:00"),
        ("XAU/USD.OANDA", "2026-03-10T18:00", "2026-03-10T18:00"),
        # The clocks change on this Sunday.
        ("XAU/USD.OANDA", "2026-03-09T03:00", "2026-03-08T18:00"),
        ("XAU/USD.OANDA", "2026-03-10T17:30", None),
        ("EUR/USD.OANDA", "2026-03-12T12:00", "2026-03-08T17:00"),
        ("EUR/USD.OANDA", "2026-03-08T17:00", "2026-03-08T17:00"),
        ("EUR/USD.OANDA", "2025-12-26T12:00", "2025-12-25T17:00"),
        ("EUR/USD.OANDA", "2026-03-14T12:00", None),
        ("PAXG/USD.KRAKEN", "2026-03-10T12:00", None),
    ],
)
def test_open_is_the_first_instant_of_trading(instrument: str, local: str, opened: str | None) -> None:
    hours, expected = _hours(instrument), None if opened is None else _at(opened)
    assert hours.opened_at_ns(_at(local)) == expected
    if expected is not None:
        assert hours.state(expected) is FeedState.LIVE
        assert hours.state(expected - 1) is not FeedState.LIVE


def test_declared_closures_reach_the_states() -> None:
    closures = parse_closures(
        "XNYS:2026-03-10,XNYS:2026-03-11T12:00,METALS:2026-03-10,METALS:2026-03-12T12:00"
    )
    share, gold = _hours("IWM.ARCX", closures), _hours("XAU/USD.OANDA", closures)
    assert share.state(_at("2026-03-10T12:00")) is FeedState.CLOSED
    assert share.state(_at("2026-03-11T11:59")) is FeedState.LIVE
    assert share.state(_at("2026-03-11T12:00")) is FeedState.CLOSED
    assert gold.state(_at("2026-03-09T18:30")) is FeedState.CLOSED
    assert gold.state(_at("2026-03-10T12:00")) is FeedState.CLOSED
    assert gold.state(_at("2026-03-12T12:00")) is FeedState.BREAK


def test_holidays_are_those_of_the_exchange_on_which_metals_close_or_stop_early() -> None:
    """The exchange keeps the same holidays by the same rules; what it mourns, metals do not."""
    calendar = xnys_calendar()
    mourned = {"2007-01-02", "2018-12-05", "2025-01-09"}
    # Before it was a holiday of the exchange, Juneteenth is none here; 3 July ends early for shares only.
    day = date(2003, 1, 1)
    while day < date(2035, 12, 31):
        label = day.isoformat()
        if day.weekday() < 5 and label not in mourned and not label.startswith(("2004-06-11", "2012-10-")):
            is_holiday = not calendar.is_session(label)
            close = metals_close_on(day)
            if is_holiday:
                assert close is not None, label
            else:
                assert close is None or (day.month, day.day) == (12, 24) or day.month == 11, label
        day += timedelta(days=1)


def test_weekly_hours_are_those_of_the_replay() -> None:
    hours, ts_ns = _hours("XAU/USD.SPOT"), _at("2026-02-20T00:00")
    for minute in range(0, 20 * 24 * 60, 7):
        at_ns = ts_ns + minute * 60 * 10**9
        assert hours.state(at_ns) is spot_gold_state(at_ns)
