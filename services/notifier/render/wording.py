"""Words and numbers of mails that `shared.text` does not have."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from shared.domain.divergences import Direction, DivergenceEvent, Estimate
from shared.domain.instants import parse_rfc3339
from shared.text.durations import format_duration
from shared.text.early_warnings import format_probability
from shared.text.numbers import (
    format_interval,
    format_level,
    format_log_return,
    format_number,
    format_percent,
    format_signed,
)

NOT_KNOWN: Final = "not known yet"
NO_INTERVAL: Final = "no 95% interval"
_LEVELS: Final = {"warning": "warns from", "critical": "critical from", "leave": "closes within"}
# Without legs nothing shows which word is a symbol; a word this short is taken for one.
_SYMBOL_LETTERS: Final = 3

# In a mail an undefined number is words, not a dash: it can stand in the middle of a sentence.
number = partial(format_number, missing=NOT_KNOWN)
signed = partial(format_signed, missing=NOT_KNOWN)
percent = partial(format_percent, missing=NOT_KNOWN)
log_return = partial(format_log_return, missing=NOT_KNOWN)


def estimate(value: Estimate, show: Callable[[float | None], str] = number) -> str:
    """Return an estimate with its 95% interval, if it has one.

    Examples
    --------
    >>> estimate(Estimate(value=0.42, low=0.1, high=0.7))
    '0.42 (95%: 0.10 to 0.70)'
    >>> estimate(Estimate(value=None))
    'not known yet'
    """
    interval = format_interval(value, show)
    return show(value.value) + (f" ({interval})" if interval else "")


def limits_in_words(thresholds: Mapping[str, float], *, side: str = "±", closes: str = "") -> str:
    """Return a rule's thresholds in their order.

    Parameters
    ----------
    side
        The sign before a level: ``±`` for a statistic that diverges both ways.
    closes
        When it closes, in words; replaces the level ``leave``.

    Examples
    --------
    >>> limits_in_words({"critical": 3.0, "leave": 1.0, "hold_seconds": 300.0})
    'critical from ±3 · closes within ±1 · held for 5 min'
    >>> limits_in_words({"warning": 2.0, "probability": 0.8})
    'warns from ±2 · before the close if 80% likely'
    >>> limits_in_words({"warning": 0.1, "leave": 0.0}, side="+", closes="closes at 0")
    'warns from +0.1 · closes at 0'
    >>> limits_in_words({"sessions": 60.0, "least_change": 0.3})
    'sessions 60 · least change 0.3'
    """
    words = []
    for name, limit in thresholds.items():
        if name == "leave" and closes:
            words.append(closes)
        elif name in _LEVELS:
            words.append(f"{_LEVELS[name]} {side}{format_level(limit)}")
        elif name.endswith("_seconds"):
            # No hold is set where closes decide: "held for 0 s" would say nothing.
            held = "held for" if name == "hold_seconds" else name.removesuffix("_seconds").replace("_", " ")
            words += [f"{held} {format_duration(limit)}"] if limit else []
        elif name == "probability":
            words.append(f"before the close if {format_probability(limit)} likely")
        elif name == "min_change":
            words.append(f"only if it changed by at least {format_level(limit)}")
        else:
            words.append(f"{name.replace('_', ' ')} {format_level(limit)}")
    return " · ".join(words)


def outperformance(direction: Direction, lead: str, other: str) -> str:
    """Return what it says about the market's mood when one leg outperforms the other."""
    if direction is Direction.RISK_OFF:
        return f"{lead} outperforming {other} is a flight to safety (risk-off)."
    return f"{other} outperforming {lead} is an appetite for risk (risk-on)."


def seconds_between(start: str, end: str) -> float:
    """Return the event time between two RFC 3339 instants."""
    return (parse_rfc3339(end) - parse_rfc3339(start)) / 1e9


def leg_names(event: DivergenceEvent) -> tuple[str, str]:
    """Return the names of the lead and the other leg, made from the pair's name.

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
