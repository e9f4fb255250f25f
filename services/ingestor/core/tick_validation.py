"""Which ticks are rejected: those that cannot be true, whatever the market does."""

from typing import Final

from shared.domain.bars import LEAST_PRICE, MOST_PRICE
from shared.domain.instants import NS_PER_SECOND
from shared.errors import QualityError

# Our clock and a venue's differ by milliseconds; a tick seconds ahead has a wrong unit or a wrong clock.
FUTURE_LIMIT_NS: Final = 5 * NS_PER_SECOND


def check_quote(*, ts_event_ns: int, ts_received_ns: int, bid: float, ask: float) -> None:
    """Reject a quote that cannot be true.

    Raises
    ------
    QualityError
        With reason ``not_positive``, ``outside_range``, ``crossed`` or ``future``.

    Examples
    --------
    >>> check_quote(ts_event_ns=0, ts_received_ns=0, bid=10.0, ask=10.0)
    >>> check_quote(ts_event_ns=0, ts_received_ns=0, bid=10.1, ask=10.0)
    Traceback (most recent call last):
    shared.errors.QualityError: bid must not be above ask, was 10.1 and 10.0
    """
    if not (0 < bid < float("inf") and 0 < ask < float("inf")):
        raise QualityError(f"bid and ask must be positive, were {bid} and {ask}", reason="not_positive")
    _check_range(bid, ask)
    if bid > ask:
        raise QualityError(f"bid must not be above ask, was {bid} and {ask}", reason="crossed")
    _check_instant(ts_event_ns, ts_received_ns)


def check_trade(*, ts_event_ns: int, ts_received_ns: int, price: float, size: float) -> None:
    """Reject a trade that cannot be true.

    Raises
    ------
    QualityError
        With reason ``not_positive``, ``outside_range`` or ``future``.
    """
    if not (0 < price < float("inf") and 0 < size < float("inf")):
        raise QualityError(f"price and size must be positive, were {price} and {size}", reason="not_positive")
    _check_range(price)
    _check_instant(ts_event_ns, ts_received_ns)


def _check_range(*prices: float) -> None:
    if min(prices) < LEAST_PRICE or max(prices) > MOST_PRICE:
        raise QualityError(
            f"a price must lie between {LEAST_PRICE:g} and {MOST_PRICE:g}, was {prices}",
            reason="outside_range",
        )


def _check_instant(ts_event_ns: int, ts_received_ns: int) -> None:
    ahead_ns = ts_event_ns - ts_received_ns
    if ahead_ns > FUTURE_LIMIT_NS:
        raise QualityError(
            f"a tick must not be from the future, was {ahead_ns / NS_PER_SECOND:.1f} s ahead", reason="future"
        )
