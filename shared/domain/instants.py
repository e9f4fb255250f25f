"""Instants: integer nanoseconds in the code, RFC 3339 text for people and in records."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

NS_PER_SECOND: Final = 1_000_000_000
# 2036-01-01T00:00:00Z, after the last session of the calendar: no record holds an instant from then on.
INSTANTS_END_NS: Final = 2_082_758_400_000_000_000
# Only the forms of RFC 3339: fromisoformat also takes week dates and times without seconds.
_RFC3339: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.([0-9]{1,9}))?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_ns(instant: datetime) -> int:
    """Return an aware datetime as nanoseconds since the Unix epoch, exactly.

    Raises
    ------
    ValueError
        If the datetime is naive.

    Examples
    --------
    >>> to_ns(datetime(2014, 5, 2, 12, 30, 0, 43142, tzinfo=UTC))
    1399033800043142000
    """
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs a time zone, was {instant!r}")
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * NS_PER_SECOND + since.microseconds * 1_000


def from_ns(ns: int) -> datetime:
    """Return nanoseconds since the Unix epoch as an aware datetime, cut to microseconds.

    Examples
    --------
    >>> from_ns(1399033800043142999).isoformat()
    '2014-05-02T12:30:00.043142+00:00'
    """
    seconds, rest = divmod(ns, NS_PER_SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1_000)


def format_rfc3339(ns: int) -> str:
    """Return an instant as RFC 3339 text with exactly six decimals.

    Examples
    --------
    >>> format_rfc3339(1399033800000000000)
    '2014-05-02T12:30:00.000000Z'
    """
    return from_ns(ns).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def parse_rfc3339(text: str) -> int:
    """Return RFC 3339 text as nanoseconds, keeping up to nine decimals.

    Raises
    ------
    ValueError
        If the text is not a full date and time, seconds included, with a zone.

    Examples
    --------
    >>> parse_rfc3339("2017-09-24T22:20:39.888097022Z")
    1506291639888097022
    >>> parse_rfc3339("2014-05-02T08:30:00-04:00")
    1399033800000000000
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"needs a date, a time and a zone, such as 2014-05-02T12:30:00Z, was {text!r}")
    seconds, decimals, zone = match.groups()
    return _whole_seconds(seconds + zone) + int((decimals or "").ljust(9, "0"))


# Ticks of one second share everything but the decimals.
@lru_cache(maxsize=256)
def _whole_seconds(text: str) -> int:
    return to_ns(datetime.fromisoformat(text.upper()))
