"""Read a ``Retry-After`` header: how many seconds a server asks a client to wait."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

# Enough for thirty thousand years; Python refuses to read an integer of more than 4,300 digits.
_DIGITS_READ: Final = 12


def parse_retry_after(
    header: str | None, *, longest_seconds: float, at: datetime | None = None
) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, within [0, longest_seconds].

    Parameters
    ----------
    header
        Seconds or an HTTP date; None if there was none.
    longest_seconds
        A longer wait is cut to this one: a server may ask for a pause, not for silence for ever.
    at
        When the answer came, to turn a date into a wait. Without it a date is not read.

    Returns
    -------
    float or None
        None if there was no header or it cannot be read: a broken header must not stop a retry.

    References
    ----------
    RFC 9110, section 10.2.3.

    Examples
    --------
    >>> noon = datetime(2025, 11, 28, 12, 0, tzinfo=UTC)
    >>> parse_retry_after("120", longest_seconds=3_600.0)
    120.0
    >>> parse_retry_after("Fri, 28 Nov 2025 12:05:00 GMT", longest_seconds=3_600.0, at=noon)
    300.0
    >>> parse_retry_after("Fri, 28 Nov 2025 11:00:00 GMT", longest_seconds=3_600.0, at=noon)
    0.0
    >>> parse_retry_after("soon", longest_seconds=3_600.0, at=noon) is None
    True
    """
    if header is None:
        return None
    text = header.strip()
    # Digits of other alphabets are digits to Python, and some of them are no number to float.
    if text.isascii() and text.isdigit():
        return min(float(text[:_DIGITS_READ]), longest_seconds)
    if at is None:
        return None
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # RFC 9110 dates are GMT; "-0000" reads as naive.
    aware = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return min(max((aware - at).total_seconds(), 0.0), longest_seconds)
