"""The distribution of the z-score at the next close, given the live price of the lead.

The next session that both legs lack is compared with the last 90 log ratios, whose mean and standard
deviation are known. Its own log ratio is the live one and what both legs still move. With ``a`` and ``b`` for
the legs' standard deviations of one session and ``r`` for their correlation, ``beta = r b / a``:

============================ ===========================================================================
the other leg's move         ``beta`` times the lead's since the other leg's last price, and an error of
                             variance ``b² (1 - r²)`` for each session since then
the lead's move to come      mean 0, variance ``a²`` times the share of the session that is to come
============================ ===========================================================================

So the log ratio's mean is ``(1 - beta) live + beta then``, where *then* is the log ratio at the other leg's
last close. Where both legs tick, nothing has to be guessed about the past, and its mean is the live one. The
errors follow Student's t, because returns have fat tails and their deviations are estimates.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.moments import MeanStd, pair_moments
from services.signals.core.statistics.student import student_cdf, student_quantile

RETURNS: Final = 60
"""Returns that the deviations and the correlation are computed from."""

# Both were chosen on 2,221 sessions of gold and IWM: see ``docs/early-warnings.md``.
HALF_LIFE: Final = 10
DEGREES: Final = 8

# Student's t with `DEGREES` has the variance 8/6; divided by its root, the errors have the stated deviation.
_UNIT: Final = math.sqrt((DEGREES - 2) / DEGREES)
# A lead's price that moves the expectation by less than a thousandth of its own move says nothing. The
# price at which a level is reached would be a quotient of rounding errors.
_LEAST_WEIGHT: Final = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnSpread:
    """How far the legs move in one session.

    Parameters
    ----------
    lead_std, other_std
        Standard deviations of their log returns around 0; positive.
    correlation
        Of the returns, in [-1, 1].
    """

    lead_std: float
    other_std: float
    correlation: float

    @property
    def beta(self) -> float:
        """The other leg's expected return for each unit of the lead's."""
        return self.correlation * self.other_std / self.lead_std


def return_spread(lead: NDArray[np.float64], other: NDArray[np.float64]) -> ReturnSpread | None:
    """Compute how far the legs move, from their last 60 returns.

    A return of ten sessions ago counts half for the deviations; the correlation is ``corr_60``.

    Parameters
    ----------
    lead, other
        Aligned log returns in session order, shape ``(n,)`` each; finite.

    Returns
    -------
    ReturnSpread or None
        None with fewer than 60 returns, or when a leg did not move: nothing is known of its next move.

    Examples
    --------
    >>> lead = np.tile([0.01, -0.01], 30)
    >>> return_spread(lead, -2 * lead)
    ReturnSpread(lead_std=0.01, other_std=0.02, correlation=-1.0)
    >>> return_spread(lead[1:], lead[1:]) is None, return_spread(lead, np.zeros(60)) is None
    (True, True)
    """
    if lead.size < RETURNS:
        return None
    a, b = lead[-RETURNS:], other[-RETURNS:]
    correlation = pair_moments(a, b).correlation
    if correlation is None:
        return None
    weights = _weights()
    return ReturnSpread(
        lead_std=math.sqrt(float(weights @ (a * a))),
        other_std=math.sqrt(float(weights @ (b * b))),
        correlation=correlation,
    )


@lru_cache(maxsize=1)
def _weights() -> NDArray[np.float64]:
    weights = np.exp2(np.arange(1 - RETURNS, 1) / HALF_LIFE)
    return np.asarray(weights / weights.sum())


class NextClose(NamedTuple):
    """The distribution of ``z_90`` at the next close, as a function of the live log ratio.

    Parameters
    ----------
    base
        Mean and standard deviation that z is computed with.
    weight, offset
        The expected log ratio is ``weight * live + offset``. ``weight`` is 0 where the live price says
        nothing more about the next close, and negative where the other leg is expected to move further than
        the lead, in the same direction.
    spread, least_spread
        Standard deviation of z, and what is left of it just before the lead's close, when only the other
        leg's move is not known yet; 0 only for legs that move exactly in line.
    lead_to_come, other_to_come
        The variance, in sessions, of each leg's move that is not known yet.
    """

    base: MeanStd
    weight: float
    offset: float
    spread: float
    least_spread: float = 0.0
    lead_to_come: float = 1.0
    other_to_come: float = 1.0

    def expected(self, ratio: float) -> float:
        """Return the expected z.

        Parameters
        ----------
        ratio
            ``ln`` of the lead's live price over the other leg's newest one.
        """
        return (self.weight * ratio + self.offset - self.base.mean) / self.base.std

    def likely(self, ratio: float, *, sign: float, margin: float) -> float:
        """Return the z, times ``sign``, that the next close reaches or exceeds with a probability.

        Parameters
        ----------
        sign
            1 or -1: the statistic's, so that it grows with the divergence.
        margin
            `margin_of` that probability.

        Examples
        --------
        >>> ahead = NextClose(base=MeanStd(mean=2.0, std=0.05), weight=1.0, offset=0.0, spread=0.4)
        >>> x = ahead.likely(2.15, sign=1.0, margin=margin_of(0.8))
        >>> round(x, 4), round(ahead.probability(2.15, level=x, sign=1.0), 12)
        (2.6921, 0.8)
        """
        return sign * self.expected(ratio) - margin * self.spread

    def probability(self, ratio: float, *, level: float, sign: float) -> float:
        """Return how likely z, times ``sign``, is at or beyond a level at the next close."""
        distance = sign * self.expected(ratio) - level
        if self.spread == 0.0:
            return 1.0 if distance >= 0.0 else 0.0
        return student_cdf(distance / (self.spread * _UNIT), DEGREES)


@lru_cache(maxsize=64)
def margin_of(probability: float) -> float:
    """Return how many spreads below its expectation z is exceeded with a probability of 0.5 or more.

    Examples
    --------
    >>> round(margin_of(0.8), 6), margin_of(0.5)
    (0.769801, 0.0)
    """
    return student_quantile(probability, DEGREES) * _UNIT


def live_next_close(
    base: MeanStd, returns: ReturnSpread, *, lead_to_come: float, other_to_come: float
) -> NextClose:
    """Return the distribution where both legs have a live price.

    Parameters
    ----------
    lead_to_come, other_to_come
        The variance that each leg's move until the next close has, in sessions.
    """
    return _next_close(
        base, returns, weight=1.0, offset=0.0, lead_to_come=lead_to_come, other_to_come=other_to_come
    )


def next_close_since(
    base: MeanStd, returns: ReturnSpread, *, then: float, lead_to_come: float, other_to_come: float
) -> NextClose:
    """Return the distribution where the other leg's last price is a close.

    Parameters
    ----------
    then
        The log ratio at that close.
    lead_to_come, other_to_come
        The variance that each leg's move until the next close has, in sessions: the other leg's counts from
        its last close.

    Examples
    --------
    The other leg is expected to have made half of the lead's move, so only half of it widens the ratio:

    >>> returns = ReturnSpread(lead_std=0.01, other_std=0.01, correlation=0.5)
    >>> base = MeanStd(mean=2.0, std=0.05)
    >>> ahead = next_close_since(base, returns, then=2.05, lead_to_come=0.5, other_to_come=1.0)
    >>> round(ahead.expected(2.05), 6), round(ahead.expected(2.15), 6)
    (1.0, 2.0)
    """
    weight = 1.0 - returns.beta
    if abs(weight) < _LEAST_WEIGHT:
        weight = 0.0
    return _next_close(
        base,
        returns,
        weight=weight,
        offset=(1.0 - weight) * then,
        lead_to_come=lead_to_come,
        other_to_come=other_to_come,
    )


def sampled_next_close(ahead: NextClose, ratio: float) -> NextClose:
    """Return the distribution where the lead's price at that close is known: live prices change nothing.

    Parameters
    ----------
    ahead
        The distribution with no move of the lead to come.
    ratio
        ``ln`` of the lead's price at the close over the other leg's last close.
    """
    return ahead._replace(weight=0.0, offset=ahead.weight * ratio + ahead.offset)


def _next_close(
    base: MeanStd,
    returns: ReturnSpread,
    *,
    weight: float,
    offset: float,
    lead_to_come: float,
    other_to_come: float,
) -> NextClose:
    from_lead = (1.0 - returns.beta) * returns.lead_std
    alone = returns.other_std * math.sqrt(1.0 - returns.correlation * returns.correlation)
    from_other = other_to_come * alone * alone
    return NextClose(
        base=base,
        weight=weight,
        offset=offset,
        spread=math.sqrt(lead_to_come * from_lead * from_lead + from_other) / base.std,
        least_spread=math.sqrt(from_other) / base.std,
        lead_to_come=lead_to_come,
        other_to_come=other_to_come,
    )
