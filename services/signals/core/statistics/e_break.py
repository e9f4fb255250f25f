"""Evidence that the legs move to the same side more, or less, often than a stated baseline: an e-detector.

At each session the signs of both legs' returns, less their means of the sessions before, agree or not. The
baseline is a band for the probability of agreement, whatever the past was. For each direction a bettor stakes
a share ``k`` of its wealth on a change:

========== ============ ====================== =====================================
direction  it bets on   the bet pays, if right the odds are fair at a probability of
========== ============ ====================== =====================================
tightening agreement    ``1 + k (1 - p) / p``  ``p = high``
loosening  disagreement ``1 + k (1 - p) / p``  ``p = 1 - low``
========== ============ ====================== =====================================

and ``1 - k`` if wrong. Inside the band no bettor gains on average. One starts with a wealth of 1 at each
session; the evidence is the sum of what those of the last `STARTS` sessions own, averaged over three stakes
and multiplied by `SCALE`. ``docs/evidence.md`` proves what follows from that: on average at most one false
opening in 252 sessions.

A change is found sooner with a large stake if it is large, and with a small one if it is small; the average
needs no choice between them. Starting at every session makes the evidence forget the sessions before the
change.

References
----------
Shin, Ramdas and Rinaldo (2024), "E-detectors: a nonparametric framework for sequential change detection",
The New England Journal of Statistics in Data Science 2(2), 229-260: the Shiryaev-Roberts e-detector.
Waudby-Smith and Ramdas (2024), "Estimating means of bounded random variables by betting", Journal of the
Royal Statistical Society B 86(1), 1-27: the bets.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.domain.pairs import AgreementBand as AgreementBand

Floats = NDArray[np.float64]

STAKES: Final = (0.125, 0.25, 0.5)
STARTS: Final = 120
"""Bettors that are remembered. A change that is not found in half a year is part of another baseline."""
MEAN_WINDOW: Final = 252
LEAST_RETURNS: Final = 60
"""Returns before a session that its means need at least."""
SCALE: Final = 0.46
"""``SCALE * 252 / (252 - 20)`` is just below 1/2: half a false opening a year for each of two directions."""
# Below the resolution of prices, above the rounding of a mean: no sign may follow from rounding.
_NO_SIGN: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEvidence:
    """The evidence of one session.

    Parameters
    ----------
    tightening, loosening
        That the legs move to the same side more often than the band says, and less often.
    """

    tightening: float
    loosening: float

    @property
    def total(self) -> float:
        """The evidence for a change in any direction."""
        return self.tightening + self.loosening


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingEvidence:
    """The evidence of each session of several histories; shape ``(..., n)``, NaN in the first 60 sessions."""

    tightening: Floats
    loosening: Floats


def e_break(a: Floats, b: Floats, band: AgreementBand) -> BreakEvidence | None:
    """Compute the evidence of the newest session.

    Parameters
    ----------
    a, b
        Aligned returns in session order, shape ``(n,)`` each; finite. The last 372 are used.
    band
        The baseline.

    Returns
    -------
    BreakEvidence or None
        None with fewer than 61 returns.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> band = AgreementBand(low=0.45, high=0.55)
    >>> a = np.tile([0.01, -0.01], 60)
    >>> found = e_break(a, a, band)
    >>> found.tightening > 252 > 20 > found.loosening
    True
    >>> e_break(a[:60], a[:60], band) is None
    True
    """
    return evidence_of(agreements(a, b, last=STARTS), band)


def evidence_of(agreed: NDArray[np.int8], band: AgreementBand) -> BreakEvidence | None:
    """Compute the evidence of the newest session.

    Parameters
    ----------
    agreed
        The `agreements` of the last `STARTS` sessions, or of fewer.
    band
        The baseline.

    Returns
    -------
    BreakEvidence or None
        None without any agreement.

    Examples
    --------
    At even odds one bettor owns ``1 + k`` after a session, and the other one ``1 - k``:

    >>> found = evidence_of(np.array([1], dtype=np.int8), AgreementBand(low=0.499999, high=0.5))
    >>> round(found.tightening / 0.46, 4), round(found.loosening / 0.46, 4)
    (1.2917, 0.7083)
    """
    if not agreed.size:
        return None
    newest_first = agreed[::-1]
    tightening, loosening = (
        SCALE * _mean_wealth(_payoff_table(probability).take(won, axis=1))
        for probability, won in ((band.high, newest_first), (1.0 - band.low, -newest_first))
    )
    return BreakEvidence(tightening=tightening, loosening=loosening)


def agreements(a: Floats, b: Floats, last: int) -> NDArray[np.int8]:
    """Return whether the legs moved to the same side of their means, for the last sessions.

    Parameters
    ----------
    a, b
        Aligned returns in session order, shape ``(n,)`` each; finite.
    last
        How many sessions, at least 1; fewer come back where the history is short.

    Returns
    -------
    array
        1 where the signs agree, -1 where they do not, 0 where a leg has no sign: it moved as its mean.

    Examples
    --------
    >>> a = np.append(np.zeros(60), [0.01, -0.01, 0.02])
    >>> agreements(a, np.append(np.zeros(61), [0.01, 0.01]), last=3)
    array([ 0, -1,  1], dtype=int8)
    """
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"legs must be of one shape (n,), were {a.shape} and {b.shape}")
    first = max(LEAST_RETURNS, a.size - last)
    agreed: NDArray[np.int8] = _signs(a, first) * _signs(b, first)
    return agreed


def agreement_share(agreed: NDArray[np.int8]) -> float | None:
    """Return the share of sessions with a sign in which the legs agreed; None without any.

    Examples
    --------
    >>> agreement_share(np.array([1, -1, 0, 1, 1], dtype=np.int8))
    0.75
    >>> agreement_share(np.zeros(3, dtype=np.int8)) is None
    True
    """
    with_sign = int(np.count_nonzero(agreed))
    return int(np.count_nonzero(agreed > 0)) / with_sign if with_sign else None


def rolling_e_break(a: Floats, b: Floats, band: AgreementBand) -> RollingEvidence:
    """Compute `e_break` of each session of one or several histories.

    The wealth of the starts in a window is merged from that of its two halves, and so on: it costs
    ``O(n log(STARTS))``, and nothing is subtracted.

    Parameters
    ----------
    a, b
        Aligned returns, shape ``(..., n)`` each; finite.
    band
        The baseline.

    Returns
    -------
    RollingEvidence
        Equal to `e_break` but for rounding.

    Examples
    --------
    >>> a, b = np.random.default_rng(1).standard_normal((2, 3, 400))
    >>> band = AgreementBand(low=0.45, high=0.55)
    >>> rolling = rolling_e_break(a, b, band)
    >>> alone = e_break(a[1, :300], b[1, :300], band)
    >>> bool(np.isclose(rolling.loosening[1, 299], alone.loosening, rtol=1e-12, atol=0.0))
    True
    """
    if a.shape != b.shape:
        raise ValueError(f"legs must be of one shape, were {a.shape} and {b.shape}")
    shape = (math.prod(a.shape[:-1]), a.shape[-1])
    agreed = np.stack(
        [
            _signs(one, LEAST_RETURNS) * _signs(two, LEAST_RETURNS)
            for one, two in zip(a.reshape(shape), b.reshape(shape), strict=True)
        ]
    )
    tightening, loosening = np.full((2, *a.shape), np.nan)
    for evidence, of_stakes in (
        (tightening, _payoffs(agreed, band.high)),
        (loosening, _payoffs(-agreed, 1.0 - band.low)),
    ):
        wealth = np.mean([_rolling_wealth(payoffs) for payoffs in of_stakes], axis=0)
        evidence[..., LEAST_RETURNS:] = SCALE * wealth.reshape(*a.shape[:-1], agreed.shape[1])
    return RollingEvidence(tightening=tightening, loosening=loosening)


def _signs(returns: Floats, first: int) -> NDArray[np.int8]:
    """Return the sign of each return from ``first`` on, less the mean of those before it."""
    counts = np.arange(first, min(MEAN_WINDOW, returns.size))
    early = np.add.accumulate(returns[:MEAN_WINDOW])[counts - 1] / counts
    before = returns[max(0, first - MEAN_WINDOW) : -1]
    moved = returns[first:] - np.concatenate((early, _means(before)))
    moved[np.abs(moved) <= _NO_SIGN] = 0.0
    signs: NDArray[np.int8] = np.sign(moved).astype(np.int8)
    return signs


def _means(returns: Floats) -> Floats:
    """Return the mean of each `MEAN_WINDOW` returns; empty with fewer."""
    count = returns.size - MEAN_WINDOW + 1
    if count <= 0:
        return np.empty(0)
    # As sliding_window_view does, at a tenth of its cost.
    held = np.ascontiguousarray(returns)
    windows = np.ndarray((count, MEAN_WINDOW), held.dtype, held, strides=held.strides * 2)
    means: Floats = np.add.reduce(windows, axis=1) / MEAN_WINDOW
    return means


@lru_cache(maxsize=64)
def _payoff_table(probability: float) -> Floats:
    """Return what each stake multiplies the wealth by, shape ``(3, 3)``: no bet (0), won (1), lost (-1)."""
    odds = (1.0 - probability) / probability
    return np.array([(1.0, 1.0 + stake * odds, 1.0 - stake) for stake in STAKES])


def _payoffs(won: NDArray[np.int8], probability: float) -> list[Floats]:
    """Return what each stake multiplies the wealth by: won (1), lost (-1), or no bet (0)."""
    # By the index of ``won``: -1 is the last one.
    return [row[won] for row in _payoff_table(probability)]


def _mean_wealth(payoffs: Floats) -> float:
    """Return the wealth of all starts, averaged over the stakes, by their payoffs from the newest on."""
    first, second, third = np.add.reduce(np.multiply.accumulate(payoffs, axis=1), axis=1).tolist()
    mean: float = (first + second + third) / len(STAKES)
    return mean


def _rolling_wealth(payoffs: Floats) -> Floats:
    """Return the wealth of all starts in the last `STARTS` sessions at each session, shape ``(paths, n)``."""
    before = np.ones((len(payoffs), STARTS - 1))
    products = np.concatenate((before, payoffs), axis=1)
    # Nobody started before the first session.
    sums = np.concatenate((np.zeros_like(before), payoffs), axis=1)
    return _windows(products, sums, STARTS)[1]


def _windows(products: Floats, sums: Floats, size: int) -> tuple[Floats, Floats]:
    """Return of each window the product, and the sum of the products of its ends."""
    if size == 1:
        return products, sums
    half = size // 2
    halves = _windows(products, sums, half)
    found = _merged(halves, halves, half)
    if size % 2:
        found = _merged(found, (products, sums), size - 1)
    return found


def _merged(older: tuple[Floats, Floats], newer: tuple[Floats, Floats], size: int) -> tuple[Floats, Floats]:
    """Return the windows of an older part of ``size`` sessions and the newer part after it."""
    product, total = (each[:, size:] for each in newer)
    count = product.shape[1]
    return older[0][:, :count] * product, total + product * older[1][:, :count]
