"""Words and numbers for people: what is not known says so, and never shows as 0 or None."""

import math
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from shared.domain.divergences import DivergenceEvent, Estimate
from shared.domain.instants import from_ns, parse_rfc3339

NOT_KNOWN = "not known yet"
_LEVELS: Final = {"warning": "warns from", "critical": "critical from", "leave": "over within"}
# Without legs nothing says which word is a symbol; one this short is taken for one.
_SYMBOL_LETTERS: Final = 3
_NEW_YORK = ZoneInfo("America/New_York")


def number(value: float | None, *, decimals: int = 2, is_signed: bool = False) -> str:
    """Return a number with a thousands separator.

    Examples
    --------
    >>> number(1315.2), number(-0.314, is_signed=True), number(2.0, is_signed=True)
    ('1,315.20', '−0.31', '+2.00')
    >>> number(None), number(float("nan"))
    ('not known yet', 'not known yet')
    """
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    return f"{value:{'+' if is_signed else ''},.{decimals}f}".replace("-", "−")


def percent(value: float | None, *, is_signed: bool = False) -> str:
    """Return a share as percent.

    Examples
    --------
    >>> percent(0.1234), percent(-0.05, is_signed=True), percent(None)
    ('12.3 %', '−5.0 %', 'not known yet')
    """
    text = number(value * 100 if value is not None else None, decimals=1, is_signed=is_signed)
    return text if text == NOT_KNOWN else f"{text} %"


def estimate(value: Estimate, *, is_share: bool = False) -> str:
    """Return an estimate with its 95 % interval, if it has one.

    Examples
    --------
    >>> estimate(Estimate(value=0.42, low=0.1, high=0.7))
    '0.42 (95 %: 0.10 to 0.70)'
    >>> estimate(Estimate(value=None))
    'not known yet'
    """
    show = percent if is_share else number
    text = show(value.value)
    if value.value is None or value.low is None or value.high is None:
        return text
    return f"{text} (95 %: {show(value.low)} to {show(value.high)})"


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units.

    Examples
    --------
    >>> duration(0.4), duration(75), duration(3_700), duration(200_000)
    ('under 1 s', '1 min 15 s', '1 h 1 min', '2 d 7 h')
    >>> duration(-5)
    'under 1 s'
    """
    whole = int(max(seconds, 0.0))
    if whole < 1:
        return "under 1 s"
    parts: list[str] = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, whole = divmod(whole, length)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part)


def limit_in_words(name: str, limit: float) -> str:
    """Return one of a rule's thresholds: a level of the statistic lies on both sides, a time does not.

    Examples
    --------
    >>> limit_in_words("critical", 3.0), limit_in_words("hold_seconds", 300.0)
    ('critical from ±3.0', 'held 5 min')
    >>> limit_in_words("sessions", 60.0)
    'sessions 60.0'
    """
    if name in _LEVELS:
        return f"{_LEVELS[name]} ±{number(limit, decimals=1)}"
    if name.endswith("_seconds"):
        held = "held" if name == "hold_seconds" else name.removesuffix("_seconds").replace("_", " ")
        return f"{held} {duration(limit)}"
    return f"{name.replace('_', ' ')} {number(limit, decimals=1)}"


def instant(rfc3339: str) -> str:
    """Return an instant in UTC and in New York, whose closes decide.

    Examples
    --------
    >>> instant("2014-05-02T12:35:10.000000Z")
    'Fri 2 May 2014, 12:35:10 UTC (08:35 New York)'
    """
    at = from_ns(parse_rfc3339(rfc3339)).astimezone(UTC)
    return f"{_day(at)}, {at:%H:%M:%S} UTC ({at.astimezone(_NEW_YORK):%H:%M} New York)"


def seconds_between(start: str, end: str) -> float:
    """Return the event time between two RFC 3339 instants."""
    return (parse_rfc3339(end) - parse_rfc3339(start)) / 1e9


def pair_titles(event: DivergenceEvent) -> tuple[str, str]:
    """Return names of the lead and the other leg, made from the pair's.

    A word that is an instrument's symbol is written as that symbol, any other as a name: ``gold-iwm``
    of ``PAXG/USD.KRAKEN`` and ``IWM.ARCX`` gives Gold and IWM. Without legs, as in a test event, a short
    word is taken for a symbol.
    """
    symbols = {part for leg in event.legs for part in leg.instrument.partition(".")[0].upper().split("/")}
    names = [_title(word, symbols) for word in event.pair.split("-", 1)]
    return (names[0], names[1]) if len(names) == 2 else (event.pair, "the other leg")


def _title(word: str, symbols: set[str]) -> str:
    if word.upper() in symbols:
        return word.upper()
    return " ".join(
        part.upper() if not symbols and len(part) <= _SYMBOL_LETTERS else part.title()
        for part in word.split("-")
    )


def _day(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b %Y}"
