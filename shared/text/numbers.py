"""Numbers as people read them: on the page, in mails, in reports and in the terminal.

All of them use the same form:

- Thousands have a comma and decimals a point. The caller fixes the number of decimals, so columns line up.
- A negative number has a true minus, which is as wide as a plus. A number that rounds to zero has no sign.
- A percent sign follows its number without a space, as is usual in English: ``12.3%``. So it never starts a
  line of its own, and a spreadsheet reads the number. A space would have to be a no-break one, which mail
  programs and terminals copy as a different character than the one people search for.
- An undefined number is a dash, or the caller's words. It is never shown as 0, ``None`` or ``nan``.
"""

import math
from collections.abc import Callable
from typing import Final

from shared.domain.divergences import Estimate

DASH: Final = "—"
MINUS: Final = "−"

# Below this a p-value is not written out: its digits depend on assumptions that no data confirm.
_LEAST_P_VALUE: Final = 0.001
# No ratio of two prices changes by a factor of e to the hundred; exp() of much more would overflow.
_LARGEST_LOG_RETURN: Final = 100.0


def format_number(value: float | None, decimals: int = 2, *, missing: str = DASH) -> str:
    """Return a number that shows a sign only when it is negative.

    Parameters
    ----------
    missing
        What to show for a number that is undefined.

    Examples
    --------
    >>> format_number(1471.239), format_number(12.345, 1), format_number(-0.5), format_number(None)
    ('1,471.24', '12.3', '−0.50', '—')
    >>> format_number(float("nan"), missing="not known yet")
    'not known yet'
    """
    return _format(value, decimals, plus="", missing=missing)


def format_signed(value: float | None, decimals: int = 2, *, missing: str = DASH) -> str:
    """Return a number that always shows its sign, unless it rounds to zero.

    Examples
    --------
    >>> format_signed(2.4051), format_signed(-0.3149), format_signed(-0.001), format_signed(None)
    ('+2.41', '−0.31', '0.00', '—')
    """
    return _format(value, decimals, plus="+", missing=missing)


def format_price(value: float | None, *, missing: str = DASH) -> str:
    """Return a price with two decimals.

    Examples
    --------
    >>> format_price(1471.239), format_price(None)
    ('1,471.24', '—')
    """
    return format_number(value, 2, missing=missing)


def format_percent(fraction: float | None, decimals: int = 1, *, missing: str = DASH) -> str:
    """Return a fraction as a percentage that shows a sign only when it is negative.

    Examples
    --------
    >>> format_percent(0.98889), format_percent(0.5, 0), format_percent(None)
    ('98.9%', '50%', '—')
    """
    return _format(fraction, decimals, plus="", missing=missing, is_percent=True)


def format_signed_percent(fraction: float | None, decimals: int = 1, *, missing: str = DASH) -> str:
    """Return a fraction as a percentage that always shows its sign, unless it rounds to zero.

    Examples
    --------
    >>> format_signed_percent(0.02776), format_signed_percent(-0.1, 2), format_signed_percent(0.0002)
    ('+2.8%', '−10.00%', '0.0%')
    """
    return _format(fraction, decimals, plus="+", missing=missing, is_percent=True)


def format_log_return(log_return: float | None, decimals: int = 1, *, missing: str = DASH) -> str:
    """Return a log return as the percentage by which the price changed, with its sign.

    Examples
    --------
    >>> format_log_return(0.0562), format_log_return(-0.0643), format_log_return(None)
    ('+5.8%', '−6.2%', '—')

    A value that no market can produce is a fault of the data and is not shown:

    >>> format_log_return(1e300)
    '—'
    """
    if log_return is None or not abs(log_return) <= _LARGEST_LOG_RETURN:
        return missing
    return format_signed_percent(math.expm1(log_return), decimals, missing=missing)


def format_p_value(p: float | None, *, missing: str = DASH) -> str:
    """Return a p-value with three decimals.

    Examples
    --------
    >>> format_p_value(0.0312), format_p_value(0.00001), format_p_value(None)
    ('0.031', 'below 0.001', '—')
    """
    if p is not None and p < _LEAST_P_VALUE:
        return f"below {_LEAST_P_VALUE}"
    return format_number(p, 3, missing=missing)


def format_level(level: float) -> str:
    """Return a rule's level with no more digits than it has.

    Examples
    --------
    >>> format_level(2.0), format_level(2.58), format_level(-0.5), format_level(300)
    ('2', '2.58', '−0.5', '300')
    """
    return format_number(level, 6).rstrip("0").rstrip(".") or "0"


def format_count(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural where there is not one of it.

    Examples
    --------
    >>> format_count(1, "session"), format_count(0, "session"), format_count(1240, "record")
    ('1 session', '0 sessions', '1,240 records')
    """
    return f"{format_whole(count)} {noun}{'' if count == 1 else 's'}"


def format_whole(count: int) -> str:
    """Return a whole number.

    Examples
    --------
    >>> format_whole(869), format_whole(2107)
    ('869', '2,107')
    """
    return f"{count:,}"


def format_part(part: int, whole: int) -> str:
    """Return how many of a number.

    Examples
    --------
    >>> format_part(1203, 2107)
    '1,203 of 2,107'
    """
    return f"{format_whole(part)} of {format_whole(whole)}"


def format_interval(estimate: Estimate, show: Callable[[float], str] = format_number) -> str:
    """Return the 95% interval of an estimate; empty where it has none.

    Parameters
    ----------
    show
        How to show both ends.

    Examples
    --------
    >>> format_interval(Estimate(value=0.42, low=-0.1, high=0.74), format_signed)
    '95%: −0.10 to +0.74'
    >>> format_interval(Estimate(value=0.42, low=0.1))
    ''
    """
    ends = (estimate.low, estimate.high)
    known = [end for end in ends if end is not None and math.isfinite(end)]
    if estimate.value is None or not math.isfinite(estimate.value) or len(known) != len(ends):
        return ""
    return f"95%: {show(known[0])} to {show(known[1])}"


def _format(value: float | None, decimals: int, *, plus: str, missing: str, is_percent: bool = False) -> str:
    if value is None or not math.isfinite(value):
        return missing
    magnitude = f"{abs(100 * value if is_percent else value):,.{decimals}f}"
    sign = (MINUS if value < 0 else plus) if magnitude.strip("0.,") else ""
    return f"{sign}{magnitude}{'%' if is_percent else ''}"
