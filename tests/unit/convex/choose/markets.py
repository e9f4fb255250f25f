"""Markets for the choice of a level: unrelated walks, and two in which the claim of a kind is true."""

import numpy as np
from numpy.typing import NDArray

from convex.calibrate.history import History

Floats = NDArray[np.float64]
Legs = tuple[Floats, Floats]


def unrelated(seed: int, size: int) -> Legs:
    """Return the steps of two walks with nothing in common, Student t with 4 degrees of freedom."""
    lead, other = np.random.default_rng([seed, 4242]).standard_t(4, (2, size))
    return 0.01 * lead, 0.012 * other


def reverting(seed: int, size: int) -> Legs:
    """Return a pair whose ratio comes back: half-life 10 sessions around a mean that wanders slowly."""
    rng = np.random.default_rng([seed, 4242])
    other = 0.01 * rng.standard_normal(size)
    noise = rng.standard_normal(size + 1)
    gap = np.zeros(size + 1)
    for at in range(size):
        gap[at + 1] = 0.5**0.1 * gap[at] + noise[at]
    wander = rng.standard_normal(size)
    return other + 0.012 * np.diff(gap) + 0.0048 * wander, other


def persisting(seed: int, size: int) -> Legs:
    """Return a pair whose correlation is -0.6 or 0.8 and stays for ten months on average: breaks last."""
    rng = np.random.default_rng([seed, 4242])
    correlation = np.empty(size)
    at, now = 0, -0.6
    while at < size:
        length = int(rng.exponential(126.0)) + 84
        correlation[at : at + length] = now
        now = 0.8 if now < 0.0 else -0.6
        at += length
    lead, own = 0.01 * rng.standard_t(5, (2, size))
    return lead, correlation * lead + np.sqrt(1.0 - correlation**2) * own


def history_of(legs: Legs) -> History:
    """Return a history whose sessions have made-up labels."""
    lead, other = legs
    sessions = tuple(f"session {at}" for at in range(lead.size + 1))
    return History(sessions=sessions, lead=lead, other=other)
