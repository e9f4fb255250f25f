"""How often chance alone would open a divergence, in words: for messages, the page, reports and `explain`.

Two rates decide what is said: the rate expected by chance with its interval, and the rate at which the rule
opened in the same history with its own.

==================================== =====================================================
observed against expected            says
==================================== =====================================================
lowest above the highest             it opened more often than chance explains
value above the highest              more often, but too few openings to rule chance out
highest below the lowest             chance opens it even more often
otherwise                            no difference from chance is shown
==================================== =====================================================

Few openings leave a wide interval. That no difference is shown does not mean that there is none, so no text
says that both rates are equal.
"""

from collections.abc import Mapping
from typing import Final

from shared.domain.divergences import Interval, Kind, Null, ObservedOpenings, Period, Significance
from shared.text.instants import format_session
from shared.text.numbers import format_count, format_number

# A rate below this rounds to less than once a year, and is said as a number of years.
_ONCE_A_YEAR: Final = 0.95
_LEAST_SHOWN: Final = 0.01

_OPENS_THIS: Final = "two legs whose correlation never changes {may} open this {often}"
_PLAIN: Final[Mapping[Kind, str]] = {
    Kind.RATIO_STRETCH: "a ratio of two unrelated prices {may} open this {often}",
    Kind.OPPOSITE_MOVES: "two unrelated prices {may} move apart {often}",
    Kind.REGIME_CHANGE: "a ratio of two unrelated prices {may} change its regime {often}",
    Kind.CORRELATION_BREAK: _OPENS_THIS,
    Kind.HEDGE_LOST: _OPENS_THIS,
    Kind.EVIDENCE_BREAK: _OPENS_THIS,
}
_NULLS: Final[Mapping[Null, str]] = {
    Null.UNRELATED_LEGS: "two legs without a tie, each with its own volatility and persistence",
    Null.CONSTANT_CORRELATION: "two legs whose correlation never changes",
}
NO_FIGURE: Final = (
    "No figure exists for this rule: how often chance alone would open it has not been computed for this "
    "pair and its levels."
)


def describe_chance(kind: Kind, significance: Significance) -> tuple[str, ...]:
    """Return how often chance alone would open it, how often it opened, and what these numbers are from.

    Returns
    -------
    tuple of str
        Sentences, the number first.

    Examples
    --------
    >>> from shared.domain.divergences import Estimate
    >>> figure = Significance(
    ...     correlation=None, effective_size=None, false_alarms_per_year=3.6, null=Null.UNRELATED_LEGS,
    ...     interval=Interval(low=2.9, high=4.4),
    ...     observed=ObservedOpenings(count=29, per_year=Estimate(value=3.9, low=2.6, high=5.6)),
    ... )
    >>> for sentence in describe_chance(Kind.RATIO_STRETCH, figure):
    ...     print(sentence)
    Chance alone would open this 3.6 times a year (95%: 2.9 to 4.4).
    It opened 3.9 times a year (29 times; 95%: 2.6 to 5.6). No difference from chance is shown: a ratio of \
two unrelated prices may open this as often.
    Chance means two legs without a tie, each with its own volatility and persistence.

    Without a figure it says so, rather than nothing:

    >>> none = Significance(correlation=None, effective_size=None, false_alarms_per_year=None)
    >>> describe_chance(Kind.HEDGE_LOST, none) == (NO_FIGURE,)
    True
    """
    if significance.false_alarms_per_year is None:
        return (NO_FIGURE,)
    sentences = [_expected(significance.false_alarms_per_year, significance.interval)]
    if significance.observed is not None:
        sentences.append(_observed(kind, significance, significance.observed))
    source = _source(significance.null, significance.period)
    return (*sentences, source) if source else tuple(sentences)


def brief_chance(significance: Significance) -> str:
    """Return the rate by chance and how the observed one compares with it, for a small print.

    Examples
    --------
    >>> figure = Significance(
    ...     correlation=None, effective_size=None, false_alarms_per_year=3.6,
    ...     interval=Interval(low=2.9, high=4.4),
    ... )
    >>> brief_chance(figure)
    'by chance 3.6 a year (95%: 2.9 to 4.4)'
    """
    per_year = significance.false_alarms_per_year
    if per_year is None:
        return "by chance: no figure for this rule"
    verdict = brief_comparison(significance)
    return f"by chance {format_rate(per_year)} a year{_within(significance.interval)}" + (
        f"; {verdict}" if verdict else ""
    )


def brief_comparison(significance: Significance) -> str:
    """Return in a few words how the rule's openings compare with chance; empty if not known."""
    if significance.exceeds_chance is None:
        return ""
    if significance.exceeds_chance:
        return "more often than chance"
    if _is_above(significance):
        return "perhaps more often than chance"
    return "less often than chance" if _is_below(significance) else "no difference from chance is shown"


def format_rate(per_year: float) -> str:
    """Return a rate with as many decimals as it needs.

    Examples
    --------
    >>> format_rate(13.24), format_rate(0.962), format_rate(0.141), format_rate(0.004), format_rate(0.0)
    ('13.2', '0.96', '0.14', 'under 0.01', '0')
    """
    if per_year <= 0:
        return "0"
    if per_year < _LEAST_SHOWN:
        return f"under {_LEAST_SHOWN}"
    return format_number(per_year, 1 if per_year >= 1 else 2)


def _expected(per_year: float, interval: Interval | None) -> str:
    if per_year <= 0:
        most = f" (95%: at most {format_rate(interval.high)} a year)" if interval else ""
        return f"Chance alone did not open this once in randomly drawn histories{most}."
    within = _within(interval, unit="" if per_year >= _ONCE_A_YEAR else " a year")
    return f"Chance alone would open this {_times(per_year)}{within}."


def _times(per_year: float) -> str:
    """Return a rate as people say it.

    Examples
    --------
    >>> _times(3.62), _times(0.8), _times(0.141)
    ('3.6 times a year', 'about once a year', 'about once in 7 years')
    """
    if per_year >= _ONCE_A_YEAR:
        return f"{format_number(per_year, 1)} times a year"
    years = round(1 / per_year)
    return f"about once {f'in {years:,} years' if years > 1 else 'a year'}"


def _within(interval: Interval | None, *, unit: str = "") -> str:
    if interval is None:
        return ""
    return f" (95%: {format_rate(interval.low)} to {format_rate(interval.high)}{unit})"


def _observed(kind: Kind, significance: Significance, observed: ObservedOpenings) -> str:
    rate = observed.per_year
    count = format_count(observed.count, "time")
    seen = "It did not open in that history" if not observed.count else f"It opened {_rate_of(rate.value)}"
    inside = [] if not observed.count else [count]
    if rate.low is not None and rate.high is not None:
        unit = "" if rate.value is not None and rate.value >= _ONCE_A_YEAR else " a year"
        inside.append(f"95%: {format_rate(rate.low)} to {format_rate(rate.high)}{unit}")
    detail = f" ({'; '.join(inside)})" if inside else ""
    if significance.exceeds_chance is None:
        return f"{seen}{detail}."
    if significance.exceeds_chance:
        return f"{seen}{detail}, more often than chance explains."
    if _is_above(significance):
        return f"{seen}{detail}, which is more, but too few openings to rule chance out."
    plain = _PLAIN.get(kind, _OPENS_THIS)
    if _is_below(significance):
        rarer = plain.format(may="would", often="even more often")
        return f"{seen}{detail}. {rarer[0].upper()}{rarer[1:]}."
    return f"{seen}{detail}. No difference from chance is shown: {plain.format(may='may', often='as often')}."


def _rate_of(per_year: float | None) -> str:
    return "" if per_year is None else _times(per_year)


def _is_below(significance: Significance) -> bool:
    highest = significance.observed.per_year.high if significance.observed is not None else None
    return highest is not None and significance.interval is not None and highest < significance.interval.low


def _is_above(significance: Significance) -> bool:
    value = significance.observed.per_year.value if significance.observed is not None else None
    return value is not None and significance.interval is not None and value > significance.interval.high


def _source(null: Null | None, period: Period | None) -> str:
    parts = [] if null is None else [f"chance means {_NULLS[null]}"]
    if period is not None:
        first, last = (format_session(each) for each in (period.first_session, period.last_session))
        parts.append(f"counted on the closes of {first} to {last}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""
