"""Which closes of a leg can be used, and what is wrong with the others: a pure function of its closes.

=================== ============================================ ========================================
cause               a close                                      until
=================== ============================================ ========================================
``close_jump``      more than 1.5 times the last good close, or  it is corrected, or a good one follows,
                    more than a third below it                   or three that agree with it
``unapplied_split`` raw and adjusted changed alike, by nearly a  the same, but ten closes
                    split's ratio
``stuck_close``     the fifth equal one in a row                 a different one
``adjusted_splice`` its adjusted close over the raw one is lower the history is adjusted again, or ten
                    than at the close before                     closes later
=================== ============================================ ========================================

Good is what can follow the last good close. Closes with one of the first two causes are quarantined: they are
in no window. A market that has really jumped is believed once its closes agree with each other, and a leg
whose closes never agree is believed after ten, so that no cause lasts for ever while bars arrive. Where fewer
than four closes came before the level that is believed, they were the wrong ones.

Adjusted closes are compared, since windows use these. A split or a distribution that is applied moves the raw
close only, and is no fault.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.legs.data_quality import Cause
from shared.domain.bars import Bar

# No watched market rises by half, or falls by a third, between two closes; a misplaced decimal point does.
# The largest moves of gold and IWM in the years from 2000 to 2022 are 10% and 14%.
_JUMP: Final = 1.5
# A close that jumped, and three that agree with it.
_AGREEING: Final = 4
# Two weeks: a vendor applies a split within days.
_SETTLED: Final = 10
# The usual ratios of splits. A split never makes a price rise by half, a fall by a third is 3 for 2.
_RATIOS: Final = np.array([2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50], np.float64)
_THREE_FOR_TWO: Final = 1.5
# The largest fall that can be odd is a split of three for two on a day on which the market rises.
_LEAST_ODD: Final = 0.71
# The market's own move on the day of a split, and by how much raw and adjusted may differ on it: a dividend.
_DAY: Final = 0.05
_SAME: Final = 0.02
_STUCK: Final = 5
# No false hit in four real files; the smallest dividend of an ETF is a hundred times this.
_SPLICE: Final = 2e-5
# Adjusted closes with two decimals jitter more than that. Rounding makes no step of 3.4 times its median step
# while prices stay, or of six times in a market that halves. Fewer than eight steps have no useful median.
_JITTER: Final = 6.0
_JITTER_STEPS: Final = 60
_LEAST_STEPS: Final = 8
# Closes that decide what is wrong now: the last ten, and the steps before each that say what is usual.
_RECENT: Final = _SETTLED + _JITTER_STEPS + _LEAST_STEPS

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """One session's raw and adjusted close, USD."""

    raw: float
    adjusted: float


def close_of(bar: Bar) -> Close:
    """Return a bar's close."""
    return Close(raw=bar.close, adjusted=bar.adj_close)


def why_not_after(now: Close, last: Close) -> Cause | None:
    """Return why a close cannot follow the last good one; None if it can.

    Examples
    --------
    >>> last = Close(raw=150.0, adjusted=150.0)
    >>> why_not_after(Close(raw=130.0, adjusted=130.0), last) is None
    True
    >>> why_not_after(Close(raw=240.0, adjusted=240.0), last).value
    'close_jump'

    A split of three for two that was not applied, and one that was:

    >>> why_not_after(Close(raw=100.5, adjusted=100.5), last).value
    'unapplied_split'
    >>> why_not_after(Close(raw=100.5, adjusted=100.5), Close(raw=150.0, adjusted=100.0)) is None
    True
    """
    ratio = now.adjusted / last.adjusted
    if _LEAST_ODD < ratio <= _JUMP:
        return None
    if abs(now.raw / last.raw / ratio - 1.0) <= _SAME and _is_split(ratio):
        return Cause.UNAPPLIED_SPLIT
    return None if _are_near(now.adjusted, last.adjusted) else Cause.CLOSE_JUMP


def _is_split(ratio: float) -> bool:
    """Return whether a price that changed by a ratio may have been split, forward or in reverse."""
    is_three_for_two = abs(ratio * _THREE_FOR_TWO - 1.0) <= _DAY
    return is_three_for_two or _is_whole(max(ratio, 1.0 / ratio))


def _is_whole(factor: float) -> bool:
    return bool((np.abs(factor / _RATIOS - 1.0) <= _DAY).any())


def _are_near(price: float, other: float) -> bool:
    return other <= price * _JUMP and price <= other * _JUMP


def why_unusable(closes: Floats, adj_closes: Floats) -> list[Cause | None]:
    """Return for each close why it cannot be used, None for a good one.

    Parameters
    ----------
    closes, adj_closes
        In session order, shape ``(n,)`` each, USD.

    Examples
    --------
    >>> closes = np.array([150.0, 151.0, 150.0, 15_100.0, 152.0, 93.0, 92.5, 94.0, 92.0])
    >>> [cause and cause.value for cause in why_unusable(closes[:-1], closes[:-1])]
    [None, None, None, 'close_jump', None, 'close_jump', 'close_jump', 'close_jump']

    The fourth close at the new level makes it the market's:

    >>> [cause and cause.value for cause in why_unusable(closes, closes)]
    [None, None, None, 'close_jump', None, None, None, None, None]

    Where the history is too short to know better, the many outvote the few:

    >>> few = np.array([1_500.0, 150.0, 151.0, 152.0, 150.0])
    >>> [cause and cause.value for cause in why_unusable(few, few)]
    ['unapplied_split', None, None, None, None]
    """
    if is_plausible(closes, adj_closes):
        return [None] * len(closes)
    rows = [
        Close(raw=raw, adjusted=adj) for raw, adj in zip(closes.tolist(), adj_closes.tolist(), strict=True)
    ]
    causes: list[Cause | None] = [None] * len(rows)
    good = [0]
    pending: list[int] = []
    for row in range(1, len(rows)):
        causes[row] = why_not_after(rows[row], rows[good[-1]])
        if causes[row] is None:
            good.append(row)
            pending = []
            continue
        pending.append(row)
        level = _agreeing(pending, rows)
        is_young = len(good) < _AGREEING
        needed = _SETTLED if causes[level[0]] is Cause.UNAPPLIED_SPLIT and not is_young else _AGREEING
        if len(level) < needed and len(pending) < _SETTLED:
            continue
        if is_young and len(level) >= _AGREEING:
            for wrong in good:
                causes[wrong] = why_not_after(rows[wrong], rows[level[0]]) or Cause.CLOSE_JUMP
            good = []
        for right in level:
            causes[right] = None
        good += level
        pending = []
    return causes


def _agreeing(pending: Sequence[int], rows: Sequence[Close]) -> list[int]:
    """Return the last of some rows that agree, each with the one before it."""
    begin = len(pending) - 1
    while begin and _are_near(rows[pending[begin]].adjusted, rows[pending[begin - 1]].adjusted):
        begin -= 1
    return list(pending[begin:])


def is_plausible(closes: Floats, adj_closes: Floats) -> bool:
    """Return whether each close can follow the one before it, so that all are good."""
    return not _oddities(closes, adj_closes)


def _oddities(closes: Floats, adj_closes: Floats) -> list[tuple[int, Cause]]:
    """Return the rows that cannot follow the row before them, and why."""
    ratios = adj_closes[1:] / adj_closes[:-1]
    (suspect,) = np.nonzero(~((ratios > _LEAST_ODD) & (ratios <= _JUMP)))
    rows = [
        Close(raw=closes.item(row), adjusted=adj_closes.item(row))
        for at in suspect.tolist()
        for row in (at, at + 1)
    ]
    found = zip(suspect.tolist(), rows[::2], rows[1::2], strict=True)
    return [(at + 1, cause) for at, last, now in found if (cause := why_not_after(now, last)) is not None]


def present_causes(closes: Floats, adj_closes: Floats) -> tuple[Cause, ...]:
    """Return what is wrong with the newest good closes, other than that some are quarantined.

    Examples
    --------
    >>> closes = np.array([150.0, 151.0, 151.0, 151.0, 151.0, 151.0])
    >>> [cause.value for cause in present_causes(closes, closes)], present_causes(closes[:-1], closes[:-1])
    (['stuck_close'], ())
    """
    closes, adj_closes = closes[-_RECENT:], adj_closes[-_RECENT:]
    last = closes[-_STUCK:]
    stuck = (Cause.STUCK_CLOSE,) if len(last) == _STUCK and bool((last == last[0]).all()) else ()
    spliced = splices(closes, adj_closes)
    is_recent = spliced.size > 0 and spliced[-1] >= len(closes) - _SETTLED
    return (*stuck, Cause.ADJUSTED_SPLICE) if is_recent else stuck


def past_causes(closes: Floats, adj_closes: Floats) -> tuple[Cause, ...]:
    """Return what was ever wrong with the good closes of a history, a jump that was believed included."""
    found = [cause for _, cause in _oddities(closes, adj_closes)]
    equal = "".join("1" if each else "0" for each in (closes[1:] == closes[:-1]).tolist())
    if "1" * (_STUCK - 1) in equal:
        found.append(Cause.STUCK_CLOSE)
    if splices(closes, adj_closes).size:
        found.append(Cause.ADJUSTED_SPLICE)
    return tuple(dict.fromkeys(found))


def splices(closes: Floats, adj_closes: Floats) -> NDArray[np.intp]:
    """Return the rows at which the adjusted close over the raw one fell, ascending.

    Adjusting for a dividend or a split lowers all older closes, so that the quotient never falls over time.
    It does where two adjustments of different days were joined. A reverse split divides it by a whole number.

    Examples
    --------
    >>> closes = np.full(20, 150.0)
    >>> factors = np.where(np.arange(20) < 12, 0.998224, 0.997628)
    >>> splices(closes, closes * factors).tolist(), splices(closes, closes * factors[::-1]).tolist()
    ([12], [])
    """
    factors = adj_closes / closes
    steps = factors[1:] / factors[:-1] - 1.0
    if steps.size < _LEAST_STEPS or not (steps < -_SPLICE).any():
        return np.empty(0, np.intp)
    found = [
        at
        for at in np.nonzero(steps < -_SPLICE)[0].tolist()
        if steps[at] < -max(_SPLICE, _JITTER * _usual_step(steps, at))
        and not _is_whole(factors.item(at) / factors.item(at + 1))
    ]
    return np.array(found, np.intp) + 1


def _usual_step(steps: Floats, at: int) -> float:
    begin = max(0, min(at + 1, len(steps)) - _JITTER_STEPS)
    around = steps[begin : max(at + 1, begin + _LEAST_STEPS)]
    return float(np.median(np.abs(around)))
