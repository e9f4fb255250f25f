"""Which ticks of a leg are used: not a late one, not a trade beside quotes, not a price that jumps too far.

============================ ======================================= ======================
a tick                       is not used when                        counted as
============================ ======================================= ======================
behind a tick of its leg     always                                  a late tick
a trade                      a quote came in the minute before it    ``trade_superseded``
half or more from the last   until three in a row agree on a level   ``tick_implausible``
============================ ======================================= ======================
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.legs.last_price import LastPrice

# While quotes come, a trade says nothing that the mid does not say better.
_QUOTE_PRECEDENCE_NS: Final = 60 * 1_000_000_000
# No market that is watched here halves or gains half between two ticks; a slipped decimal point does.
_JUMP: Final = 1.5
# Two prices within this factor of a third are within a jump of each other.
_CALM: Final = 1.22
# A level that comes this often in a row is where the market is, however far it jumped.
_AGREEING: Final = 3


def in_time(last_price: LastPrice, instants: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which ticks are not late: not behind a tick of the leg that was there before them.

    A price that was rejected was there, too. A tick behind a status record's watermark, and not behind a
    tick, is still the newest price there is: a clock that runs ahead must not silence a pair.
    """
    newest_ns = max(last_price.ts_ns, last_price.rejected_ts_ns)
    newest = np.maximum.accumulate(np.concatenate(([newest_ns], instants)))[:-1]
    return instants >= newest


def without_quotes(last_price: LastPrice, instants: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which trades are used.

    Where quotes come, a trade does not even move event time: the two channels of a venue are not in step, and
    quotes a millisecond behind a trade must not count as late.
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
    """Return the prices around the last one between which no tick can be a jump from another.

    Before the first price no price lies between them: the next is looked at by itself.
    """
    if last_price.price is None:
        return float("inf"), 0.0
    return last_price.price / _CALM, last_price.price * _CALM


def _are_near(price: float, other: float) -> bool:
    return other <= price * _JUMP and price <= other * _JUMP
