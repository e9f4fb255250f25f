"""Instants and session dates as people read them.

Tables use the ISO form, which sorts and is the same in every country. Sentences name the day of the week and
add New York's time, because New York's closes decide.
"""

from datetime import UTC, date, datetime

from shared.domain.instants import from_ns, parse_rfc3339
from shared.domain.sessions import NEW_YORK
from shared.text.numbers import DASH


def format_instant(rfc3339: str | None, *, missing: str = DASH) -> str:
    """Return an RFC 3339 instant as date and time in UTC, to the second.

    Examples
    --------
    >>> format_instant("2014-05-02T08:30:00.043142-04:00"), format_instant(None)
    ('2014-05-02 12:30:00 UTC', '—')
    """
    return missing if rfc3339 is None else f"{_utc(rfc3339):%Y-%m-%d %H:%M:%S} UTC"


def format_instant_in_words(rfc3339: str) -> str:
    """Return an RFC 3339 instant with its day of the week, in UTC and in New York.

    Examples
    --------
    >>> format_instant_in_words("2014-05-02T12:35:10.000000Z")
    'Fri 2 May 2014, 12:35:10 UTC (08:35 New York)'
    """
    at = _utc(rfc3339)
    return f"{at:%a} {_day(at)}, {at:%H:%M:%S} UTC ({at.astimezone(NEW_YORK):%H:%M} New York)"


def format_new_york(rfc3339: str) -> str:
    """Return an RFC 3339 instant as the date and time in New York, to the minute.

    Examples
    --------
    >>> format_new_york("2020-02-25T01:15:00.000000Z")
    '24 Feb 2020 20:15'
    """
    at = _utc(rfc3339).astimezone(NEW_YORK)
    return f"{_day(at)} {at:%H:%M}"


def format_short_instant(rfc3339: str) -> str:
    """Return an RFC 3339 instant as day and time in UTC, to the minute, where the year is plain.

    Examples
    --------
    >>> format_short_instant("2020-02-25T01:15:00.000000Z")
    '25 Feb 01:15 UTC'
    """
    at = _utc(rfc3339)
    return f"{at.day} {at:%b %H:%M} UTC"


def format_session(label: str) -> str:
    """Return the date of a session.

    Examples
    --------
    >>> format_session("2020-03-18")
    '18 Mar 2020'
    """
    return _day(date.fromisoformat(label))


def format_clock(instant: datetime) -> str:
    """Return the time of day of an aware datetime, in UTC.

    Examples
    --------
    >>> format_clock(datetime(2014, 5, 2, 12, 3, 11, tzinfo=UTC))
    '12:03:11 UTC'
    """
    return f"{instant.astimezone(UTC):%H:%M:%S} UTC"


def _utc(rfc3339: str) -> datetime:
    return from_ns(parse_rfc3339(rfc3339)).astimezone(UTC)


def _day(at: date) -> str:
    return f"{at.day} {at:%b %Y}"
