"""Instants, sessions and the hours of gold."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendars import xnys_calendar
from shared.clock import ManualClock, SystemClock
from shared.domain.gold_hours import spot_gold_state
from shared.domain.instants import format_rfc3339, from_ns, parse_rfc3339, to_ns
from shared.domain.sessions import SessionCalendar, bar_final_at_ns
from shared.domain.ticks import FeedState
from shared.errors import InvariantError
from tests.support.builders_market import calendar, ny, utc

PAYROLLS = 1_399_033_800_000_000_000  # 2014-05-02T12:30:00Z, by date(1)


def test_instant_is_exact_to_the_microsecond() -> None:
    assert to_ns(datetime(2014, 5, 2, 12, 30, 0, 1, tzinfo=UTC)) == PAYROLLS + 1_000
    assert to_ns(datetime(2014, 5, 2, 8, 30, tzinfo=timezone(timedelta(hours=-4)))) == PAYROLLS
    assert to_ns(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)) == -1_000_000_000


def test_naive_datetime_is_no_instant() -> None:
    with pytest.raises(ValueError, match="an instant needs a time zone"):
        to_ns(datetime(2014, 5, 2, 12, 30))  # noqa: DTZ001 - the point


def test_nanoseconds_are_cut_to_microseconds_for_people() -> None:
    assert from_ns(PAYROLLS + 1_999) == datetime(2014, 5, 2, 12, 30, 0, 1, tzinfo=UTC)
    assert format_rfc3339(PAYROLLS + 1_999) == "2014-05-02T12:30:00.000001Z"


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2014-05-02T12:30:00Z", 0),
        ("2014-05-02t12:30:00z", 0),
        ("2014-05-02T12:30:00.1Z", 100_000_000),
        ("2014-05-02T12:30:00.000000001Z", 1),
        ("2014-05-02T08:30:00.123456789-04:00", 123_456_789),
        ("2014-05-02T18:00:00+05:30", 0),
    ],
)
def test_rfc3339_is_read_to_the_nanosecond(text: str, ns: int) -> None:
    assert parse_rfc3339(text) == PAYROLLS + ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2014-05-02",
        "2014-05-02T12:30:00",
        "2014-05-02T12:30Z",
        "2014-05-02T12:30:00.Z",
        "2014-05-02T12:30:00.0000000001Z",
        "2014-05-02T12:30:60Z",
        "2014-13-02T12:30:00Z",
        "20140502T123000Z",
        "2014-W18-5T12:30:00Z",
        "2014.5-05-02T12:30:00Z",
        "2014-05-02T12.5:30:00Z",
        "２０１４-05-02T12:30:00Z",
        " 2014-05-02T12:30:00Z",
    ],
)
def test_other_texts_are_no_instants(text: str) -> None:
    """Would have caught: decimals were cut out wherever they stood, and the rest was read."""
    with pytest.raises(ValueError, match=r"needs a date|must be in|Invalid|out of range"):
        parse_rfc3339(text)


@given(st.integers(0, 4_102_444_800_000_000))
def test_every_microsecond_reads_back(microseconds: int) -> None:
    ns = microseconds * 1_000

    assert parse_rfc3339(format_rfc3339(ns)) == ns
    assert to_ns(from_ns(ns)) == ns


def test_calendar_knows_its_sessions() -> None:
    days = calendar()

    assert days.is_session("2019-07-03")
    assert not days.is_session("2019-07-04")
    assert not days.is_session("2020-01-02")
    assert days.close_of("2019-07-03") == ny("2019-07-03 13:00")
    assert days.labels[days.index_of("2019-12-31")] == "2019-12-31"


@pytest.mark.parametrize("label", ["2019-07-04", "2018-12-31", "2020-01-02"])
def test_what_is_no_session_has_no_place(label: str) -> None:
    with pytest.raises(InvariantError, match=f"{label} is not a session between 2019-01-02 and 2019-12-31"):
        calendar().index_of(label)


def test_calendar_needs_an_open_and_a_close_for_each_session() -> None:
    for opens, closes in (((1,), ()), ((), (2,)), ((1, 3), (2,))):
        with pytest.raises(InvariantError, match="one open and one close"):
            SessionCalendar(labels=("2019-06-03",), open_ns=opens, close_ns=closes)


def test_close_counts_for_an_instant_at_it_and_not_after_it() -> None:
    days, close = calendar(), ny("2019-06-03 16:00")
    index = days.index_of("2019-06-03")

    assert days.first_closing_at_or_after(close) == index
    assert days.first_closing_at_or_after(close + 1) == index + 1
    assert days.last_closed_before(close) == index - 1
    assert days.last_closed_before(close + 1) == index
    assert days.last_closed_before(0) == -1


def test_session_is_open_from_its_open_to_before_its_close() -> None:
    days, begin, end = calendar(), ny("2019-06-03 09:30"), ny("2019-06-03 16:00")

    assert [days.is_open(ts) for ts in (begin - 1, begin, end - 1, end)] == [False, True, True, False]
    assert not days.is_open(0)
    assert not days.is_open(ny("2019-06-08 12:00"))


def test_bar_is_final_at_a_quarter_past_eight_in_new_york_in_both_halves_of_the_year() -> None:
    assert bar_final_at_ns("2020-03-06") == utc("2020-03-07 01:15")
    assert bar_final_at_ns("2020-03-09") == utc("2020-03-10 00:15")


def test_real_calendar_knows_early_closes_holidays_and_daylight_saving() -> None:
    days = xnys_calendar()

    assert days.close_of("2025-11-28") == utc("2025-11-28 18:00")
    assert days.close_of("2020-03-06") == utc("2020-03-06 21:00")
    assert days.close_of("2020-03-09") == utc("2020-03-09 20:00")
    for closed in ("2020-07-03", "2012-10-29", "2001-09-11", "2025-01-09"):
        assert not days.is_session(closed)
    assert (days.labels[0], days.labels[-1]) == ("1999-01-04", "2035-12-31")


@pytest.mark.parametrize(
    ("when", "state"),
    [
        ("2019-06-03 16:59:59.999999", "LIVE"),
        ("2019-06-03 17:00", "BREAK"),
        ("2019-06-03 17:59:59.999999", "BREAK"),
        ("2019-06-03 18:00", "LIVE"),
        ("2019-06-07 16:59:59", "LIVE"),  # Friday
        ("2019-06-07 17:00", "CLOSED"),
        ("2019-06-07 23:59", "CLOSED"),
        ("2019-06-08 12:00", "CLOSED"),
        ("2019-06-09 17:59:59.999999", "CLOSED"),  # Sunday
        ("2019-06-09 18:00", "LIVE"),
        ("2019-06-06 23:00", "LIVE"),
    ],
)
def test_gold_trades_from_sunday_evening_to_friday_with_an_hour_off(when: str, state: str) -> None:
    assert spot_gold_state(ny(when)) is FeedState(state)


def test_hours_of_gold_follow_new_york_through_the_change_of_the_clocks() -> None:
    # The week before the change of March 2020 the break begins at 22:00 UTC, after it at 21:00.
    assert spot_gold_state(utc("2020-03-05 21:30")) is FeedState.LIVE
    assert spot_gold_state(utc("2020-03-05 22:00")) is FeedState.BREAK
    assert spot_gold_state(utc("2020-03-09 21:00")) is FeedState.BREAK
    assert spot_gold_state(utc("2020-03-09 22:00")) is FeedState.LIVE
    assert spot_gold_state(utc("2020-03-08 21:59")) is FeedState.CLOSED
    assert spot_gold_state(utc("2020-03-08 22:00")) is FeedState.LIVE


def test_manual_clock_moves_only_when_it_is_reported() -> None:
    clock = ManualClock(datetime(2014, 5, 2, 12, 30, tzinfo=UTC))
    assert (clock.now_ns(), clock.monotonic()) == (PAYROLLS, 0.0)

    clock.advance(timedelta(seconds=1.5))

    assert (clock.now_ns(), clock.monotonic()) == (PAYROLLS + 1_500_000_000, 1.5)
    assert clock.now() == from_ns(clock.now_ns())
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(timedelta(microseconds=-1))


def test_system_clock_agrees_with_itself() -> None:
    clock = SystemClock()
    first, then = clock.now(), clock.now_ns()

    assert first.tzinfo is UTC
    assert abs(to_ns(first) - then) < 5_000_000_000
    assert clock.monotonic() <= clock.monotonic()
