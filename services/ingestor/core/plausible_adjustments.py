"""Which adjusted closes, splits and dividends of an answer can be right; the closes themselves show it.

===================== ==================================================================================
not used              when
===================== ==================================================================================
an adjusted close     its factor jumps by a tenth or more from the other rows', no declared action says so,
                      and the close did not move against it: the price would have jumped with it
a dividend            it is more than a tenth of the price, and the close fell by less than half of it
a split               its ratio is beyond 100, or it is declared again within a week, and the close did not
                      move by it
===================== ==================================================================================

A close is kept whatever stands beside it.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.ingestor.core.daily_rows import Row

# Larger than any ordinary dividend, and than what rounding does to an adjusted close.
_JUMP: Final = math.log(1.1)
_LARGE_DIVIDEND: Final = 0.1
_SAME_FACTOR: Final = 0.05
_MOST_RATIO: Final = math.log(100.0)
_WEEK: Final = 5
# Beyond anything real; a product of hundreds of declared splits must not become 0 or infinite.
_MOST_FACTOR: Final = 1e100


@dataclass(frozen=True, slots=True, kw_only=True)
class Plausible:
    """What can be right of an answer.

    Parameters
    ----------
    rows
        The same rows; without an adjusted close where it cannot be right.
    split_at, dividend_at
        By the first row on or after their ex-date that has an older row.
    unadjusted
        The sessions whose adjusted close is not used.
    ignored
        The actions that are not used, as texts such as ``dividend 99 of 2026-03-05``.
    """

    rows: tuple[Row, ...]
    split_at: Mapping[int, float]
    dividend_at: Mapping[int, float]
    unadjusted: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def plausible_adjustments(
    rows: Sequence[Row],
    *,
    splits: Mapping[str, float],
    dividends: Mapping[str, float],
    is_split_adjusted: bool,
) -> Plausible:
    """Return what can be right.

    Parameters
    ----------
    rows
        Ascending by session, one for each.
    is_split_adjusted
        The closes themselves are divided by later splits.

    Examples
    --------
    >>> rows = [Row(session="2026-03-04", close=100.0), Row(session="2026-03-05", close=100.0)]
    >>> found = plausible_adjustments(
    ...     rows, splits={}, dividends={"2026-03-05": 99.0}, is_split_adjusted=False)
    >>> dict(found.dividend_at), found.ignored
    ({}, ('dividend 99 of 2026-03-05',))
    """
    split_at, dividend_at = _by_row(rows, splits), _by_row(rows, dividends)
    wrong_dividends = [index for index, paid in dividend_at.items() if not _is_paid(rows, index, paid)]
    wrong_splits = (
        []
        if is_split_adjusted
        else [index for index in split_at if not _is_plausible_split(rows, index, split_at)]
    )
    ignored = [f"dividend {dividend_at.pop(index):g} of {rows[index].session}" for index in wrong_dividends]
    ignored += [f"split {split_at.pop(index):g} of {rows[index].session}" for index in wrong_splits]
    own = own_factors(rows, {} if is_split_adjusted else split_at, dividend_at)
    wrong = _wrong_adjusted(rows, own)
    return Plausible(
        rows=tuple(replace(row, adj_close=None) if index in wrong else row for index, row in enumerate(rows)),
        split_at=split_at,
        dividend_at=dividend_at,
        unadjusted=tuple(rows[index].session for index in sorted(wrong)),
        ignored=tuple(ignored),
    )


def own_factors(
    rows: Sequence[Row], split_at: Mapping[int, float], dividend_at: Mapping[int, float]
) -> list[float]:
    """Return the factor of each row's close that declared actions give; 1 for the newest."""
    factors = [1.0] * len(rows)
    for index in range(len(rows) - 1, 0, -1):
        dividend, before = dividend_at.get(index, 0.0), rows[index - 1].close
        paid = 1.0 - dividend / before if dividend < before else 1.0
        factor = factors[index] * paid / split_at.get(index, 1.0)
        factors[index - 1] = min(max(factor, 1.0 / _MOST_FACTOR), _MOST_FACTOR)
    return factors


def _by_row(rows: Sequence[Row], actions: Mapping[str, float]) -> dict[int, float]:
    """Return actions by the first row on or after their ex-date that has an older row."""
    labels = [row.session for row in rows]
    found: dict[int, float] = {}
    for ex_date, value in actions.items():
        index = bisect_left(labels, ex_date)
        if 0 < index < len(rows) and value > 0:
            found[index] = value
    return found


def _move(rows: Sequence[Row], index: int) -> float:
    return math.log(rows[index].close / rows[index - 1].close)


def _is_paid(rows: Sequence[Row], index: int, dividend: float) -> bool:
    share = dividend / rows[index - 1].close
    if share <= _LARGE_DIVIDEND:
        return True
    return share < 1.0 and _move(rows, index) <= 0.5 * math.log1p(-share)


def _is_plausible_split(rows: Sequence[Row], index: int, split_at: Mapping[int, float]) -> bool:
    ratio = split_at[index]
    if _has_moved_by(rows, index, ratio):
        return True
    is_again = any(
        0 < abs(other - index) <= _WEEK and split_at[other] == ratio and _has_moved_by(rows, other, ratio)
        for other in split_at
    )
    return not is_again and abs(math.log(ratio)) <= _MOST_RATIO


def _has_moved_by(rows: Sequence[Row], index: int, ratio: float) -> bool:
    return abs(_move(rows, index) + math.log(ratio)) <= 0.5 * abs(math.log(ratio))


def _wrong_adjusted(rows: Sequence[Row], own: Sequence[float]) -> set[int]:
    """Return the rows whose adjusted close cannot be right: those that do not go with the longest run."""
    given = [index for index, row in enumerate(rows) if row.adj_close is not None]
    factors = {index: (rows[index].adj_close or 0.0) / rows[index].close for index in given}

    def is_jump(one: int, other: int) -> bool:
        jump = math.log(factors[other] / factors[one])
        if abs(jump) <= _JUMP or abs(jump - math.log(own[other] / own[one])) <= _SAME_FACTOR:
            return False
        move = math.log(rows[other].close / rows[one].close)
        return abs(move + jump) > abs(move)

    runs: list[list[int]] = []
    for index in given:
        if runs and not is_jump(runs[-1][-1], index):
            runs[-1].append(index)
        else:
            runs.append([index])
    if len(runs) < 2:
        return set()
    # Of two that are as long, the one on the scale of the closes themselves.
    longest = max(runs, key=lambda run: (len(run), -abs(math.log(factors[run[-1]]))))
    wrong: set[int] = set()
    last = longest[-1]
    for index in (each for each in given if each > longest[-1]):
        if is_jump(last, index):
            wrong.add(index)
        else:
            last = index
    first = longest[0]
    for index in (each for each in reversed(given) if each < longest[0]):
        if is_jump(index, first):
            wrong.add(index)
        else:
            first = index
    return wrong
