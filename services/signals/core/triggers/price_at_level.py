"""The live prices at which a level of the early warning is reached.

Between two steps of the session's clock the distribution of the next close is fixed, and its likely z is a
straight line in the log ratio. So each level is one price of the lead.
"""

import math
from typing import Final

from services.signals.core.statistics.next_close import NextClose

# e to this power is just below the largest number: a level so far away is reached by no price.
_FARTHEST: Final = 700.0


def ratio_at(level: float, ahead: NextClose, *, sign: float, margin: float) -> float | None:
    """Return the ratio of the lead's price to the other leg's at which the likely z is ``level``.

    Parameters
    ----------
    level
        A level of the rule.
    ahead
        The distribution of the next close.
    sign
        The sign of the direction, 1 or -1.
    margin
        `margin_of` the rule's probability.

    Returns
    -------
    float or None
        None where no live price changes the likely z: the lead's close is known already, or the other leg
        moves as the lead does.

    Examples
    --------
    >>> from services.signals.core.statistics.moments import MeanStd
    >>> ahead = NextClose(base=MeanStd(mean=2.0, std=0.05), weight=1.0, offset=0.0, spread=0.4)
    >>> ratio = ratio_at(2.0, ahead, sign=1.0, margin=0.75)
    >>> round(ahead.likely(math.log(ratio), sign=1.0, margin=0.75), 12)
    2.0
    >>> fixed = NextClose(base=MeanStd(mean=2.0, std=0.05), weight=0.0, offset=2.1, spread=0.4)
    >>> ratio_at(2.0, fixed, sign=1.0, margin=0.75) is None
    True
    """
    if ahead.weight == 0.0:
        return None
    z = sign * (level + margin * ahead.spread)
    ratio = (ahead.base.mean + ahead.base.std * z - ahead.offset) / ahead.weight
    return math.exp(max(-_FARTHEST, min(_FARTHEST, ratio)))


def lead_price_at(
    level: float, ahead: NextClose, *, sign: float, margin: float, other_price: float
) -> float | None:
    """Return the lead's price at which the likely z is ``level``, exact to rounding; None where none is.

    Parameters
    ----------
    level, ahead, sign, margin
        As for `ratio_at`. The likely z grows with the price if ``sign * ahead.weight`` is positive.
    other_price
        The divisor of the live ratio: the other leg's last tick or its newest adjusted close, USD.
    """
    ratio = ratio_at(level, ahead, sign=sign, margin=margin)
    return None if ratio is None else ratio * other_price
