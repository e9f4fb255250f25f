"""The distribution of the next close's z-score by pandas and scipy: nothing of ours is imported.

For gold against a leg with daily bars, or against one that ticks. The shares of a session that are to come
are counted by quarters of an hour.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

_NEW_YORK = ZoneInfo("America/New_York")
_DEGREES, _HALF_LIFE, _RETURNS, _RATIOS = 8, 10, 60, 90


@dataclass(frozen=True)
class Expectation:
    """Mean and standard deviation of z at the next close, and what they come from."""

    mean: float
    std: float
    lead_std: float
    other_std: float
    correlation: float

    def probability(self, level: float, sign: int) -> float:
        """Return the probability that ``sign * z`` is at or beyond a level."""
        unit = self.std * np.sqrt((_DEGREES - 2) / _DEGREES)
        return float(stats.t.sf((level - sign * self.mean) / unit, _DEGREES))

    def likely(self, probability: float, sign: int) -> float:
        """Return the ``sign * z`` that is reached or exceeded with a probability."""
        unit = self.std * np.sqrt((_DEGREES - 2) / _DEGREES)
        return float(sign * self.mean + unit * stats.t.ppf(1 - probability, _DEGREES))


def expect(
    lead: NDArray[np.float64],
    other: NDArray[np.float64],
    *,
    lead_price: float,
    other_price: float | None = None,
    lead_to_come: float,
    other_to_come: float = 1.0,
) -> Expectation:
    """Return the distribution.

    Parameters
    ----------
    lead, other
        Adjusted closes of the sessions that both legs have.
    lead_price, other_price
        Live prices, or the lead's price at the close where nothing of its move is to come; without the other
        leg's its newest close counts.
    """
    frame = pd.DataFrame({"a": np.log(lead), "b": np.log(other)})
    window = (frame.a - frame.b).tail(_RATIOS)
    returns = frame.diff().tail(_RETURNS)
    weights = 0.5 ** (np.arange(_RETURNS)[::-1] / _HALF_LIFE)
    a, b = (float(np.sqrt(np.average(returns[leg] ** 2, weights=weights))) for leg in ("a", "b"))
    correlation = float(returns.a.corr(returns.b))
    beta = correlation * b / a
    if other_price is None:
        move = np.log(lead_price) - frame.a.iloc[-1]
        ratio = np.log(lead_price) - (frame.b.iloc[-1] + beta * move)
    else:
        ratio = np.log(lead_price / other_price)
    # Of both legs' moves to come: the lead's share moves both, the rest of the other leg's moves it alone.
    variance = lead_to_come * ((1 - beta) * a) ** 2 + other_to_come * b**2 * (1 - correlation**2)
    scale = window.std()
    return Expectation(
        mean=float((ratio - window.mean()) / scale),
        std=float(np.sqrt(variance) / scale),
        lead_std=a,
        other_std=b,
        correlation=correlation,
    )


def price_for(
    z: float,
    lead: NDArray[np.float64],
    other: NDArray[np.float64],
    *,
    probability: float,
    lead_to_come: float,
    other_price: float | None = None,
    other_to_come: float = 1.0,
) -> float:
    """Return the lead's price at which z, or a greater one of its sign, is that likely at the next close.

    A ``z`` of 0 is the price whose expectation is 0.
    """
    low, high = 0.05 * lead[-1], 20.0 * lead[-1]
    sign = 1 if z >= 0 else -1

    def found(price: float) -> float:
        ahead = expect(
            lead,
            other,
            lead_price=price,
            other_price=other_price,
            lead_to_come=lead_to_come,
            other_to_come=other_to_come,
        )
        return ahead.mean if z == 0 else sign * ahead.likely(probability, sign)

    # The mean is a straight line in the logarithm of the price.
    at_low, at_high = found(low), found(high)
    share = (z - at_low) / (at_high - at_low)
    return float(low * (high / low) ** share)


def gold_to_come(ts_ns: int, begin_ns: int, close_ns: int) -> float:
    """Return the share of gold's variance between two closes that is to come."""
    at_ns = min(ts_ns // (900 * 10**9), (close_ns - 1) // (900 * 10**9)) * 900 * 10**9
    quarters = np.arange(begin_ns, close_ns, 900 * 10**9)
    weights = np.array([_gold_weight(int(each)) for each in quarters])
    return float(weights[quarters >= at_ns].sum() / weights.sum())


def _gold_weight(ts_ns: int) -> int:
    local = datetime.fromtimestamp(ts_ns // 10**9, _NEW_YORK)
    opens = local.weekday() in (0, 1, 2, 3, 6) and local.hour >= 18
    trades = opens or (local.weekday() < 5 and local.hour < 17)
    return (3 if 8 <= local.hour < 12 else 1) if trades else 0


def session_before(session: str) -> str:
    """Return the weekday before a date."""
    day = date.fromisoformat(session)
    return (day - timedelta(days=3 if day.weekday() == 0 else 1)).isoformat()
