"""The adjusted close of each row, on a scale on which the newest row's is its close.

========================================= ==================================================
the provider                              the adjusted close
========================================= ==================================================
gives adjusted closes                     its own, rescaled
gives none at all                         ours, from the splits and dividends that it declares
leaves one out                            on the factor of the next newer row
declares a split, but has not applied it  its older rows are divided here
says what cannot be right                 as if it had not (`plausible_adjustments`)
========================================= ==================================================

An adjusted close is a view as of the day it is asked for. A provider applies a split hours or days after the
first close on the new scale: until then, the older rows are divided here by what it declares, and nothing
changes when it does so itself.

References
----------
CRSP, "Stock and index calculations": the factor of a distribution is 1 - amount / last close before it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Final

from services.ingestor.core.daily_rows import Row
from services.ingestor.core.plausible_adjustments import own_factors, plausible_adjustments

# A market's own move is seldom larger than a smaller split, so nothing shows whether it is applied.
_LEAST_SPLIT: Final = 1.2
# A factor between closes is only as exact as rounded prices are.
_SAME_FACTOR: Final = 0.03
# Splits are 2 for 1, 3 for 2, 1 for 50; rounded prices make 1.9997 of the first.
_MOST_OLD_SHARES: Final = 100


def adjusted_rows(
    rows: Sequence[Row],
    *,
    splits: Mapping[str, float],
    dividends: Mapping[str, float],
    is_split_adjusted: bool,
) -> list[Row]:
    """Return rows that all have an adjusted close, and the newest the same as its close.

    Parameters
    ----------
    rows
        Ascending by session, one for each.
    splits, dividends
        As declared, by ex-date (`PulledRows`).
    is_split_adjusted
        The provider's closes themselves are divided by later splits.

    Examples
    --------
    A split of two to one that is declared on the newest row, and that no older row is divided by:

    >>> rows = [Row(session="2025-11-25", close=206.19, adj_close=206.19),
    ...         Row(session="2025-11-26", close=103.0, adj_close=103.0)]
    >>> split = {"2025-11-26": 2.0}
    >>> [(row.close, row.adj_close)
    ...  for row in adjusted_rows(rows, splits=split, dividends={}, is_split_adjusted=True)]
    [(103.095, 103.095), (103.0, 103.0)]
    >>> [(row.close, row.adj_close)
    ...  for row in adjusted_rows(rows, splits=split, dividends={}, is_split_adjusted=False)]
    [(206.19, 103.095), (103.0, 103.0)]
    """
    if not rows:
        return []
    plausible = plausible_adjustments(
        rows, splits=splits, dividends=dividends, is_split_adjusted=is_split_adjusted
    )
    rows, split_at = plausible.rows, plausible.split_at
    factors = own_factors(rows, {} if is_split_adjusted else split_at, plausible.dividend_at)
    if any(row.adj_close is not None for row in rows):
        factors = _given_factors(rows, factors)
    scale = factors[-1]
    adjusted = [
        replace(row, adj_close=(row.close * factor if row.adj_close is None else row.adj_close) / scale)
        for row, factor in zip(rows, factors, strict=True)
    ]
    for index, ratio in sorted(split_at.items(), reverse=True):
        if _is_unapplied(adjusted[index - 1], adjusted[index], ratio):
            older = [_divided(row, ratio, with_close=is_split_adjusted) for row in adjusted[:index]]
            adjusted[:index] = older
    return adjusted


def comparable_closes(
    rows: Sequence[Row], *, splits: Mapping[str, float], is_split_adjusted: bool, to_split_adjusted: bool
) -> dict[str, float]:
    """Return one provider's closes by session, on the basis of another provider's.

    Parameters
    ----------
    is_split_adjusted, to_split_adjusted
        Whether their closes, and those that they are compared with, are divided by later splits.

    Examples
    --------
    >>> rows = [Row(session="2025-11-25", close=206.19), Row(session="2025-11-26", close=103.0)]
    >>> comparable_closes(rows, splits={"2025-11-26": 2.0}, is_split_adjusted=False, to_split_adjusted=True)
    {'2025-11-25': 103.095, '2025-11-26': 103.0}
    """
    factors = {
        row.session: math.prod(ratio for ex_date, ratio in splits.items() if ex_date > row.session)
        for row in rows
    }
    if is_split_adjusted == to_split_adjusted:
        return {row.session: row.close for row in rows}
    if to_split_adjusted:
        return {row.session: row.close / factors[row.session] for row in rows}
    return {row.session: row.close * factors[row.session] for row in rows}


def splits_between(rows: Sequence[Row], adjusted: Mapping[str, float]) -> dict[str, float]:
    """Return by ex-date the splits that a provider applies to its adjusted closes.

    For providers that declare none in the same answer. A dividend of a sixth of the price counts as one.

    Parameters
    ----------
    rows
        Ascending, with closes as traded.
    adjusted
        The same provider's adjusted closes by session.

    Examples
    --------
    >>> rows = [Row(session="2005-06-08", close=123.43), Row(session="2005-06-09", close=62.32)]
    >>> splits_between(rows, {"2005-06-08": 61.715, "2005-06-09": 62.32})
    {'2005-06-09': 2.0}
    """
    factors = [(row.session, adjusted[row.session] / row.close) for row in rows if row.session in adjusted]
    found = {}
    for (_, last), (session, factor) in pairwise(factors):
        ratio = factor / last
        if max(ratio, 1.0 / ratio) >= _LEAST_SPLIT:
            found[session] = float(Fraction(ratio).limit_denominator(_MOST_OLD_SHARES)) or ratio
    return found


def is_declared(factor: float, splits: Mapping[str, float]) -> bool:
    """Return whether the newest of some splits, one or more, divide closes as by a factor.

    Examples
    --------
    >>> is_declared(0.5, {"2005-06-09": 2.0}), is_declared(0.01, {"2005-06-09": 2.0})
    (True, False)
    """
    product = 1.0
    for ex_date in sorted(splits, reverse=True):
        product *= splits[ex_date]
        if abs(factor * product - 1.0) <= _SAME_FACTOR:
            return True
    return False


def _given_factors(rows: Sequence[Row], own: Sequence[float]) -> list[float]:
    """Return the provider's factors; where it gives none, as ours change from the next newer row."""
    factors = list(own)
    given = [None if row.adj_close is None else row.adj_close / row.close for row in rows]
    first = next(index for index in range(len(rows) - 1, -1, -1) if given[index] is not None)
    scale = (given[first] or 1.0) / own[first]
    for index in range(len(rows) - 1, -1, -1):
        known = given[index]
        if known is not None:
            scale = known / own[index]
        factors[index] = own[index] * scale
    return factors


def _is_unapplied(last: Row, row: Row, ratio: float) -> bool:
    """Return whether the adjusted closes move as by a split rather than as a market does."""
    if max(ratio, 1.0 / ratio) < _LEAST_SPLIT:
        return False
    move = math.log((row.adj_close or row.close) / (last.adj_close or last.close))
    return abs(move + math.log(ratio)) < 0.5 * abs(move)


def _divided(row: Row, ratio: float, *, with_close: bool) -> Row:
    adjusted = replace(row, adj_close=(row.adj_close or row.close) / ratio)
    if not with_close:
        return adjusted
    return replace(
        adjusted,
        close=row.close / ratio,
        open=None if row.open is None else row.open / ratio,
        high=None if row.high is None else row.high / ratio,
        low=None if row.low is None else row.low / ratio,
        volume=None if row.volume is None else row.volume * ratio,
    )
