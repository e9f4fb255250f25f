"""How much better than chance each level did, session by session.

Let ``o`` be 1 at the closes where a rule opened one direction and 0 at all others, and ``y`` be 1 where an
opening would have been a hit. The *excess* of a close is

    ``(o - mean of o) * (y - mean of y)``,

added over the directions of the kind. Its mean over the closes is, exactly, the share of closes that open
times the hit rate less the usual rate: how many more hits the openings had than as many openings spread
evenly over all closes would have had. That rule, chance, is the benchmark; its own excess is 0.

The excesses of one horizon overlap: outcomes of neighbouring closes share sessions. So their mean is divided
by a standard error that adds their covariances with the weights of the stationary bootstrap.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convex.calibrate.block_length import stationary_block_length
from convex.calibrate.observations import observations_of
from convex.calibrate.openings import find_openings
from convex.choose.what_followed import Followed, what_followed
from services.signals.core.divergence.rules import Rule
from services.signals.core.statistics.rolling import Floats
from shared.domain.pairs import Pair

LEAST_OPENINGS: Final = 10
"""Openings with a known outcome that a level needs to be compared: fewer are a few coincidences."""
# A smaller variance is rounding: a series that is constant but for it has no error to divide by.
_LEAST_VARIANCE: Final = 1e-18


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """The openings of every rule of a grid in one history, and what followed every close.

    Parameters
    ----------
    opened
        For each rule and each direction of the kind, the closes that opened, ascending.
    followed
        One for each horizon.
    first
        The first close at which the statistic has a value.
    size
        Closes of the history.
    """

    opened: tuple[tuple[NDArray[np.intp], ...], ...]
    followed: tuple[Followed, ...]
    first: int
    size: int

    def until(self, closes: int) -> "Evaluated":
        """Return what was known when the history had so many closes."""
        return Evaluated(
            opened=tuple(tuple(each[each < closes] for each in of_rule) for of_rule in self.opened),
            followed=tuple(each.until(closes) for each in self.followed),
            first=self.first,
            size=closes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """The excess of each level and horizon that has enough openings.

    Parameters
    ----------
    columns
        The rule's number and the horizon's of each column of ``excess``.
    excess
        Shape ``(closes, columns)``, divided by its standard deviation in the long run: so the mean of each
        column has the same error, ``1 / sqrt(closes)``.
    block_length
        Mean length of the bootstrap's blocks, sessions: at least the longest horizon.
    """

    columns: tuple[tuple[int, int], ...]
    excess: Floats
    block_length: float

    @property
    def ratios(self) -> Floats:
        """Return each column's mean in units of its standard error."""
        closes = len(self.excess)
        return self.excess.mean(axis=0) * np.sqrt(closes) if closes else np.empty(0)

    @property
    def best(self) -> int | None:
        """Return the column with the largest ratio, the first of equals; None without a column."""
        return int(self.ratios.argmax()) if self.columns else None


def evaluate(rules: Sequence[Rule], lead: Floats, other: Floats, *, pair: Pair) -> Evaluated:
    """Find the openings of every rule of a grid in one history.

    Parameters
    ----------
    rules
        Of one kind; they differ by their levels only.
    lead, other
        Log returns, shape ``(n,)`` each, at least 252 of them.
    pair
        The pair that the returns stand for.
    """
    observed = observations_of(rules[0], lead[np.newaxis], other[np.newaxis], pair=pair)
    is_known = np.isfinite(observed[0].x[0])
    return Evaluated(
        opened=tuple(
            tuple(np.array(find_openings(each, rule)[0], dtype=np.intp) for each in observed)
            for rule in rules
        ),
        followed=what_followed(rules[0].kind, lead, other),
        first=int(is_known.argmax()) if is_known.any() else lead.size,
        size=lead.size,
    )


def perform(evaluated: Evaluated) -> Performance:
    """Compute the excess of each level and horizon.

    The columns have the closes in common whose outcome over the longest horizon is known.
    """
    first, last = evaluated.first, min(each.size for each in evaluated.followed)
    usual = [
        [
            (hit[first:last] - hit[first:last].mean() if last > first else np.empty(0))
            for hit in each.hits.values()
        ]
        for each in evaluated.followed
    ]
    columns, excess = [], []
    for number, of_rule in enumerate(evaluated.opened):
        inside = [each[(each >= first) & (each < last)] - first for each in of_rule]
        if sum(map(len, inside)) < LEAST_OPENINGS:
            continue
        for horizon, of_horizon in enumerate(usual):
            total = np.zeros(last - first)
            for at, y in zip(inside, of_horizon, strict=True):
                total -= at.size / total.size * y
                total[at] += y[at]
            columns.append((number, horizon))
            excess.append(total)
    if not columns:
        return Performance(columns=(), excess=np.empty((max(0, last - first), 0)), block_length=1.0)
    block = _block_length(evaluated.followed, usual)
    table = np.stack(excess, axis=1)
    variance = _long_run_variance(table, block)
    is_varied = variance > _LEAST_VARIANCE
    return Performance(
        columns=tuple(column for column, varied in zip(columns, is_varied, strict=True) if varied),
        excess=table[:, is_varied] / np.sqrt(variance[is_varied]),
        block_length=block,
    )


def _block_length(followed: Sequence[Followed], usual: Sequence[Sequence[Floats]]) -> float:
    """Return how long blocks must be to keep the overlap of the outcomes, and any longer memory of theirs."""
    longest = max(each.horizon for each in followed)
    outcomes = usual[-1][0]
    return max(float(longest), stationary_block_length(outcomes)) if outcomes.any() else float(longest)


def _long_run_variance(table: Floats, block_length: float) -> Floats:
    """Return the variance of each column's mean, times its length, under the stationary bootstrap.

    References
    ----------
    Politis and Romano (1994), lemma 1.
    """
    size = len(table)
    deviations = np.ascontiguousarray((table - table.mean(axis=0)).T)
    # At least twice as long, so that the end of a column does not meet its beginning; a power of 2 is fast.
    length = 2 ** math.ceil(math.log2(2 * size))
    spectrum = np.fft.rfft(deviations, length)
    covariances = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, length)[:, :size] / size
    lags, stay = np.arange(size), 1.0 - 1.0 / block_length
    weights = (1.0 - lags / size) * stay**lags + lags / size * stay ** (size - lags)
    variance: Floats = covariances[:, 0] + 2.0 * covariances[:, 1:] @ weights[1:]
    return variance
