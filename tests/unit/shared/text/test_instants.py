"""Instants and dates against what a person would write by hand."""

from datetime import datetime
from zoneinfo import ZoneInfo

from shared.text.instants import (
    format_clock,
    format_instant,
    format_instant_in_words,
    format_new_york,
    format_session,
)


def test_an_instant_is_shown_in_utc() -> None:
    assert format_instant("2020-03-18T16:00:00-04:00") == "2020-03-18 20:00:00 UTC"


def test_an_instant_that_is_not_known_is_a_dash_or_the_words_of_the_caller() -> None:
    assert (format_instant(None), format_instant(None, missing="never")) == ("—", "never")


def test_a_sentence_names_the_day_and_the_time_in_new_york() -> None:
    assert format_instant_in_words("2020-03-09T01:05:09Z") == "Mon 9 Mar 2020, 01:05:09 UTC (21:05 New York)"


def test_new_york_has_winter_and_summer_time() -> None:
    assert format_new_york("2020-01-02T21:00:00Z") == "2 Jan 2020 16:00"
    assert format_new_york("2020-07-02T20:00:00Z") == "2 Jul 2020 16:00"


def test_the_date_of_a_session_has_no_leading_zero() -> None:
    assert format_session("2020-03-09") == "9 Mar 2020"


def test_a_clock_of_another_zone_is_read_in_utc() -> None:
    at = datetime(2020, 7, 2, 16, 0, 5, tzinfo=ZoneInfo("America/New_York"))

    assert format_clock(at) == "20:00:05 UTC"
