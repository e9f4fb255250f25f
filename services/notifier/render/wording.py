"""Words and numbers for people: what is not known says so, and never shows as 0 or None."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from shared.domain.divergences import DivergenceEvent, Estimate
from shared.domain.instants import from_ns, parse_rfc3339

NOT_KNOWN = "not known yet"
NO_INTERVAL = "no 95 % interval"
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


def change(log_return: float | None) -> float | None:
    """Return a log return as the simple one that people know; None where it is not known or absurd.

    Examples
    --------
    >>> round(change(0.0562), 4), change(None), change(1e300)
    (0.0578, None, None)
    """
    # Nobody's ratio is e to the hundred; a number that big is a fault, and a message is no place to crash.
    return None if log_return is None or abs(log_return) > 100 else math.exp(log_return) - 1


def percent(value: float | None, *, is_signed: bool = False) -> str:
    """Return a share as percent.

    Examples
    --------
    >>> percent(0.1234), percent(-0.05, is_signed=True), percent(None)
    ('12.3 %', '−5.0 %', 'not known yet')
    """
    text = number(value * 100 if value is not None else None, decimals=1, is_signed=is_signed)
    return text if text == NOT_KNOWN else f"{text} %"


def estimate(value: Estimate, *, is_share: bool = False, is_signed: bool = False) -> str:
    """Return an estimate with its 95 % interval, if it has one.

    Examples
    --------
    >>> estimate(Estimate(value=0.42, low=0.1, high=0.7))
    '0.42 (95 %: 0.10 to 0.70)'
    >>> estimate(Estimate(value=None))
    'not known yet'
    """
    show = percent if is_share else number
    around = interval(value, is_share=is_share, is_signed=is_signed)
    return show(value.value, is_signed=is_signed) + (f" ({around})" if around else "")


def interval(value: Estimate, *, is_share: bool = False, is_signed: bool = False) -> str:
    """Return an estimate's 95 % interval; empty where it has none.

    Examples
    --------
    >>> interval(Estimate(value=0.08, low=0.01, high=0.15), is_share=True)
    '95 %: 1.0 % to 15.0 %'
    >>> interval(Estimate(value=None, low=0.1, high=0.7)), interval(Estimate(value=0.42, low=0.1))
    ('', '')
    """
    show = percent if is_share else number
    low, high = (show(end, is_signed=is_signed) for end in (value.low, value.high))
    return "" if NOT_KNOWN in (show(value.value), low, high) else f"95 %: {low} to {high}"


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


def limits_in_words(thresholds: Mapping[str, float], *, side: str = "±", over: str = "") -> str:
    """Return a rule's thresholds in the order they stand there.

    Parameters
    ----------
    side
        Stands before a level: ``±`` for a statistic that diverges both ways.
    over
        When it is over, instead of the level ``leave``.

    Examples
    --------
    >>> limits_in_words({"critical": 3.0, "leave": 1.0, "hold_seconds": 300.0})
    'critical from ±3.0 · over within ±1.0 · held 5 min'
    >>> limits_in_words({"warning": 0.1, "leave": 0.0}, side="+", over="over once it is 0")
    'warns from +0.1 · over once it is 0'
    >>> limits_in_words({"sessions": 60.0, "least_change": 0.3})
    'sessions 60.0 · least change 0.3'
    """
    words = []
    for name, limit in thresholds.items():
        if name == "leave" and over:
            words.append(over)
        elif name in _LEVELS:
            words.append(f"{_LEVELS[name]} {side}{_level(limit)}")
        elif name.endswith("_seconds"):
            # A close holds by itself: a hold of nothing says nothing.
            held = "held" if name == "hold_seconds" else name.removesuffix("_seconds").replace("_", " ")
            words += [f"{held} {duration(limit)}"] if limit else []
        elif name == "min_change":
            words.append(f"only where it changed by {_level(limit)}")
        else:
            words.append(f"{name.replace('_', ' ')} {_level(limit)}")
    return " · ".join(words)


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


def _level(limit: float) -> str:
    # 2.58 and 3.29 are levels too: no digit of one is lost, and 2 is not written 2.00.
    text = number(limit)
    return text.removesuffix("0") if text.endswith("0") else text


def _day(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b %Y}"
