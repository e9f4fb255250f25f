"""Markets whose truth is known: many independent histories of two legs, in which nothing ever changes."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Legs = tuple[Floats, Floats]
Market = Callable[[np.random.Generator, int, int], Legs]
"""Draws log returns of both legs, shape ``(paths, returns)`` each."""

_DAILY: Final = 0.01


def gaussian(rng: np.random.Generator, paths: int, size: int) -> Legs:
    """Draw independent normal returns with a correlation of -0.2."""
    a, b = rng.standard_normal((2, paths, size))
    return _DAILY * a, _DAILY * _tied(a, b, -0.2)


def fat_tailed(rng: np.random.Generator, paths: int, size: int) -> Legs:
    """Draw independent returns with four degrees of freedom and no correlation."""
    a, b = rng.standard_t(4, (2, paths, size))
    return _DAILY * a, _DAILY * b


def garch(rng: np.random.Generator, paths: int, size: int) -> Legs:
    """Draw returns with clusters of volatility, each leg's own, and a correlation of 0.2."""
    a, b = rng.standard_normal((2, paths, size))
    return tuple(_clustered(each) for each in (a, _tied(a, b, 0.2)))  # type: ignore[return-value]  # two


def persistent_ratio(rng: np.random.Generator, paths: int, size: int) -> Legs:
    """Draw a ratio that comes back to its mean so slowly that it hardly shows: half-life 138 sessions."""
    return _around(rng, paths, size, memory=0.995)


def cointegrated(rng: np.random.Generator, paths: int, size: int) -> Legs:
    """Draw a ratio that comes back to its mean within weeks: half-life 14 sessions."""
    return _around(rng, paths, size, memory=0.95)


MARKETS: Final[dict[str, Market]] = {
    each.__name__: each for each in (gaussian, fat_tailed, garch, persistent_ratio, cointegrated)
}


def _tied(a: Floats, b: Floats, correlation: float) -> Floats:
    tied: Floats = correlation * a + np.sqrt(1.0 - correlation**2) * b
    return tied


def _clustered(noise: Floats) -> Floats:
    """Return GARCH(1, 1) returns with parameters that are usual for daily prices."""
    returns = np.empty_like(noise)
    variance = np.full(len(noise), _DAILY**2)
    for at in range(noise.shape[-1]):
        returns[:, at] = np.sqrt(variance) * noise[:, at]
        variance = 0.02 * _DAILY**2 + 0.06 * returns[:, at] ** 2 + 0.92 * variance
    return returns


def _around(rng: np.random.Generator, paths: int, size: int, *, memory: float) -> Legs:
    """Return a lead that wanders, and another leg whose log price stays around the lead's."""
    a, b = rng.standard_normal((2, paths, size))
    gap = np.empty((paths, size + 1))
    # From the gap's own distribution.
    gap[:, 0] = rng.standard_normal(paths) / np.sqrt(1.0 - memory**2)
    for at in range(size):
        gap[:, at + 1] = memory * gap[:, at] + b[:, at]
    return _DAILY * a, _DAILY * (0.2 * a + np.diff(gap, axis=-1))
