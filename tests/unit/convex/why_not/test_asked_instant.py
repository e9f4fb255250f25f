"""An instant is read in the ways that people write it; one with two meanings is refused with the remedy."""

import pytest

from convex.why_not.asked_instant import read_instant
from shared.calendars import xnys_calendar
from shared.errors import ConfigError
from tests.support.builders_market import ny, utc


@pytest.mark.parametrize(
    ("text", "at_ns"),
    [
        ("2020-03-12T14:30Z", utc("2020-03-12 14:30")),
        ("2020-03-12 14:30 UTC", utc("2020-03-12 14:30")),
        ("2020-03-12T14:30:05.25z", utc("2020-03-12 14:30:05.25")),
        ("2020-03-12T10:30-04:00", utc("2020-03-12 14:30")),
        ("2020-03-12 10:30 -0400", utc("2020-03-12 14:30")),
        ("2020-03-12 10:30 America/New_York", ny("2020-03-12 10:30")),
        ("2020-03-12 9:05 America/New_York", ny("2020-03-12 09:05")),
        ("2020-01-15 14:30 Europe/London", utc("2020-01-15 14:30")),
        ("2020-07-15 14:30 Europe/London", utc("2020-07-15 13:30")),
    ],
)
def test_instant_is_read_with_its_zone(text: str, at_ns: int) -> None:
    for words in ([text], text.split(" ")):
        asked = read_instant(words, xnys_calendar())

        assert (asked.at_ns, asked.session) == (at_ns, None)


def test_bare_date_is_the_close_of_that_session() -> None:
    asked = read_instant(["2020-03-12"], xnys_calendar())

    assert (asked.session, asked.at_ns) == ("2020-03-12", ny("2020-03-12 16:00"))
    assert read_instant(["2019-11-29"], xnys_calendar()).at_ns == ny("2019-11-29 13:00")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2020-03-12 10:30", "has no time zone; write 2020-03-12T10:30Z for UTC, or "),
        ("2020-03-12T10:30 EST", "more than one meaning or none; write the name of a place"),
        ("2020-03-12T10:30 New York", "more than one meaning or none"),
        ("2020-03-12 10:30 America/Newyork", "is not known; write one such as America/New_York"),
        ("12/03/2020", "is no date or instant; write 2020-03-12, "),
        ("yesterday", "is no date or instant"),
        ("", "is no date or instant"),
        ("2020-02-30", "2020-02-30 is no date"),
        ("2020-03-12T25:00Z", "25:00 is no time of day"),
        ("2020-03-14", "no session on Saturday 2020-03-14; name a session, such as 2020-03-13 or 2020-03-16"),
        ("2020-12-25", "such as 2020-12-24 or 2020-12-28"),
        ("2020-11-01 01:30 America/New_York", "occurs twice on that day"),
        ("2020-03-08 02:30 America/New_York", "does not occur on that day"),
    ],
)
def test_what_has_two_meanings_or_none_is_refused_with_the_way_to_write_it(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_instant([text], xnys_calendar())

    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_repeated_hour_names_both_instants() -> None:
    with pytest.raises(ConfigError, match="2020-11-01T05:30Z or 2020-11-01T06:30Z"):
        read_instant(["2020-11-01 01:30 America/New_York"], xnys_calendar())
