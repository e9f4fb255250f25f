"""Which ticks of a leg are used: none that is late, no trade while quotes come, no implausible jump.

============================ ======================================= ========================
a tick                       is not used when                        counted as
============================ ======================================= ========================
of a listed symbol           no session is open                      ``tick_outside_session``
older than one before it     always                                  a late tick
a trade                      a quote came in the minute before it    ``trade_superseded``
over 1.5 times from the last until three in a row agree on a level   ``tick_implausible``
============================ ======================================= ========================
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.legs.last_price import LastPrice
from shared.domain.sessions import SessionCalendar

# While quotes come, the mid is a better price than a trade.
_QUOTE_PRECEDENCE_NS: Final = 60 * 1_000_000_000
# No watched market rises by half, or falls by a third, between two ticks; a misplaced decimal point does.
_JUMP: Final = 1.5
# If two prices are each within this factor of a third, they are within `_JUMP` of each other.
_CALM: Final = 1.22
# So many agreeing prices in a row are accepted as the market's level, however far it jumped.
_AGREEING: Final = 3


def in_time(last_price: LastPrice, instants: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which ticks are not late: not older than a tick of the leg that came before them.

    A rejected tick counts as one that came before; a tick of a feed that was used before this one does not.
    A tick older than a status record's watermark, but not older than a tick, is used: it is the newest price,
    and a status clock that runs ahead must not stop a pair.
    """
    newest = np.maximum.accumulate(np.concatenate(([last_price.newest_ts_ns], instants)))[:-1]
    return instants >= newest


def within_sessions(calendar: SessionCalendar, instants: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which ticks lie inside a session, its open and its close included."""
    found = np.zeros(len(instants), np.bool_)
    first = calendar.first_closing_at_or_after(int(instants.min()))
    last = min(calendar.first_closing_at_or_after(int(instants.max())), len(calendar.close_ns) - 1)
    for ordinal in range(first, last + 1):
        found |= (instants >= calendar.open_ns[ordinal]) & (instants <= calendar.close_ns[ordinal])
    return found


def without_quotes(last_price: LastPrice, instants: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which trades are used: those without a quote in the minute before them.

    An unused trade does not advance event time either: the two channels of a venue are not synchronised, and
    quotes a millisecond older than a trade must not count as late.
    """
    return instants - last_price.quote_ts_ns > _QUOTE_PRECEDENCE_NS


def accept(last_price: LastPrice, price: float) -> bool:
    """Return whether a price may follow the last one, and remember it if not.

    Examples
    --------
    A thousandfold price is rejected; a level that stays is accepted the third time.

    >>> last_price = LastPrice(price=1300.0)
    >>> accept(last_price, 1_300_000.0), accept(last_price, 1301.0)
    (False, True)
    >>> [accept(last_price, 2600.0) for _ in range(3)]
    [False, False, True]
    """
    if last_price.price is None or _are_near(price, last_price.price):
        return True
    agrees = last_price.jump_price is not None and _are_near(price, last_price.jump_price)
    last_price.jump_price, last_price.jump_count = price, last_price.jump_count + 1 if agrees else 1
    return last_price.jump_count >= _AGREEING


def jump_band(last_price: LastPrice) -> tuple[float, float]:
    """Return the band of prices around the last one within which any two prices are near each other.

    Before the first price, of the leg or of a feed, the band is empty: the next tick is examined by itself.
    """
    if last_price.price is None or last_price.is_of_previous_feed:
        return float("inf"), 0.0
    return last_price.price / _CALM, last_price.price * _CALM


def _are_near(price: float, other: float) -> bool:
    return other <= price * _JUMP and price <= other * _JUMP
