"""Numbers, days and reasons as people read them; what is not known is a dash, never 0."""

from datetime import date
from typing import Final

from shared.domain.instants import from_ns, parse_rfc3339
from shared.domain.sessions import NEW_YORK

NOT_KNOWN: Final = "–"

TRANSITIONS: Final = {
    "open": "opened",
    "escalated": "escalated to critical",
    "eased": "eased to warning",
    "revised": "revised or confirmed",
    "closed": "closed",
    "not_confirmed": "not confirmed by the close",
    "expired": "expired unconfirmed",
}

REASONS: Final = {
    "cooldown": "The statistic asked for a divergence while the last one's cooldown ran.",
    "stale": "A level was held, but the price it was held at had stopped coming.",
    "undefined": "A session with an open divergence had no z-score to judge it by.",
    "bar_unchanged": "A bar said what was known already.",
    "bar_outdated": "A bar was older than the one known, or of another source.",
    "bar_provisional": "A bar was not final yet.",
    "trade_superseded": "Trades while quotes came: the mid says it better.",
    "close_sample_stale": "No price of the lead in the 15 minutes before a close, so no sample of it.",
    "other_instrument": "A record of an instrument that is not the lead.",
}


def number(value: float | None, *, decimals: int | None = 2, is_signed: bool = False) -> str:
    """Return a number with a thousands separator and a true minus.

    Parameters
    ----------
    decimals
        None for as few as needed.

    Examples
    --------
    >>> number(1486.0), number(-0.314, is_signed=True), number(None), number(-2.0, decimals=None)
    ('1,486.00', '−0.31', '–', '−2')
    """
    if value is None:
        return NOT_KNOWN
    sign = "+" if is_signed else ""
    text = f"{value:{sign}g}" if decimals is None else f"{value:{sign},.{decimals}f}"
    return text.replace("-", "−")


def percent(value: float | None) -> str:
    """Return a fraction as a signed percentage.

    Examples
    --------
    >>> percent(0.0123), percent(-0.2), percent(-0.0004), percent(None)
    ('+1.2 %', '−20.0 %', '0.0 %', '–')
    """
    if value is None:
        return NOT_KNOWN
    rounded = round(value * 100, 1)
    return f"{number(rounded, decimals=1, is_signed=True)} %" if rounded else "0.0 %"


def day(label: str) -> str:
    """Return a session's date.

    Examples
    --------
    >>> day("2020-03-18")
    '18 Mar 2020'
    """
    at = date.fromisoformat(label)
    return f"{at.day} {at:%b %Y}"


def moment(rfc3339: str) -> str:
    """Return an instant as New York's clocks showed it.

    Examples
    --------
    >>> moment("2020-02-25T01:15:00.000000Z")
    '24 Feb 2020 20:15'
    """
    at = from_ns(parse_rfc3339(rfc3339)).astimezone(NEW_YORK)
    return f"{at.day} {at:%b %Y %H:%M}"
