"""Numbers, days and reasons as people read them; what is not known is a dash, never 0."""

from datetime import date
from typing import Final

from shared.domain.divergences import Direction, Kind
from shared.domain.instants import from_ns, parse_rfc3339
from shared.domain.pairs import Pair
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

KINDS: Final = {
    Kind.RATIO_STRETCH: "Ratio stretch",
    Kind.OPPOSITE_MOVES: "Opposite moves",
    Kind.CORRELATION_BREAK: "Correlation break",
    Kind.HEDGE_LOST: "Hedge lost",
    Kind.REGIME_CHANGE: "Regime change",
    Kind.DATA_FAULT: "Data fault",
}

STATISTICS: Final = {
    Kind.RATIO_STRETCH: "z",
    Kind.OPPOSITE_MOVES: "D",
    Kind.CORRELATION_BREAK: "Fisher’s z",
    Kind.HEDGE_LOST: "low end",
    Kind.REGIME_CHANGE: "z",
}
"""How each kind's statistic is called on the page."""

CAUSES: Final = {
    "stale": "no price in an open market",
    "bad_ticks": "prices not to be believed",
    "missing_bar": "no daily bar",
    "no_close_sample": "no price before the close",
    "revised_to": "close corrected",
}

REASONS: Final = {
    "cooldown": "The statistic asked for a divergence while the last one's cooldown ran.",
    "stale": "A level was held, but the price it was held at had stopped coming.",
    "undefined": "A session with an open divergence had no statistic to judge it by.",
    "inhibited": "The statistic asked for a divergence while a leg's data were at fault.",
    "flapping": "A divergence that opens and closes too often was held open.",
    "bar_unchanged": "A bar said what was known already.",
    "bar_outdated": "A bar was older than the one known, or of another source.",
    "bar_provisional": "A bar was not final yet.",
    "bar_no_session": "A bar of a day on which the exchange was closed.",
    "trade_superseded": "Trades while quotes came: the mid says it better.",
    "close_sample_stale": "No price of the lead in the 15 minutes before a close, so no sample of it.",
    "tick_behind_watermark": "A tick older than event time, still the newest of its leg: judged late.",
    "tick_implausible": "A price that jumped by half was not believed at once.",
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


def direction_of(direction: Direction, pair: Pair) -> str:
    """Return a direction in words; of a data fault, which leg it is.

    Examples
    --------
    >>> from shared.pairs.loading import load_pairs
    >>> pair = load_pairs("replay")[0]
    >>> direction_of(Direction.RISK_OFF, pair), direction_of(Direction.LEAD, pair)
    ('risk-off', 'Gold')
    """
    legs = {Direction.LEAD: pair.lead_title, Direction.OTHER: pair.other_title}
    return legs.get(direction, direction.value.replace("_", "-"))


def lasted(seconds: float) -> str:
    """Return a length of time as people say it.

    Examples
    --------
    >>> lasted(60), lasted(15_300), lasted(79_200), lasted(300_000)
    ('1 min', '4 h 15 min', '22 h', '3 d 11 h')
    """
    minutes = round(seconds / 60)
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
    return " ".join([f"{count} {unit}" for count, unit in parts if count][:2]) or "0 min"
