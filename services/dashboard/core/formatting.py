"""Numbers, ages and instants as people read them; None is a dash, never a number."""

from datetime import datetime
from typing import Final

from shared.domain.instants import from_ns, parse_rfc3339

DASH: Final = "—"
# The true minus is as wide as a plus, so that signed columns line up; a hyphen is not.
MINUS: Final = "−"

_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400


def format_price(value: float | None) -> str:
    """Return a price in USD with thousands separators.

    Examples
    --------
    >>> format_price(1471.239), format_price(None)
    ('1,471.24', '—')
    """
    return DASH if value is None else _signed_magnitude(value, 2, plus="")


def format_signed(value: float | None, decimals: int = 2) -> str:
    """Return a number that always shows its sign; one that rounds to zero has none.

    Examples
    --------
    >>> format_signed(2.4051), format_signed(-0.3149), format_signed(-0.001), format_signed(None)
    ('+2.41', '−0.31', '0.00', '—')
    """
    return DASH if value is None else _signed_magnitude(value, decimals, plus="+")


def format_plain(value: float | None, decimals: int = 2) -> str:
    """Return a number with a sign only when it is negative.

    Examples
    --------
    >>> format_plain(12.345, 1), format_plain(-0.5), format_plain(None)
    ('12.3', '−0.50', '—')
    """
    return DASH if value is None else _signed_magnitude(value, decimals, plus="")


def format_percent(fraction: float | None, decimals: int = 2) -> str:
    """Return a fraction as a percentage that shows its sign.

    Examples
    --------
    >>> format_percent(0.02776), format_percent(-0.1), format_percent(0.0), format_percent(None)
    ('+2.78%', '−10.00%', '0.00%', '—')
    """
    return DASH if fraction is None else _signed_magnitude(fraction * 100, decimals, plus="+") + "%"


def format_share(fraction: float | None, decimals: int = 1) -> str:
    """Return a fraction of a whole as a percentage without a plus.

    Examples
    --------
    >>> format_share(0.98889), format_share(None)
    ('98.9%', '—')
    """
    return DASH if fraction is None else _signed_magnitude(fraction * 100, decimals, plus="") + "%"


def format_age(seconds: float | None) -> str:
    """Return a length of time in its two largest units; the page's script counts on in the same words.

    Examples
    --------
    >>> [format_age(seconds) for seconds in (0.4, 59.9, 61, 75_845, 300_000, None)]
    ['0 s', '59 s', '1 min 01 s', '21 h 04 min', '3 d 11 h', '—']

    An event slightly ahead of our clock is not told as a negative age:

    >>> format_age(-0.2)
    '0 s'
    """
    if seconds is None:
        return DASH
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def format_instant(text: str | None) -> str:
    """Return an RFC 3339 instant as date and time to the second, UTC.

    Examples
    --------
    >>> format_instant("2014-05-02T08:30:00.043142-04:00"), format_instant(None)
    ('2014-05-02 12:30:00 UTC', '—')
    """
    return DASH if text is None else format_ns(parse_rfc3339(text))


def format_ns(ns: int) -> str:
    """Return nanoseconds since the Unix epoch as date and time to the second, UTC.

    Examples
    --------
    >>> format_ns(1_399_033_800_043_142_000)
    '2014-05-02 12:30:00 UTC'
    """
    return from_ns(ns).strftime("%Y-%m-%d %H:%M:%S UTC")


def format_clock(instant: datetime) -> str:
    """Return the time of day of an aware UTC datetime.

    Examples
    --------
    >>> from datetime import UTC
    >>> format_clock(datetime(2014, 5, 2, 12, 3, 11, tzinfo=UTC))
    '12:03:11 UTC'
    """
    return instant.strftime("%H:%M:%S UTC")


def _signed_magnitude(value: float, decimals: int, *, plus: str) -> str:
    magnitude = f"{abs(value):,.{decimals}f}"
    if not magnitude.strip("0.,"):
        return magnitude
    return (MINUS if value < 0 else plus) + magnitude
