"""The deadband: the live ratios that change no decision. Most ticks need no more than this comparison."""

from collections.abc import Iterable
from typing import Final

from services.signals.core.statistics.next_close import NextClose
from services.signals.core.triggers.price_at_level import ratio_at

# The band ends before the ratio at which a level is reached, by more than the rounding error of computing it.
_MARGIN: Final = 1e-12

Ratios = tuple[float, float]
# Without a distribution of the next close, no ratio decides anything.
UNBOUNDED_DEADBAND: Final[Ratios] = (0.0, float("inf"))
EMPTY_DEADBAND: Final[Ratios] = (float("inf"), 0.0)


def deadband(
    ratio: float,
    *,
    levels: Iterable[tuple[float, float]],
    ahead: NextClose,
    margin: float,
    is_until_close: bool = False,
) -> Ratios:
    """Return the lowest and the highest ratio for which no likely z crosses one of its levels.

    Parameters
    ----------
    ratio
        ``ln`` of the ratio that was evaluated last.
    levels
        The sign of a direction, and a level at which one of its decisions would change; in any order.
    ahead
        The distribution of the next close.
    margin
        `margin_of` the rule's probability.
    is_until_close
        Whether that must hold until the lead's close. Until then the spread goes down to ``least_spread``,
        and each level comes nearer to the prices that have not reached it. Time alone reaches none of them.

    Returns
    -------
    tuple of float
        Low and high ratio of the lead's price to the other leg's.

    Examples
    --------
    >>> from services.signals.core.statistics.moments import MeanStd
    >>> ahead = NextClose(base=MeanStd(mean=0.0, std=0.01), weight=1.0, offset=0.0, spread=0.0)
    >>> low, high = deadband(0.0, levels=[(-1.0, 1.0), (1.0, 1.0), (1.0, 3.0)], ahead=ahead, margin=0.75)
    >>> round(low, 6), round(high, 6)
    (0.99005, 1.01005)
    """
    low, high = UNBOUNDED_DEADBAND
    # The smaller the weight, the more a rounding error of z moves the ratio.
    rounding = _MARGIN / min(1.0, abs(ahead.weight) or 1.0)
    expected = ahead.expected(ratio)
    at_close = ahead._replace(spread=ahead.least_spread) if is_until_close else ahead
    for sign, level in levels:
        x, grows = sign * expected - margin * ahead.spread, sign * ahead.weight > 0
        # A ratio at the level, but for rounding, lies on both sides of it, so that the band is empty.
        for is_on_side, of, is_high in ((x <= level, at_close, grows), (x >= level, ahead, not grows)):
            at = ratio_at(level, of, sign=sign, margin=margin) if is_on_side else None
            if at is None:
                continue
            if is_high:
                high = min(high, at * (1 - rounding))
            else:
                low = max(low, at * (1 + rounding))
    return low, high
