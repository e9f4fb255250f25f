"""What one leg did lately: the figures beside its name on the comparison page."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.moments import LEAST_SIZE, mean_std
from services.signals.core.statistics.percentile import percentile_rank
from services.signals.core.statistics.volatility import annualised_volatility


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A move of a close, in its own unit and in percent of where it started."""

    absolute: float
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSummary:
    """One leg over a window of sessions; each figure is None until there is history for it.

    Prices are in the unit of the closes. ``percentile`` is in 0..1. ``drawdown`` is a ratio to the
    window's highest close, 0 at that high and negative below it. ``volatility`` is a yearly ratio.
    """

    last: float
    change_1: Change | None
    change_5: Change | None
    change_20: Change | None
    change_90: Change | None
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    percentile: float | None
    drawdown: float | None
    volatility: float | None


def leg_summary(closes: NDArray[np.float64], size: int = 90) -> LegSummary | None:
    """Summarise a leg's last ``size`` sessions, the newest included.

    Parameters
    ----------
    closes
        Closes in session order, shape ``(n,)``; finite and positive.
    size
        Sessions in the window, at least 2.

    Returns
    -------
    LegSummary or None
        None without any close. Minimum, maximum, mean, std and drawdown need ``size`` closes.
        Percentile (among the ``size`` closes *before* the last, as ``pctl_N``) and volatility (of
        ``size`` returns) need one more, as does a change over N sessions: ``N + 1``.

    Raises
    ------
    ValueError
        If ``size < 2``.

    Examples
    --------
    >>> summary = leg_summary(np.array([100.0, 90.0, 110.0, 99.0]), size=3)
    >>> summary.change_1, summary.maximum, round(summary.drawdown, 9)
    (Change(absolute=-11.0, percent=-10.0), 110.0, -0.1)

    A short history gives what it can, and nothing that would pass for the whole window:

    >>> summary = leg_summary(np.array([100.0, 110.0]), size=90)
    >>> summary.last, summary.change_1.absolute, summary.change_5, summary.maximum
    (110.0, 10.0, None, None)
    """
    if size < LEAST_SIZE:
        raise ValueError(f"size must be at least {LEAST_SIZE}, was {size}")
    if closes.size == 0:
        return None
    last = float(closes[-1])
    window = closes[-size:] if closes.size >= size else None
    moments = None if window is None else mean_std(window)
    maximum = None if window is None else float(window.max())
    return LegSummary(
        last=last,
        change_1=_change(closes, 1),
        change_5=_change(closes, 5),
        change_20=_change(closes, 20),
        change_90=_change(closes, 90),
        minimum=None if window is None else float(window.min()),
        maximum=maximum,
        mean=None if moments is None else moments.mean,
        std=None if moments is None else moments.std,
        percentile=percentile_rank(last, closes[:-1], size),
        drawdown=None if maximum is None else last / maximum - 1.0,
        volatility=annualised_volatility(np.diff(np.log(closes[-size - 1 :])), size),
    )


def _change(closes: NDArray[np.float64], sessions: int) -> Change | None:
    if closes.size <= sessions:
        return None
    before, last = float(closes[-1 - sessions]), float(closes[-1])
    return Change(absolute=last - before, percent=100.0 * (last - before) / before)
