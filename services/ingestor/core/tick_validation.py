"""Which ticks of a live feed are used, and why the others are not: one place for every rule.

In this order; numbers are for one instrument of one feed.

================ ====================================================== ===================================
reason           a tick                                                 then
================ ====================================================== ===================================
``not_positive`` has a price or a size that is not positive and finite  rejected
``outside_range`` has a price below 1e-9 or above 1e12                  rejected
``crossed``      has a bid above its ask                                rejected
``future``       is over 5 s after the venue's present time             rejected, see `venue_clock`
``too_old``      is over 120 s before it                                rejected, see `venue_clock`
(none)           came because we subscribed, and is older than the      not used: the present state of the
                 allowed lateness                                       market is no tick
``out_of_order`` is over 10 s older than the feed's newest              rejected, see `event_times`; up to
                                                                        10 s it is kept as it came, and
                                                                        signals decides
(none)           was seen in the last two minutes: the same id, or the  counted as a duplicate
                 same time and prices
``wide_spread``  is wider than the venue's quotes are now               rejected, see `spread_limit`
``outlier``      is far from the last prices, and what comes next does  held at most 5 s, then rejected or
                 not confirm it                                         used, see `outliers`
================ ====================================================== ===================================

What is rejected is counted and goes to ``deadletters.v1`` with its reason. Trades that are fetched later to
fill a gap are checked by the first three rows, and not to be from the future.
"""

from typing import Final

from shared.domain.bars import LEAST_PRICE, MOST_PRICE
from shared.errors import QualityError

_INFINITY: Final = float("inf")


def check_quote(*, bid: float, ask: float) -> None:
    """Reject a quote whose prices cannot be true.

    Raises
    ------
    QualityError
        With reason ``not_positive``, ``outside_range`` or ``crossed``.

    Examples
    --------
    >>> check_quote(bid=10.0, ask=10.0)
    >>> check_quote(bid=10.1, ask=10.0)
    Traceback (most recent call last):
    shared.errors.QualityError: bid must not be above ask, was 10.1 and 10.0
    """
    if LEAST_PRICE <= bid <= ask <= MOST_PRICE:
        return
    if not (0 < bid < _INFINITY and 0 < ask < _INFINITY):
        raise QualityError(f"bid and ask must be positive, were {bid} and {ask}", reason="not_positive")
    _check_range(bid, ask)
    raise QualityError(f"bid must not be above ask, was {bid} and {ask}", reason="crossed")


def check_trade(*, price: float, size: float) -> None:
    """Reject a trade whose price or size cannot be true.

    Raises
    ------
    QualityError
        With reason ``not_positive`` or ``outside_range``.
    """
    if not (0 < price < _INFINITY and 0 < size < _INFINITY):
        raise QualityError(f"price and size must be positive, were {price} and {size}", reason="not_positive")
    _check_range(price)


def _check_range(*prices: float) -> None:
    if min(prices) < LEAST_PRICE or max(prices) > MOST_PRICE:
        raise QualityError(
            f"a price must lie between {LEAST_PRICE:g} and {MOST_PRICE:g}, was {prices}",
            reason="outside_range",
        )
